"""Numbers of a whole window of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

YEAR = 365.25  # days


def slope(times: Array, x: Array) -> Array:
    """Least-squares slope per year of samples ``x`` (..., times) at ``times`` (days), ``sum (t - mean t)(x - mean x) /
    sum (t - mean t)^2`` over the samples that are there; NaN with fewer than two of them."""
    there = ~np.isnan(x)
    count = there.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(there, times - (there * times).sum(axis=-1, keepdims=True) / count, 0.0)
        found = (t * np.where(there, x, 0.0)).sum(axis=-1) / (t * t).sum(axis=-1)
    return np.where(count[..., 0] >= 2, found * YEAR, np.nan)


def time_to_return(times: Array, x: Array, level: Array) -> tuple[Array, NDArray[np.bool_]]:
    """(time from the largest of samples ``x`` (..., times) until they are at ``level`` (...), linear in between;
    where that does not happen within ``times``: the time is then up to the last one).

    The time is 0 where the largest sample is not above the level.
    """
    peak = np.argmax(np.nan_to_num(x, nan=-np.inf), axis=-1)
    after = np.arange(len(times)) >= peak[..., None]
    back = after & (x <= level[..., None])
    first = np.argmax(back, axis=-1)
    before = np.maximum(first - 1, 0)
    high, low = _pick(x, before), _pick(x, first)
    share = np.clip((high - level) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    moment = times[before] + share * (times[first] - times[before])
    found = np.where(first == peak, 0.0, moment - times[peak])
    returned = back.any(axis=-1)
    return np.where(returned, found, times[-1] - times[peak]), ~returned


def time_above(times: Array, x: Array, level: float) -> Array:
    """How long the line through samples ``x`` (..., times) is at or above ``level``."""
    a, b = x[..., :-1] - level, x[..., 1:] - level
    rise = np.where(a == b, 1.0, b - a)
    crossing = np.clip(-a / rise, 0.0, 1.0)
    share = np.where((a >= 0) & (b >= 0), 1.0, np.where(a >= 0, crossing, np.where(b >= 0, 1.0 - crossing, 0.0)))
    return np.asarray((share * np.diff(times)).sum(axis=-1))


def _pick(x: Array, index: NDArray[np.intp]) -> Array:
    return np.take_along_axis(x, index[..., None], axis=-1)[..., 0]
