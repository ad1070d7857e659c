"""What the data say about which parameters, and what they leave open.

The Jacobian of the residuals is taken per prior standard deviation, so a singular value of 1 marks a
combination of parameters on which the data know as much as the prior; below it the prior speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import least_squares

from leukinetics.calibration.fit import Fit, Say
from leukinetics.calibration.jacobian import jacobian
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.posterior import laplace_covariance
from leukinetics.calibration.problem import objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHOWN = 0.3  # share of a direction's length from which a parameter is named


@dataclass(frozen=True)
class Direction:
    """A combination of parameters, and how much the data say about it (in units of the prior's knowledge)."""

    singular_value: float
    weights: dict[str, float]


def directions(names: Sequence[str], fit: Fit) -> list[Direction]:
    """All directions, those the data know best first; each with the parameters that make it up."""
    _, values, rows = np.linalg.svd(fit.jacobian, full_matrices=True)
    values = np.concatenate([values, np.zeros(len(rows) - len(values))])
    found = []
    for value, row in zip(values, rows, strict=True):
        row = row * np.sign(row[np.argmax(np.abs(row))])
        order = np.argsort(-np.abs(row), kind="stable")
        found.append(Direction(float(value), {names[i]: float(row[i]) for i in order if abs(row[i]) >= SHOWN}))
    return found


@dataclass(frozen=True)
class Profile:
    """The least objective for given values of one parameter (published unit), all others refitted."""

    key: str
    values: Floats
    objective: Floats


def profile(journal: Journal, fit: Fit, key: str, points: int = 9, say: Say = lambda _: None) -> Profile:
    """Profile of a parameter over two posterior standard deviations either side of the best point.

    Raue et al. 2009 (doi:10.1093/bioinformatics/btp358): a flat profile is a parameter that others make up for.
    """
    index = journal.problem.names.index(key)
    width = 2 * float(np.sqrt(laplace_covariance(fit.jacobian)[index, index]))
    grid = fit.z[index] + np.linspace(-width, width, points)
    lowest = np.empty(points)
    middle = points // 2
    for side in (range(middle, points), range(middle - 1, -1, -1)):
        z = fit.z
        for k in side:  # outwards, each from its inner neighbour
            say(f"profile of {key}: {grid[k]:+.2f} prior standard deviations")
            z, lowest[k] = _refit(journal, z, index, float(grid[k]))
    return Profile(key, journal.problem.parameters[index].published(grid), lowest)


def _refit(journal: Journal, z: Floats, index: int, value: float) -> tuple[Floats, float]:
    others = np.arange(len(z)) != index

    def whole(rest: Floats) -> Floats:
        full = np.empty(len(z))
        full[others], full[index] = rest, value
        return full

    def residuals(rest: Floats) -> Floats:
        full = whole(rest)
        return np.concatenate([journal.residuals(full)[0], full])

    def derivatives(rest: Floats) -> Floats:
        return np.concatenate([jacobian(journal, whole(rest)), np.eye(len(z))])[:, others]

    if not others.any():
        full = whole(z[others])
        return full, float(objective(full[None], journal.residuals(full))[0])
    end = least_squares(residuals, z[others], jac=derivatives, method="trf", ftol=1e-4, xtol=1e-5, max_nfev=20)
    return whole(end.x), float(end.cost)
