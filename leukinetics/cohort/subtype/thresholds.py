"""Who is inflammatory by a rule: levels above a threshold, one or several, on values of which some are censored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from leukinetics.errors import DataError, suggest
from leukinetics.patients.criteria import Bound, parse_criterion
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.describe import wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """Criteria on markers, such as {"crp": "> 3 mg/L"}; ``combine``: "any" of them holds, or "all" do."""

    name: str
    criteria: Mapping[str, str]
    combine: Literal["any", "all"] = "any"


#: C-reactive protein above 3 mg/L: the threshold of low-grade inflammation in depression that the model is held
#: against (docs/mdd.md), and above 5 mg/L, that of the trial of infliximab.
CRP_3, CRP_5 = Rule("CRP above 3 mg/L", {"crp": "> 3 mg/L"}), Rule("CRP above 5 mg/L", {"crp": "> 5 mg/L"})


def holds(x: Censored, bound: Bound) -> Array:
    """1 where a measurement meets a comparison, 0 where it does not, NaN where it is missing or known too roughly."""
    level = bound.value_in(x.unit)
    above = bound.sign in (">", ">=", "≥")
    strict = bound.sign in (">", "<")
    inside = x.lower > level if strict and above else x.lower >= level
    if not above:
        inside = x.upper < level if strict else x.upper <= level
        # What is below a limit of exactly the level is below the level.
        inside = inside | ((x.upper <= level) & (x.lower < x.upper))
    outside = (x.upper <= level if strict else x.upper < level) if above else (
        x.lower >= level if strict else x.lower > level
    )  # fmt: skip
    if above and not strict:
        outside = outside | ((x.upper <= level) & (x.lower < x.upper))
    return np.where(x.missing, np.nan, np.where(inside, 1.0, np.where(outside, 0.0, np.nan)))


def apply(rule: Rule, markers: Mapping[str, Censored]) -> Array:
    """1 for those who meet a rule, 0 for those who do not, NaN for those of whom the measurements do not tell.

    DataError for a marker that there is not, a unit that does not fit, or a criterion that is none.
    """
    if not rule.criteria:
        raise DataError(f"The rule '{rule.name}' has no criterion; give one, such as crp = \"> 3 mg/L\".")
    parts = []
    for name, text in rule.criteria.items():
        if name not in markers:
            raise DataError(f"The rule '{rule.name}' asks for '{name}', which is no marker.{suggest(name, markers)}")
        for bound in parse_criterion(text, f"the rule '{rule.name}'"):
            parts.append((name, holds(markers[name], bound)))
    if rule.combine == "all":
        return _all([v for _, v in parts])
    # A range is two comparisons of one marker, which must both hold.
    return _any([_all([v for n, v in parts if n == name]) for name in rule.criteria])


def shares(
    rules: Sequence[Rule], markers: Mapping[str, Censored], groups: NDArray[Any] | None = None, alpha: float = 0.05
) -> list[dict[str, Any]]:
    """Of each rule (and group, ``groups`` (rows,): names) the share of people who meet it, with Wilson's interval.

    ``n`` people of whom it can be told (those whose group is "" are in no group), ``undecided`` of whom it cannot
    although they were measured, ``missing``; with undecided people ``least`` and ``most``, the share if none or all of
    them met it.
    """
    found = []
    for rule in rules:
        met = apply(rule, markers)
        measured = np.logical_or.reduce([markers[name].measured for name in rule.criteria])
        sets = [("", np.ones(len(met), dtype=bool))]
        if groups is not None:
            sets += [(str(g), np.asarray(groups == g)) for g in dict.fromkeys(np.asarray(groups).tolist()) if g != ""]
        for group, use in sets:
            found.append({"rule": rule.name, "group": group or None, **_share(met[use], measured[use], alpha)})
    return found


def _share(met: Array, measured: NDArray[np.bool_], alpha: float) -> dict[str, Any]:
    known = np.isfinite(met)
    n, k = int(known.sum()), int(np.nansum(met))
    undecided = int((~known & measured).sum())
    told: dict[str, Any] = {"n": n, "met": k, "undecided": undecided, "missing": int((~measured).sum())}
    if not n:
        return told | dict.fromkeys(("share", "ci_low", "ci_high", "least", "most")) | {"note": "nobody can be told"}
    e = wilson(k / n, n, alpha)
    total = n + undecided
    return told | {
        "share": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high),
        "least": number(k / total), "most": number((k + undecided) / total),
        "note": f"{undecided} people are below a limit that is above the threshold, or on both sides of it"
        if undecided else None,
    }  # fmt: skip


def _all(parts: Sequence[Array]) -> Array:
    """0 where one is 0, 1 where all are 1, else unknown."""
    x = np.stack(parts)
    return np.where((x == 0).any(axis=0), 0.0, np.where((x == 1).all(axis=0), 1.0, math.nan))


def _any(parts: Sequence[Array]) -> Array:
    x = np.stack(parts)
    return np.where((x == 1).any(axis=0), 1.0, np.where((x == 0).all(axis=0), 0.0, math.nan))
