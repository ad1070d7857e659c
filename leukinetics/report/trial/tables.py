"""The numbers of the summary as CSV tables, in full precision."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leukinetics.report.trial.assumptions import Assumed
from leukinetics.report.trial.courses import Course
from leukinetics.report.trial.folder import Finished

Row = Mapping[str, Any]


def csv_tables(trial: Finished, courses: Sequence[Course], assumptions: Sequence[Assumed]) -> dict[str, str]:
    """Texts by file name; tables without rows are left out."""
    found = {
        "arms": _arms(trial),
        "contrasts": trial.rows("contrasts"),
        "flow": _flow(trial),
        "baseline": _nested(trial.rows("baseline"), "arms"),
        "matching": list((trial.part("matching") or {}).get("targets") or []),
        "matching_shifts": list((trial.part("matching") or {}).get("shifts") or []),
        "subgroups": _nested(trial.rows("subgroups"), "parts"),
        "thresholds": _nested(trial.rows("thresholds"), "curve"),
        "survival": _survival(trial),
        "at_risk": _nested(trial.rows("survival"), "at_risk", ("endpoint", "arm")),
        "visits": _visits(trial),
        **_studies(trial),
        "conditions": [_flat(r) for r in (trial.part("also") or {}).get("contrasts") or []],
        "courses": _courses(courses),
        "assumed": [vars(a) for a in assumptions],
        "failures": trial.failures.to_dict("records"),
    }
    return {f"{name}.csv": csv_text(rows) for name, rows in found.items() if rows}


def csv_text(rows: Sequence[Row]) -> str:
    """Rows as CSV, with all columns that any of them has."""
    columns = list(dict.fromkeys(k for r in rows for k in r))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(r.get(c)) for c in columns] for r in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else value


def _nested(rows: Iterable[Row], key: str, keep: Sequence[str] | None = None) -> list[Row]:
    """One row for each entry of the list ``key`` of each row, with the row's own scalars before it."""
    found: list[Row] = []
    for row in rows:
        own = {k: v for k, v in row.items() if not isinstance(v, (list, dict)) and (keep is None or k in keep)}
        found += [
            {**own, **{("arm" if key == "arms" and k == "name" else k): v for k, v in part.items()}}
            for part in row.get(key) or []
        ]
    return found


def _flat(row: Row) -> Row:
    apart = {f"apart.{k}": v for k, v in (row.get("apart") or {}).items()}
    return {**{k: v for k, v in row.items() if k != "apart"}, **apart}


def _arms(trial: Finished) -> list[Row]:
    rows: list[Row] = []
    for arm in trial.rows("arms"):
        for name, numbers in (arm.get("endpoints") or {}).items():
            own = {k: v for k, v in numbers.items() if not isinstance(v, (list, dict))}
            lost = {f"missing.{k}": v for k, v in (numbers.get("missing") or {}).items()}
            rows.append({"arm": arm.get("name"), "endpoint": name, **own, **lost})
    return rows


def _visits(trial: Finished) -> list[Row]:
    return [
        {"arm": arm.get("name"), "endpoint": name, **visit}
        for arm in trial.rows("arms")
        for name, numbers in (arm.get("endpoints") or {}).items()
        for visit in numbers.get("visits") or []
    ]


def _flow(trial: Finished) -> list[Row]:
    found = trial.part("flow")
    if found is None:
        return []
    rows: list[Row] = [{"arm": "", "what": "screened", "n": found.get("screened")}]
    rows += [{"arm": "", "what": f"excluded: {r.get('reason')}", "n": r.get("n")} for r in found.get("excluded") or []]
    rows.append({"arm": "", "what": "enrolled", "n": found.get("enrolled")})
    for arm in found.get("arms") or []:
        own = {k: v for k, v in arm.items() if k not in ("name", "rules")}
        rows += [{"arm": arm.get("name"), "what": k, "n": v} for k, v in own.items()]
        rows += [
            {"arm": arm.get("name"), "what": f"rule: {r.get('id')}", "n": r.get("n")} for r in arm.get("rules") or []
        ]
    return rows


def _survival(trial: Finished) -> list[Row]:
    rows: list[Row] = []
    for r in trial.rows("survival"):
        columns = {k: r.get(k) or [] for k in ("time", "survival", "low", "high")}
        for i in range(len(columns["time"])):
            point = {k: (v[i] if i < len(v) else None) for k, v in columns.items()}
            rows.append({"endpoint": r.get("endpoint"), "arm": r.get("arm"), **point})
    return rows


def _studies(trial: Finished) -> dict[str, list[Row]]:
    power, doubt, sense = (trial.part(k) or {} for k in ("power", "uncertainty", "sensitivity"))
    contrasts = list(doubt.get("contrasts") or [])
    keys = ("endpoint", "arm", "reference", "measure")
    draws = [
        {**{k: c.get(k) for k in keys}, "draw": i, "value": v}
        for c in contrasts
        for i, v in enumerate(c.get("values") or [])
    ]
    return {
        "power": list(power.get("curve") or []),
        "enrichment": list(power.get("enrichment") or []),
        "uncertainty": [{k: v for k, v in c.items() if k not in ("values", "narrowing")} for c in contrasts],
        "uncertainty_draws": draws,
        "narrowing": [row for c in contrasts for row in _narrowing({k: c.get(k) for k in keys}, c.get("narrowing"))],
        "sensitivity": list(sense.get("parameters") or []),
    }


def _narrowing(of: Row, found: Row | None) -> list[Row]:
    """One row for each parameter and each other result that would narrow a contrast."""
    if found is None:
        return []
    parameters = [{**of, "what": "parameter", **row} for row in found.get("parameters") or []]
    return parameters + [
        {**of, "what": row["what"], "name": f"{row['endpoint']} ({row['arm']})", **_without(row)}
        for row in found.get("measurements") or []
    ]


def _without(row: Row) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in ("what", "endpoint", "arm")}


def _courses(courses: Sequence[Course]) -> list[Row]:
    return [
        {"name": c.name, "unit": c.unit, **{str(k): v for k, v in row.items()}}
        for c in courses
        for row in c.table.to_dict("records")
    ]
