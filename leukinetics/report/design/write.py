"""The report of a design: one HTML file that loads nothing, with its tables and figures beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leukinetics.report.design import figures, tables, words
from leukinetics.report.design.folder import FinishedDesign, open_design
from leukinetics.report.page import as_written_by, provenance_rows, rendered, written
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count, percent
from leukinetics.report.trial.style import drawing
from leukinetics.report.trial.tables import csv_text

TEMPLATE = Path(__file__).with_name("design.html.j2")


def write_design_report(folder: str | Path) -> Path:
    """Write report.html, tables/*.csv and figures/*.svg of the design in ``folder``; returns the report's path.

    Only the folder's files are read; the same folder gives the same bytes. DataError where the folder holds no finished
    design, a file is damaged, or the report cannot be written.
    """
    c = open_design(folder)
    with as_written_by("design", c.folder):
        with drawing():
            pictures = {"power": figures.power_figures(c), "limits": figures.limit_figures(c)}
        page = rendered(TEMPLATE, _content(c, pictures))
        rows = tables.csv_rows(c)
    return written(c.folder, page, pictures, {name: csv_text(found) for name, found in rows.items() if found})


def _content(c: FinishedDesign, pictures: dict[str, Any]) -> dict[str, Any]:
    n = len(c.questions)
    facts = [
        f"{n} question{'s' if n != 1 else ''}",
        f"power {percent(c.summary['target'])}",
        f"two-sided level {c.summary['alpha']:g}",
        f"Leukinetics {c.provenance['leukinetics']}",
    ]
    return {
        "pictures": pictures,
        "title": plain(c.summary["design"]),
        "facts": " · ".join(facts),
        "answer": words.answer(c),
        "headlines": words.headlines(c),
        "role": words.ROLE,
        "target": percent(c.summary["target"]),
        "replicates": count(c.summary["replicates"]),
        "questions_grid": tables.questions_grid(c),
        "assumptions_grid": tables.assumptions_grid(c),
        "limits_grid": tables.limits_grid(c),
        "substitution_grid": tables.substitution_grid(c),
        "method_words": words.method_words(c),
        "missing": words.missing(c),
        "made": provenance_rows(c.provenance),
        "toml": (c.folder / "protocol.toml").read_text(encoding="utf-8"),
    }
