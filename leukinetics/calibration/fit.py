"""The best point: least squares from several starts.

The objective is a sum of squares with smooth residuals, so each start follows the trust-region method of
Branch, Coleman and Li (scipy's ``least_squares``, doi:10.1137/S1064827595289108) with a Jacobian from one
engine call. The first start is where the tables stand; the others are the best of many draws from the prior.
Deterministic: the same problem and seed take the same steps, whatever the threads and the interruptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import norm, qmc

from leukinetics.calibration.jacobian import jacobian
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.problem import objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SCREENED = 32  # draws from the prior for each start beyond the first
SPREAD = 0.7  # of those draws, in prior standard deviations: less than 1, since far corners seldom solve

Say = Callable[[str], None]


@dataclass(frozen=True)
class Start:
    """Where one start ended. ``arrived`` is False where it used up its steps."""

    objective_at_start: float
    objective: float
    z: Floats
    steps: int
    arrived: bool


@dataclass(frozen=True)
class Fit:
    """The best point ``z`` (parameters,), its predictions and residuals (readouts,), its Jacobian
    (readouts, parameters), its objective, and what the other starts found."""

    z: Floats
    predicted: Floats
    residuals: Floats
    jacobian: Floats
    objective: float
    starts: tuple[Start, ...] = field(default=())

    @property
    def agreeing(self) -> int:
        """How many starts ended within 0.5 of the best objective (less than one standard error apart)."""
        return sum(s.objective < self.objective + 0.5 for s in self.starts)


def fit(journal: Journal, starts: int = 4, seed: int = 1, say: Say = lambda _: None) -> Fit:
    """Minimise the objective from ``starts`` points; the best of them, with a central Jacobian there."""
    found = []
    for number, z in enumerate(starting_points(journal, starts, seed), start=1):
        found.append(_descend(journal, z, say, f"start {number} of {starts}"))
    best = min(found, key=lambda s: s.objective)
    say("derivatives at the best point")
    derivatives = jacobian(journal, best.z, central=journal.problem.numerics.central)
    predicted = journal.evaluate(best.z)
    residuals = journal.problem.residuals(predicted)
    value = float(objective(best.z[None], residuals)[0])
    return Fit(best.z, predicted[0], residuals[0], derivatives, value, tuple(found))


def starting_points(journal: Journal, starts: int, seed: int) -> list[Floats]:
    """The present values, then the best of :data:`SCREENED` prior draws for each further start."""
    first = journal.problem.start()
    if starts == 1:
        return [first]
    draws = prior_draws(len(first), SCREENED * (starts - 1), seed)
    order = np.argsort(objective(draws, journal.residuals(draws)), kind="stable")
    return [first, *draws[order[: starts - 1]]]


def prior_draws(dimensions: int, n: int, seed: int) -> Floats:
    """Scrambled Sobol points (n, dimensions) of a normal with :data:`SPREAD`."""
    sobol = qmc.Sobol(dimensions, scramble=True, seed=np.random.default_rng(seed))
    uniform = sobol.random_base2(int(np.ceil(np.log2(max(n, 2)))))[:n]
    return np.asarray(SPREAD * norm.ppf(np.clip(uniform, 1e-6, 1 - 1e-6)))


def _descend(journal: Journal, z: Floats, say: Say, name: str) -> Start:
    steps = 0

    def residuals(point: Floats) -> Floats:
        data = journal.residuals(point)[0]
        value = float(objective(point[None], data[None])[0])
        say(f"{name}: step {steps}, objective {value:.4g}, {journal.computed:,} candidates")
        return np.concatenate([data, point])

    def derivatives(point: Floats) -> Floats:
        nonlocal steps
        steps += 1
        return np.concatenate([jacobian(journal, point), np.eye(len(point))])

    numerics = journal.problem.numerics
    began = float(objective(z[None], journal.residuals(z))[0])
    end = least_squares(
        residuals,
        z,
        jac=derivatives,
        method="trf",
        ftol=numerics.tolerance,
        xtol=1e-6,
        gtol=1e-6,
        max_nfev=numerics.steps,
    )
    return Start(began, float(end.cost), np.asarray(end.x), steps, end.status > 0)
