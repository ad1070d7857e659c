"""What a sampler hands back, and the Laplace approximation that all samplers begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.calibration.diagnostics import effective_size, smooth_weights
from leukinetics.calibration.fit import Fit, Say
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.parameters import Parameter
from leukinetics.calibration.problem import objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

K_HAT_RELIABLE = 0.7
SIZE_RELIABLE = 100.0  # effective draws below which even a good k-hat says little
ROUNDS = 3  # of adapting the proposal to what the weighted draws show


@dataclass(frozen=True)
class Others:
    """Draws (draws, parameters) of uncertain parameters that were not fitted, in prior standard deviations."""

    parameters: tuple[Parameter, ...]
    draws: Floats


@dataclass(frozen=True)
class Posterior:
    """Draws (draws, parameters) in prior standard deviations, their mean and covariance as the sampler
    estimates them, and how they were made. ``reliable`` is the diagnostics' verdict, ``why`` its reason."""

    draws: Floats
    mean: Floats
    covariance: Floats
    sampler: str
    reliable: bool
    why: str
    diagnostics: Mapping[str, float | int] = field(default_factory=dict)
    others: Others | None = None


def laplace_covariance(jacobian: Floats) -> Floats:
    """Inverse of the Gauss-Newton Hessian J'J + 1, (parameters, parameters); the 1 is the prior."""
    _, singular, rows = np.linalg.svd(jacobian, full_matrices=False)
    shrink = singular**2 / (1 + singular**2)
    return np.asarray(np.eye(jacobian.shape[1]) - (rows.T * shrink) @ rows)


def laplace(journal: Journal, fit: Fit, draws: int, seed: int, say: Say = lambda _: None) -> Posterior:
    """Draws of the Laplace approximation, reweighted by the true posterior.

    Importance sampling in a few rounds: a round's proposal is a Student t with the mean and covariance of the
    draws so far, so that a posterior which is skewed or wider than its Hessian is followed. All rounds but
    the last serve adaptation only. The last round's weights are Pareto smoothed; where k-hat says that they cannot
    be relied on, the draws are the unweighted ones of the Laplace approximation, and the result says so.
    """
    rng = np.random.default_rng(seed)
    mean, covariance = fit.z, laplace_covariance(fit.jacobian)
    proposals = max(4 * draws, 25 * len(mean), 400)
    best: tuple[float, Floats, Floats, Floats] | None = None
    for number in range(ROUNDS):
        say(f"importance sampling, round {number + 1} of {ROUNDS}")
        z, log_proposal = _student(rng, mean, covariance, proposals)
        raw = -objective(z, journal.residuals(z)) - log_proposal
        logs, k = smooth_weights(raw)
        if best is None or k < best[0]:
            best = (k, z, logs, raw)
        if k < 0.5 or effective_size(logs) < len(mean):  # good already, or too few draws to learn from
            break
        weights = _normalised(logs)
        centre = weights @ z
        spread = (weights[:, None] * (z - centre)).T @ (z - centre)
        trust = effective_size(logs) / (effective_size(logs) + 2 * len(mean))  # few good draws say little
        mean = trust * centre + (1 - trust) * mean
        covariance = trust * spread + (1 - trust) * covariance
    assert best is not None
    return _weighted(rng, fit, draws, *best)


def _weighted(
    rng: np.random.Generator, fit: Fit, draws: int, k: float, z: Floats, logs: Floats, raw: Floats
) -> Posterior:
    size = effective_size(logs)
    facts: dict[str, float | int] = {"proposals": len(z), "effective_size": round(size, 1)}
    if np.isfinite(k):
        facts["pareto_k"] = round(k, 3)
    if not (k < K_HAT_RELIABLE and size >= SIZE_RELIABLE):
        covariance = laplace_covariance(fit.jacobian)
        plain = rng.multivariate_normal(fit.z, covariance, size=draws, method="cholesky")
        why = (
            f"The posterior is too far from normal for importance weights (Pareto k-hat {k:.2f}, below "
            f"{K_HAT_RELIABLE} is asked for; effective sample size {size:.0f}, at least {SIZE_RELIABLE:.0f} is asked "
            "for): these are draws of the Laplace approximation, unweighted. Use --sampler emcee."
        )
        return Posterior(plain, fit.z, covariance, "laplace", False, why, facts)
    weights = _normalised(logs)
    mean = weights @ z
    covariance = (weights[:, None] * (z - mean)).T @ (z - mean)
    # Systematic resampling: each proposal occurs as often as its weight says, give or take one.
    places = (np.arange(draws) + rng.random()) / draws
    chosen = rng.permutation(np.minimum(np.searchsorted(np.cumsum(weights), places), len(z) - 1))
    facts["distinct_draws"] = len(np.unique(chosen))
    why = f"Pareto k-hat {k:.2f}, below {K_HAT_RELIABLE}; effective sample size {size:.0f} of {len(z)}."
    return Posterior(z[chosen], mean, covariance, "laplace, importance weighted", True, why, facts)


FREEDOM = 30.0  # degrees of freedom: tails heavier than the posterior's, yet close to it in many dimensions


def _student(rng: np.random.Generator, mean: Floats, covariance: Floats, n: int) -> tuple[Floats, Floats]:
    """Draws (n, parameters) of a multivariate t, and their log density up to a constant."""
    factor = np.linalg.cholesky(covariance)
    normal = rng.normal(size=(n, len(mean)))
    stretch = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, size=(n, 1)))
    standard = normal * stretch
    log_density = -0.5 * (FREEDOM + len(mean)) * np.log1p((standard**2).sum(axis=1) / FREEDOM)
    return mean + standard @ factor.T, log_density - np.log(np.diag(factor)).sum()


def _normalised(logs: Floats) -> Floats:
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())
