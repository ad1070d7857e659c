"""What a table holds: people, groups, covariates, outcomes, analytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.study.setup import Setup
from leukinetics.cohort.table.cohort_table import GROUP, PERSON, VISIT
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.diagnosis.outcomes import Outcome
    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    Row = dict[str, Any]

#: Distinct limits that are listed.
MOST_LIMITS = 12


def table_facts(s: Setup) -> Row:
    """``table`` of the summary."""
    rows = s.table.rows
    visits = [str(v) for v in dict.fromkeys(rows[VISIT].dropna())]
    return {
        "rows": len(rows),
        "people": int(rows[PERSON].nunique()),
        "repeated": s.table.repeated,
        "used": len(s.rows),
        "visits": visits,
        "covariates": [_covariate(s, c) for c in s.table.dictionary.covariate],
        "outcomes": [_outcome(o, s) for o in s.outcomes()],
        "adjusted": list(s.adjusted),
    }


def groups(s: Setup) -> list[Row]:
    """``groups`` of the summary."""
    samples = s.table.rows[GROUP].value_counts()
    return [
        {"name": g, "n": int((s.labels == g).sum()), "samples": int(samples[g]), "control": g == s.control}
        for g in s.groups
    ]


def analyte(name: str, x: Censored, s: Setup) -> Row:
    """The head of an analyte, of the rows that are used."""
    entry = next((a for a in s.table.dictionary.analyte if a.name == name), None)
    limits = x.limits
    return {
        "name": name,
        "label": name,
        "unit": x.unit,
        "matrix": entry.matrix if entry else None,
        "observable": entry.observable if entry else None,
        "transform": entry.transform if entry else "log",
        "n": x.n,
        "missing": int(x.missing.sum()),
        "below": int(x.below.sum()),
        "above": int(x.above.sum()),
        "between": int(x.between.sum()),
        "share_below": number(x.share_below),
        "limits": [number(float(v)) for v in limits[:MOST_LIMITS]],
        "limit_low": number(float(limits[0])) if len(limits) else None,
        "limit_high": number(float(limits[-1])) if len(limits) else None,
        "limits_count": len(limits),
        "common_limit": s.table.dictionary.analysis.limits.get(name),
    }


def _covariate(s: Setup, entry: Any) -> Row:
    values = s.rows[entry.name]
    known = values.dropna()
    row: Row = {"name": entry.name, "kind": entry.kind, "unit": entry.unit, "n": len(known)}
    row |= {"missing": len(values) - len(known), "levels": []}
    if entry.kind == "category":
        counts = known.value_counts(sort=False)
        row["levels"] = [
            {"level": str(level), "n": int(n), "share": number(n / len(known))} for level, n in counts.items()
        ]
        return row
    x = known.to_numpy(dtype=float)
    if entry.kind == "binary":
        return row | {"share": number(float(x.mean())) if len(x) else None, "positive": entry.positive}
    return row | _spread(x)


def _outcome(o: Outcome, s: Setup) -> Row:
    known = o.known
    x = o.value[known]
    row: Row = {"name": o.name, "kind": o.kind, "unit": o.unit, "n": int(known.sum())}
    # Outcomes of controls are not looked at, which is not to lack them.
    row |= {"missing": int((s.patients & ~known).sum()), "left_out": int((~s.patients).sum())}
    row["events"] = None if o.kind == "continuous" else o.events
    row["exposure"] = number(float(o.exposure[known].sum())) if o.kind == "count" else None
    return row | _spread(x)


def _spread(x: Array) -> Row:
    if not len(x):
        return dict.fromkeys(("mean", "sd", "median", "q1", "q3"))
    q1, median, q3 = np.quantile(x, [0.25, 0.5, 0.75])
    sd = float(x.std(ddof=1)) if len(x) > 1 else float("nan")
    told = {"mean": float(x.mean()), "sd": sd, "median": float(median), "q1": float(q1), "q3": float(q3)}
    return {name: number(value) for name, value in told.items()}
