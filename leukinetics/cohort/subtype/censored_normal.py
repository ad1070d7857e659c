"""Moments of a normal number of which an interval is known: what the mixtures are made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.subtype.noise import log_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def truncated(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """(ln of the probability, mean, mean of the square) of a standard normal number in [a, b], a < b, elementwise."""
    log = log_interval(a, b)
    with np.errstate(invalid="ignore"):
        low = np.exp(-0.5 * a * a - _HALF_LOG_2PI - log)
        high = np.exp(-0.5 * b * b - _HALF_LOG_2PI - log)
        first = low - high
        second = 1.0 + np.where(np.isinf(a), 0.0, a * low) - np.where(np.isinf(b), 0.0, b * high)
    # Far out the differences lose their digits; what is left lies in the interval.
    first = np.clip(first, a, b)
    return log, first, np.maximum(second, first**2)
