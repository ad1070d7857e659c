"""Who is inflammatory: rules, classes of each analyte, and whether they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.study.drawn import drawn
from leukinetics.cohort.study.setup import Setup
from leukinetics.cohort.subtype import Rule, subtypes
from leukinetics.cohort.subtype.thresholds import CRP_3, CRP_5
from leukinetics.errors import LeukineticsError
from leukinetics.patients.criteria import parse_criterion

if TYPE_CHECKING:
    from leukinetics.cohort.values import Censored

    Row = dict[str, Any]

#: More people than this, and classes are those of as many of them.
MOST_PEOPLE = 3_000
#: More analytes than this have no classes fitted one by one.
MOST_ANALYTES = 12


def subtype_rows(s: Setup) -> Row:
    """``subtypes`` of the summary, of all but the control."""
    use, text = drawn(np.flatnonzero(s.patients), MOST_PEOPLE, (s.seed, 53))
    said = [text] if text else []
    logs = {a.name: a.transform == "log" for a in s.table.dictionary.analyte}
    names = [name for name, x in s.analytes.items() if logs.get(name, True) and x.take(use).n]
    if len(names) > MOST_ANALYTES:
        said.append(f"classes are those of the first {MOST_ANALYTES} of {len(names)} analytes")
        names = names[:MOST_ANALYTES]
    markers = {name: s.analytes[name].take(use) for name in names}
    labels = s.labels[use]
    several = len(set(labels[labels != ""])) > 1
    found = subtypes(
        markers, rules=rules(s, markers), groups=labels if several else None, seed=s.seed, alpha=s.alpha,
        resamples=min(49, s.resamples),
    )  # fmt: skip
    place = {None: -1} | {g: i for i, g in enumerate(s.groups)}
    first = {r["rule"]: i for i, r in reversed(list(enumerate(found["rules"])))}
    # In the order of the groups, not of the rows; people of no group are in those of everybody.
    found["rules"] = sorted(
        (r for r in found["rules"] if r["group"] in place), key=lambda r: (first[r["rule"]], place[r["group"]])
    )
    return {"people": s.who, "n": len(use), "note": "; ".join(said), **found}


def rules(s: Setup, markers: dict[str, Censored]) -> list[Rule]:
    """C-reactive protein above 3 and above 5 mg/L, where it was measured, and each analyte at or above its highest
    limit."""
    found = []
    for name, x in markers.items():
        entry = next(a for a in s.table.dictionary.analyte if a.name == name)
        if "crp" in (entry.observable, name.lower()):
            for rule in (CRP_3, CRP_5):
                found.append(Rule(rule.name, {name: rule.criteria["crp"]}))
        below = x.upper[x.below]
        if len(below):
            limit = f"{float(below.max()):g} {x.unit}".strip()
            found.append(Rule(f"{name} at or above {limit}", {name: f">= {limit}"}))
    return [rule for rule in found if _usable(rule, markers)]


def _usable(rule: Rule, markers: dict[str, Censored]) -> bool:
    """Whether the threshold can be told in the analyte's unit."""
    try:
        for name, text in rule.criteria.items():
            for bound in parse_criterion(text, rule.name):
                bound.value_in(markers[name].unit)
    except LeukineticsError:
        return False
    return True
