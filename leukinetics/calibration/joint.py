"""Draws of everything that is uncertain at once: what was fitted, and what the tables only assume.

A parameter that is not fitted keeps its value in the fit, yet it is not known. Drawn on its own beside the
posterior it would undo the fit; so it is drawn together with what was fitted. Each draw is the solution of a fit
of its own, to figures disturbed by their errors and with priors centred on a random point (randomised maximum
likelihood):

    theta = argmin 1/2 |theta - p|^2 + 1/2 |r(theta) - e|^2,   p and e standard normal

For a linear model these are exact draws of the posterior. Here the Jacobian at the fitted point serves all draws,

    theta_new = p - J' (J J' + 1)^-1 (r(theta) + J (p - theta) - e),

a step is halved where it would not help, and a few steps are taken. A parameter that no figure informs has no
slope, and so keeps its prior to the letter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from leukinetics.calibration.fit import Fit, Say
from leukinetics.calibration.jacobian import jacobian
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.posterior import Others, Posterior
from leukinetics.calibration.problem import PENALTY, Problem
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEPS = 6
FEW_STEPS = 1  # where a draw takes seconds
SETTLED = 0.05  # a step that lowers a draw's objective by less, relative to the number of figures, is the last
CLOSE = 1.5  # mean objective of the draws over its expectation up to which they are called reliable


def joint(
    journal: Journal, fit: Fit, draws: int, seed: int, say: Say = lambda _: None, problem: Problem | None = None
) -> Posterior:
    """Draws of the fitted parameters (the first of the journal's problem) and of the others.

    The journal's problem holds the fitted parameters in the order of ``fit``, then the others, whose priors are
    centred on the values that they had in the fit. ``problem``: the one that was fitted, where the journal's has fewer
    virtual patients: the fit's derivatives and residuals are used, a readout that a draw does not have is left out, and
    so are draws that contradict the figures (see :func:`_credible`).
    """
    centre = _centre(journal, fit)
    if problem is None:
        say(f"slopes of {len(centre)} parameters")
        slopes = jacobian(journal, centre)
        line, weight = _linear(centre, slopes, journal.residuals(centre[None])[0], draws, seed), np.ones(len(slopes))
    else:
        line, weight = _at_fit(journal, problem, fit, draws, seed, say)
    prior, error, slopes, gain, theta = line.prior, line.error, line.slopes, line.gain, line.theta

    def residuals(rows: NDArray[np.bool_], points: Floats) -> Floats:
        raw = journal.residuals(points[rows])
        return raw if problem is None else np.where(np.abs(raw) < PENALTY, raw, error[rows])

    length, moving = np.ones(draws), np.ones(draws, dtype=bool)
    say(f"{draws} draws of the linear model")
    found = residuals(moving, theta)
    cost = _cost(theta, prior, found, error)
    for step in range(STEPS if problem is None else FEW_STEPS):
        say(f"step {step + 1}: {int(moving.sum())} of {draws} draws on their way")
        aim = prior - (found * weight + (prior - theta) @ slopes.T - error) @ gain.T
        tried = theta + length[:, None] * (aim - theta)
        there = found.copy()
        there[moving] = residuals(moving, tried)
        after = _cost(tried, prior, there, error)
        better = moving & (after < cost)
        settled = better & (cost - after < SETTLED * len(slopes))
        theta, found = np.where(better[:, None], tried, theta), np.where(better[:, None], there, found)
        length = np.where(moving & ~better, length / 2, np.minimum(1.0, 1.5 * length))
        cost = np.where(better, after, cost)
        moving &= ~settled & (length > 0.1)
        if not moving.any():
            break
    excess = float(np.median(cost)) / line.expected
    if problem is None:
        return _posterior(journal, theta, excess, len(fit.z))
    kept = _credible(found, fit.residuals)
    made = _posterior(journal, theta[kept], float(np.median(cost[kept])) / line.expected, len(fit.z))
    why = f"{made.why} {draws - int(kept.sum())} of {draws} were left out, since they contradict the figures."
    return replace(made, why=why, diagnostics={**made.diagnostics, "left_out": draws - int(kept.sum())})


def _credible(found: Floats, best: Floats) -> NDArray[np.bool_]:
    """Which draws with residuals ``found`` (draws, readouts) lie within 95 % of those that a linear model would draw.

    Twice the misfit of such a draw is above the best fit's by at most a chi square with a freedom per readout. A model
    of products of lognormal factors has a long tail beyond.
    """
    beyond = (found**2).sum(axis=1) - float(best @ best)
    return np.asarray(beyond <= chi2.ppf(0.95, len(best)))


def _at_fit(journal: Journal, problem: Problem, fit: Fit, draws: int, seed: int, say: Say) -> tuple[_Linear, Floats]:
    """The linear model by the fit's own derivatives, the others' from the journal's problem; and what the latter's
    residuals are multiplied by, since a readout's error has the sampling error of the number of patients in it."""
    centre, fitted = _centre(journal, fit), len(fit.z)
    both = zip(journal.problem.readouts, problem.readouts, strict=True)
    weight = np.array([theirs.sigma / ours.sigma for theirs, ours in both])
    slopes = fit.jacobian
    if len(centre) > fitted:
        say(f"slopes of {len(centre) - fitted} parameters beside the fitted ones")
        slopes = np.hstack([slopes, jacobian(journal, centre, skip=fitted) * weight[:, None]])
    return _linear(centre, slopes, fit.residuals, draws, seed), weight


def _centre(journal: Journal, fit: Fit) -> Floats:
    """The fitted point among all parameters of the journal's problem."""
    count, fitted = len(journal.problem.names), len(fit.z)
    if count < fitted:
        raise DataError(f"{count} parameters to draw do not hold the {fitted} fitted ones.")
    return np.concatenate([fit.z, np.zeros(count - fitted)])


@dataclass(frozen=True)
class _Linear:
    """The draws ``theta`` of the linear model, their disturbances, and the objective that is expected of them."""

    theta: Floats
    prior: Floats
    error: Floats
    slopes: Floats
    gain: Floats
    expected: float


def _linear(centre: Floats, slopes: Floats, residuals: Floats, draws: int, seed: int) -> _Linear:
    gain: Floats = np.linalg.solve(slopes @ slopes.T + np.eye(len(slopes)), slopes).T.astype(float)
    count = len(centre)
    rng = np.random.default_rng(seed)
    prior, error = rng.standard_normal((draws, count)), rng.standard_normal((draws, len(slopes)))

    theta = prior - (residuals + (prior - centre) @ slopes.T - error) @ gain.T
    # Of a linear model the least value is half a chi square with a freedom per figure, beside the best fit's own.
    at_prior = residuals - slopes @ centre
    best = 0.5 * float(at_prior @ np.linalg.solve(slopes @ slopes.T + np.eye(len(slopes)), at_prior))
    return _Linear(theta, prior, error, slopes, gain, best + 0.5 * len(slopes))


def _cost(theta: Floats, prior: Floats, residuals: Floats, error: Floats) -> Floats:
    return np.asarray(0.5 * ((theta - prior) ** 2).sum(axis=1) + 0.5 * ((residuals - error) ** 2).sum(axis=1))


def _posterior(journal: Journal, theta: Floats, excess: float, fitted: int) -> Posterior:
    reliable = excess < CLOSE
    why = (
        f"{len(theta)} fits of {theta.shape[1]} parameters, {theta.shape[1] - fitted} of them not fitted otherwise, "
        f"to disturbed figures; their objective is {excess:.2f} of what a linear model would reach"
        + ("." if reliable else f", and {CLOSE:g} is the most that is called reliable.")
    )
    mean, covariance = theta.mean(axis=0), np.cov(theta, rowvar=False)
    others = Others(journal.problem.parameters[fitted:], theta[:, fitted:])
    facts: dict[str, float | int] = {"objective_over_linear": round(excess, 3), "parameters_drawn": theta.shape[1]}
    return Posterior(
        theta[:, :fitted], mean[:fitted], covariance[:fitted, :fitted], "joint", reliable, why, facts, others
    )
