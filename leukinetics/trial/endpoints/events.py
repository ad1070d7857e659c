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

A ``confirmed_progression`` comes at the first visit at which the patient is worse and stays so, see
:mod:`leukinetics.trial.endpoints.progression`.

A patient who left is followed up to the last sample: what comes after it nobody has seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.patients.counters import uniforms
from leukinetics.trial.endpoints.progression import confirmed
from leukinetics.trial.endpoints.samples import BELOW, Samples
from leukinetics.trial.endpoints.units import meets
from leukinetics.trial.protocol import Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_EVENTS = 10_000  # of one patient; more are no events that anyone counts
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
        first = confirmed(endpoint, given, x, b, _dates(endpoint, given))
        count = (~np.isnan(first)).astype(float)
    elif endpoint.threshold is None:
        where = f"endpoint '{endpoint.id}', observable: '{endpoint.observable}'"
        expected = _expected(where, x, b, "a 'threshold' that makes an episode, or an observable that counts")
        total = np.where(seen, np.take_along_axis(expected, end[..., None], axis=-1)[..., 0], np.nan)
        whole = _whole(given, expected)
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


def _dates(endpoint: Endpoint, given: Samples) -> Array | None:
    """Of each event beside the progression the first sample after it (..., samples), else NaN; None without such."""
    if given.beside is None:
        return None
    given, name = given.beside, str(endpoint.events_beside)
    key = "associated_with" if endpoint.independent_of is None else "independent_of"
    x = given.samples.numbers(BELOW)
    b = given.baseline.numbers(BELOW)[..., 0]
    expected = _expected(f"endpoint '{endpoint.id}', {key}: '{name}'", x, b, "an observable that counts")
    whole = _whole(given, expected)
    came = (np.diff(np.rint(expected), axis=-1, prepend=0.0) > 0) & whole[..., None]
    there = ~np.isnan(expected)
    total = np.where(whole | ~there[..., 0], np.nan, np.max(np.where(there, expected, 0.0), axis=-1))
    for reached in _levels(given, name, total):
        here = reached <= total
        came[here, np.argmax(expected[here] >= reached[here][:, None], axis=-1)] = True
    return np.where(came, given.times, np.nan)


def _whole(given: Samples, expected: Array) -> NDArray[np.bool_]:
    """Of whom the model itself counts events."""
    there = ~np.isnan(expected)
    return np.asarray(given.counted & (~there | (np.abs(expected - np.rint(expected)) < _WHOLE)).all(axis=-1))


def _expected(where: str, x: Array, b: Array, advice: str) -> Array:
    """Events expected from time 0 up to each sample. ProtocolError where they get fewer, or too many to count."""
    expected = x - b[..., None]
    steps = np.diff(expected, axis=-1, prepend=0.0)
    if (steps < -_SLACK * (1.0 + np.abs(x))).any():
        raise ProtocolError(
            f"{where} falls with time, so it is no number of events expected up to then; give {advice}."
        )
    if (expected > MOST_EVENTS).any():
        raise ProtocolError(
            f"{where} rises by more than {MOST_EVENTS:,} in a patient, which is no number of events; give {advice}."
        )
    return np.maximum.accumulate(np.maximum(expected, 0.0), axis=-1)


def _at_random(given: Samples, name: str, expected: Array, total: Array) -> tuple[Array, Array]:
    """(count, day of the first, NaN without one) of the events in the window, out of those from time 0 on."""
    start, times = expected[..., 0], given.times
    count, first = np.zeros(total.shape), np.full(total.shape, np.nan)
    for reached in _levels(given, name, total):
        within = (reached <= total) & (reached > start)
        count += within
        new = within & np.isnan(first)
        first[new] = _crossing(times, expected[new], reached[new])
    return count, first


def _levels(given: Samples, name: str, total: Array) -> Iterator[Array]:
    """What ``L(t) - L(0)`` has reached (...) when event 1, 2, ... comes, as long as that is in ``total`` of anybody."""
    people = np.arange(total.shape[-1]) if given.people is None else given.people
    people = np.broadcast_to(people, total.shape)
    known = people[people >= 0]
    low, span = (int(known.min()), int(np.ptp(known)) + 1) if known.size else (0, 1)
    place = np.maximum(people - low, 0)
    reached, k = np.zeros(total.shape), 0
    while True:
        reached = reached - np.log(uniforms(given.seed, f"event:{name}:{k}", span, low))[place]
        if not (reached <= total).any():
            return
        yield reached
        k += 1


def _crossing(times: Array, expected: Array, level: Array) -> Array:
    """When the lines through ``expected`` (rows, times) get to ``level`` (rows,), which is within them."""
    after = np.argmax(expected >= level[:, None], axis=-1)
    row = np.arange(len(level))
    low, high = expected[row, after - 1], expected[row, after]
    found: Array = times[after - 1] + (level - low) / (high - low) * (times[after] - times[after - 1])
    return found
