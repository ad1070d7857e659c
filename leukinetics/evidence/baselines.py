"""The published baselines of the conditions as targets: untreated people, read once.

A condition's drives are meant to reach them (``[[baseline]]`` in ``biology/conditions/*.toml``). Baselines without a
printed error are given one of 15 % (assumed). Rows that a target file already reads are left out.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leukinetics.evidence.load import TargetError, TargetProblem, load_targets
from leukinetics.evidence.target import Target

CONDITIONS = Path(__file__).parents[1] / "biology" / "conditions"
ASSUMED = 0.15  # standard error on ln where the source prints none
ASSAYS = 0.3  # model error on ln: laboratories read cytokines on scales of their own
PATIENTS = 200
_ROW = re.compile(r"databook:(\w+)")


def baseline_targets(targets: Iterable[Target] | None = None, folder: str | Path | None = None) -> list[Target]:
    """One target per condition that states baselines not read by ``targets`` (default: the bundled ones)."""
    given = load_targets() if targets is None else targets
    used = {r.databook for t in given for r in t.readout if r.databook}
    found, problems = [], []
    for path in sorted((CONDITIONS if folder is None else Path(folder)).glob("*.toml")):
        condition = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = [b for b in condition.get("baseline", []) if not _read_elsewhere(b, used)]
        if not rows:
            continue
        try:
            found.append(Target.model_validate(_target(condition, rows)))
        except ValidationError as error:
            for e in error.errors(include_url=False):
                problems.append(TargetProblem(path.name, "baseline", f"{e['loc'][-1]}: {e['msg']}"))
    if problems:
        raise TargetError(problems)
    return found


def _read_elsewhere(row: dict[str, Any], used: set[str]) -> bool:
    rows = _ROW.findall(str(row.get("source")))
    return bool(rows) and used.issuperset(rows)


def _target(condition: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = [str(b["readout"]) for b in rows]
    endpoints = [{"id": n, "observable": n, "kind": "value", "at": "0 d"} for n in dict.fromkeys(names)]
    ids = [n if names.count(n) == 1 else f"{n}_{names[:i].count(n) + 1}" for i, n in enumerate(names)]
    return {
        "id": f"baseline_{condition['id']}",
        "title": f"Baseline: {condition['title']}",
        "source": "; ".join(map(str, condition.get("sources", []))) or "see the readouts",
        "note": "Published baselines of the condition; see its file.",
        "protocol": {
            "trial": {
                "name": f"untreated, {condition['id']}",
                "condition": condition["id"],
                "duration": "1 d",
                "patients_per_arm": PATIENTS,
            },
            "arm": [{"name": "untreated"}],
            "endpoint": endpoints,
        },
        "readout": [_readout(name, b) for name, b in zip(ids, rows, strict=True)],
    }


def _readout(name: str, row: dict[str, Any]) -> dict[str, Any]:
    statistic = str(row.get("statistic", "median"))
    found: dict[str, Any] = {
        "id": name,
        "role": row["role"],
        "endpoint": str(row["readout"]),
        "arm": "untreated",
        "statistic": "median" if statistic == "typical" else statistic.replace(" ", "_"),
        "value": row["value"],
        "unit": row["unit"],
        "scale": "ln",
        "model_error": ASSAYS,
        "source": str(row.get("source", "")),
        "note": str(row.get("note", "")),
        "databook": next(iter(_ROW.findall(str(row.get("source", "")))), ""),
    }
    if "se" in row:
        found["se"] = row["se"] / row["value"]
    elif "low" in row and "high" in row and row["low"] > 0:
        found |= {"low": row["low"], "high": row["high"]}
    elif "sd" in row and "n" in row:
        found |= {"sd": row["sd"], "n": row["n"]}
    else:
        found["se"] = ASSUMED
        found["note"] = f"{found['note']} (no printed error: {ASSUMED:.0%} assumed)".strip()
    return found
