"""``leukinetics simulate``: a model file, tables and times in; a table or a figure out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import leukinetics
from leukinetics.commands.files import number_labels, parse_names, parse_settings, parse_times, read_table
from leukinetics.engine.status import Status
from leukinetics.engine.stream import check_writable, naming, replacing, write_csv, write_parquet
from leukinetics.errors import DataError
from leukinetics.report.trajectories import PANELS, draw_trajectories

if TYPE_CHECKING:
    import xarray as xr

    from leukinetics.engine.model import Model

SUFFIXES = (".parquet", ".csv", ".png")
CHUNK_BYTES = 64_000_000  # values of one chunk of patients
CHUNK_PATIENTS = 4096


@dataclass(frozen=True)
class Job:
    """What the command line asked for, as text; ``options`` go to ``Model.stream`` as they are."""

    model: Path
    time: str
    out: Path
    settings: tuple[str, ...] = ()
    patients: Path | None = None
    doses: Path | None = None
    outputs: str | None = None
    amounts: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Tally:
    """Counts what passes by: chunks of a result on their way to a file."""

    statuses: Counter[int] = field(default_factory=Counter)
    steps: int = 0
    rejected: int = 0

    def count(self, chunks: Iterator[xr.Dataset]) -> Iterator[xr.Dataset]:
        for chunk in chunks:
            self.statuses.update(chunk["status"].to_numpy().tolist())
            self.steps += int(chunk["steps"].sum())
            self.rejected += int(chunk["rejected"].sum())
            yield chunk

    def line(self, seconds: float, out: Path) -> str:
        """One line: patients, failures with advice, steps, seconds."""
        failed = {Status(code): n for code, n in sorted(self.statuses.items()) if not Status(code).ok}
        parts = [f"{self.statuses.total():,} patient{'' if self.statuses.total() == 1 else 's'}"]
        if self.statuses[Status.RETRIED]:
            parts.append(f"{self.statuses[Status.RETRIED]:,} solved on the reference path")
        parts.append(f"{sum(failed.values()):,} failed")
        parts.append(f"{self.steps:,} steps ({self.rejected:,} rejected)")
        parts.append(f"{seconds:.2f} s, wrote {out}")
        return ", ".join(parts) + "".join(f"; {n:,} {s.name}: {s.advice}" for s, n in failed.items())


def simulate_to_file(job: Job) -> str:
    """Run the job and return the summary line. Raises LeukineticsError for a user's mistakes."""
    started = time.perf_counter()
    suffix = job.out.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"--out '{job.out}' must end in one of {', '.join(SUFFIXES)}.")
    check_writable(job.out)
    for source in (job.model, job.patients, job.doses):
        if source is not None and source.exists() and job.out.exists() and job.out.samefile(source):
            raise DataError(f"--out '{job.out}' is an input of this run; name another file to write to.")
    times, settings = parse_times(job.time), parse_settings(job.settings)
    outputs, amounts = parse_names(job.outputs, "--outputs"), parse_names(job.amounts, "--amounts") or ()
    if not job.model.is_file():
        raise DataError(f"There is no model file '{job.model}'.")
    with progress_bar() as show:
        model = leukinetics.load_model(job.model)
        patients, doses = _tables(job, model, settings)
        total = len(model.species if outputs is None else outputs)
        if not total:
            raise DataError(f"'{job.model}' has no species; say what to write with --outputs.")
        # A figure shows so many outputs and no more, so others need not be simulated.
        names = (outputs or model.species)[:PANELS] if suffix == ".png" else outputs
        width = len(model.species if names is None else names)
        chunk = max(1, min(CHUNK_PATIENTS, CHUNK_BYTES // (8 * len(times) * max(width, 1))))
        chunks = model.stream(times, patients, doses, names, amounts, chunk=chunk, progress=show, **job.options)
        tally = Tally()
        if suffix == ".png":
            _draw(tally.count(chunks), job.out, model.name, total)
        else:
            write = write_parquet if suffix == ".parquet" else write_csv
            write(tally.count(chunks), job.out)
    return tally.line(time.perf_counter() - started, job.out)


def _tables(job: Job, model: Model, settings: dict[str, float]) -> tuple[Any, Any]:
    """The patients (settings included) and the doses, as the engine takes them."""
    labels = [name for name in ("patient", "ID") if name not in model.inputs]
    tables = []
    if job.patients is not None:
        tables.append(read_table(job.patients, "patients", labels))
    if job.doses is not None:
        tables.append(read_table(job.doses, "doses", ("patient", "ID", "id")))
    tables = number_labels(tables, ("patient", "ID", "id"))
    doses = tables.pop() if job.doses is not None else None
    patients = tables.pop() if tables else None
    if patients is None:
        return settings or None, doses
    for name in settings:
        if name in patients:
            raise DataError(f"'{name}' is both in --set and a column of '{job.patients}'; give it once.")
    return patients.assign(**settings), doses


def _draw(chunks: Iterator[xr.Dataset], out: Path, title: str, outputs: int) -> None:
    import xarray as xr

    parts = list(chunks)
    with replacing(out) as temporary, naming(out):
        draw_trajectories(xr.concat(parts, "patient"), temporary, title, outputs)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, where that is a terminal; hands out the function that moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, description="patients")
