"""``leukinetics cohort``: a cohort's protocol, or a table of biomarkers, in; people, statistics and a report out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leukinetics.cohort import CohortResult, read_cohort, run_cohort
from leukinetics.cohort.from_toml import has_table
from leukinetics.cohort.read import is_cohort
from leukinetics.cohort.table import is_table
from leukinetics.cohort.table.files import SUFFIXES
from leukinetics.commands.cohort_questions import runner
from leukinetics.commands.progress import status_line
from leukinetics.errors import DataError
from leukinetics.report.trial.numbers import interval, p_phrase, percent


@dataclass(frozen=True)
class Job:
    """What the command line asked for. ``source``: a protocol, or a table of biomarkers, of which ``dictionary``,
    ``sheet`` and ``write_dictionary`` are; ``as_table``: a virtual cohort as such a table; ``blind``: without its
    outcomes."""

    source: Path
    out: Path | None = None
    overwrite: bool = False
    threads: int | None = None
    report: bool = True
    dictionary: Path | None = None
    sheet: str | None = None
    write_dictionary: Path | None = None
    blind: bool = False
    as_table: bool = False


def run_job(job: Job) -> str:
    """Run the job; what to print of it. Raises LeukineticsError for a user's mistakes."""
    if is_table(job.source):
        from leukinetics.commands.cohort_table import run_table

        if job.as_table:
            raise DataError(f"--as-table goes with the protocol of a virtual cohort, and '{job.source}' is a table.")
        return run_table(job)
    for option in ("dictionary", "sheet", "write_dictionary"):
        if getattr(job, option) is not None:
            name = option.replace("_", "-")
            raise DataError(f"--{name} goes with a table ({', '.join(SUFFIXES)}), and '{job.source}' is none.")
    if job.blind and not job.as_table:
        raise DataError(f"--blind goes with a table ({', '.join(SUFFIXES)}) or with --as-table.")
    if (answer := runner(job.source)) is not None:
        return answer(job)
    if job.source.suffix == ".toml" and has_table(job.source, "analyte"):
        raise DataError(
            f"'{job.source}' is the dictionary of a table; give the table first, and it with --dictionary {job.source}."
        )
    if job.source.suffix == ".toml" and job.source.is_file() and not is_cohort(job.source):
        read_cohort(job.source)  # says what is wrong with a file that is no TOML, or misses a key
    elif job.source.suffix != ".toml":
        raise DataError(
            f"'{job.source}' is neither a protocol of a cohort, a .toml file with a table [cohort], nor a table of "
            f"biomarkers ({', '.join(SUFFIXES)})."
        )
    if job.out is None:
        raise DataError("A virtual cohort needs a folder for its files; name one with --out.")
    out = job.out
    if job.as_table:
        from leukinetics.commands.cohort_table import run_as_table

        return run_as_table(job, out)
    with status_line("the cohort") as say:
        result = run_cohort(
            job.source,
            out,
            overwrite=job.overwrite,
            threads=job.threads,
            progress=lambda done, total, what: say(f"{what}: {done} of {total}"),
        )
        written = out / "summary.json"
        if job.report:
            from leukinetics.report.cohort import write_cohort_report

            say("writing the report")
            written = write_cohort_report(out)
    return "\n".join([*summary(result), str(written)])


def summary(result: CohortResult) -> list[str]:
    """The cohort's results, a line each."""
    s = result.summary
    lines = [f"{s['cohort']}: {s['people']['measured']} people, limit {s['limit']:g} {s['unit']}"]
    width = max(len(str(r["name"])) for r in s["groups"])
    lines += [
        f"  {r['name']:<{width}}  detected {r['detected']} of {r['n']} ({percent(r['share'])})" for r in s["groups"]
    ]
    for r in [*s["contrasts"], *s["activity"]]:
        if r["measure"] == "odds_ratio" and not r.get("adjusted"):
            against = f"against {r['reference']}" if "reference" in r else "active against quiet"
            lines.append(f"  {r['group']} {against}: odds ratio {interval(r)}, {p_phrase(r['p_value'])}".rstrip(", "))
    for r in s["prognosis"]:
        measure = str(r["measure"] or "").replace("_", " ")
        lines.append(
            f"  {r['group']}, later {r['outcome']}: {measure} {interval(r)}, {p_phrase(r['p_value'])}".rstrip(", ")
        )
    return lines
