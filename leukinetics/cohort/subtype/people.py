"""What the people of a table would gain: a row for each, and the summary of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.benefit import predict_rows
from leukinetics.cohort.subtype.patients import Patients, factor
from leukinetics.cohort.subtype.virtual import VirtualPatients
from leukinetics.cohort.table.cohort_table import GROUP, PERSON, TIME, VISIT, CohortTable
from leukinetics.cohort.values import Censored
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Quantiles of the estimates of the people that a summary has.
LEVELS = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}


def predicted_patients(
    virtual: VirtualPatients, people: Patients, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """(one row per row of the table, the summary of all)."""
    table = people.table
    values = {readout: table.analytes[a.name] for readout, a in people.markers.items()}
    known, told, left = people.known(virtual)
    rows = predict_rows(virtual, values, {n: list(v) for n, v in known.items()}, spare=True, progress=progress)
    units = {readout: (a.unit or "", virtual.units[readout]) for readout, a in people.markers.items()}
    converted = {n: x.scaled(factor(n, *units[n]), units[n][1]) for n, x in values.items()}
    nothing = ~np.any([x.measured for x in converted.values()] + [np.isfinite(v) for v in known.values()], axis=0)
    frame = _frame(virtual, table, converted, known, rows, nothing)
    markers = [
        {
            "analyte": a.name, "marker": n, "unit": units[n][1], "n": values[n].n, "below": int(values[n].below.sum()),
            "missing": int(values[n].missing.sum()),
            "how": "" if factor(n, *units[n]) == 1.0 else f"converted from {units[n][0]} to {units[n][1]}",
        }
        for n, a in people.markers.items()
    ]  # fmt: skip
    summary = {
        "source": table.source,
        "rows": len(frame),
        "people": int(table.rows[PERSON].nunique()),
        "markers": markers,
        "known": told,
        "left_out": [{"name": n, "why": why} for n, why in (*people.left_out, *left)],
        "notes": [
            {"severity": n.severity, "text": n.text, "row": n.row, "column": n.column, "count": n.count}
            for n in table.notes
        ],
    }
    return frame, summary | _summary(frame, virtual.worth)


def _summary(frame: pd.DataFrame, worth: float | None) -> dict[str, Any]:
    """How many are told, the distribution of what they gain, and what of the others is rare."""
    told = frame[frame["told"] == "yes"]
    found: dict[str, Any] = {
        "told": len(told),
        "too_few": int((frame["told"] == "too few like this one").sum()),
        "nothing_known": int((frame["told"] == "nothing known").sum()),
        "rare": [
            {"name": name, "rows": n} for name, n in Counter(frame["rare"].dropna()).most_common()
        ],
        "spared": [
            {"name": name, "rows": n} for name, n in Counter(" ".join(frame["left_out"].dropna()).split()).most_common()
        ],
        "benefit": None, "p_better": None, "worth": None, "spread": None,
        "groups": [],
    }  # fmt: skip
    if not len(told):
        return found
    found |= _distribution(told, worth)
    if frame[GROUP].notna().any():
        found["groups"] = [
            {"group": str(g), "rows": len(mine), "told": len(own := mine[mine["told"] == "yes"])}
            | (_distribution(own, worth) if len(own) else {})
            for g, mine in frame.groupby(GROUP, sort=False)
        ]
    return found


def _distribution(told: pd.DataFrame, worth: float | None) -> dict[str, Any]:
    x = told["estimate"].to_numpy(dtype=float)
    within = float((told["sd"].to_numpy(dtype=float) ** 2).mean())
    between = float(x.var(ddof=1)) if len(x) > 1 else 0.0
    quantiles = {k: number(float(v)) for k, v in zip(LEVELS, np.quantile(x, list(LEVELS.values())), strict=True)}
    return {
        "benefit": {"mean": number(float(x.mean())), "sd": number(between**0.5), **quantiles},
        "p_better": number(float(told["p_better"].mean())),
        "worth": None
        if worth is None
        else {
            "expected": number(float(told["p_worth"].mean())),
            "estimates": int((x >= worth).sum()),
            "likely": int((told["p_worth"].to_numpy(dtype=float) >= 0.5).sum()),
        },
        "spread": {"between": number(between**0.5), "within": number(within**0.5)},
    }


def _frame(
    virtual: VirtualPatients, table: CohortTable, values: Mapping[str, Censored], known: Mapping[str, Array],
    rows: list[dict[str, Any]], nothing: NDArray[np.bool_],
) -> pd.DataFrame:  # fmt: skip
    import pandas as pd

    own = table.rows
    found = []
    for i, p in enumerate(rows):
        split = p["split"] or {}
        rare = p["rare"] or []
        told = "nothing known" if nothing[i] else "yes" if p["rare"] is None else "too few like this one"
        found.append(
            {
                **{k: own[k].iloc[i] for k in (PERSON, VISIT, TIME, "row", GROUP)},
                "told": told,
                **{k: p["benefit"][k] for k in ("estimate", "ci_low", "q1", "median", "q3", "ci_high", "sd")},
                **{k: p["benefit"][k] for k in ("p_better", "p_worth")},
                "unit": p["unit"],
                "effective": p["effective"],
                **{k: split.get(k) for k in ("share_parameters", "share_patient", "share_chance")},
                **{f"{n}.{end}": _rounded(getattr(x, end)[i]) for n, x in values.items() for end in ("lower", "upper")},
                **{f"known.{n}": _rounded(v[i]) for n, v in known.items()},
                "left_out": " ".join(p["left_out"]) or None,
                "rare": rare[0]["name"] if rare else None,
                "note": p["note"],
            }
        )
    return pd.DataFrame(found)


def _rounded(value: float) -> float:
    """Without the digits that converting units makes up."""
    return float(f"{value:.8g}")
