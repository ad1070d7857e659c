"""Events: how many, when the first one was, and for how long they were looked for.

With a threshold an event is an episode: a visit at which the threshold holds and at the visit before did not (at the
first visit of the window: at the baseline did not). ``time_to_event`` is that of the first visit at which it holds,
whatever the baseline. Time 0 is before treatment and no visit; in a window from time 0 on its sample, which is not the
baseline where that is the qualifying value, is the one before the first visit.

Without one the observable is ``L(t)``, the number of events up to ``t``. Where events of the model set it and it
rises in whole steps only, these steps are the events of the patient, seen at the first sample after them. Else ``L``
is expected, and the events of a patient are a Poisson process with that intensity: the k-th comes where ``L(t) -
L(0)`` reaches ``E_1 + ... + E_k``, with ``E`` unit exponential numbers of the patient, between samples linear (on the
scale of L the process is the standard one). The numbers depend on (seed, patient, observable), so a twin has the same
in every arm, and all endpoints of one observable see the same events. Patients differ in their frailty as the model
has it.

A ``confirmed_progression`` comes at the first visit at which the patient is worse and stays so at every visit up to
the first that is at least ``confirm`` later. What cannot be confirmed any more, at the end or because the patient
left, is none.

A patient who left is followed up to the last sample: what comes after it nobody has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.patients.counters import uniforms
from leukinetics.trial.endpoints.samples import Samples
from leukinetics.trial.endpoints.units import meets, worse
from leukinetics.trial.protocol import Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_EVENTS = 10_000  # of one patient; more are no events that anyone counts
_SAME_TIME = 1e-6  # days
_WHOLE = 1e-6  # by which a count may differ from a whole number for rounding
_SLACK = 1e-3  # by which the solution of an intensity may fall for its limited accuracy


@dataclass(frozen=True)
class Events:
    """Of each patient (...): ``count``, NaN without time in which to see any; ``first``, day of the first event, NaN
    without one; ``last``, day of the last sample, NaN without one; ``days`` from the window's start until then."""

    count: Array
    first: Array
    last: Array
    days: Array

    def time(self) -> tuple[Array, str, NDArray[np.bool_]]:
        """(day of the first event or, where there was none, of the last sample; "day"; where that is so)."""
        none = np.isnan(self.first)
        return np.where(none, self.last, self.first), "day", none & ~np.isnan(self.last)


def events(endpoint: Endpoint, given: Samples, x: Array, b: Array) -> Events:
    """The events in samples ``x`` (..., times) with baseline ``b`` (...).

    ProtocolError where a threshold's unit does not fit, or without one the observable is no number of events.
    """
    there = ~np.isnan(x)
    seen = there.any(axis=-1)
    end = len(given.times) - 1 - np.argmax(there[..., ::-1], axis=-1)
    last = np.where(seen, given.times[end], np.nan)
    days = np.where(seen, last - given.times[0], 0.0)
    if endpoint.kind == "confirmed_progression":
        first = _confirmed(endpoint, given, worse(endpoint, x, b[..., None], given.samples.unit))
        count = (~np.isnan(first)).astype(float)
    elif endpoint.threshold is None:
        expected = _expected(endpoint, x, b)
        total = np.where(seen, np.take_along_axis(expected, end[..., None], axis=-1)[..., 0], np.nan)
        whole = given.counted & (np.isnan(x) | (np.abs(expected - np.rint(expected)) < _WHOLE)).all(axis=-1)
        drawn, first = _at_random(given, endpoint.observable, expected, np.where(whole, np.nan, total))
        counted = np.rint(total - expected[..., 0])
        step = np.argmax(np.rint(expected - expected[..., :1]) > 0, axis=-1)
        count = np.where(whole, counted, drawn)
        first = np.where(whole & (counted > 0), given.times[step], first)
    else:
        met = meets(endpoint, x, b[..., None], given.samples.unit)
        before = np.concatenate([meets(endpoint, b, b, given.samples.unit)[..., None], met[..., :-1]], axis=-1)
        count = (met & ~before & (given.times > 0)).sum(axis=-1).astype(float)
        met &= given.times > 0
        first = np.where(met.any(axis=-1), given.times[np.argmax(met, axis=-1)], np.nan)
    return Events(np.where(days > 0, count, np.nan), first, last, days)


def _confirmed(endpoint: Endpoint, given: Samples, met: NDArray[np.bool_]) -> Array:
    """Day of the first visit from which on ``met`` (..., times) holds for as long as it must; NaN without one."""
    times, first = given.times, np.full(met.shape[:-1], np.nan)
    for i in range(len(times) - 1, -1, -1):
        j = int(np.searchsorted(times, times[i] + (endpoint.confirm or 0.0) - _SAME_TIME))
        if times[i] > 0 and j < len(times):
            first = np.where(met[..., i : j + 1].all(axis=-1), times[i], first)
    return first


def _expected(endpoint: Endpoint, x: Array, b: Array) -> Array:
    """Events expected from time 0 up to each sample. ProtocolError where they get fewer, or too many to count."""
    expected = x - b[..., None]
    steps = np.diff(expected, axis=-1, prepend=0.0)
    if (steps < -_SLACK * (1.0 + np.abs(x))).any():
        raise ProtocolError(
            f"endpoint '{endpoint.id}', observable: '{endpoint.observable}' falls with time, so it is no number "
            f"of events expected up to then; give a 'threshold' that makes an episode, or an observable that counts."
        )
    if (expected > MOST_EVENTS).any():
        raise ProtocolError(
            f"endpoint '{endpoint.id}', observable: '{endpoint.observable}' rises by more than {MOST_EVENTS:,} in a "
            f"patient, which is no number of events; give a 'threshold' that makes an episode."
        )
    return np.maximum.accumulate(np.maximum(expected, 0.0), axis=-1)


def _at_random(given: Samples, name: str, expected: Array, total: Array) -> tuple[Array, Array]:
    """(count, day of the first, NaN without one) of the events in the window, out of those from time 0 on."""
    people = np.arange(total.shape[-1]) if given.people is None else given.people
    people = np.broadcast_to(people, total.shape)
    known = people[people >= 0]
    low, span = (int(known.min()), int(np.ptp(known)) + 1) if known.size else (0, 1)
    place = np.maximum(people - low, 0)
    start, times = expected[..., 0], given.times
    reached, count, first = np.zeros(total.shape), np.zeros(total.shape), np.full(total.shape, np.nan)
    k = 0
    while True:
        reached = reached - np.log(uniforms(given.seed, f"event:{name}:{k}", span, low))[place]
        here = reached <= total
        if not here.any():
            return count, first
        within = here & (reached > start)
        count += within
        new = within & np.isnan(first)
        first[new] = _crossing(times, expected[new], reached[new])
        k += 1


def _crossing(times: Array, expected: Array, level: Array) -> Array:
    """When the lines through ``expected`` (rows, times) get to ``level`` (rows,), which is within them."""
    after = np.argmax(expected >= level[:, None], axis=-1)
    row = np.arange(len(level))
    low, high = expected[row, after - 1], expected[row, after]
    found: Array = times[after - 1] + (level - low) / (high - low) * (times[after] - times[after - 1])
    return found
