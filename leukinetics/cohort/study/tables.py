"""The rows of a study's summary as flat tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    Row = dict[str, Any]

_HEAD = (
    "name",
    "unit",
    "matrix",
    "n",
    "missing",
    "below",
    "above",
    "between",
    "share_below",
    "limit_low",
    "limit_high",
)


def tables(summary: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Tables by name; those without rows are left out."""
    import pandas as pd

    every = [*summary["analytes"], *(p["ratio"] for p in summary["pairs"] if p.get("ratio"))]
    found: dict[str, list[Row]] = {
        "notes": summary["notes"],
        "groups": summary["groups"],
        "covariates": [flat(r) for r in summary["table"]["covariates"]],
        "outcomes": summary["table"]["outcomes"],
        "analytes": [{k: a.get(k) for k in _HEAD} for a in every],
        "multiplicity": summary["multiplicity"],
        "warnings": summary["warnings"],
        "published": summary["published"],
        "failed": summary["failed"],
        "correlations": [flat(r) for r in summary["correlations"]],
        "differences": [flat(r) for r in summary["marker_differences"]],
        "concordance": summary["concordance"],
    }
    for a in every:
        for name, rows in _of_analyte(a).items():
            found.setdefault(name, []).extend({"analyte": a["name"], **flat(r)} for r in rows)
    for name, rows in (*_markers(summary).items(), *_types(summary.get("subtypes") or {}).items()):
        found[name] = [flat(r) for r in rows]
    return {name: pd.DataFrame(rows) for name, rows in found.items() if rows}


def flat(row: Mapping[str, Any], before: str = "") -> Row:
    """A row without rows in it: keys of nested ones joined by ".", lists of values by "; ", longer ones left out."""
    out: Row = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            out |= flat(value, f"{before}{key}.")
        elif not isinstance(value, list):
            out[before + key] = value
        elif not any(isinstance(v, (Mapping, list)) for v in value) and len(value) < 20:
            out[before + key] = "; ".join(map(str, value))
    return out


def _of_analyte(a: Row) -> dict[str, list[Row]]:
    detection, compared = a.get("detection") or {}, a.get("comparisons") or {}
    common = detection.get("at_common") or {}
    levels = (a.get("levels") or {}).get("groups") or []
    own, highest = {"limit": "own"}, {"limit": common.get("limit")}
    models = (
        ("detection", detection.get("adjusted")),
        ("level", compared.get("adjusted")),
        ("repeated", a.get("repeated")),
    )
    return {
        "detection": [*_with(own, detection.get("groups")), *_with(highest, common.get("groups"))],
        "detection_tests": [
            *_with(own, _tests(detection)), *_with(highest, _tests(common)),
        ],
        "detection_pairs": [*_with(own, detection.get("pairs")), *_with(highest, common.get("pairs"))],
        "levels": [{"name": g["name"], **g["lognormal"]} for g in levels],
        "distribution": [
            {"name": g["name"], **{k: v for k, v in g["km"].items() if k != "curve"}} for g in levels
        ],
        "curves": [
            {"name": g["name"], "value": v, "share": p, "ci_low": low, "ci_high": high}
            for g in levels
            for v, p, low, high in zip(*(g["km"].get("curve", {}).get(k, []) for k in _CURVE), strict=True)
        ],
        "order_statistics": [{"name": g["name"], **g["ros"]} for g in levels],
        "substitution": [{"name": g["name"], **w} for g in levels for w in g["substitution"]["ways"]],
        "comparisons": [{k: v for k, v in r.items() if k != "substitution"} for r in compared.get("pairs") or []],
        "comparison_tests": list(compared.get("overall") or []),
        "adjusted": [{"model": m, **c} for m, found in models for c in (found or {}).get("coefficients") or []],
        "repeated": [{k: v for k, v in a["repeated"].items() if k not in ("coefficients", "terms")}]
        if a.get("repeated")
        else [],
    }  # fmt: skip


_CURVE = ("values", "share", "low", "high")


def _tests(found: Row) -> list[Row]:
    return [*(found.get("overall") or []), *([found["trend"]] if found.get("trend") else [])]


def _with(head: Row, rows: Iterable[Row] | None) -> list[Row]:
    return [head | r for r in rows or []]


def _markers(summary: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Of diagnosis, prognosis and several markers."""
    found: dict[str, list[Row]] = {k: [] for k in _MARKERS}
    for d in summary["diagnosis"]:
        head = {"analyte": d["analyte"], "question": d["question"]}
        roc = d.get("roc") or {}
        adjusted = {k: d.get(k) for k in ("p_adjusted", "p_all")}
        found["roc"].append(head | {k: v for k, v in roc.items() if k != "curve"} | adjusted)
        found["roc_curves"] += [head | p for p in roc.get("curve") or []]
        found["cutoffs"] += [head | c for c in d.get("cutoffs") or []]
        _of_risks(found, head, d.get("model") or {})
    for p in summary["prognosis"]:
        head = {"analyte": p["analyte"], "outcome": p["outcome"], "kind": p["kind"]}
        found["prognosis"] += [head | r for r in p["rows"] or [{"note": p.get("note")}]]
    for m in summary["several"]:
        head = {"question": m["question"]}
        found["several"].append({k: v for k, v in m.items() if k not in ("columns", "calibration", "decision")})
        found["several_columns"] += [head | c for c in m.get("columns") or []]
        _of_risks(found, {"analyte": "all", **head}, m)
    return found


_MARKERS = (
    "roc", "roc_curves", "cutoffs", "prognosis", "several", "several_columns", "calibration", "calibration_groups",
    "decision",
)  # fmt: skip


def _of_risks(found: dict[str, list[Row]], head: Row, model: Row) -> None:
    calibration, decision = model.get("calibration") or {}, model.get("decision") or {}
    if calibration:
        found["calibration"].append(head | {k: v for k, v in calibration.items() if not isinstance(v, list)})
    found["calibration_groups"] += [head | g for g in calibration.get("groups") or []]
    found["decision"] += [head | p for p in decision.get("curve") or []]


def _types(subtypes: Row) -> dict[str, list[Row]]:
    rows: list[Row] = []
    for c in subtypes.get("classes") or []:
        for k in c.get("classes") or []:
            rows += [
                {"marker": c["marker"], "class": k["class"], "share": k["share"], "people": k["people"], **v}
                for v in k["levels"]
            ]
    return {
        "rules": subtypes.get("rules") or [],
        "classes": rows,
        "class_models": [
            {"marker": c["marker"], **m} for c in subtypes.get("classes") or [] for m in c.get("models") or []
        ],
        "definitions": subtypes.get("definitions") or [],
        "agreement": (subtypes.get("agreement") or {}).get("pairs") or [],
    }
