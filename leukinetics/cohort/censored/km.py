"""The distribution of levels below a limit without a model: the product-limit estimate of left-censored values.

"Reverse" Kaplan-Meier: time runs from the highest level down (Gillespie et al., Epidemiology 2010;21:S64-70;
lifelines' left censoring). Below the lowest observed level the curve is not known, and a mean is only known to lie
between two numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.ranks import placed
from leukinetics.cohort.values import Censored
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ANALYSIS = "product-limit estimate (Kaplan-Meier, reversed), log-log intervals"
POINTS = 256


@dataclass(frozen=True)
class Curve:
    """Shares of levels at or below each of ``values`` (those observed, ascending) with their intervals.

    ``unknown``: the share that lies below the lowest observed level; ``mean_low``, ``mean_high``: the mean where that
    share is at 0, and at its limits; ``mean_se``: standard error of the latter.
    """

    values: Array
    share: Array
    low: Array
    high: Array
    n: int
    n_below: int
    unit: str
    unknown: float
    mean_low: float
    mean_high: float
    mean_se: float
    note: str = ""

    def quantile(self, q: float) -> Estimate:
        """The level that a share ``q`` does not exceed, with the interval of levels that could be it. NaN where it is
        below the lowest observed level; the lower end is NaN where it is."""
        if len(self.values) == 0:
            return nothing(self.n)
        best = _first(self.values, self.share, q, half=True) if self.unknown < q else math.nan
        low = _first(self.values, self.high, q) if self._low_end() < q else math.nan
        return Estimate(best, math.nan, low, _first(self.values, self.low, q), self.n)

    def told(self, points: int = POINTS) -> dict[str, Any]:
        """As a summary has it, the curve at ``points`` of its levels."""
        at = np.unique(np.linspace(0, len(self.values) - 1, min(points, len(self.values))).astype(int))
        curve = {
            name: [number(float(v)) for v in getattr(self, name)[at]] for name in ("values", "share", "low", "high")
        }
        quantiles: dict[str, float | None] = {}
        for name, q in (("median", 0.5), ("q1", 0.25), ("q3", 0.75)):
            e = self.quantile(q)
            quantiles |= {name: number(e.estimate), f"{name}_low": number(e.low), f"{name}_high": number(e.high)}
        return {
            "n": self.n,
            "n_below": self.n_below,
            "unit": self.unit,
            **quantiles,
            "unknown": number(self.unknown),
            "mean_low": number(self.mean_low),
            "mean_high": number(self.mean_high),
            "mean_se": number(self.mean_se),
            "curve": curve,
            "analysis": ANALYSIS,
            "note": self.note,
        }

    def _low_end(self) -> float:
        """The upper end of the share that is below the lowest observed level."""
        return self.unknown if self.unknown == 0 else float(self.high[0])


def reverse_km(x: Censored, alpha: float = 0.05) -> Curve:
    """The curve of the measured rows of ``x``, with pointwise intervals at 1 - ``alpha``."""
    from lifelines import KaplanMeierFitter

    x = x.take(x.measured)
    value, seen, said = placed(x)
    n, n_below = len(x), int((~seen).sum())
    none = np.empty(0)
    if not seen.any():
        why = "nobody is measured" if n == 0 else f"all {n} are below the limit"
        unknown = 1.0 if n else math.nan
        high = float(value.mean()) if n else math.nan
        low = 0.0 if n else math.nan
        return Curve(none, none, none, none, n, n_below, x.unit, unknown, low, high, math.nan, f"no curve: {why}")
    with np.errstate(all="ignore"):  # lifelines sets how numpy warns, for good
        fit = KaplanMeierFitter(alpha=alpha).fit_left_censoring(value, seen)
        table = fit.event_table
        share = fit.cumulative_density_.iloc[:, 0].to_numpy()
        ends = np.sort(fit.confidence_interval_cumulative_density_.to_numpy(), axis=1)
    levels, observed = table.index.to_numpy(dtype=float), table["observed"].to_numpy()
    keep = observed > 0
    at, share, low, high = levels[keep], share[keep], ends[keep, 0], ends[keep, 1]
    seen_here, at_risk = observed[keep].astype(float), _at_or_below(value, at)
    # What is left of the share at the lowest level when its own rows are taken off.
    unknown = float(share[0] * (1 - seen_here[0] / at_risk[0]))
    unknown = 0.0 if at_risk[0] == seen_here[0] else unknown
    jumps = np.diff(np.append(unknown, share))
    mean_low = float(jumps @ at)
    limits = value[~seen & (value <= at[0])]
    mean_high = mean_low + (unknown * float(limits.mean()) if len(limits) else 0.0)
    se = _mean_se(at, share, seen_here, at_risk, unknown, float(limits.min()) if len(limits) else 0.0)
    return Curve(at, share, low, high, n, n_below, x.unit, unknown, mean_low, mean_high, se, "; ".join(said))


def _at_or_below(value: Array, at: Array) -> Array:
    return np.searchsorted(np.sort(value), at, side="right").astype(float)


def _mean_se(at: Array, share: Array, seen: Array, at_risk: Array, unknown: float, lowest: float) -> float:
    """Greenwood's standard error of the mean: the area under the curve left of each level, and the variance there."""
    shares = np.append(unknown, share[:-1])  # between the levels before and at each
    widths = np.diff(np.append(lowest, at))
    area = np.cumsum(shares * widths)
    left = at_risk > seen
    return math.sqrt(float((area[left] ** 2 * seen[left] / (at_risk[left] * (at_risk[left] - seen[left]))).sum()))


def _first(values: Array, share: Array, q: float, half: bool = False) -> float:
    """The first value at which the share reaches ``q``; with ``half``, the middle of a step where it is just there."""
    i = int(np.searchsorted(share, q - 1e-12))
    if i == len(values):
        return math.nan
    if half and abs(share[i] - q) < 1e-12 and i + 1 < len(values):
        return float((values[i] + values[i + 1]) / 2)
    return float(values[i])
