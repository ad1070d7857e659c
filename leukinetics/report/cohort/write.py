"""The report of a finished cohort: one HTML file that loads nothing, with its tables and figures beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leukinetics.report.cohort import figures, tables, words
from leukinetics.report.cohort.folder import FinishedCohort, open_cohort
from leukinetics.report.page import as_written_by, rendered, written
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.narrowing import narrowing_bars
from leukinetics.report.trial.numbers import count, real
from leukinetics.report.trial.style import Picture, drawing
from leukinetics.report.trial.tables import csv_text

TEMPLATE = Path(__file__).with_name("cohort.html.j2")


def write_cohort_report(folder: str | Path) -> Path:
    """Write report.html, tables/*.csv and figures/*.svg of the cohort in ``folder``; returns the report's path.

    DataError where the folder holds no finished cohort, a file is damaged, or the report cannot be written.
    """
    c = open_cohort(folder)
    with as_written_by("cohort", c.folder):
        with drawing():
            pictures = _pictures(c)
        page = rendered(TEMPLATE, _content(c, pictures))
        rows = tables.csv_rows(c)
    return written(c.folder, page, pictures, {name: csv_text(found) for name, found in rows.items() if found})


def _pictures(c: FinishedCohort) -> dict[str, Any]:
    """Figures by name; those of several comparisons as (title, figure)."""
    s = c.summary
    total = next((r["group"] for r in s["contrasts"]), None)
    against = [] if total is None else [("control", str(total), "", f"{plain(total)} against {plain(c.control)}")]
    activity = [("activity", r["group"], "", f"{plain(r['group'])}: active against quiet") for r in s["activity"]]
    later = [
        ("prognosis", r["group"], r["outcome"], f"{plain(r['group'])}, later {plain(r['outcome'])}")
        for r in s["prognosis"]
    ]
    found: dict[str, Any] = {
        "detection": figures.detection_figure(c),
        "strip": figures.strip_figure(c),
        "shares": figures.shares_figure(c),
        "levels": figures.level_figure(c),
        "chances": figures.chance_figure(c),
    }
    for name, keys in (("odds", dict.fromkeys([*activity, *against])), ("later", dict.fromkeys(later))):
        made = [(title, figures.effect_figure(c, what, g, title, o)) for what, g, o, title in keys]
        found[name] = [(title, p) for title, p in made if p is not None]
    found["narrowing"] = _narrowing(c)
    return found


def _narrowing(c: FinishedCohort) -> list[tuple[str, Picture]]:
    found = []
    for what in ("activity", "control"):
        for r in c.rows(what)[:1]:
            if r.get("narrowing") is None:
                continue
            lines = tables.narrowing_lines(c, r)
            if lines:
                text = tables.comparison(c, r)
                visible = real(r["narrowing"].get("visible"))
                found.append((text, narrowing_bars(lines, visible, text, f"narrowing-{what}")))
    return found


def _content(c: FinishedCohort, pictures: dict[str, Any]) -> dict[str, Any]:
    p, made = c.protocol, c.provenance
    people = c.summary["people"]
    hashes = [(f"model: {name}", str(m["assembly_hash"])) for name, m in made.get("models", {}).items()]
    return {
        "c": c,
        "pictures": pictures,
        "title": plain(p.cohort.name),
        "facts": " · ".join(
            [
                f"{count(people['measured'])} virtual people",
                f"seed {p.cohort.seed}",
                f"Leukinetics {made['leukinetics']}",
            ]
        ),
        "answer": words.answer(c),
        "headlines": words.headlines(c),
        "role": words.ROLE,
        "question": plain(p.report.question) if p.report.question else "",
        "said": [
            (name, text)
            for name, text in (
                ("Context of use", p.report.context_of_use),
                ("Model influence", p.report.model_influence),
                ("If it is wrong", p.report.decision_consequence),
            )
            if text
        ],
        "design_words": words.design_words(c),
        "among": words.among_words(c),
        "people_grid": tables.people_grid(c),
        "groups_grid": tables.groups_grid(c),
        "activity_grid": tables.activity_grid(c),
        "prognosis_grid": tables.prognosis_grid(c),
        "published_grid": tables.published_grid(c),
        "uncertainty_grid": tables.uncertainty_grid(c),
        "narrowing_grid": tables.narrowing_grid(c),
        "made": [(k.replace("_", " "), str(v)) for k, v in made.items() if not isinstance(v, dict)] + hashes,
        "toml": p.text or (c.folder / "protocol.toml").read_text(encoding="utf-8"),
    }
