"""``leukinetics cohort TABLE``: a table of biomarkers in; what was read of it, or a dictionary to start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukinetics.cohort.table import CohortTable, guess_toml, read_table
from leukinetics.cohort.table.cohort_table import PERSON
from leukinetics.cohort.table.note import plural
from leukinetics.cohort.table.read import notes_text
from leukinetics.cohort.table.write import write_reading
from leukinetics.errors import DataError
from leukinetics.report.trial.numbers import percent
from leukinetics.trial.store import write_text


@dataclass(frozen=True)
class TableJob:
    """What the command line asked for."""

    table: Path
    out: Path | None = None
    dictionary: Path | None = None
    sheet: str | None = None
    write_dictionary: Path | None = None
    overwrite: bool = False


def run_table(job: TableJob) -> str:
    """Run the job; what to print of it. Raises LeukineticsError for a user's mistakes."""
    if job.write_dictionary is not None:
        return _dictionary(job, job.write_dictionary)
    table = read_table(job.table, job.dictionary, sheet=job.sheet)
    lines = summary(table)
    if job.out is not None:
        lines += [str(path) for path in write_reading(table, job.out, overwrite=job.overwrite)]
    return "\n".join(lines)


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


def _dictionary(job: TableJob, path: Path) -> str:
    if job.dictionary is not None:
        raise DataError("--dictionary and --write-dictionary do not go together: one is read, the other made.")
    if path.suffix.lower() != ".toml":
        raise DataError(f"'{path}' does not end in .toml; name the dictionary so.")
    if path.exists() and not job.overwrite:
        raise DataError(f"'{path}' is there already; name another file, or replace it with --overwrite.")
    write_text(path, guess_toml(job.table, sheet=job.sheet))
    return f"{path}: look at it, correct it, then run leukinetics cohort {job.table} --dictionary {path}"
