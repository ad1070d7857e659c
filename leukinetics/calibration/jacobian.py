"""Derivatives of the residuals: all perturbed candidates in one call of the engine.

Residuals are smooth in the parameters because every candidate meets the same virtual patients (common random
numbers), so a finite difference needs no averaging; where readouts count events the problem's step is long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.calibration.journal import Journal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def jacobian(journal: Journal, z: Floats, central: bool = False, skip: int = 0) -> Floats:
    """Derivatives (readouts, parameters) of the residuals at the point ``z`` (parameters,).

    Forward differences, or central ones at twice the cost. Where a perturbed candidate has no prediction the
    other side is used; where both have none the derivative is 0. ``skip``: without those of the first parameters.
    """
    z = np.asarray(z, dtype=float)
    step = journal.problem.numerics.step * np.eye(len(z))[skip:]
    points = [z[None], z + step] + ([z - step] if central else [])
    predicted = journal.evaluate(np.concatenate(points))
    bad = _unpredicted(journal, predicted)
    centre, forward = predicted[:1], predicted[1 : len(step) + 1]
    backward = predicted[len(step) + 1 :] if central else None
    if backward is None and (bad[1:] & ~bad[:1]).any():
        backward = journal.evaluate(z - step)  # only asked for where the forward step failed
    return _differences(journal, centre, forward, backward, central).T


def _differences(journal: Journal, centre: Floats, forward: Floats, backward: Floats | None, central: bool) -> Floats:
    """Differences (parameters, readouts) per unit of z."""
    residuals, step = journal.problem.residuals, journal.problem.numerics.step
    r0, r1 = residuals(centre), residuals(forward)
    bad0, bad1 = _unpredicted(journal, centre), _unpredicted(journal, forward)
    slope = np.where(bad0 | bad1, 0.0, (r1 - r0) / step)
    if backward is None:
        return slope
    r2, bad2 = residuals(backward), _unpredicted(journal, backward)
    if central:
        slope = np.where(bad1 | bad2, slope, (r1 - r2) / (2 * step))
    return np.where(bad1 & ~bad2 & ~bad0, (r0 - r2) / step, slope)


def _unpredicted(journal: Journal, predicted: Floats) -> NDArray[np.bool_]:
    readouts = journal.problem.readouts
    if not readouts:
        return np.zeros(predicted.shape, dtype=bool)
    return np.isnan(np.stack([r.residual(predicted[:, j]) for j, r in enumerate(readouts)], axis=1))
