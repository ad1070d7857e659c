"""A virtual cohort from its protocol to its summary and files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.analyse import analyse_cohort, default_limits
from leukinetics.cohort.draws import uncertainty
from leukinetics.cohort.made_with import made_with
from leukinetics.cohort.plan import FURTHER, Plan
from leukinetics.cohort.protocol import CohortProtocol
from leukinetics.cohort.published import chances, held_against
from leukinetics.cohort.read import read_cohort
from leukinetics.cohort.virtual import persons, plan_of, prepare_groups
from leukinetics.engine.stream import naming
from leukinetics.errors import DataError
from leukinetics.trial.store import PROTOCOL, PROVENANCE, SUMMARY, write_json, write_table, write_text
from leukinetics.trial.studies.question import say_nothing

if TYPE_CHECKING:
    import pandas as pd

PEOPLE = "people.parquet"
#: People at least who tell what is expected with the fitted values.
MANY = 10_000
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class CohortResult:
    """A finished cohort: its protocol, table of people, summary, and the folder where it was written, if any."""

    protocol: CohortProtocol
    people: pd.DataFrame
    summary: dict[str, Any]
    folder: Path | None = None


def run_cohort(
    protocol: str | Path | Mapping[str, Any] | CohortProtocol,
    out: str | Path | None = None,
    *,
    overwrite: bool = False,
    threads: int | None = None,
    progress: Progress = say_nothing,
    assemblies: Mapping[str, Any] | None = None,
) -> CohortResult:
    """Make the people of a cohort, measure and follow them, and analyse them as a study would.

    With ``out``: people.parquet, summary.json, protocol.toml and provenance.json are written there; summary.json, the
    last of them, has what :func:`leukinetics.cohort.analyse_cohort` tells, ``published`` (what a study found, beside
    it), ``chances`` (of a study of this size to find it, by limit), and ``uncertainty`` (see
    :mod:`leukinetics.cohort.draws`). The same protocol gives the same numbers, whatever the threads.

    ProtocolError for what is malformed, or that the model has not; DataError where ``out`` cannot be written to.
    """
    read = read_cohort(protocol)
    folder = None if out is None else _folder(Path(out), overwrite)
    prepared = prepare_groups(read, assemblies=assemblies)
    if folder is not None:
        _make(folder)
    progress(0, 1, "the cohort")
    table = persons(read, prepared, [[{}] for _ in prepared], threads)[0]
    plan = plan_of(read, prepared, read.marker.limits)
    plan = plan if plan.limits else replace(plan, limits=default_limits(table, plan))
    summary = _head(read, plan, table) | analyse_cohort(table, plan)
    for row, ready in zip(summary["groups"], prepared, strict=True):
        condition = ready.assembly.condition
        row["condition"] = getattr(condition, "title", "") or ready.protocol.trial.condition
    summary |= _more(read, plan, summary, threads, progress, assemblies)
    if folder is not None:
        from leukinetics import __version__

        made = {"leukinetics": __version__, **made_with(read, prepared)}
        write_text(folder / PROTOCOL, read.text)
        units = {f"{FURTHER}{f.observable}": f.limit[0].unit for f in read.marker.further}
        write_table(folder / PEOPLE, table, {"marker": plan.unit, **units, **plan.units})
        write_json(folder / PROVENANCE, made)
        write_json(folder / SUMMARY, summary)
    return CohortResult(read, table, summary, folder)


def _head(protocol: CohortProtocol, plan: Plan, table: pd.DataFrame) -> dict[str, Any]:
    return {
        "cohort": protocol.cohort.name,
        "seed": protocol.cohort.seed,
        "marker": protocol.marker.observable,
        "people": {"asked": sum(g.n for g in protocol.group), "measured": len(table), "failed": table.attrs["failed"]},
        "alpha": plan.alpha,
    }


def _more(
    protocol: CohortProtocol,
    plan: Plan,
    summary: dict[str, Any],
    threads: int | None,
    progress: Progress,
    assemblies: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What needs more people than the cohort has."""
    study = protocol.uncertainty
    if study is None:
        return {"published": held_against(protocol, summary, None, plan), "chances": [], "uncertainty": None}
    asked = sum(g.n for g in protocol.group)
    times = max(study.times, math.ceil(MANY / asked))
    many = persons(protocol, ready := prepare_groups(protocol, times, assemblies), [[{}] for _ in ready], threads)[0]
    many.attrs["times"] = times
    larger = prepare_groups(protocol, study.times, assemblies)

    def people(typical: Sequence[Mapping[str, float]]) -> pd.DataFrame:
        return persons(protocol, larger, [[t] for t in typical], threads)[0]

    limits = [float(point["limit"]) for point in summary["curve"]]
    found = uncertainty(plan, larger, many, people, study.draws, study.times, protocol.cohort.seed, limits, progress)
    return {
        "published": held_against(protocol, summary, many, plan),
        "chances": chances(protocol, many, plan, limits),
        "uncertainty": found,
    }


def _folder(folder: Path, overwrite: bool) -> Path:
    """The folder, which holds nothing, or a cohort that may be replaced."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"'{folder}' is a file; name a folder.")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / PEOPLE).is_file():
            raise DataError(f"'{folder}' has files in it that are no cohort, and nothing of others is ever replaced.")
        if not overwrite:
            raise DataError(f"'{folder}' holds a cohort; name another folder, or replace it with --overwrite.")
    return folder


def _make(folder: Path) -> None:
    """The folder, before people are simulated; without the summary of a cohort that is replaced."""
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUMMARY).unlink(missing_ok=True)
