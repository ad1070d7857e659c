"""The report of a finished trial: one HTML file that loads nothing, with its tables and figures beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukinetics.engine.stream import naming, replacing
from leukinetics.errors import DataError
from leukinetics.report.page import as_written_by, rendered
from leukinetics.report.trial import study_views, views, words
from leukinetics.report.trial.answer import answer, headlines, outside
from leukinetics.report.trial.assumptions import assumed, influential
from leukinetics.report.trial.baseline import baseline_grid
from leukinetics.report.trial.certainty import sensitivity_figure, uncertainty_figures
from leukinetics.report.trial.course_figures import below_words, course_figures
from leukinetics.report.trial.courses import courses
from leukinetics.report.trial.credibility import credibility
from leukinetics.report.trial.design_figure import design
from leukinetics.report.trial.design_words import design_words, endpoint_words
from leukinetics.report.trial.effects import forests
from leukinetics.report.trial.endpoint_view import endpoint_grid, p_words
from leukinetics.report.trial.evidence import evidence
from leukinetics.report.trial.flow_figure import flow
from leukinetics.report.trial.folder import Finished, open_folder
from leukinetics.report.trial.hours import in_hours
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.narrowing import narrowing_figure, narrowing_grid, narrowing_words
from leukinetics.report.trial.numbers import count
from leukinetics.report.trial.power_figures import enrichment_figures, power_figure, power_words
from leukinetics.report.trial.side_by_side import beside, elsewhere
from leukinetics.report.trial.style import Picture, drawing, looks
from leukinetics.report.trial.survival import survival_figures
from leukinetics.report.trial.tables import csv_tables
from leukinetics.report.trial.thresholds import threshold_figures
from leukinetics.report.trial.visits import visit_figures
from leukinetics.report.trial.waterfall import waterfall
from leukinetics.trial.result import folders_beside

TEMPLATE = Path(__file__).with_name("trial.html.j2")
#: Files of an earlier report of the same folder, which this one may not write again.
_FIGURES = re.compile(
    r"(design|flow|power|enrichment|sensitivity|narrowing|(enrichment|levels|course|waterfall|survival|subgroups|threshold|uncertainty|visits|conditions)-.+)\.svg"
)


def write_report(folder: str | Path) -> Path:
    """Write report.html, tables/*.csv and figures/*.svg of the finished trial in ``folder``; returns the report's path.

    The trials of ``[[also]]`` in folders below it get theirs, too. Only the folder's files and the package's own data
    are read; the same folder gives the same bytes.

    Raises DataError where the folder holds no finished trial, a file is damaged, or the report cannot be written.
    """
    trial = open_folder(folder)
    with as_written_by("trial", trial.folder):
        page, tables, pictures = _make(trial, in_hours(trial))
    _files(trial.folder / "tables", tables, re.compile(r".+\.csv"))
    _files(trial.folder / "figures", {f"{p.name}.svg": p.svg for p in pictures}, _FIGURES)
    _write(trial.folder / "report.html", page)
    for other in folders_beside(trial.summary):
        write_report(trial.folder / other["folder"])
    return trial.folder / "report.html"


def _make(whole: Finished, trial: Finished) -> tuple[str, dict[str, str], list[Picture]]:
    """The page, the texts of the tables by file name, and the pictures; tables have the units of the summary."""
    arms = looks(trial.arms, words.reference_of(trial))
    read = courses(trial)
    assumptions = assumed(trial)
    known = evidence(trial)
    drugs = set(trial.assembly.drugs)
    with drawing():
        content: dict[str, Any] = {
            "design": design(trial, arms),
            "flow": flow(trial, arms),
            "levels": [
                (c, course_figures(trial, c, arms, True), below_words(trial, c)) for c in read if c.name in drugs
            ],
            "courses": [
                (c, course_figures(trial, c, arms, False), below_words(trial, c)) for c in read if c.name not in drugs
            ],
            "beside": beside(trial),
            "survival": survival_figures(trial, arms),
            "visits": visit_figures(trial, arms),
            "waterfall": waterfall(trial, arms),
            "forests": forests(trial, arms),
            "thresholds": threshold_figures(trial, arms),
            "power": power_figure(trial),
            "enrichment": enrichment_figures(trial),
            "uncertainty": uncertainty_figures(trial, arms),
            "sensitivity": sensitivity_figure(trial),
            "narrowing": narrowing_figure(trial),
        }
    heavy = [a for a in influential(assumptions) if a.influence][:10]
    page = rendered(
        TEMPLATE,
        content
        | {
            "trial": trial,
            "answer": answer(trial),
            "headlines": _headlines(trial, headlines(trial, known, assumptions)),
            "outside": outside(trial),
            "few_draws": words.few_draws(trial),
            "sensitive": _sensitive(trial),
            "role": words.ROLE,
            "question": words.question(trial),
            "design_words": design_words(trial),
            "baseline_grid": baseline_grid(trial),
            "matching_grid": views.matching_grid(trial),
            "matching_words": views.matching_words(trial),
            "endpoint_grid": endpoint_grid(trial),
            "p_words": p_words(trial),
            "enrichment_grid": study_views.enrichment_grid(trial),
            "uncertainty_grid": study_views.uncertainty_grid(trial),
            "narrowing_grid": narrowing_grid(trial),
            "narrowing_words": narrowing_words(trial),
            "power_words": power_words(trial),
            "heavy_grid": study_views.sensitivity_grid(trial, heavy),
            "assumed_grid": study_views.assumed_grid(assumptions),
            "evidence": known,
            "evidence_grid": study_views.evidence_grid(known),
            "credibility": credibility(trial, known, assumptions),
            "failures_grid": views.failures_grid(trial),
            "made": _provenance(trial),
            "facts": _facts(trial),
        },
    )
    return page, csv_tables(whole, read, assumptions), _pictures(content)


def _headlines(trial: Finished, found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    told = elsewhere(trial)
    return [("Side by side", told), *found] if told else found


def _pictures(found: Any) -> list[Picture]:
    """All pictures in a nest of lists, tuples and tables."""
    if isinstance(found, Picture):
        return [found]
    if isinstance(found, Mapping):
        return [p for v in found.values() for p in _pictures(v)]
    if isinstance(found, (list, tuple)):
        return [p for v in found for p in _pictures(v)]
    return list(found.pictures) if hasattr(found, "pictures") else []


def _sensitive(trial: Finished) -> str:
    """The endpoint of the sensitivity analysis in words."""
    name = str((trial.part("sensitivity") or {}).get("endpoint"))
    found = trial.endpoint_by_id.get(name)
    return plain(name) if found is None else endpoint_words(trial, found)


def _facts(trial: Finished) -> str:
    """One line under the title."""
    patients = trial.summary["patients"]
    parts = [
        f"{count(patients.get('enrolled'))} virtual patients",
        f"{len(trial.arms)} arm{'s' if len(trial.arms) > 1 else ''}",
    ]
    parts += [f"seed {trial.summary['seed']}", f"model {str(trial.summary.get('model_hash', ''))[:12]}"]
    return " · ".join([*parts, f"Leukinetics {trial.provenance.get('leukinetics', '')}"])


def _provenance(trial: Finished) -> list[tuple[str, str]]:
    """What made the numbers, a row for each thing that is known of it."""
    found: list[tuple[str, str]] = []
    for key, value in trial.provenance.items():
        if isinstance(value, Mapping):
            found += [(f"{key}: {k}", _said(v)) for k, v in value.items() if not isinstance(v, (dict, list))]
        elif not isinstance(value, list):
            found.append((key.replace("_", " "), _said(value)))
    return found


def _said(value: Any) -> str:
    return "none" if value in ("", None) else plain(value)


def _files(folder: Path, texts: Mapping[str, str], ours: re.Pattern[str]) -> None:
    """Write texts into a folder; what an earlier report left there goes."""
    try:
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            if path.name not in texts and ours.fullmatch(path.name):
                path.unlink()
    except OSError as error:
        raise DataError(f"The report cannot be written to '{folder}': {error.strerror or error}.") from error
    for name, text in texts.items():
        _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary, naming(path):
        temporary.write_text(text, encoding="utf-8", newline="\n")
