"""ROC curves of a marker with a limit of detection: area, its interval, the curve, two markers in the same people.

Interval: DeLong's standard error on the logit scale, so that it stays within 0 and 1 and its p value agrees with it.
Where that error is 0 or unknown (perfect separation, a group of one) Newcombe's method 5 (Stat Med 2006;25:559-73),
which solves |a - AUC| = z sqrt(V(a)) with

    V(a) = a (1 - a) [1 + k (1 - a)/(2 - a) + k a/(1 + a)] / mn,    k = (m + n)/2 - 1.

The area counts each pair at the higher of its two limits (:mod:`leukinetics.cohort.diagnosis.pairs`). The curve has
only cut-offs at which everybody's side is known: with limits that differ, those at or above the highest of them; from
there a straight line leads to the corner.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.cutpoints import Cutpoints, cutpoints
from leukinetics.cohort.diagnosis.pairs import Placements, covariance, placements
from leukinetics.cohort.diagnosis.sample import labelled
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate, interval, nothing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    Row = dict[str, Any]

MOST_POINTS = 400  # of a curve that is kept
DELONG = "DeLong's standard error on the logit scale"
NEWCOMBE = "Newcombe's method 5"


def roc(x: Censored, y: ArrayLike, *, higher: bool = True, alpha: float = 0.05) -> Row:
    """Of marker ``x`` for ``y`` (rows,; 1 case, 0 control, NaN unknown): the area under the ROC curve and the curve.

    ``higher``: cases are expected to have the higher values; the direction is not looked for in the data. Keys:
    ``estimate``, ``ci_low``, ``ci_high``, ``se``, ``p_value`` (of an area of a half), ``n``, ``cases``, ``controls``;
    ``undecided`` (share of pairs that the limit leaves open, which count a half), ``lowest``, ``highest`` (the area if
    all of them spoke against, or for, the marker), ``curve`` (``cutoff``, ``sensitivity``, ``specificity``, the
    strictest first; None: no cut-off, everybody), ``curve_area`` (below that curve).
    """
    use, case = labelled(x.measured, y)
    mine = x.take(use)
    found = placements(mine.lower, mine.upper, case)
    row = {"measure": "auc", **_told(found, higher, alpha)}
    points = cutpoints(mine, case)
    curve = _curve(points, higher)
    row |= {"curve": curve, "curve_area": _trapezoid(curve)}
    notes = [row["note"]] if row["note"] else []
    limits = np.unique(mine.upper[mine.below])
    if len(limits) > 1:
        hidden = int(((mine.lower < limits[-1]) & mine.observed).sum())
        span = f"{limits[0]:g} to {limits[-1]:g} {mine.unit}".strip()
        notes.append(
            f"values are below limits from {span}; each pair is judged at the higher of its two, and the curve begins "
            f"at {limits[-1]:g}, below which {hidden} are observed"
        )
    if len(case) and mine.below.all():
        notes.append("all values are below the limit")
    return row | {"note": "; ".join(notes) or None}


def compare_rocs(one: Censored, other: Censored, y: ArrayLike, *, alpha: float = 0.05) -> Row:
    """The area of ``one`` less that of ``other`` in the people who have both (DeLong's test for correlated curves)."""
    use, case = labelled(one.measured & other.measured, y)
    a, b = (placements(x.lower[use], x.upper[use], case) for x in (one, other))
    return difference(a, b, alpha) | {"areas": [number(a.area), number(b.area)]}


def difference(a: Placements, b: Placements, alpha: float) -> Row:
    """The difference of two areas in the same people, with DeLong's covariance."""
    n, estimate = len(a.case) + len(a.control), a.area - b.area
    variance = a.variance + b.variance - 2 * covariance(a, b)
    said = "DeLong's test of correlated curves"
    row = {"measure": "auc_difference", "n": n, "cases": len(a.case), "controls": len(a.control)}
    if not variance > 1e-14 * max(a.variance, 1e-300):
        note = "there are too few cases or controls" if math.isnan(variance) else "both order people alike"
        found = nothing(n, estimate)
    else:
        note, found = None, interval(estimate, math.sqrt(variance), n, alpha)
    return {**row, **_numbers(found), "analysis": said, "note": note}


def area(found: Placements, alpha: float) -> tuple[Estimate, str]:
    """(the area with its interval, how the interval was made)."""
    a, m, n = found.area, len(found.case), len(found.control)
    if math.isnan(a):
        return nothing(m + n), "not estimated"
    variance = found.variance
    if variance > 0 and 0 < a < 1:
        slope = a * (1 - a)
        wide = interval(math.log(a / (1 - a)), math.sqrt(variance) / slope, m + n, alpha)
        back = wide.through(lambda v: 1 / (1 + math.exp(-v)), lambda _: slope)
        return Estimate(a, math.sqrt(variance), back.low, back.high, m + n, wide.p), DELONG
    if found.undecided == 1:
        return nothing(m + n, a), "no interval: no pair is decided"
    low, high = newcombe(a, m, n, alpha)
    return Estimate(a, math.nan, low, high, m + n), NEWCOMBE


def newcombe(a: float, cases: int, controls: int, alpha: float) -> tuple[float, float]:
    """Newcombe's interval (method 5) of an area, which has a width at 0 and 1 too."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z, k = float(ndtri(1 - alpha / 2)), (cases + controls) / 2 - 1

    def gap(v: float) -> float:
        spread = v * (1 - v) * (1 + k * (1 - v) / (2 - v) + k * v / (1 + v)) / (cases * controls)
        return (v - a) ** 2 - z**2 * spread

    def end(bound: float) -> float:
        """At a itself the gap is below 0, at the bounds it is above, unless a lies there."""
        if abs(bound - a) < 1e-12:
            return bound
        inside = a + 1e-9 * (bound - a) if a in (0.0, 1.0) else a
        return float(brentq(gap, inside, bound, xtol=1e-10))

    return end(0.0), end(1.0)


def _told(found: Placements, higher: bool, alpha: float) -> Row:
    estimate, how = area(found, alpha)
    if not higher:
        e = estimate
        estimate = Estimate(1 - e.estimate, e.se, 1 - e.high, 1 - e.low, e.n, e.p)
    cases, controls = len(found.case), len(found.control)
    half = found.undecided / 2
    return {
        **_numbers(estimate),
        "se": number(estimate.se),
        "n": cases + controls,
        "cases": cases,
        "controls": controls,
        "undecided": number(found.undecided) if cases and controls else None,
        "lowest": number(estimate.estimate - half),
        "highest": number(estimate.estimate + half),
        "analysis": f"area under the ROC curve, {how}",
        "note": _remark(estimate, cases, controls, higher),
    }


def _remark(e: Estimate, cases: int, controls: int, higher: bool) -> str | None:
    if not cases + controls:
        return "nobody has both a marker and a known outcome"
    if not (cases and controls):
        return f"there are no {'cases' if controls else 'controls'}"
    if e.estimate in (0.0, 1.0):
        upper = higher == (e.estimate == 1.0)
        return f"every case has a {'higher' if upper else 'lower'} value than every control"
    if cases < 2 or controls < 2:
        return f"there is one {'case' if cases < 2 else 'control'}"
    if e.high < 0.5:
        return f"{'lower' if higher else 'higher'} values go with the disease"
    return None


def _numbers(e: Estimate) -> Row:
    return {
        "estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high), "p_value": number(e.p)
    }  # fmt: skip


def _curve(points: Cutpoints, higher: bool) -> list[Row]:
    if not (points.cases and points.controls):
        return []
    sensitivity, specificity = points.rates(higher)
    k = len(points.cutoff)
    keep = np.unique(np.linspace(0, max(k - 1, 0), min(k, MOST_POINTS)).round().astype(int))
    inner = [_point(points.cutoff[i], sensitivity[i], specificity[i]) for i in (keep[::-1] if higher else keep)]
    return [_point(math.inf, 0.0, 1.0), *inner, _point(math.inf, 1.0, 0.0)]


def _point(cutoff: float, sensitivity: float, specificity: float) -> Row:
    """A point of the curve; the cut-off that nobody, or everybody, reaches is None."""
    return {
        "cutoff": number(float(cutoff)),
        "sensitivity": number(float(sensitivity)),
        "specificity": number(float(specificity)),
    }


def _trapezoid(curve: list[Row]) -> float | None:
    x, y = (np.array([p[k] for p in curve], dtype=float) for k in ("specificity", "sensitivity"))
    return number(float(np.trapezoid(y, 1 - x))) if curve else None
