"""``leukinetics cohort``: a cohort's protocol in; people, statistics and a report out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leukinetics.cohort import CohortResult, read_cohort, run_cohort
from leukinetics.cohort.read import is_cohort
from leukinetics.commands.progress import status_line
from leukinetics.errors import DataError
from leukinetics.report.trial.numbers import interval, p_phrase, percent


@dataclass(frozen=True)
class Job:
    """What the command line asked for."""

    protocol: Path
    out: Path
    overwrite: bool = False
    threads: int | None = None
    report: bool = True


def run_job(job: Job) -> str:
    """Run the job; what to print of it. Raises LeukineticsError for a user's mistakes."""
    if job.protocol.suffix == ".toml" and job.protocol.is_file() and not is_cohort(job.protocol):
        read_cohort(job.protocol)  # says what is wrong with a file that is no TOML, or misses a key
    elif job.protocol.suffix != ".toml":
        raise DataError(f"'{job.protocol}' is no protocol of a cohort; name a .toml file with a table [cohort].")
    with status_line("the cohort") as say:
        result = run_cohort(
            job.protocol,
            job.out,
            overwrite=job.overwrite,
            threads=job.threads,
            progress=lambda done, total, what: say(f"{what}: {done} of {total}"),
        )
        written = job.out / "summary.json"
        if job.report:
            from leukinetics.report.cohort import write_cohort_report

            say("writing the report")
            written = write_cohort_report(job.out)
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
