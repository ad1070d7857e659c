"""Some of many people, where more would tell nothing else and take long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(rows: NDArray[np.intp], most: int, seed: tuple[int, int]) -> tuple[NDArray[np.intp], str]:
    """(at most so many of the rows, in their order; what was done, in words, empty where all are used). ``seed``: the
    study's, and a number of the analysis, so that each draws for itself."""
    if len(rows) <= most:
        return rows, ""
    some = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return some, f"{most:,} of {len(rows):,} people are drawn, who are enough"
