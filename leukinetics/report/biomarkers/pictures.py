"""All figures of the report, and how many of each kind there are at most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from leukinetics.report.biomarkers.curves import (
    COLOURS,
    calibration_figure,
    cumulative_figure,
    decision_figure,
    mixture_figure,
    roc_figure,
)
from leukinetics.report.biomarkers.folder import FinishedStudy, Row
from leukinetics.report.biomarkers.forest import Line, detection_figure, forest
from leukinetics.report.biomarkers.strip import drawn_of, strip_figure
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import MEASURES, real
from leukinetics.report.trial.style import Picture

#: Analytes, questions and models that have figures; all are in the tables.
MOST = 8


def pictures(c: FinishedStudy) -> dict[str, Any]:
    """Figures by name, lists of those of which there are several."""
    some = c.analytes[:MOST]
    by_name = {a["name"]: a for a in c.analytes}
    questions = list(dict.fromkeys(str(d.get("question")) for d in c.rows("diagnosis")))[:MOST]
    classes = [r for r in (c.summary.get("subtypes") or {}).get("classes") or [] if r["marker"] in by_name][:MOST]
    strips = [strip_figure(c, a, f"levels-{_slug(a['name'], i)}") for i, a in enumerate(some)]
    curves = [cumulative_figure(c, a, f"cumulative-{_slug(a['name'], i)}") for i, a in enumerate(some)]
    roc = [
        roc_figure(c, [d for d in c.rows("diagnosis") if str(d.get("question")) == q], f"roc-{_slug(q, i)}")
        for i, q in enumerate(questions)
    ]
    mixtures = [
        mixture_figure(c, r, by_name[r["marker"]], f"mixture-{_slug(r['marker'], i)}") for i, r in enumerate(classes)
    ]
    return {
        "detection": detection_figure(c),
        "odds": _contrasts(c, "detection", "odds_ratio", "Odds of detection", "odds"),
        "strips": _there(strips),
        "curves": _there(curves),
        "ratios": _contrasts(c, "comparisons", "level_ratio", "Ratio of levels", "ratios"),
        "roc": _there(roc),
        "risks": _risks(c),
        "prognosis": _prognosis(c),
        "mixtures": _there(mixtures),
    }


def points_drawn(c: FinishedStudy) -> list[tuple[str, int, int]]:
    """(analyte, points drawn, measurements) of the strip plots."""
    return [(c.label(a["name"]), *drawn_of(c.values(a))) for a in c.analytes[:MOST]]


def left_out(c: FinishedStudy) -> str:
    """That further analytes have no figure."""
    more = len(c.analytes) - MOST
    return f" The first {MOST} of {len(c.analytes)} analytes have figures; the tables have all." if more > 0 else ""


def _there(found: Sequence[Picture | None]) -> list[Picture]:
    return [p for p in found if p is not None]


def _slug(text: object, i: int) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", plain(text).lower()).strip("-")[:40].strip("-")
    return f"{i + 1}-{found}" if found else str(i + 1)


def _contrasts(c: FinishedStudy, key: str, measure: str, title: str, name: str) -> Picture | None:
    """A forest of the contrasts of all analytes."""
    looks, lines = c.looks(), []
    for a in c.analytes:
        pairs = (a.get(key) or {}).get("pairs") or []
        if not pairs:
            continue
        lines.append(Line(c.label(a["name"])))
        for p in pairs:
            look = looks.get(str(p["group"]))
            text = f"{plain(p['group'])} against {plain(p['reference'])}"
            p_adjusted = p.get("p_peto_adjusted" if key == "comparisons" else "p_adjusted")
            lines.append(Line(text, p, p_adjusted, look.colour if look else "#1f5f99"))
    label = "ratio of geometric means" if measure == "level_ratio" else ""
    return forest(title, lines, measure, name, c.level, label)


def _risks(c: FinishedStudy) -> list[Picture]:
    """Calibration and net benefit: of the models of several markers, and where there are none of single ones."""
    found: list[tuple[str, Row]] = []
    for r in c.rows("several"):
        if r.get("calibration") or r.get("decision"):
            found.append((f"{plain(r.get('question') or r.get('outcome'))}: all markers", r))
    if not found:
        found = [
            (f"{plain(d.get('question'))}: {c.label(d['analyte'])}", d["model"])
            for d in c.rows("diagnosis")
            if (d.get("model") or {}).get("calibration")
        ]
    drawn = []
    for i, (title, r) in enumerate(found[: MOST // 2]):
        drawn.append(calibration_figure(title, r.get("calibration") or {}, f"calibration-{i + 1}"))
        drawn.append(decision_figure(title, r.get("decision") or {}, f"decision-{i + 1}"))
    return _there(drawn)


def _prognosis(c: FinishedStudy) -> list[Picture]:
    """A forest for each measure: a block for each outcome."""
    measures = dict.fromkeys(str(r.get("measure")) for p in c.rows("prognosis") for r in p.get("rows") or [])
    found = []
    for measure in measures:
        if measure == "None":
            continue
        lines: list[Line] = []
        outcomes = dict.fromkeys(str(p.get("outcome")) for p in c.rows("prognosis"))
        for outcome in outcomes:
            mine = [p for p in c.rows("prognosis") if str(p.get("outcome")) == outcome]
            block = [
                _prognosis_line(c, p, r, i)
                for i, p in enumerate(mine)
                for r in p.get("rows") or []
                if str(r.get("measure")) == measure
            ]
            if any(real((line.row or {}).get("estimate")) is not None for line in block):
                lines += [Line(plain(outcome)), *block]
        title = MEASURES.get(measure, measure.replace("_", " "))
        found.append(
            forest(title[:1].upper() + title[1:], lines, measure, f"prognosis-{measure.replace('_', '-')}", c.level)
        )
    return _there(found)


def _prognosis_line(c: FinishedStudy, p: Row, r: Row, i: int) -> Line:
    detected, adjusted = r.get("marker") == "detected", bool(r.get("adjusted"))
    how = ("detected" if detected else "per doubling") + (", adjusted" if adjusted else "")
    marker = ("v" if adjusted else "^") if detected else ("o" if adjusted else "s")
    return Line(f"{c.label(p['analyte'])}, {how}", r, r.get("p_value"), COLOURS[i % len(COLOURS)], marker)
