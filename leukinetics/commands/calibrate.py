"""``leukinetics calibrate core`` (or ``ms``): published readouts in; fitted values with their uncertainty out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from leukinetics.calibration.core import part_problem
from leukinetics.calibration.parts import COMMITTED, part_named
from leukinetics.calibration.results import UNINFORMED, Calibration, write_results
from leukinetics.calibration.run import SAMPLERS, Options, calibrate
from leukinetics.calibration.write_back import write_back
from leukinetics.commands.files import parse_names
from leukinetics.commands.progress import status_line
from leukinetics.errors import DataError

WORST = 8  # readouts named in the summary


@dataclass(frozen=True)
class Job:
    """What the command line asked for; lists of names as text."""

    what: str
    out: Path
    targets: str | None = None
    parameters: str | None = None
    profile: str | None = None
    sampler: str = "joint"
    numbers: Mapping[str, int] = field(default_factory=dict)
    patients: int | None = None
    threads: int | None = None
    resume: bool = False
    write: bool = False


def run_job(job: Job) -> str:
    """Run the job and return the summary. Raises LeukineticsError for a user's mistakes."""
    part = part_named(job.what)
    patients = part.patients if job.patients is None else job.patients
    if job.sampler not in SAMPLERS:
        raise DataError(f"There is no sampler '{job.sampler}'; use {' or '.join(SAMPLERS)}.")
    targets, chosen = parse_names(job.targets, "--targets"), parse_names(job.parameters, "--parameters")
    options = Options(
        sampler=job.sampler,
        profiles=parse_names(job.profile, "--profile") or (),
        patients=patients,
        **job.numbers,
    )
    if job.write and (targets or chosen):
        raise DataError(
            f"--write commits the calibration of all of {part.title}; leave out --targets and --parameters."
        )
    if job.resume and not (job.out / "problem.json").is_file():
        raise DataError(f"There is no calibration in '{job.out}' to resume; leave out --resume to begin one.")
    with status_line("assembling the model") as say:
        problem = part_problem(part.id, targets, chosen, patients, job.threads)
        try:
            done = calibrate(
                problem,
                job.out,
                options,
                job.resume,
                say,
                lambda: part_problem(part.id, targets, chosen, part.slopes or patients, job.threads, everything=True),
                part.id,
            )
        except KeyboardInterrupt:
            print(f"'{job.out}' holds what was computed; go on with --resume.", file=sys.stderr)
            raise
        lines = [*summary(done), f"wrote {job.out}"]
        if job.write:
            lines.append("wrote " + ", ".join(str(path) for path in commit(done, job)))
    return "\n".join(lines)


def commit(done: Calibration, job: Job) -> list[Path]:
    """Write the fitted values into the tables, then the results with the hash of the model that has them."""
    changed = write_back(done.problem.parameters, done.values)
    fitted = part_problem(job.what, None, None, job.patients, job.threads)
    return [
        *changed,
        *write_results(replace(done, problem=replace(done.problem, predictor=fitted.predictor)), COMMITTED),
    ]


def summary(done: Calibration) -> list[str]:
    """What a reader wants to know first, a line each."""
    problem, fit, run = done.problem, done.fit, done.run
    contraction = dict(zip(problem.names, 1 - done.deviations, strict=True))
    order = sorted(range(len(problem.readouts)), key=lambda j: -abs(fit.residuals[j]))
    lines = [
        f"{_counted(len(problem.parameters), 'parameter')} fitted to "
        f"{_counted(len(problem.readouts), 'readout')} of role calibrate; "
        f"objective {fit.objective:.4g} ({fit.agreeing} of {len(fit.starts)} starts agree)",
        f"{run['candidates']:,} candidates in {run['seconds']:.0f} s ({run['candidates_per_second']} a second), "
        f"{run['candidates_without_prediction']:,} without a prediction",
        f"sampler: {done.posterior.sampler}. {done.posterior.why}",
        f"furthest from the publication, of {sum(abs(r) > 2 for r in fit.residuals)} beyond 2 standard errors:",
    ]
    for j in order[:WORST]:
        r, distance = problem.readouts[j], fit.residuals[j]
        lines.append(
            f"  {r.key}: predicted {fit.predicted[j]:.4g}, published {r.published:.4g} {r.unit} ({distance:+.1f})"
        )
    open_ones = sorted((name for name, c in contraction.items() if c < UNINFORMED), key=lambda name: contraction[name])
    lines.append("not informed by the data: " + (", ".join(open_ones) or "none"))
    if done.unmoved:
        lines.append("readouts that no fitted parameter moves: " + ", ".join(done.unmoved))
    return lines


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
