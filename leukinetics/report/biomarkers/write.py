"""The report of a finished study of biomarkers: one HTML file that loads nothing, with its figures beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukinetics.report.biomarkers import (
    group_tables,
    marker_tables,
    model_tables,
    outcome_tables,
    people_tables,
    pictures,
    subtype_tables,
    words,
)
from leukinetics.report.biomarkers.folder import FinishedStudy, open_folder
from leukinetics.report.biomarkers.methods import method_words
from leukinetics.report.biomarkers.people_tables import many
from leukinetics.report.page import as_written_by, provenance_rows, rendered, written
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import count
from leukinetics.report.trial.style import drawing

TEMPLATE = Path(__file__).with_name("biomarkers.html.j2")
#: Sections by what they need: (id, name in the contents, tables of which one is enough).
SECTIONS = (
    ("data", "The data", ()), ("people", "Who and what", ()), ("published", "Published", ("published_grid",)),
    ("detection", "Detection", ("detection_grid",)), ("levels", "Levels", ("levels_grid",)),
    ("substitution", "Substitution", ("substitution_grid",)),
    ("correlation", "Analytes together", ("correlation_grid", "ratio_grid")), ("diagnosis", "Diagnosis", ("auc_grid",)),
    ("prognosis", "Prognosis", ("prognosis_grid",)), ("several", "Several markers", ("several_grid",)),
    ("subtypes", "Subtypes", ("rules_grid", "classes_grid")), ("multiplicity", "Multiplicity", ("multiplicity_grid",)),
    ("methods", "Methods", ()), ("missing", "What is missing", ()), ("provenance", "Provenance", ()),
)  # fmt: skip


def write_biomarker_report(folder: str | Path) -> Path:
    """Write report.html and figures/*.svg of the study in ``folder``; returns the report's path.

    Only the folder's files are read; the same folder gives the same bytes. DataError where the folder holds no finished
    study, a file is damaged, or the report cannot be written.
    """
    c = open_folder(folder)
    with as_written_by("study", c.folder):
        with drawing():
            drawn = pictures.pictures(c)
        page = rendered(TEMPLATE, _content(c, drawn))
    return written(c.folder, page, drawn)


def _content(c: FinishedStudy, drawn: Mapping[str, Any]) -> dict[str, Any]:
    virtual = bool(c.rows("published"))
    table = c.summary.get("table") or {}
    grids = {
        "notes_grid": people_tables.notes_grid(c),
        "analytes_grid": people_tables.analytes_grid(c),
        "people_grid": people_tables.people_grid(c),
        "known_grid": people_tables.known_grid(c),
        "published_grid": group_tables.published_grid(c),
        "detection_grid": group_tables.detection_grid(c),
        "tests_grid": group_tables.tests_grid(c),
        "levels_grid": group_tables.levels_grid(c),
        "comparisons_grid": group_tables.comparisons_grid(c),
        "adjusted_grid": model_tables.adjusted_grid(c),
        "substitution_grid": group_tables.substitution_grid(c),
        "multiplicity_grid": group_tables.multiplicity_grid(c),
        "failed_grid": people_tables.failed_grid(c),
        "correlation_grid": marker_tables.correlation_grid(c),
        "ratio_grid": marker_tables.ratio_grid(c),
        "auc_grid": marker_tables.auc_grid(c),
        "difference_grid": marker_tables.difference_grid(c),
        "cutoff_grid": marker_tables.cutoff_grid(c),
        "prognosis_grid": outcome_tables.prognosis_grid(c),
        "concordance_grid": outcome_tables.concordance_grid(c),
        "several_grid": outcome_tables.several_grid(c),
        "selected_grid": outcome_tables.selected_grid(c),
        "rules_grid": subtype_tables.rules_grid(c),
        "classes_grid": subtype_tables.classes_grid(c),
        "agreement_grid": subtype_tables.agreement_grid(c),
    }
    samples = f"{count(table.get('rows'))} samples of " if table.get("repeated") else ""
    facts = [
        f"{samples}{many(table.get('people'), 'person', 'people')}",
        f"{len(c.analytes)} analyte{'s' if len(c.analytes) != 1 else ''}",
        *([many(len(c.groups), "group", "groups")] if c.groups else []),
        f"Leukinetics {c.provenance.get('leukinetics', '')}".strip(),
    ]
    return {
        **grids,
        "pictures": drawn,
        "title": plain(c.summary.get("source")),
        "virtual": virtual,
        "blind": bool(c.summary.get("blind")),
        "facts": " · ".join(facts),
        "answer": words.answer(c),
        "headlines": words.headlines(c),
        "role": f"{words.VIRTUAL} {words.ROLE}" if virtual else words.ROLE,
        "contents": [(i, name) for i, name, need in SECTIONS if not need or any(grids[k] for k in need)],
        "decisions": [plain(d) for d in c.rows("decisions")],
        "level": c.level,
        "small": all(p.width <= 400 for p in drawn["strips"]),
        "sampled": words.sampled(pictures.points_drawn(c)) + pictures.left_out(c),
        "warnings": words.warnings(c),
        "subtypes_note": _subtypes_note(c),
        "method_words": method_words(c),
        "missing": words.missing(c),
        "made": _made(c.provenance),
        "dictionary": c.dictionary,
    }  # fmt: skip


def _made(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """What the study was made with; of a virtual cohort also the model of each condition."""
    models = provenance.get("models") or {}
    told = {k: v for k, v in provenance.items() if k not in ("models", "seconds")}
    return provenance_rows(told | {f"model of {name}": hashes.get("model_hash") for name, hashes in models.items()})


def _subtypes_note(c: FinishedStudy) -> str:
    found = c.summary.get("subtypes") or {}
    said = [f"Of {count(found.get('n'))} people: {plain(found['people'])}" if found.get("people") else ""]
    return "; ".join(t for t in [*said, str(found.get("note") or "")] if t)
