"""Regression on order statistics: levels below the limits from a line through the others' normal scores.

Helsel's robust method (statsmodels' ``impute_ros``, the same as the R package NADA has): only the rows below a limit
take numbers from the lognormal line, all others keep theirs. It gives numbers for a table, not intervals.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.ranks import placed
from leukinetics.cohort.values import Censored
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: More rows than this, and the likelihood tells the same; statsmodels goes through them one by one.
MOST = 20_000
#: A larger share below the limits than this, or fewer levels above them, and there is no line.
SHARE, FEWEST = 0.8, 3


def ros(x: Censored) -> dict[str, Any]:
    """``mean``, ``sd``, ``median``, ``q1``, ``q3``, ``geometric_mean`` of the measured rows, those below a limit with
    numbers of the line; ``n``, ``n_below``, ``analysis``, ``note``. None of all of them where there is no line."""
    x = x.take(x.measured)
    value, seen, said = placed(x)
    found: dict[str, Any] = dict.fromkeys(("mean", "sd", "median", "q1", "q3", "geometric_mean"))
    found |= {"n": len(x), "n_below": int((~seen).sum()), "unit": x.unit, "analysis": "regression on order statistics"}
    n = len(x)
    why = ""
    if n > MOST:
        why = f"not computed: for more than {MOST:,} rows the likelihood tells the same"
    elif seen.sum() < FEWEST or len(np.unique(value[seen])) < 2:
        why = f"not estimated: fewer than {FEWEST} different levels at or above the limit"
    elif (~seen).mean() > SHARE:
        why = f"not estimated: more than {SHARE:.0%} are below the limit"
    elif value[~seen].max(initial=0.0) > value[seen].max():
        above = int((value[~seen] > value[seen].max()).sum())
        why = f"not estimated: {above} rows have a limit above every observed level"
    if why:
        return found | {"note": "; ".join([why, *said])}
    filled = filled_in(value, seen)
    q1, median, q3 = np.quantile(filled, [0.25, 0.5, 0.75])
    return found | {
        "mean": number(float(filled.mean())),
        "sd": number(float(filled.std(ddof=1))),
        "median": number(float(median)),
        "q1": number(float(q1)),
        "q3": number(float(q3)),
        "geometric_mean": number(math.exp(float(np.log(filled).mean()))),
        "note": "; ".join(said),
    }


def filled_in(value: Array, seen: NDArray[np.bool_]) -> Array:
    """All levels, those below a limit by the line; in another order than ``value`` has."""
    from statsmodels.imputation.ros import impute_ros

    if seen.all():
        return value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas' own, of statsmodels
        return np.asarray(impute_ros(value, ~seen, max_fraction_censored=1.0), dtype=float)
