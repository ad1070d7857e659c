"""When each observable of a protocol is sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.protocol import WINDOWED, Endpoint, Protocol, Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY = 1.0  # to which events are dated where progression is told from them
_SAME = 1e-7  # days; moments closer than this (10 ms) are one


def endpoint_times(endpoint: Endpoint, duration: float) -> NDArray[np.float64]:
    """The times (days) of an endpoint's samples besides the baseline at time 0: ``at``, or all of its window."""
    if endpoint.kind not in WINDOWED:
        return np.array([endpoint.at or 0.0])
    return _window(endpoint.from_, endpoint.to, endpoint.every, duration)


def rule_times(rule: Rule, duration: float) -> NDArray[np.float64]:
    """The visits (days) at which a rule is looked at."""
    if rule.at is not None:
        return merge(np.array(rule.at, dtype=np.float64))
    start = rule.every if rule.from_ is None else rule.from_  # at time 0 nothing has been given yet
    return _window(start, rule.to, rule.every, duration)


def dropout_times(protocol: Protocol) -> NDArray[np.float64]:
    """The visits (days) at which what makes patients leave is measured; empty where they leave at random only."""
    dropout = protocol.dropout
    if dropout is None or dropout.observable is None:
        return np.empty(0)
    return _window(None, None, dropout.every, protocol.trial.duration)


def observable_times(protocol: Protocol) -> dict[str, NDArray[np.float64]]:
    """For each observable that is read all its sampling times, ascending, with the baseline 0."""
    found: dict[str, list[float]] = {}
    duration = protocol.trial.duration
    for endpoint in protocol.endpoint:
        times = found.setdefault(endpoint.observable, [0.0])
        times.extend(endpoint_times(endpoint, duration))
        times.extend(endpoint.visits)
        if endpoint.events_beside is not None:
            found.setdefault(endpoint.events_beside, [0.0]).extend(endpoint_times(endpoint, duration))
    if protocol.schedule is not None:
        for name in protocol.schedule.measure:
            found.setdefault(name, [0.0]).extend(protocol.schedule.visits)
    for rule in protocol.rule:
        found.setdefault(rule.observable, [0.0]).extend(rule_times(rule, duration))
    if protocol.dropout is not None and protocol.dropout.observable is not None:
        found.setdefault(protocol.dropout.observable, [0.0]).extend(dropout_times(protocol))
    return {name: merge(np.array(times)) for name, times in found.items()}


def event_times(protocol: Protocol) -> dict[str, NDArray[np.float64]]:
    """For each observable whose events a progression is told from the days on which these are looked for."""
    days = _window(None, None, DAY, protocol.trial.duration)
    return {e.events_beside: days for e in protocol.endpoint if e.events_beside is not None}


def merge(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sorted, with moments that rounding alone tells apart merged."""
    ordered = np.sort(times)
    kept: NDArray[np.float64] = ordered[np.concatenate([[True], np.diff(ordered) > _SAME])]
    return kept


def _window(start: float | None, stop: float | None, every: float | None, duration: float) -> NDArray[np.float64]:
    start, stop = start or 0.0, duration if stop is None else stop
    every = every or (stop - start)
    steps = int(np.floor((stop - start) / every + 1e-9))
    return start + every * np.arange(steps + 1, dtype=np.float64)


def places(wanted: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of each wanted time in ``times`` (which holds it up to rounding)."""
    return np.searchsorted(times, wanted - 2 * _SAME)
