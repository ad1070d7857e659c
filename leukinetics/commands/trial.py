"""``leukinetics trial``: a protocol in; patients, observations, statistics and a report out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukinetics.commands.progress import status_line
from leukinetics.errors import DataError
from leukinetics.trial import TrialResult, run
from leukinetics.trial.folder import REPORT, check_folder, is_begun, is_finished
from leukinetics.trial.store import SUMMARY


@dataclass(frozen=True)
class Job:
    """What the command line asked for."""

    protocol: Path
    out: Path | None
    resume: bool = False
    overwrite: bool = False
    dry_run: bool = False
    patients: int | None = None
    threads: int | None = None
    chunk: int | None = None
    report: bool = True


def run_job(job: Job) -> str:
    """Run the job; what to print of it. Raises LeukineticsError for a user's mistakes."""
    if job.dry_run:
        from leukinetics.trial.plan import plan

        return str(plan(job.protocol, patients=job.patients, threads=job.threads).text())
    if job.out is None:
        raise DataError("Name a folder for the trial's files with --out, or say --dry-run.")
    folder = check_folder(job.out, resume=job.resume, overwrite=job.overwrite)
    finished = job.resume and is_finished(folder)
    with status_line("preparing the trial") as say:
        try:
            result = run(
                job.protocol,
                folder,
                patients=job.patients,
                threads=job.threads,
                resume=job.resume,
                overwrite=job.overwrite,
                chunk=job.chunk,
                progress=timed(say),
            )
        except KeyboardInterrupt:
            if is_begun(folder):
                raise KeyboardInterrupt(f"'{folder}' holds what was computed; go on with --resume.") from None
            raise
        try:
            written = _report(folder, job.report, say)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"the trial in '{folder}' is finished; --resume writes its report.") from None
    if finished:
        print("The trial was finished before; nothing was computed.", file=sys.stderr)
    return "\n".join([*summary(result), str(written)])


def _report(folder: Path, wanted: bool, say: Callable[[str], None]) -> Path:
    """The page to look at: the report, written unless it is there, or the summary."""
    page = folder / REPORT
    if not wanted:
        return folder / SUMMARY
    if page.is_file():  # of a trial that was finished before
        return page
    from leukinetics.report.trial import write_report

    say("writing the report")
    return write_report(folder)


def timed(say: Callable[[str], None]) -> Callable[[int, int, str], None]:
    """A progress function that says how much is done of a phase, and about how long the rest of it takes."""
    phase, began, first = "", 0.0, 0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal phase, began, first
        if what != phase:
            phase, began, first = what, time.monotonic(), done
        spent = time.monotonic() - began
        left = spent * (total - done) / (done - first) if done > first else None
        say(f"{what}: {done:,} of {total:,}" + (f", about {duration(left)} left" if left is not None else ""))

    return progress


def duration(seconds: float) -> str:
    """Such as "40 s", "12 min" or "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def summary(result: TrialResult) -> list[str]:
    """Who took part, and the contrasts of the primary endpoints, a line each."""
    s, protocol = result.summary, result.protocol
    people = s["patients"]
    primary = protocol.analysis.primary or [protocol.endpoint[0].id]
    rows: dict[tuple[str, str], list[str]] = {}
    for c in s["contrasts"]:
        if c["endpoint"] in primary:  # the first of an endpoint and arm is the main one
            unit = s["arms"][0]["endpoints"][c["endpoint"]].get("unit", "")
            rows.setdefault((c["endpoint"], c["arm"]), _cells(c, unit))
    heads = [
        "endpoint",
        "arm",
        "reference",
        "measure",
        "estimate",
        f"{100 * (1 - protocol.analysis.alpha):g} % CI",
        "p",
    ]
    table = [heads, *rows.values()]
    widths = [max(len(row[j]) for row in table) for j in range(len(heads))]
    return [
        f"{s['trial']}: {people['screened']:,} screened, {people['enrolled']:,} enrolled, {people['failed']:,} failed",
        *("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table if rows),
        *_doubts(s, primary),
    ]


def _doubts(s: dict[str, Any], primary: list[str]) -> list[str]:
    """What makes the numbers something else than was asked for: figures not matched, arms without a value."""
    missed = [t for t in (s["matching"] or {}).get("targets", []) if not t["reached"]]
    return [
        *(
            f"not reached: {t['what']} of {t['target']:.4g} {t['unit']}".rstrip()
            + f"; the nearest is {t['after']:.4g} {t['unit']}".rstrip()
            for t in missed
        ),
        *(
            f"{name}: nobody under '{arm['name']}' has a value, so that nothing is compared with it"
            for name in primary
            for arm in s["arms"]
            if arm["endpoints"][name]["n"] == 0
        ),
    ]


#: Measures that are in the unit of the endpoint; all others are ratios, percent or shares.
IN_UNIT = ("difference",)


def _cells(contrast: dict[str, Any], unit: str) -> list[str]:
    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.4g}"

    low, high, p = contrast["ci_low"], contrast["ci_high"], contrast.get("p_adjusted")
    p = contrast["p_value"] if p is None else p
    return [
        contrast["endpoint"],
        contrast["arm"],
        contrast["reference"],
        contrast["measure"].replace("_", " ") + (f", {unit}" if unit and contrast["measure"] in IN_UNIT else ""),
        shown(contrast["estimate"]),
        "-" if low is None and high is None else f"{shown(low)} to {shown(high)}",
        "-" if p is None else ("<0.0001" if p < 1e-4 else f"{p:.2g}"),
    ]
