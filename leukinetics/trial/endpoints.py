"""Endpoints: one number per patient out of an observable's samples.

With ``x(t)`` the observable and ``b`` its baseline:

================  ====================================================================  ===================
kind              number                                                                default statistic
================  ====================================================================  ===================
value             x(at)                                                                 mean
change            x(at) - b                                                             mean
percent_change    100 (x(at) - b)/b                                                     median
fold              x(at)/b                                                               geometric_mean
responder         1 if x(at) meets the threshold (one in % is of the change), else 0    proportion
average           mean of x over the window, by trapezoids                              mean
maximum           largest sample of the window                                          mean
maximum_fold      largest sample/b                                                      geometric_mean
minimum           smallest sample of the window                                         mean
time_of_maximum   time of the largest sample (days)                                     median
time_to_return    time from there until x <= b (1 + margin), between samples linear     median
time_above        time in the window with x >= threshold, between samples linear        mean
================  ====================================================================  ===================

A patient whose x has not returned when the window ends is censored there: the number is the time up to then, a lower
bound, and is marked, so that statistics are those restricted to the window. A sample below the limit of
quantification counts as half the limit. A patient without a valid simulation has NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays import Measured
from leukinetics.errors import LeukineticsError, ProtocolError
from leukinetics.patients.convert import convert
from leukinetics.patients.criteria import Bound
from leukinetics.trial.protocol import Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BELOW = 0.5  # share of the limit of quantification that stands for a sample below it
DEFAULT_STATISTIC = {
    "value": "mean",
    "change": "mean",
    "percent_change": "median",
    "fold": "geometric_mean",
    "responder": "proportion",
    "average": "mean",
    "maximum": "mean",
    "maximum_fold": "geometric_mean",
    "minimum": "mean",
    "time_of_maximum": "median",
    "time_to_return": "median",
    "time_above": "mean",
}


@dataclass(frozen=True)
class Samples:
    """What an endpoint is computed from: samples (..., times) at ``times`` (days) and the baseline (..., 1)."""

    times: Array
    samples: Measured
    baseline: Measured


@dataclass(frozen=True)
class Values:
    """An endpoint's number per patient (...), its unit, and where the number is a lower bound only."""

    numbers: Array
    unit: str
    censored: NDArray[np.bool_]


def endpoint_values(endpoint: Endpoint, given: Samples) -> Values:
    """The endpoint of each patient. ProtocolError for a unit that does not fit."""
    x, b = given.samples.numbers(BELOW), given.baseline.numbers(BELOW)[..., 0]
    unit = given.samples.unit
    last = x[..., -1]
    failed = np.isnan(x).any(axis=-1) | np.isnan(b)
    censored = np.zeros(b.shape, dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        if endpoint.kind == "value":
            found = last
        elif endpoint.kind == "change":
            found = last - b
        elif endpoint.kind == "percent_change":
            found, unit = 100.0 * (last - b) / b, "%"
        elif endpoint.kind == "fold":
            found, unit = last / b, ""
        elif endpoint.kind == "responder":
            found, unit = _responds(endpoint, last, b, unit), ""
        elif endpoint.kind == "average":
            found = np.trapezoid(x, given.times, axis=-1) / (given.times[-1] - given.times[0])
        elif endpoint.kind == "maximum":
            found = x.max(axis=-1)
        elif endpoint.kind == "maximum_fold":
            found, unit = x.max(axis=-1) / b, ""
        elif endpoint.kind == "minimum":
            found = x.min(axis=-1)
        elif endpoint.kind == "time_of_maximum":
            found, unit = given.times[np.argmax(np.nan_to_num(x, nan=-np.inf), axis=-1)], "day"
        elif endpoint.kind == "time_to_return":
            found, censored = time_to_return(given.times, x, b * (1.0 + endpoint.margin))
            unit = "day"
        else:
            bounds = endpoint.threshold or []
            found, unit = time_above(given.times, x, _limit(endpoint, bounds[0], unit)), "day"
    numbers, unit = _in_unit(endpoint, np.where(failed, np.nan, found), unit)
    return Values(numbers, unit, censored & ~failed)


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


def _responds(endpoint: Endpoint, last: Array, b: Array, unit: str) -> Array:
    met = np.ones(last.shape, dtype=bool)
    for bound in endpoint.threshold or []:
        of_change = bound.unit in ("%", "percent")
        compared = 100.0 * (last - b) / b if of_change else last
        met &= bound.holds(compared, bound.value if of_change else _limit(endpoint, bound, unit))
    return met.astype(float)


def _limit(endpoint: Endpoint, bound: Bound, unit: str) -> float:
    try:
        return bound.value_in(unit)
    except LeukineticsError as error:
        raise ProtocolError(f"endpoint '{endpoint.id}', threshold: {error}") from error


def _in_unit(endpoint: Endpoint, values: Array, unit: str) -> tuple[Array, str]:
    if endpoint.unit is None or endpoint.unit == unit:
        return values, unit
    if not unit or unit == "%":
        raise ProtocolError(f"endpoint '{endpoint.id}', unit: kind '{endpoint.kind}' has no unit to change.")
    try:
        return values * convert(1.0, unit, endpoint.unit), endpoint.unit
    except LeukineticsError as error:
        raise ProtocolError(f"endpoint '{endpoint.id}', unit: {error}") from error


def _pick(x: Array, index: NDArray[np.intp]) -> Array:
    return np.take_along_axis(x, index[..., None], axis=-1)[..., 0]
