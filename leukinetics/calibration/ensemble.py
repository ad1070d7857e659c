"""The posterior by an ensemble sampler: emcee (doi:10.1086/670067), started from the Laplace approximation.

Most moves are guided by a normal: at first the Laplace approximation, then what the chain has shown (the steps in
which the guide still changes are left out of the draws). The others are differential evolution and snooker moves
(doi:10.1088/0067-0049/210/1/11, doi:10.1007/s11222-008-9104-9). All walkers, or half of them, move at once. After
every step the chain and the state of the random numbers are written; a resumed run goes on as if it had not been
interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import emcee
import numpy as np
from scipy.linalg import solve_triangular

from leukinetics.calibration.chain import Chain
from leukinetics.calibration.diagnostics import autocorrelation_time, split_rhat
from leukinetics.calibration.fit import Fit, Say
from leukinetics.calibration.posterior import Posterior, laplace_covariance
from leukinetics.calibration.problem import Problem, objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ENOUGH = 20  # autocorrelation times that a chain must hold
SIZE = 400.0  # effective draws that it must be worth
RHAT_RELIABLE = 1.02
LOOK_EVERY = 20  # steps between two looks at the diagnostics
ADAPT_AT = (20, 60, 140)  # steps after which the guide is drawn anew, each from the steps since the one before
EXTRA_WALKERS = 16  # beyond twice the parameters, which the ensemble needs to span their space
WIDER = 1.2  # variance of the guide over that of the draws behind it: a guide narrower than the posterior gets stuck


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

    With a ``folder`` the chain in it is continued. Five autocorrelation times are left out of the draws, or the
    first half of a chain too short for that.
    """
    walkers = 2 * len(problem.names) + EXTRA_WALKERS
    path = None if folder is None else folder / "chain.bin"
    chain = Chain.open(walkers, len(problem.names), path)
    posterior = _Guarded(lambda z: -objective(z, problem.residuals(problem.predict(z))))
    if not len(chain):
        z = _scattered(problem, fit, walkers, seed)
        chain.append(z, posterior(z), np.random.RandomState(seed % 2**32).get_state())
    points, values, random = chain.last
    state = emcee.State(points, log_prob=values, random_state=random)
    sampler = None
    while len(chain) < steps and not _settled(chain.z):
        if sampler is None or len(chain) in ADAPT_AT:
            sampler = _sampler(posterior, *_guide(chain.z, fit))
        (state,) = sampler.sample(state, iterations=1, store=False, skip_initial_state_check=True)
        posterior.raise_again()
        chain.append(state.coords, state.log_prob, state.random_state)
        say(f"step {len(chain):,} of at most {steps:,}")
    return _summary(chain.z, draws, seed)


def _guide(z: Floats, fit: Fit) -> tuple[Floats, Floats]:
    """Mean and covariance of the guide for a chain so far (steps, walkers, parameters)."""
    past = [0, *(n for n in ADAPT_AT if n <= len(z))]
    if len(past) == 1:
        return fit.z, laplace_covariance(fit.jacobian)
    recent = z[past[-2] : past[-1]].reshape(-1, z.shape[2])
    return recent.mean(axis=0), np.atleast_2d(np.cov(recent, rowvar=False))


def _sampler(posterior: Callable[[Floats], Floats], mean: Floats, covariance: Floats) -> Any:
    """An emcee sampler with guided moves and the ensemble's own.

    A guided move draws x' = m + sqrt(1 - s^2) (x - m) + s L e, which keeps the normal N(m, LL') as it is
    (preconditioned Crank-Nicolson, doi:10.1214/13-STS421); so it is accepted by how far the posterior is from that
    normal, not by how many parameters there are. The size s is drawn anew for each walker.
    """
    factor = np.linalg.cholesky(WIDER * covariance)

    def excess(x: Floats) -> Floats:
        return np.asarray((solve_triangular(factor, (x - mean).T, lower=True) ** 2).sum(axis=0) / 2)

    def propose(x: Floats, random: np.random.RandomState) -> tuple[Floats, Floats]:
        size = np.exp(random.uniform(np.log(0.1), 0.0, size=(len(x), 1)))
        new = mean + np.sqrt(1 - size**2) * (x - mean) + size * (random.normal(size=x.shape) @ factor.T)
        return new, excess(new) - excess(x)

    moves = [(emcee.moves.MHMove(propose), 0.7), (emcee.moves.DEMove(), 0.2), (emcee.moves.DESnookerMove(), 0.1)]
    walkers, parameters = 2 * len(mean) + EXTRA_WALKERS, len(mean)
    return emcee.EnsembleSampler(walkers, parameters, posterior, vectorize=True, moves=moves)


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
    walkers: int
    time: float
    burn_in: int
    rhat: float

    @classmethod
    def on(cls, z: Floats) -> _Verdict:
        time = float(np.max(autocorrelation_time(z[len(z) // 5 :])))
        settling = max(5 * time, ADAPT_AT[-1])  # while the start may still be felt, or the guide changes
        burn_in = int(settling) if settling < len(z) / 2 else len(z) // 2
        return cls(len(z), z.shape[1], time, burn_in, float(np.max(split_rhat(z[burn_in:]))))

    @property
    def reliable(self) -> bool:
        return self.steps > ENOUGH * self.time and self.size > SIZE and self.rhat < RHAT_RELIABLE

    @property
    def size(self) -> float:
        """The effective sample size of what is kept."""
        return (self.steps - self.burn_in) * self.walkers / self.time

    @property
    def why(self) -> str:
        lead = "" if self.reliable else "The sampler has not converged: continue it with --resume and more --steps. "
        return lead + (
            f"{self.steps:,} steps of {self.walkers} walkers are {self.steps / self.time:.0f} autocorrelation times "
            f"(at least {ENOUGH} are asked for) and worth {self.size:.0f} draws (at least {SIZE:.0f}); split R-hat is "
            f"{self.rhat:.3f} (below {RHAT_RELIABLE})."
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
        facts["effective_size"] = round(verdict.size, 1)
    if np.isfinite(verdict.rhat):
        facts["split_rhat"] = round(verdict.rhat, 4)
    covariance = np.atleast_2d(np.cov(flat, rowvar=False))
    return Posterior(flat[chosen], flat.mean(axis=0), covariance, "emcee", verdict.reliable, verdict.why, facts)
