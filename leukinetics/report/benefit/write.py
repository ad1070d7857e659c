"""The report of a predicted benefit: one HTML file that loads nothing, with its tables and figures beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leukinetics.report.benefit import figures, people_figures, tables, words
from leukinetics.report.benefit.folder import FinishedBenefit, open_benefit
from leukinetics.report.benefit.methods import method_words
from leukinetics.report.page import as_written_by, provenance_rows, rendered, written
from leukinetics.report.trial.credibility import model_risk
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count
from leukinetics.report.trial.style import drawing
from leukinetics.report.trial.tables import csv_text

TEMPLATE = Path(__file__).with_name("benefit.html.j2")


def write_benefit_report(folder: str | Path) -> Path:
    """Write report.html, tables/*.csv and figures/*.svg of the prediction in ``folder``; returns the report's path.

    Only the folder's files are read; the same folder gives the same bytes. DataError where the folder holds no finished
    prediction, a file is damaged, or the report cannot be written.
    """
    c = open_benefit(folder)
    with as_written_by("prediction", c.folder):
        with drawing():
            pictures = {
                "benefit": figures.intervals_figure(c),
                "split": figures.split_figure(c),
                "assumed": figures.assumed_figure(c),
                "further": figures.further_figure(c),
                "people": people_figures.rank_figure(c),
                "markers": people_figures.marker_figures(c),
            }
        page = rendered(TEMPLATE, _content(c, pictures))
        rows = tables.csv_rows(c)
    return written(c.folder, page, pictures, {name: csv_text(found) for name, found in rows.items() if found})


def _content(c: FinishedBenefit, pictures: dict[str, Any]) -> dict[str, Any]:
    n, t, said = c.summary["virtual_patients"], c.table, c.protocol.report
    facts = [f"{count(n['fitted'] + n['draws'])} virtual patients"]
    facts += [f"{count(n['drawn'])} draws"] if n["drawn"] else []
    facts += [f"{count(t['rows'])} rows of {plain(t['source'])}"] if t is not None else []
    facts += [f"seed {c.summary['seed']}", f"Leukinetics {c.provenance['leukinetics']}"]
    credibility = [
        ("Context of use", said.context_of_use),
        ("Model influence", said.model_influence),
        ("If it is wrong", said.decision_consequence),
    ]
    return {
        "pictures": pictures,
        "title": plain(c.summary["name"]),
        "facts": " · ".join(facts),
        "answer": words.answer(c),
        "headlines": words.headlines(c),
        "role": words.ROLE,
        "question": words.question(c),
        "design_words": words.design_words(c),
        "said": [(name, plain(text)) for name, text in credibility if text]
        + [("Model risk", model_risk(said.model_influence, said.decision_consequence))],
        "refused": [(plain(p["name"]), c.measured(p), plain(p["note"])) for p in c.refused],
        "table": t,
        "drawn": n["drawn"],
        "worth": c.worth is not None,
        "most": f"{people_figures.MOST:,}" if t is not None and t["told"] > people_figures.MOST else "",
        "measured_grid": tables.measured_grid(c),
        "markers_grid": tables.markers_grid(c),
        "patients_grid": tables.patients_grid(c),
        "split_grid": tables.split_grid(c),
        "noise_grid": tables.noise_grid(c),
        "parameters_grid": tables.parameters_grid(c) if n["drawn"] else None,
        "people_grid": tables.people_grid(c),
        "tied_grid": tables.tied_grid(c),
        "rare_grid": tables.rare_grid(c),
        "notes_grid": tables.notes_grid(c),
        "method_words": method_words(c),
        "missing": words.missing(c),
        "made": provenance_rows(c.provenance),
        "toml": c.protocol.text or (c.folder / "protocol.toml").read_text(encoding="utf-8"),
    }
