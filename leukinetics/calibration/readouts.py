"""Which published figures are fitted to, and what a prediction's distance from one is.

A figure of role ``validate`` is a prediction's judge: :func:`fitted` leaves it out and
:class:`~leukinetics.calibration.problem.Problem` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Bound = Literal["above", "below"]


@dataclass(frozen=True)
class Readout:
    """A published figure. ``published``, ``unit``: as published; ``sigma``: its standard error with the model's
    error, on ``scale``. With ``bound`` the figure is a limit (a test of sign) that a prediction should lie
    above or below: on the right side it costs nothing, on the wrong side its distance does.
    """

    key: str
    published: float
    sigma: float
    scale: Literal["ln", "linear"] = "ln"
    role: str = "calibrate"
    bound: Bound | None = None
    unit: str = "dimensionless"
    source: str = ""

    def residual(self, predicted: Floats) -> Floats:
        """Distances in units of sigma, NaN where the prediction is no number or has no logarithm."""
        predicted = np.asarray(predicted, dtype=float)
        if self.scale == "ln":
            positive = np.where(predicted > 0, predicted, np.nan)
            distance = (np.log(positive) - np.log(self.published)) / self.sigma
        else:
            distance = (predicted - self.published) / self.sigma
        distance = np.where(np.isfinite(distance), distance, np.nan)
        if self.bound == "above":
            return np.minimum(distance, 0.0)
        if self.bound == "below":
            return np.maximum(distance, 0.0)
        return distance


def fitted(readouts: Iterable[Readout]) -> tuple[Readout, ...]:
    """Those of role ``calibrate``."""
    return tuple(r for r in readouts if r.role == "calibrate")
