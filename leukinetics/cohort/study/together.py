"""Analytes together: correlations, and the ratio of cerebrospinal fluid to serum."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.bivariate import correlation as bivariate
from leukinetics.cohort.censored.correlation import kendall, slope
from leukinetics.cohort.detect import corrected
from leukinetics.cohort.study.describe import analyte
from leukinetics.cohort.study.drawn import drawn
from leukinetics.cohort.study.groups import comparisons, levels
from leukinetics.cohort.study.setup import Setup
from leukinetics.cohort.study.steps import Steps

if TYPE_CHECKING:
    from leukinetics.cohort.values import Censored

    Row = dict[str, Any]

#: More pairs of analytes than this have tau alone, and in everybody only.
MOST_PAIRS = 15
#: More rows than this tell nothing else of a correlation of logarithms.
MOST_ROWS = 20_000


def correlations(s: Setup, steps: Steps) -> list[Row]:
    """Of every two analytes, in everybody (``group`` None) and, tau alone, in each group."""
    names = list(s.analytes)
    pairs = list(combinations(names, 2))
    few = len(pairs) <= MOST_PAIRS
    rows = []
    for one, other in pairs:
        sets = s.masks() if few and len(s.groups) > 1 else {"all": s.masks()["all"]}
        for group, where in sets.items():
            of = f"{one}, {other}" + ("" if group == "all" else f", {group}")
            x, y = s.analytes[one].take(where), s.analytes[other].take(where)
            whole = few and group == "all"
            row = steps.run("correlation", of, correlation, x, y, s, whole)
            rows.append({"one": one, "other": other, "group": None if group == "all" else group, **row})
    pooled = [r for r in rows if r["group"] is None]
    adjusted = corrected([(r.get("tau") or {}).get("p_value") for r in pooled], s.correct)
    for row in rows:
        row["p_adjusted"] = None
    for row, p in zip(pooled, adjusted, strict=True):
        row["p_adjusted"] = p
    return rows


def correlation(x: Censored, y: Censored, s: Setup, whole: bool = True) -> Row:
    """Kendall's tau, the correlation of logarithms, and the slope of ``x`` on ``y``."""
    row: Row = {"n": int((x.measured & y.measured).sum()), "tau": kendall(x, y, s.alpha), "r": None, "slope": None}
    if not whole:
        return row
    both, said = drawn(np.flatnonzero(x.measured & y.measured), MOST_ROWS, (s.seed, 43))
    row["r"] = bivariate(x.take(both), y.take(both), s.alpha)
    row["r"]["note"] = "; ".join(v for v in (row["r"]["note"], said) if v)
    row["slope"] = slope(x, y, s.alpha)
    return row


def ratios(s: Setup, steps: Steps) -> list[Row]:
    """``pairs`` of the summary."""
    rows = []
    for pair in s.table.dictionary.pair:
        row: Row = {"name": pair.name, "csf": pair.csf, "serum": pair.serum, "ratio": None, "correlation": None}
        row["ratio"] = steps.run("ratio", pair.name, _ratio, pair.name, s)
        csf, serum = s.analytes[pair.csf], s.analytes[pair.serum]
        found = steps.run("correlation", f"{pair.csf}, {pair.serum}", correlation, csf, serum, s)
        row["correlation"] = {"one": pair.csf, "other": pair.serum, "group": None, **found, "p_adjusted": None}
        rows.append(row)
    return rows


def _ratio(name: str, s: Setup) -> Row:
    from dataclasses import replace

    x = replace(s.table, rows=s.rows, analytes=s.analytes).ratio(name)
    x = replace(x, unit="dimensionless")
    head = analyte(name, x, s)
    unknown = int((~x.measured).sum())
    said = f"{unknown} of {len(x)} ratios are not known: one of the two is missing, or both are below their limits"
    found = head | {"detection": None, "levels": levels(x, s), "comparisons": comparisons(x, s), "repeated": None}
    told = [said if unknown else "", found["levels"]["note"]]
    return found | {"note": "; ".join(v for v in told if v)}
