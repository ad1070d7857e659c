"""A calibration from beginning to end, in a folder that a later call can continue."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leukinetics.calibration.ensemble import ensemble
from leukinetics.calibration.fit import Say, fit
from leukinetics.calibration.identifiability import profile
from leukinetics.calibration.joint import joint
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.parameters import choose
from leukinetics.calibration.parts import CORE
from leukinetics.calibration.posterior import laplace
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.results import Calibration, write_results

SAMPLERS = ("joint", "laplace", "emcee")


@dataclass(frozen=True)
class Options:
    """How to calibrate. ``steps``: the most that the ensemble sampler takes. ``profiles``: keys to profile."""

    starts: int = 3
    draws: int = 200
    sampler: str = "joint"
    steps: int = 2000
    seed: int = 1
    profiles: Sequence[str] = ()
    patients: int | None = None  # virtual patients in an arm: recorded, so that the objective can be computed again


def calibrate(
    problem: Problem,
    folder: Path,
    options: Options,
    resume: bool = False,
    say: Say = lambda _: None,
    everything: Callable[[], Problem] | None = None,
    part: str = CORE,
) -> Calibration:
    """Fit, sample, profile, and write the results into ``folder``.

    ``everything``: makes the problem of all that is uncertain, the fitted parameters first (default: these only).
    Raises DataError where the folder holds another calibration, or the same one and ``resume`` is not set.
    """
    profiled = [p.key for p in choose(problem.parameters, list(options.profiles))]
    began = time.perf_counter()
    journal = Journal(problem, folder, resume)
    best = fit(journal, options.starts, options.seed, say)
    fitted_after = time.perf_counter() - began
    if options.sampler == "emcee":
        posterior = ensemble(problem, best, options.draws, options.seed, options.steps, folder, say)
    elif options.sampler == "joint":
        wide = Journal(problem if everything is None else everything(), folder / "joint", resume)
        fewer = None if everything is None or wide.problem.predictor.hash == problem.predictor.hash else problem
        posterior = joint(wide, best, options.draws, options.seed, say, fewer)
    else:
        posterior = laplace(journal, best, options.draws, options.seed, say)
    profiles = [profile(journal, best, key, say=say) for key in profiled]
    done = Calibration(
        problem,
        best,
        posterior,
        profiles,
        run={
            "seed": options.seed,
            "starts": options.starts,
            "sampler": options.sampler,
            "patients": options.patients,
            "candidates": journal.computed,
            "candidates_from_journal": journal.remembered,
            "candidates_without_prediction": journal.failed,
            "candidates_per_second": round(journal.computed / journal.seconds, 2) if journal.seconds else None,
            "seconds_to_fit": round(fitted_after, 1),
            "seconds": round(time.perf_counter() - began, 1),
        },
        part=part,
    )
    write_results(done, folder)
    return done
