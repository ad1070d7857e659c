"""``leukinetics cohort TABLE``: a table of biomarkers in; its study, or a dictionary to start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.study import read_study, run_study, study_virtual
from leukinetics.cohort.study.run import WORK
from leukinetics.cohort.table import CohortTable, guess_toml
from leukinetics.cohort.table.cohort_table import PERSON
from leukinetics.cohort.table.note import plural
from leukinetics.cohort.table.read import notes_text
from leukinetics.commands.progress import status_line
from leukinetics.commands.study_words import answers
from leukinetics.errors import DataError
from leukinetics.report.trial.numbers import percent
from leukinetics.trial.store import SUMMARY, write_text

if TYPE_CHECKING:
    from leukinetics.commands.cohort import Job


def run_table(job: Job) -> str:
    """Run the job; what to print of it. Raises LeukineticsError for a user's mistakes."""
    if job.write_dictionary is not None:
        return _dictionary(job, job.write_dictionary)
    if job.out is None:
        return "\n".join(summary(read_study(job.source, job.dictionary, sheet=job.sheet, blind=job.blind)))
    with status_line(f"reading {job.source.name}") as say, _kept(job.out):
        result = run_study(
            job.source, job.dictionary, job.out, sheet=job.sheet, blind=job.blind, overwrite=job.overwrite, say=say
        )
        written = _written(job.out, job.report, say)
    return "\n".join([*summary(result.table), *answers(result.summary), str(written)])


@contextmanager
def _kept(out: Path) -> Iterator[None]:
    """Says, where a study is cut off, that what is done of it is kept."""
    try:
        yield
    except KeyboardInterrupt:
        if (out / WORK).is_dir():
            raise KeyboardInterrupt(f"what is done is kept in '{out}'; the same command goes on.") from None
        raise


def run_as_table(job: Job, out: Path) -> str:
    """A virtual cohort as a table in ``out``, and its study; what to print of it."""
    with status_line("the people") as say:
        result = study_virtual(job.source, out, blind=job.blind, overwrite=job.overwrite, threads=job.threads, say=say)
        written = _written(out, job.report, say)
    return "\n".join([*summary(result.table), *answers(result.summary), str(written)])


def _written(out: Path, report: bool, say: Callable[[str], None]) -> Path:
    if not report:
        return out / SUMMARY
    from leukinetics.report.biomarkers import write_biomarker_report

    say("writing the report")
    return write_biomarker_report(out)


def summary(table: CohortTable) -> list[str]:
    """What was read: groups, analytes, and all that was decided."""
    rows = table.rows
    lines = [f"{table.source}: {plural(len(rows), 'sample')} of {plural(rows[PERSON].nunique(), 'patient')}"]
    if table.groups:
        sizes = rows["group"].value_counts()
        lines.append("  " + ", ".join(f"{g} {int(sizes[g])}" for g in table.groups))
    width = max(len(name) for name in table.analytes)
    for name, x in table.analytes.items():
        unit = f" {x.unit}" if x.unit else ""
        limits = x.limits
        limit = (
            "limit unknown"
            if not len(limits)
            else f"limit {limits[0]:g}" + (f" to {limits[-1]:g}" if len(limits) > 1 else "")
        )
        below = f", {int(x.below.sum())} below ({percent(x.share_below)})" if x.n else ""
        above = f", {int(np.sum(x.above))} above range" if x.above.any() else ""
        missing = f", {int(x.missing.sum())} missing" if x.missing.any() else ""
        lines.append(f"  {name:<{width}}  {x.n} measured{below}{above}{missing}; {limit}{unit if len(limits) else ''}")
    lines += [f"note: {text}" for text in notes_text(table.notes)]
    return lines


def _dictionary(job: Job, path: Path) -> str:
    if job.dictionary is not None:
        raise DataError("--dictionary and --write-dictionary do not go together: one is read, the other made.")
    if path.suffix.lower() != ".toml":
        raise DataError(f"'{path}' does not end in .toml; name the dictionary so.")
    if path.exists() and not job.overwrite:
        raise DataError(f"'{path}' is there already; name another file, or replace it with --overwrite.")
    write_text(path, guess_toml(job.source, sheet=job.sheet))
    return f"{path}: look at it, correct it, then run leukinetics cohort {job.source} --dictionary {path}"
