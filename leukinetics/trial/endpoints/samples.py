"""What an endpoint is computed from, and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.assays import Measured
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.sampling_times import merge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BELOW = 0.5  # share of the limit of quantification that stands for a sample below it


@dataclass(frozen=True)
class Samples:
    """What an endpoint is computed from: samples (..., times) at ``times`` (days) and the baseline (..., 1).

    ``visits`` (those of :func:`visit_times`, days) and ``repeated`` (..., visits): the samples of a repeated-measures
    analysis. ``seed`` of the trial and ``people`` (...), the patients' numbers (-1: nobody), decide when events come
    that come at random. ``counted``: events of the model set the observable, so that its whole steps are events.
    Samples at and after the moment at which a patient left are NaN. ``beside``: of what counts the events that a
    progression is independent of or associated with, often enough to date these.
    """

    times: Array
    samples: Measured
    baseline: Measured
    visits: Array | None = None
    repeated: Measured | None = None
    seed: int = 0
    people: NDArray[np.int64] | None = None
    counted: bool = False
    beside: Samples | None = None


@dataclass(frozen=True)
class Values:
    """An endpoint's number per patient (...), its unit, and where the number is a lower bound only.

    ``baseline`` (...): in ``unit`` where the number is one of the observable itself, else in the observable's.
    ``exposure`` (...): days in which events were looked for; of event kinds only. ``blq`` (...): a sample that the
    number depends on was below the limit of quantification. ``repeated``, ``repeated_blq``: number and mark at each
    visit (days), ``at`` among them, of endpoints with a repeated-measures analysis.
    """

    numbers: Array
    unit: str
    censored: NDArray[np.bool_]
    baseline: Array | None = None
    exposure: Array | None = None
    blq: NDArray[np.bool_] | None = None
    repeated: dict[float, Array] = field(default_factory=dict)
    repeated_blq: dict[float, NDArray[np.bool_]] = field(default_factory=dict)

    def take(self, index: Any) -> Values:
        """A part of the patients, as numpy indexes; ``take(0)`` is the first candidate."""
        return self.map(lambda values: values[index])

    def map(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Values:
        """``change`` made of every array, numbers and marks alike."""

        def maybe(values: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if values is None else change(values)

        return Values(
            change(self.numbers),
            self.unit,
            change(self.censored),
            maybe(self.baseline),
            maybe(self.exposure),
            maybe(self.blq),
            {time: change(numbers) for time, numbers in self.repeated.items()},
            {time: change(marks) for time, marks in self.repeated_blq.items()},
        )


def visit_times(endpoint: Endpoint) -> Array:
    """The visits (days) that an endpoint has besides ``at``, ascending, with ``at``; empty where it has none."""
    if not endpoint.visits:
        return np.empty(0)
    return merge(np.array([*endpoint.visits, *([] if endpoint.at is None else [endpoint.at])]))
