"""Cut-offs of a marker: what they are worth, and how much one that was chosen in the same people flatters itself.

A cut-off chosen by a rule is chosen again in resamples of cases and of controls. What a resample's cut-off does in the
resample, less what it does in the people themselves, is its optimism: how much better it looks there than it is. The
mean is taken off (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, 17.6), the quantiles are the interval
of what the chosen cut-off does in new people (the basic bootstrap of apparent less true, on the arcsine scale, since
shares near 1 spread less). Own code: no library here does that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.accuracy import at_cutoff
from leukinetics.cohort.diagnosis.cutpoints import Cutpoints, cutpoints, rates
from leukinetics.cohort.diagnosis.sample import labelled, stream
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    Row = dict[str, Any]

RESAMPLES = 500
MOST_CELLS = 1000  # cut-offs that a resample chooses among; more are thinned


@dataclass(frozen=True)
class Rule:
    """How a cut-off is had: ``youden`` (the largest sensitivity + specificity), ``specificity`` or ``sensitivity`` (at
    least ``value``, and then the most of the other), ``given`` (``value``, in the marker's unit), ``limit`` (detected
    or not, each at its own limit)."""

    kind: str = "youden"
    value: float = math.nan

    def __post_init__(self) -> None:
        if self.kind not in ("youden", "specificity", "sensitivity", "given", "limit"):
            raise DataError(
                f"The rule '{self.kind}' for a cut-off is unknown; known are youden, specificity, sensitivity, given, "
                "limit."
            )
        if self.kind in ("specificity", "sensitivity") and not 0 < self.value < 1:
            raise DataError(f"The {self.kind} {self.value:g} of a cut-off must lie between 0 and 1.")
        if self.kind == "given" and not 0 < self.value < math.inf:
            raise DataError(f"The cut-off {self.value:g} must be a number above 0, in the marker's unit.")

    @property
    def words(self) -> str:
        """How a report says it."""
        return {
            "youden": "Youden's index",
            "specificity": f"specificity of {self.value:g} or more",
            "sensitivity": f"sensitivity of {self.value:g} or more",
            "given": "given",
            "limit": "limit of detection",
        }[self.kind]


DEFAULT = (Rule("limit"), Rule("youden"), Rule("specificity", 0.9))


def cutoffs(
    x: Censored,
    y: ArrayLike,
    rules: Sequence[Rule] = DEFAULT,
    *,
    higher: bool = True,
    prevalence: float | None = None,
    alpha: float = 0.05,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> list[Row]:
    """A row for each of ``rules`` for marker ``x`` and ``y`` (rows,; 1 case, 0 control, NaN unknown).

    Positive is at or above the cut-off, or where not ``higher`` below it. Keys: ``rule``, ``cutoff``, ``unit``, ``n``,
    ``cases``, ``controls``, ``positive`` (cases, controls), ``undecided`` (rows whose side the limit hides, which are
    left out); ``sensitivity``, ``specificity``, ``ppv``, ``npv``, ``lr_positive``, ``lr_negative`` (each ``estimate``,
    ``ci_low``, ``ci_high``; ``ppv`` and ``npv`` at ``prevalence`` if given); of chosen ones ``corrected``
    (``sensitivity``, ``specificity``, ``youden``, with ``optimism``) and ``cutoff_low``, ``cutoff_high`` (where
    resamples have it); ``analysis``, ``note``.
    """
    if prevalence is not None and not 0 < prevalence < 1:
        raise DataError(f"The prevalence {prevalence:g} must lie between 0 and 1.")
    use, case = labelled(x.measured, y)
    mine = x.take(use)
    points = cutpoints(mine, case)
    return [_row(mine, case, points, rule, higher, prevalence, alpha, resamples, seed) for rule in rules]


def _row(
    x: Censored, case: NDArray[np.bool_], points: Cutpoints, rule: Rule, higher: bool, prevalence: float | None,
    alpha: float, resamples: int, seed: int,
) -> Row:  # fmt: skip
    row: Row = {
        "rule": rule.words, "cutoff": None, "unit": x.unit, "n": len(case), "cases": points.cases,
        "controls": points.controls, "positive": None, "undecided": 0, "sensitivity": None, "specificity": None,
        "ppv": None, "npv": None, "lr_positive": None, "lr_negative": None, "corrected": None, "cutoff_low": None,
        "cutoff_high": None, "analysis": "Wilson's intervals", "note": None,
    }  # fmt: skip
    if not (points.cases and points.controls):
        return row | {"note": f"there are no {'controls' if points.cases else 'cases'}"}
    if rule.kind in ("given", "limit"):
        return row | _fixed(x, case, rule, higher, prevalence, alpha)
    sensitivity, specificity = points.rates(higher)
    best = int(_chosen(sensitivity, specificity, rule))
    if best < 0:
        return row | {"note": _unreached(x, points, rule, higher)}
    cutoff = float(points.cutoff[best])
    seen = x.detected(cutoff)
    row |= {"cutoff": number(cutoff), **at_cutoff(seen if higher else 1 - seen, case, prevalence, alpha)}
    if resamples:
        row |= _optimism(points, rule, best, higher, alpha, resamples, seed)
        row["analysis"] = f"Wilson's intervals; corrected for the choice by {resamples} resamples"
    return row


def _fixed(
    x: Censored, case: NDArray[np.bool_], rule: Rule, higher: bool, prevalence: float | None, alpha: float
) -> Row:
    seen = x.detected(rule.value if rule.kind == "given" else None)
    row: Row = {"undecided": int(np.isnan(seen).sum())}
    if rule.kind == "given":
        row["cutoff"] = number(rule.value)
    else:
        limits = np.unique(x.upper[x.below])
        row["cutoff"] = number(float(limits[0])) if len(limits) == 1 else None
        if not len(limits):
            row["note"] = "nobody is below a limit"
        elif len(limits) > 1:
            row["note"] = f"each at its own limit, from {limits[0]:g} to {limits[-1]:g} {x.unit}".strip()
    if row["undecided"]:
        ends = [at_cutoff(np.where(np.isnan(seen), side, seen), case) for side in (0.0, 1.0)]
        spans = [
            f"{name} is {' to '.join(format(v, '.3g') for v in sorted(e[name]['estimate'] for e in ends))}"
            for name in ("sensitivity", "specificity")
        ]
        row["note"] = (
            f"{row['undecided']} are only known to be below a limit that is higher than the cut-off and are left out; "
            f"whichever side they are on, {' and '.join(spans)}" + ("" if higher else " (of the values above)")
        )
    return row | at_cutoff(seen if higher else 1 - seen, case, prevalence, alpha)


def _chosen(sensitivity: Array, specificity: Array, rule: Rule) -> NDArray[np.intp]:
    """The place of the best cut-off on the last axis, -1 where none does what the rule asks."""
    if not sensitivity.shape[-1]:
        return np.full(sensitivity.shape[:-1], -1, dtype=np.intp)
    if rule.kind == "youden":
        return np.asarray(np.argmax(sensitivity + specificity, axis=-1))
    held, other = (specificity, sensitivity) if rule.kind == "specificity" else (sensitivity, specificity)
    enough = held >= rule.value - 1e-12
    # Of equals that which holds more.
    score = np.where(enough, other + 1e-9 * held, -1.0)
    return np.where(enough.any(axis=-1), np.argmax(score, axis=-1), -1)


def _optimism(points: Cutpoints, rule: Rule, best: int, higher: bool, alpha: float, resamples: int, seed: int) -> Row:
    points, best = _thinned(points, best)
    rng = stream(seed, f"cutoff:{rule.words}")
    case = rng.multinomial(points.cases, points.case / points.cases, size=resamples)
    control = rng.multinomial(points.controls, points.control / points.controls, size=resamples)
    sensitivity, specificity = rates(case, control, higher)
    chosen = _chosen(sensitivity, specificity, rule)
    kept = np.flatnonzero(chosen >= 0)
    if len(kept) < resamples / 2:
        return {"note": "most resamples have no such cut-off"}
    at = chosen[kept]
    own = points.rates(higher)
    seen, here = _three(*(r[best] for r in own)), _three(*(r[at] for r in own))
    there = _three(sensitivity[kept, at], specificity[kept, at])
    gap = (there - here).mean(axis=1)
    angles = _angle(there) - _angle(here)
    ends = _angle(seen)[:, None] - np.quantile(angles, [1 - alpha / 2, alpha / 2], axis=1).T
    low, high = (np.sin(np.clip(ends, 0, np.pi / 2)) ** 2).T
    corrected: Row = {}
    for i, (name, least) in enumerate((("sensitivity", 0.0), ("specificity", 0.0), ("youden", -1.0))):

        def told(share: float, least: float = least) -> float | None:
            return number(round(least + (1 - least) * float(share), 12))

        told_gap = number(round(float(gap[i]) * (1 - least), 12))
        estimate = min(max(float(seen[i] - gap[i]), 0.0), 1.0)
        # Near 0 and 1 the mean of few, lopsided resamples may lie beyond their quantiles.
        span = min(low[i], estimate), max(high[i], estimate)
        corrected[name] = {
            "estimate": told(estimate), "ci_low": told(span[0]), "ci_high": told(span[1]), "optimism": told_gap
        }  # fmt: skip
    cuts = np.quantile(points.cutoff[at], [alpha / 2, 1 - alpha / 2], method="closest_observation")
    return {
        "corrected": corrected, "cutoff_low": number(float(cuts[0])), "cutoff_high": number(float(cuts[1]))
    }  # fmt: skip


def _three(sensitivity: Array, specificity: Array) -> Array:
    """(3, ...): both, and Youden's index as the share (1 + J)/2."""
    return np.array([sensitivity, specificity, (sensitivity + specificity) / 2])


def _angle(share: Array) -> Array:
    """The arcsine of the root, whose spread hardly depends on the share."""
    return np.asarray(np.arcsin(np.sqrt(np.clip(share, 0.0, 1.0))))


def _thinned(points: Cutpoints, best: int) -> tuple[Cutpoints, int]:
    """At most 1000 of the cut-offs, the best among them."""
    k = len(points.cutoff)
    if k <= MOST_CELLS:
        return points, best
    keep = np.unique(np.append(np.linspace(0, k - 1, MOST_CELLS).round().astype(int), best))
    edges = np.append(0, keep + 1)
    case, control = (np.add.reduceat(c, edges) for c in (points.case, points.control))
    return Cutpoints(points.cutoff[keep], case, control), int(np.searchsorted(keep, best))


def _unreached(x: Censored, points: Cutpoints, rule: Rule, higher: bool) -> str:
    if not len(points.cutoff):
        return "no cut-off parts the people: all values are below the limit, or alike"
    sensitivity, specificity = points.rates(higher)
    most = float((specificity if rule.kind == "specificity" else sensitivity).max())
    hidden = f"; {int(x.below.sum())} of {len(x)} are below the limit" if x.below.any() else ""
    return f"no cut-off has a {rule.kind} of {rule.value:g}; the most is {most:.3g}{hidden}"
