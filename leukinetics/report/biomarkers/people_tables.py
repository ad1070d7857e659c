"""Tables of the report: who was measured, what else is known of them, what was odd or failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from leukinetics.cohort.figures import figure
from leukinetics.report.biomarkers.folder import FinishedStudy, Row
from leukinetics.report.noted import Noted, made
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import NONE, count, number, percent, real, unit_text


def people_grid(c: FinishedStudy) -> Noted | None:
    """The groups."""
    rows = [
        [
            plain(g["name"]) + (" (reference)" if g.get("control") else ""),
            count(g.get("n")),
            count(g.get("samples")),
        ]
        for g in c.rows("groups")
    ]
    return made("People and their samples by group.", ["Group", "People", "Samples"], [("", rows)], {0})


def known_grid(c: FinishedStudy) -> Noted | None:
    """Covariates and outcomes, with what is missing."""
    table = c.summary.get("table") or {}
    covariates, outcomes = [], []
    for r in table.get("covariates") or []:
        covariates.append(
            [plain(r["name"]), plain(r.get("kind")), count(r.get("n")), count(r.get("missing")), _described(r)]
        )
    for r in table.get("outcomes") or []:
        kind = plain(r.get("kind")).replace("_", " ")
        outcomes.append([plain(r["name"]), kind, count(r.get("n")), count(r.get("missing")), _outcome(r)])
    out = next((n for r in table.get("outcomes") or [] if (n := real(r.get("left_out")))), None)
    who = f", in all but {plain(c.summary.get('control'))} ({count(out)} people)" if out else ""
    groups = [("Covariates", covariates), (f"Outcomes{who}", outcomes)]
    return made("What else is known of the people.", ["Name", "Kind", "n", "Missing", "Described"], groups, {0, 1, 4})


def analytes_grid(c: FinishedStudy) -> Noted | None:
    """What was measured, and the limits."""
    rows = []
    for a in c.analytes:
        rows.append(
            [
                c.label(a["name"]) + _matrix(a),
                unit_text(a.get("unit")) or NONE,
                count(a.get("n")),
                count(a.get("missing")),
                f"{count(a.get('below'))} ({percent(a.get('share_below'))})",
                _extra(a),
                limits_text(a),
            ]
        )
    head = ["Analyte", "Unit", "Measured", "Missing", "Below the limit", "Above, or between limits", "Limits"]
    text = (
        "What was measured, in the people who are analysed. A value below a limit is known to be below it, and no more."
    )
    return made(text, head, [("", rows)], {0, 6})


def _matrix(a: Row) -> str:
    """What an analyte was measured in, unless its name says so."""
    matrix = str(a.get("matrix") or "")
    if not matrix or matrix in str(a["name"]).casefold():
        return ""
    return f", {matrix.upper() if matrix == 'csf' else matrix}"


def many(n: object, one: str, more: str) -> str:
    """ "1 person", "20 people"."""
    return f"{count(n)} {one if n == 1 else more}"


def limits_text(a: Row) -> str:
    """The limits of an analyte in words."""
    limits = [v for v in a.get("limits") or [] if real(v) is not None]
    many = int(real(a.get("limits_count")) or len(limits))
    unit = unit_text(a.get("unit"))
    common = real(a.get("common_limit"))
    if common is not None:
        return f"{figure(common, 4)} {unit}, applied to all".replace(" ,", ",")
    if not limits:
        return "none stated"
    if many == 1:
        return f"{figure(limits[0], 4)} {unit}".strip()
    if many <= 4:
        return f"{', '.join(f'{figure(v, 4)}' for v in limits)} {unit}".strip()
    low, high = a.get("limit_low", limits[0]), a.get("limit_high", limits[-1])
    return f"{many}, from {figure(low, 4)} to {figure(high, 4)} {unit}".strip()


def notes_grid(c: FinishedStudy) -> Noted | None:
    """Decisions on the data, odd cells, what was left out."""
    titles = {"dropped": "Left out", "odd": "Odd cells", "decision": "Decisions in reading the table"}
    groups = []
    for severity, title in titles.items():
        rows = [
            [
                plain(n["text"]),
                plain(n["column"]) if n.get("column") else NONE,
                count(n["row"]) if n.get("row") else NONE,
                count(n.get("count") or 1),
            ]
            for n in c.rows("notes")
            if n["severity"] == severity
        ]
        groups.append((title, rows))
    text = "What was found in the file and what was made of it; rows as a spreadsheet counts them."
    grid = made(text, ["What", "Column", "First row", "Cells or rows"], groups, {0, 1})
    return grid


def failed_grid(c: FinishedStudy) -> Noted | None:
    """Analyses that gave nothing."""
    rows = [[plain(r.get("analysis")), _of(c, r.get("of")), plain(r.get("note"))] for r in c.rows("failed")]
    return made(
        "Analyses that gave nothing, and why.", ["Analysis", "Of", "Why"], [("", rows)], {0, 1, 2}, "failed.csv"
    )


def _of(c: FinishedStudy, name: Any) -> str:
    return c.label(name) if name else NONE


def unit_after(a: Row) -> str:
    unit = unit_text(a.get("unit"))
    return f" ({unit})" if unit else ""


def _extra(a: Row) -> str:
    above, mid = real(a.get("above")) or 0, real(a.get("between")) or 0
    return f"{count(above)}, {count(mid)}" if above or mid else NONE


def _described(r: Row) -> str:
    unit = unit_text(r.get("unit"))
    if r.get("kind") == "continuous":
        quartiles = f"{number(r.get('median'))} ({number(r.get('q1'))} to {number(r.get('q3'))}) {unit}".strip()
        return f"mean {number(r.get('mean'))} (SD {number(r.get('sd'))}), median (quartiles) {quartiles}"
    if r.get("kind") == "binary":
        return percent(r.get("share")) + (f" {plain(r['positive'])}" if r.get("positive") else "")
    levels: Iterable[Row] = r.get("levels") or []
    return ", ".join(f"{plain(v['level'])} {count(v.get('n'))}" for v in levels)


def _outcome(r: Row) -> str:
    kind, unit = r.get("kind"), unit_text(r.get("unit"))
    events = f"{count(r.get('events'))} events" if real(r.get("events")) is not None else ""
    if kind == "time_to_event":
        return f"{events}, median time {number(r.get('median'))} {unit}".strip()
    # Where the table has no exposure each person counts as one day.
    if kind == "count" and real(r.get("exposure")) not in (None, 0.0, real(r.get("n"))):
        return f"{events} in {number((real(r['exposure']) or 0) / 365.25)} person-years"
    if kind == "continuous":
        return f"mean {number(r.get('mean'))}, median {number(r.get('median'))} {unit}".strip()
    return events or NONE
