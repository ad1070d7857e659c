"""Whether two analytes go together, of which some levels are only known to lie below a limit.

Kendall's tau of the pairs whose order is certain (as ``cenken`` of the R package NADA; variance over permutations),
the Akritas-Theil-Sen slope with it (J Am Stat Assoc 1995;90:170-7, doi:10.2307/2291140), and the correlation of
logarithms by the likelihood (:mod:`leukinetics.cohort.censored.bivariate`). Own code: no library has these.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.pairs import Pairs, pairs_of
from leukinetics.cohort.censored.ranks import order_keys
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

TAU = "Kendall's tau-b of pairs with a certain order"
#: Slopes of more rows than this are those of as many of them, evenly spaced in the table.
MOST_SLOPE = 5_000
STEPS = 60


def kendall(x: Censored, y: Censored, alpha: float = 0.05) -> Row:
    """``estimate`` (tau-b), ``ci_low``, ``ci_high`` (Fisher's z with the jackknife's standard error), ``p_value``
    (no association; the normal distribution of S over permutations), ``tau_a``, ``s``, ``n``, ``analysis``, ``note``,
    over rows in which both are measured. DataError where the rows do not match."""
    from scipy.special import ndtr, ndtri

    x, y = _both(x, y)
    n = len(x)
    found: Row = {"measure": "tau_b", **dict.fromkeys(("estimate", "ci_low", "ci_high", "p_value", "tau_a", "s"))}
    found |= {"n": n, "analysis": TAU, "note": ""}
    if n < 3:
        return found | {"note": f"not estimated: both are measured in only {n}"}
    counted = pairs_of(order_keys(x), order_keys(y))
    if counted.x == 0 or counted.y == 0:
        return found | {"note": "not estimated: of one of the two no pair has a certain order"}
    size = math.sqrt(counted.x * counted.y)
    tau, tau_a = counted.total / size, counted.total / (n * (n - 1.0))
    found |= {"estimate": number(tau), "tau_a": number(tau_a), "s": number(counted.total / 2)}
    if counted.sd > 0:
        found["p_value"] = number(float(2 * ndtr(-abs(counted.total) / counted.sd)))
    se = _se(counted, n) * n * (n - 1.0) / size
    if abs(tau) < 1 and se > 0:
        half = float(ndtri(1 - alpha / 2)) * se / (1 - tau**2)
        found |= {name: number(math.tanh(math.atanh(tau) + s * half)) for name, s in (("ci_low", -1), ("ci_high", 1))}
    return found


def slope(y: Censored, x: Censored, alpha: float = 0.05, logs: bool = True) -> Row:
    """The slope of ``y`` on ``x`` for which their residuals and ``x`` have a tau of 0, with the interval of those that
    the test does not exclude; of logarithms (twice the x goes with 2^slope times the y), or of the levels themselves.
    Only rows whose ``x`` is observed count, which does not bias a slope on ``x``.
    """
    from scipy.special import ndtri

    x, y = _both(x, y)
    seen = x.observed
    left = int((~seen).sum())
    x, y = x.take(seen), y.take(seen)
    found: Row = {"measure": "slope", **dict.fromkeys(("estimate", "ci_low", "ci_high"))}
    how = "Akritas-Theil-Sen slope" + (" of logarithms" if logs else "")
    said = [f"{left} rows are left out, in which the other is not observed"] if left else []
    found |= {"n": len(x), "analysis": how}
    if len(x) > MOST_SLOPE:
        some = np.linspace(0, len(x) - 1, MOST_SLOPE).astype(int)
        x, y = x.take(some), y.take(some)
        said.append(f"of {MOST_SLOPE:,} rows, evenly spaced in the table")
    note = "; ".join(said)
    both = y.observed
    if both.sum() < 3 or np.ptp(x.lower[both]) == 0:
        why = "not estimated: both are observed in fewer than 3, or one is the same in all"
        return found | {"note": "; ".join([why, *said])}
    keys = order_keys(x)
    with np.errstate(divide="ignore"):
        at, low, high = (np.log(v) if logs else v for v in (x.lower, y.lower, y.upper))
    low = np.where(y.below, -np.inf, low)

    def z(b: float) -> float:
        counted = pairs_of(keys, _residual_keys(low - b * at, high - b * at, both))
        return counted.total / counted.sd if counted.sd > 0 else 0.0

    unit = float(np.std(high[both]) / np.std(at[both])) or 1.0
    limit = float(ndtri(1 - alpha / 2))
    best = (_falls(z, 0.0, unit, True) + _falls(z, 0.0, unit, False)) / 2
    ends = _falls(z, limit, unit, True), _falls(z, -limit, unit, False)
    return found | {"estimate": number(best), "ci_low": number(ends[0]), "ci_high": number(ends[1]), "note": note}


def _both(x: Censored, y: Censored) -> tuple[Censored, Censored]:
    if len(x) != len(y):
        raise DataError(f"A correlation needs as many rows of both; there are {len(x)} and {len(y)}.")
    use = x.measured & y.measured
    return x.take(use), y.take(use)


def _se(counted: Pairs, n: int) -> float:
    """Standard error of tau-a, a U statistic, by its rows' parts."""
    parts = counted.balance / (n - 1)
    return 2 * math.sqrt(float(((parts - parts.mean()) ** 2).sum())) / n


def _residual_keys(low: Array, high: Array, seen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Order keys of residuals (:func:`leukinetics.cohort.censored.ranks.order_keys`, which takes none below 0)."""
    where = np.unique(np.concatenate([low, high]), return_inverse=True)[1].astype(np.int64)
    n = len(low)
    return 3 * where[:n] + np.where(seen, 1, 2), 3 * where[n:] + np.where(seen, 1, 0)


def _falls(z: Any, level: float, unit: float, first: bool) -> float:
    """Where z, which falls with the slope in steps, leaves ``level``: where it is no longer above it (``first``), or
    where it comes to be below it. NaN where it never does."""

    def before(b: float) -> bool:
        return bool(z(b) > level if first else z(b) >= level)

    low, high = -unit, unit
    for _ in range(STEPS):
        if before(low):
            break
        low *= 2
    else:
        return math.nan
    for _ in range(STEPS):
        if not before(high):
            break
        high *= 2
    else:
        return math.nan
    for _ in range(STEPS):
        middle = (low + high) / 2
        if before(middle):
            low = middle
        else:
            high = middle
        if high - low < 1e-9 * unit:
            break
    return (low + high) / 2
