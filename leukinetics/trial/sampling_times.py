"""When each observable of a protocol is sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.protocol import WINDOWED, Endpoint, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAME = 1e-7  # days; moments closer than this (10 ms) are one


def endpoint_times(endpoint: Endpoint, duration: float) -> NDArray[np.float64]:
    """The times (days) of an endpoint's samples besides the baseline at time 0: ``at``, or all of its window."""
    if endpoint.kind not in WINDOWED:
        return np.array([endpoint.at or 0.0])
    start = endpoint.from_ or 0.0
    stop = duration if endpoint.to is None else endpoint.to
    every = endpoint.every or (stop - start)
    steps = int(np.floor((stop - start) / every + 1e-9))
    return start + every * np.arange(steps + 1, dtype=np.float64)


def observable_times(protocol: Protocol) -> dict[str, NDArray[np.float64]]:
    """For each observable of any endpoint all its sampling times, ascending, with the baseline 0."""
    found: dict[str, list[float]] = {}
    for endpoint in protocol.endpoint:
        found.setdefault(endpoint.observable, [0.0]).extend(endpoint_times(endpoint, protocol.trial.duration))
    return {name: merge(np.array(times)) for name, times in found.items()}


def merge(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sorted, with moments that rounding alone tells apart merged."""
    ordered = np.sort(times)
    kept: NDArray[np.float64] = ordered[np.concatenate([[True], np.diff(ordered) > _SAME])]
    return kept


def places(wanted: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of each wanted time in ``times`` (which holds it up to rounding)."""
    return np.searchsorted(times, wanted - 2 * _SAME)
