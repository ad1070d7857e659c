"""The posterior by an ensemble sampler: emcee (doi:10.1086/670067) with differential evolution and snooker
moves (doi:10.1088/0067-0049/210/1/11, doi:10.1007/s11222-008-9104-9), started from the Laplace approximation.

Half the ensemble moves at once, so a step is two engine calls. After every step the chain and the state of
the random numbers are written; a resumed run goes on as if it had not been interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import emcee
import numpy as np

from leukinetics.calibration.chain import Chain
from leukinetics.calibration.diagnostics import autocorrelation_time, split_rhat
from leukinetics.calibration.fit import Fit, Say
from leukinetics.calibration.posterior import Posterior, laplace_covariance
from leukinetics.calibration.problem import Problem, objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ENOUGH = 50  # autocorrelation times that a chain must hold
RHAT_RELIABLE = 1.05
LOOK_EVERY = 50  # steps between two looks at the diagnostics


def ensemble(
    problem: Problem,
    fit: Fit,
    draws: int,
    seed: int,
    steps: int = 2000,
    folder: Path | None = None,
    say: Say = lambda _: None,
) -> Posterior:
    """Sample until the chain holds :data:`ENOUGH` autocorrelation times, or for ``steps`` steps.

    With a ``folder`` the chain in it is continued. The first half of a chain that has not converged, or five
    autocorrelation times of one that has, are left out of the draws.
    """
    walkers = _walkers(problem)
    path = None if folder is None else folder / "chain.bin"
    chain = Chain.open(walkers, len(problem.names), path)
    posterior = _Guarded(lambda z: -objective(z, problem.residuals(problem.predict(z))))
    if not len(chain):
        z = _scattered(problem, fit, walkers, seed)
        chain.append(z, posterior(z), np.random.RandomState(seed % 2**32).get_state())
    sampler = emcee.EnsembleSampler(
        walkers,
        len(problem.names),
        posterior,
        vectorize=True,
        moves=[(emcee.moves.DEMove(), 0.8), (emcee.moves.DESnookerMove(), 0.2)],
    )
    points, values, random = chain.last
    state = emcee.State(points, log_prob=values, random_state=random)
    while len(chain) < steps and not _settled(chain.z):
        (state,) = sampler.sample(state, iterations=1, store=False, skip_initial_state_check=True)
        posterior.raise_again()
        chain.append(state.coords, state.log_prob, state.random_state)
        say(f"step {len(chain):,} of at most {steps:,}")
    return _summary(chain.z, draws, seed)


class _Guarded:
    """Keeps what was raised until emcee has ended its step: emcee prints all points when it meets an exception."""

    def __init__(self, function: Callable[[Floats], Floats]) -> None:
        self.function = function
        self.raised: BaseException | None = None

    def __call__(self, z: Floats) -> Floats:
        if self.raised is None:
            try:
                return self.function(z)
            except BaseException as error:  # Ctrl-C too
                self.raised = error
        return np.full(len(z), -np.inf)

    def raise_again(self) -> None:
        if self.raised is not None:
            raise self.raised


def _walkers(problem: Problem) -> int:
    """Twice the parameters and a few more: fewer cannot span the space, more cost a longer burn-in."""
    return 2 * len(problem.names) + max(16, len(problem.names) // 2 * 2)


def _scattered(problem: Problem, fit: Fit, walkers: int, seed: int) -> Floats:
    """Draws of the Laplace approximation; those that the model cannot predict, drawn in towards the best point."""
    rng = np.random.default_rng(seed)
    z = rng.multivariate_normal(fit.z, laplace_covariance(fit.jacobian), size=walkers, method="cholesky")
    lost = problem.failures(problem.predict(z))
    return np.where(lost[:, None], fit.z + 0.1 * (z - fit.z), z)


@dataclass(frozen=True)
class _Verdict:
    """On a chain (steps, walkers, parameters): autocorrelation time and split R-hat of the worst parameter (NaN
    where they cannot be told), the steps to leave out, and whether the rest can be relied on."""

    steps: int
    time: float
    burn_in: int
    rhat: float

    @classmethod
    def on(cls, z: Floats) -> _Verdict:
        time = float(np.max(autocorrelation_time(z[len(z) // 5 :])))
        settling = 5 * time  # steps that the start may still be felt
        burn_in = int(settling) if settling < len(z) / 2 else len(z) // 2
        return cls(len(z), time, burn_in, float(np.max(split_rhat(z[burn_in:]))))

    @property
    def reliable(self) -> bool:
        return self.steps > ENOUGH * self.time and self.rhat < RHAT_RELIABLE

    @property
    def why(self) -> str:
        lead = "" if self.reliable else "The sampler has not converged: continue it with --resume and more --steps. "
        return lead + (
            f"{self.steps:,} steps are {self.steps / self.time:.0f} autocorrelation times (at least {ENOUGH} are asked "
            f"for); split R-hat is {self.rhat:.3f} (below {RHAT_RELIABLE} is asked for)."
        )


def _settled(z: Floats) -> bool:
    return len(z) >= 2 * LOOK_EVERY and len(z) % LOOK_EVERY == 0 and _Verdict.on(z).reliable


def _summary(z: Floats, draws: int, seed: int) -> Posterior:
    verdict = _Verdict.on(z)
    flat = z[verdict.burn_in :].reshape(-1, z.shape[2])
    chosen = np.random.default_rng(seed).choice(len(flat), size=draws, replace=len(flat) < draws)
    facts: dict[str, float | int] = {"steps": len(z), "burn_in": verdict.burn_in, "walkers": z.shape[1]}
    if np.isfinite(verdict.time):
        facts["autocorrelation_time"] = round(verdict.time, 1)
        facts["effective_size"] = round(len(flat) / verdict.time, 1)
    if np.isfinite(verdict.rhat):
        facts["split_rhat"] = round(verdict.rhat, 4)
    covariance = np.atleast_2d(np.cov(flat, rowvar=False))
    return Posterior(flat[chosen], flat.mean(axis=0), covariance, "emcee", verdict.reliable, verdict.why, facts)
