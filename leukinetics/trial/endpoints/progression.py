"""Confirmed progression: when a patient gets worse and stays so, with or without events beside it.

A worsening begins at a visit at which the patient is worse than the reference, and counts where it holds at every visit
up to the first that is at least ``confirm`` later. The first one is the progression. What cannot be confirmed any more,
at the end or because the patient left, is none. The reference is the baseline.

``associated_with`` events (relapses) are those that begin, after a visit that was not worse, at most ``within`` after
an event. ``independent_of`` them are those that do not. So every progression is one or the other; whoever has both
kinds counts with both, each at its time. What the definitions of progression independent of relapse activity (PIRA) ask
for besides:

``rebaseline``: after an event the reference is the first visit that is at least so long after the last event before
the worsening. Without such a visit before it nothing is independent.

``event_free``: no event up to so long after the worsening began, nor so long before or after the visit that confirms
it.

With 90, 30 and 30 days these are relapse-associated worsening and PIRA of doi:10.1001/jamaneurol.2020.1568: no relapse
from the reference visit to 30 days after the worsening nor 30 days about its confirmation. The harmonised definition,
doi:10.1001/jamaneurol.2023.1495, has none from 90 days before to 30 days after both. Events before time 0 are not
looked at, those after the patient left are not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.endpoints.samples import Samples
from leukinetics.trial.endpoints.units import worse
from leukinetics.trial.protocol import Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_SAME_TIME = 1e-6  # days


def confirmed(endpoint: Endpoint, given: Samples, x: Array, b: Array, dates: Array | None = None) -> Array:
    """Day (...) of the progression in samples ``x`` (..., times) with baseline ``b`` (...); NaN without one.

    ``dates`` (..., any number): days of the events beside it, NaN where there is none.
    """
    times, first, unit = given.times, np.full(b.shape, np.nan), given.samples.unit
    for i in range(len(times) - 1, -1, -1):
        j = int(np.searchsorted(times, times[i] + (endpoint.confirm or 0.0) - _SAME_TIME))
        if times[i] <= 0 or j == len(times):
            continue
        reference = b if dates is None or endpoint.rebaseline is None else _reference(endpoint, times, x, b, dates, i)
        met = worse(endpoint, x[..., i : j + 1], reference[..., None], unit).all(axis=-1)
        if dates is not None:
            met &= ~np.isnan(reference) & _goes_with(endpoint, dates, times[i], times[j])
            if i > 0 and times[i - 1] > 0:
                met &= ~worse(endpoint, x[..., i - 1], reference, unit)
        first = np.where(met, times[i], first)
    return first


def _reference(endpoint: Endpoint, times: Array, x: Array, b: Array, dates: Array, i: int) -> Array:
    """What visit ``i`` is compared with (...); NaN where there is no visit long enough after the last event."""
    last = np.max(np.where(dates <= times[i] + _SAME_TIME, dates, -np.inf), axis=-1, initial=-np.inf)
    found = np.where(np.isinf(last), b, np.nan)
    for k in range(i - 1, -1, -1):
        late = times[k] >= last + (endpoint.rebaseline or 0.0) - _SAME_TIME
        found = np.where(np.isfinite(last) & late, x[..., k], found)
    return found


def _goes_with(endpoint: Endpoint, dates: Array, begin: float, end: float) -> Mask:
    """Whether the events let a worsening from ``begin``, confirmed at ``end`` (days), count (...)."""

    def any_event(start: float, stop: float) -> Mask:
        return np.asarray(((dates >= start - _SAME_TIME) & (dates <= stop + _SAME_TIME)).any(axis=-1))

    within, free = endpoint.within or 0.0, endpoint.event_free
    if endpoint.associated_with is not None:
        return any_event(begin - within, begin)
    found = any_event(begin - within, begin if free is None else begin + free)
    return ~(found if free is None else found | any_event(end - free, end + free))
