"""p values adjusted for the number of primary contrasts.

Holm (Scand J Stat 1979;6:65-70). Hierarchical: tested in a fixed order (primary endpoints in theirs,
within one the arms in theirs) until the first that is not significant, so that the adjusted p value is the largest so
far. A contrast without a p value is one that is not significant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """p values adjusted by Holm's step-down method, in their order; none is missing.

    The same numbers as statsmodels' ``multipletests``, which collects garbage at each call, of which a study of a table
    makes many.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    found = np.empty(len(p))
    found[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return found


def adjusted(p_values: Sequence[float], method: str) -> list[float]:
    """The adjusted p value of each of ``p_values``, in their order; NaN where there was none, or without a ``method``
    ("none", "holm", "hierarchical")."""
    if method == "none" or not p_values:
        return [math.nan] * len(p_values)
    p = np.array([1.0 if math.isnan(x) else x for x in p_values])
    found = holm(p) if method == "holm" else np.maximum.accumulate(p)
    return [math.nan if math.isnan(x) else float(y) for x, y in zip(p_values, found, strict=True)]
