"""Running a trial from its protocol to its summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leukinetics.patients.population_table import population_bytes
from leukinetics.trial.chunks import Conducted, Progress, chunk_size, conduct, silent
from leukinetics.trial.conclude import conclude
from leukinetics.trial.folder import REPORT_PARTS, check_folder, clean, is_begun, is_finished, stated, sweep, working
from leukinetics.trial.identity import check_same, identity
from leukinetics.trial.journal import Journal
from leukinetics.trial.made_with import population_provenance, with_provenance
from leukinetics.trial.prepare import Prepared, patients_per_arm, prepare
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.provenance import provenance
from leukinetics.trial.result import TrialResult, open_trial, stored
from leukinetics.trial.side_by_side import side_by_side
from leukinetics.trial.store import PROVENANCE, SUMMARY, write_bytes, write_json, write_table
from leukinetics.trial.tables import units
from leukinetics.trial.variants import Variant, title, variants


def run(
    protocol: str | Path | Mapping[str, Any] | Protocol | Prepared,
    out: str | Path | None = None,
    typical: Mapping[str, float] | None = None,
    patients: int | None = None,
    threads: int | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    chunk: int | None = None,
    progress: Progress = silent,
) -> TrialResult:
    """Run a trial.

    Parameters
    ----------
    protocol : a TOML file, its content as a mapping, a Protocol, or a trial prepared before.
    out : folder to write the trial's files to; None keeps everything in memory. With a folder memory does not grow
        with what is observed, and a run that was interrupted, at any moment, can be gone on with.
    typical : typical values of parameters that replace the table's, in the units used inside (a row of
        :func:`leukinetics.patients.draws`).
    patients : patients per arm, instead of the protocol's.
    threads : threads of the simulation; results do not depend on it.
    resume : go on with the trial in ``out``. One that is finished is opened, and nothing is computed.
    overwrite : replace the trial in ``out``, once the new one is known to be possible.
    chunk : patients treated at a time, by default as many as fit in some 100 MB; results do not depend on it.
    progress : told what is done, as ``progress(done, total, what)``.

    The trials of ``[[also]]`` are run after it, each into a folder of its own below ``out``.

    A patient that cannot be solved is counted in the summary and left out of the statistics.

    Raises
    ------
    ProtocolError
        If the protocol is malformed, asks for what the model has not, or enrols too few patients.
    DataError
        If ``typical`` names what the model has not, or ``out`` cannot be written to, holds something else already,
        or, with ``resume``, was begun with something else (named).
    """
    folder = None if out is None else check_folder(out, resume=resume, overwrite=overwrite)
    prepared = protocol if isinstance(protocol, Prepared) else prepare(protocol)
    if patients is not None:
        prepared = replace(prepared, n=patients_per_arm(patients))
    given = prepared.plan.check_typical(typical)
    others = _Others(variants(prepared), given, threads, chunk, progress)
    if folder is None:
        return _in_memory(prepared, given, chunk_size(prepared, chunk), threads, progress, others)
    if resume and chunk is None:
        chunk = stated(folder).get("chunk")
    who = identity(prepared, given, chunk_size(prepared, chunk))
    if resume and is_finished(folder):
        check_same(stated(folder), who, folder)
        clean(folder)
        sweep(folder, *(folder / name for name in REPORT_PARTS))
        return open_trial(folder)
    with working(folder, who, prepared.protocol.text, resume=resume) as journal:
        began = datetime.now(UTC)
        done = conduct(prepared, given, who["chunk"], journal, threads, progress)
        summary = conclude(prepared, done, given, journal, threads, progress)
        also = others.run(folder)
        summary["also"] = others.beside(prepared, summary, also)
        for name, table in tables_of(done).items():
            path = folder / f"{name}.parquet"
            if name == "population":  # it says with what it was made, so that another trial can use it
                write_bytes(path, population_bytes(table, population_provenance(prepared, given)))
            else:
                write_table(path, table, units(prepared) if name == "screening" else None)
        times = {"began": _moment(began), "ended": _moment(datetime.now(UTC))}
        write_json(folder / PROVENANCE, provenance(prepared, who, given, times))
        write_json(folder / SUMMARY, summary)
    made = provenance(prepared, who, given, times)
    return TrialResult(prepared.protocol, summary, made, stored(folder), folder, also)


@dataclass(frozen=True)
class _Others:
    """The trials of ``[[also]]``, and how they are to be run."""

    variants: list[Variant]
    typical: dict[str, float]
    threads: int | None
    chunk: int | None
    progress: Progress

    def run(self, folder: Path | None) -> dict[str, TrialResult]:
        """Run those that are not finished; all by name."""
        return {v.name: self._one(v, None if folder is None else folder / v.folder) for v in self.variants}

    def _one(self, variant: Variant, folder: Path | None) -> TrialResult:
        return run(
            variant.prepared,
            folder,
            variant.prepared.typical(self.typical),
            threads=self.threads,
            resume=folder is not None and (is_finished(folder) or is_begun(folder)),
            chunk=self.chunk,
            progress=lambda done, total, what: self.progress(done, total, f"{variant.name}: {what}"),
        )

    def beside(
        self, prepared: Prepared, summary: dict[str, Any], found: dict[str, TrialResult]
    ) -> dict[str, Any] | None:
        """What they and the trial itself found, side by side; None where there are no others."""
        if not found:
            return None
        own = (title(prepared), prepared.protocol.trial.condition, "", summary)
        rest = [(v.name, v.prepared.protocol.trial.condition, v.folder, found[v.name].summary) for v in self.variants]
        return side_by_side([own, *rest])


def tables_of(done: Conducted) -> dict[str, Any]:
    """The tables of a trial but for the observations, by name, with their index as a column."""
    return {
        "population": done.population.reset_index(),
        "screening": done.screening,
        "endpoints": done.endpoints,
        "conduct": done.conduct,
        "failures": done.failures,
    }


def _in_memory(
    prepared: Prepared, typical: dict[str, float], chunk: int, threads: int | None, progress: Progress, others: _Others
) -> TrialResult:
    journal = Journal()
    began = datetime.now(UTC)
    done = conduct(prepared, typical, chunk, journal, threads, progress)
    summary = conclude(prepared, done, typical, journal, threads, progress)
    also = others.run(None)
    summary["also"] = others.beside(prepared, summary, also)
    times = {"began": _moment(began), "ended": _moment(datetime.now(UTC))}
    return TrialResult(
        prepared.protocol,
        summary,
        provenance(prepared, identity(prepared, typical, chunk), typical, times),
        {
            "population": lambda: with_provenance(done.population, prepared, typical),
            "screening": lambda: done.screening,
            "endpoints": lambda: done.endpoints,
            "conduct": lambda: done.conduct,
            "failures": lambda: done.failures,
            "observations": lambda: journal.observations().to_pandas(),
        },
        also=also,
    )


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
