"""The number of each kind of endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.endpoints.events import events
from leukinetics.trial.endpoints.samples import BELOW, Samples, Values
from leukinetics.trial.endpoints.units import is_of_change, limit, meets, unit_factor
from leukinetics.trial.endpoints.windows import slope, time_above, time_to_return
from leukinetics.trial.protocol import EVENTS, WINDOWED, Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

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
    "slope": "mean",
    "time_of_maximum": "median",
    "time_to_return": "median",
    "time_above": "mean",
    "event_rate": "mean",
    "time_to_event": "median",
    "confirmed_progression": "median",
}
#: Kinds whose number is one of the observable, in its unit.
_OWN_UNIT = ("value", "change", "average", "maximum", "minimum")
#: Kinds whose number depends on the baseline, whatever the threshold.
_OF_BASELINE = (
    "change",
    "percent_change",
    "fold",
    "maximum_fold",
    "time_to_return",
    "event_rate",
    "confirmed_progression",
)


def endpoint_values(endpoint: Endpoint, given: Samples) -> Values:
    """The endpoint of each patient. ProtocolError for a unit that does not fit."""
    x, b = given.samples.numbers(BELOW), given.baseline.numbers(BELOW)[..., 0]
    own = given.samples.unit
    failed = np.isnan(b)  # who was solved has a baseline
    censored, exposure = np.zeros(b.shape, dtype=bool), None
    with np.errstate(invalid="ignore", divide="ignore"):
        if endpoint.kind in EVENTS:
            seen = events(endpoint, given, x, b)
            found, unit, censored = (seen.count, "", censored) if endpoint.kind == "event_rate" else seen.time()
            exposure = np.where(failed, np.nan, seen.days)
        elif endpoint.kind in WINDOWED:
            found, unit, censored = _of_window(endpoint, given.times, x, b, own)
            if endpoint.kind != "slope":
                failed = failed | np.isnan(x).any(axis=-1)
        else:
            found, unit = _of_moment(endpoint, x[..., -1], b, own)
        factor, shown = unit_factor(endpoint, unit)
        repeated, repeated_blq = _at_visits(endpoint, given, b, factor)
    # Of a baseline of 0 there is no change in percent, nor a ratio.
    found = np.where(failed | ~np.isfinite(found), np.nan, found)
    return Values(
        numbers=factor * found,
        unit=shown,
        censored=censored & ~failed,
        baseline=b * (factor if endpoint.kind in _OWN_UNIT else 1.0),
        exposure=exposure if endpoint.kind == "event_rate" else None,
        blq=given.samples.blq.any(axis=-1) | _baseline_blq(endpoint, given),
        repeated=repeated,
        repeated_blq=repeated_blq,
    )


def _of_moment(endpoint: Endpoint, x: Array, b: Array, unit: str) -> tuple[Array, str]:
    """(number, its unit) of samples ``x`` (...) of one moment."""
    if endpoint.kind == "change":
        return x - b, unit
    if endpoint.kind == "percent_change":
        return 100.0 * (x - b) / b, "%"
    if endpoint.kind == "fold":
        return x / b, ""
    if endpoint.kind == "responder":
        return np.where(np.isnan(x), np.nan, meets(endpoint, x, b, unit)), ""
    return x, unit


def _of_window(endpoint: Endpoint, times: Array, x: Array, b: Array, unit: str) -> tuple[Array, str, NDArray[np.bool_]]:
    """(number, its unit, where censored) of samples ``x`` (..., times)."""
    whole = np.zeros(b.shape, dtype=bool)
    if endpoint.kind == "average":
        return np.trapezoid(x, times, axis=-1) / (times[-1] - times[0]), unit, whole
    if endpoint.kind == "maximum":
        return x.max(axis=-1), unit, whole
    if endpoint.kind == "maximum_fold":
        return x.max(axis=-1) / b, "", whole
    if endpoint.kind == "minimum":
        return x.min(axis=-1), unit, whole
    if endpoint.kind == "slope":
        return slope(times, x), f"{unit or '1'}/year", whole
    if endpoint.kind == "time_of_maximum":
        return times[np.argmax(np.nan_to_num(x, nan=-np.inf), axis=-1)], "day", whole
    if endpoint.kind == "time_to_return":
        found, censored = time_to_return(times, x, b * (1.0 + endpoint.margin))
        return found, "day", censored
    level = limit(endpoint, (endpoint.threshold or [])[0], unit)
    return time_above(times, x, level), "day", whole


def _at_visits(
    endpoint: Endpoint, given: Samples, b: Array, factor: float
) -> tuple[dict[float, Array], dict[float, NDArray[np.bool_]]]:
    """(number, whether it depends on a sample below the limit) at each visit of a repeated-measures analysis."""
    if given.visits is None or given.repeated is None:
        return {}, {}
    x, unit = given.repeated.numbers(BELOW), given.repeated.unit
    numbers = {
        time: factor * np.where(np.isfinite(found) & ~np.isnan(b), found, np.nan)
        for i, time in enumerate(given.visits.tolist())
        for found in [_of_moment(endpoint, x[..., i], b, unit)[0]]
    }
    below = _baseline_blq(endpoint, given)
    return numbers, {time: given.repeated.blq[..., i] | below for i, time in enumerate(given.visits.tolist())}


def _baseline_blq(endpoint: Endpoint, given: Samples) -> NDArray[np.bool_]:
    """Where the number depends on a baseline that was below the limit of quantification."""
    depends = endpoint.kind in _OF_BASELINE or any(is_of_change(bound) for bound in endpoint.threshold or [])
    return given.baseline.blq[..., 0] & depends
