"""Rows of patients treated, measured and reduced to their endpoints: what a chunk and a calibration have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays import Measured, exact, measure
from leukinetics.trial.conduct import Treated, treat
from leukinetics.trial.endpoints import Samples, Values, endpoint_values, visit_times
from leukinetics.trial.observables import Observable
from leukinetics.trial.prepare import SCREENING, Prepared
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.sampling_times import endpoint_times, places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass
class Observed:
    """What came of rows of patients.

    ``people``, ``arms``, ``ok`` (rows,); ``true`` and ``measured`` by observable, (rows, its times): NaN where the
    patient could not be solved or had left; ``measured`` holds true values where no endpoint and no visit asks for
    the assay's noise. ``endpoints`` by id, (rows,).
    """

    prepared: Prepared
    people: NDArray[np.int64]
    arms: NDArray[np.int64]
    treated: Treated
    ok: NDArray[np.bool_]
    true: dict[str, Measured]
    measured: dict[str, Measured]
    endpoints: dict[str, Values]

    def baseline(self, name: str) -> Array:
        """An observable as measured at time 0, (rows,); half the limit of quantification where it was below it."""
        observable = self.prepared.observables[name]
        if observable.noisy or observable.assay is None:
            return self.measured[name].numbers(0.5)[:, 0]
        at_zero = self.true[name].reported[:, :1]
        return read(self.prepared, observable, at_zero, self.people, np.zeros(1)).numbers(0.5)[:, 0]


def observe(
    prepared: Prepared,
    columns: dict[str, Array],
    people: NDArray[np.int64],
    arms: NDArray[np.int64],
    threads: int | None = None,
) -> Observed:
    """Treat and measure rows of patients, numbered ``people`` (rows,), in ``arms`` (rows,); ``columns`` (rows,)."""
    treated = treat(prepared, columns, people, arms, threads)
    ok = treated.simulated.ok
    true: dict[str, Measured] = {}
    measured: dict[str, Measured] = {}
    for name, observable in prepared.observables.items():
        values = treated.simulated.values[name][:, places(observable.times, prepared.times)]
        there = ok[:, None] & ((observable.times < treated.left[:, None]) | (observable.times == 0.0))
        true[name] = exact(np.where(there, values, np.nan), observable.unit)
        measured[name] = (
            read(prepared, observable, true[name].reported, people, observable.times)
            if observable.noisy
            else true[name]
        )
    found = Observed(prepared, people, arms, treated, ok, true, measured, {})
    for endpoint in prepared.protocol.endpoint:
        found.endpoints[endpoint.id] = endpoint_values(endpoint, _samples(found, endpoint))
    return found


def read(
    prepared: Prepared, observable: Observable, values: Array, people: NDArray[np.int64], times: Array, visit: str = ""
) -> Measured:
    """What the laboratory reports of true ``values`` (rows, times); the true values where there is no assay."""
    if observable.assay is None:
        return exact(values, observable.unit)
    return measure(values, observable.assay, prepared.protocol.trial.seed, list(times), people, visit=visit)


def _samples(found: Observed, endpoint: Endpoint) -> Samples:
    """What an endpoint is computed from."""
    prepared = found.prepared
    trial = prepared.protocol.trial
    observable = prepared.observables[endpoint.observable]
    samples = (found.measured if endpoint.noise else found.true)[observable.name]
    times = endpoint_times(endpoint, trial.duration)
    baseline = samples.take((..., [0]))
    if trial.baseline == SCREENING and endpoint.noise:
        at_zero = found.true[observable.name].reported[:, :1]
        baseline = read(prepared, observable, at_zero, found.people, np.zeros(1), SCREENING)
    visits = visit_times(endpoint)
    return Samples(
        times,
        samples.take((..., places(times, observable.times))),
        baseline,
        visits=visits if len(visits) else None,
        repeated=samples.take((..., places(visits, observable.times))) if len(visits) else None,
        seed=trial.seed,
        people=found.people,
        counted=_counted(prepared, observable.name),
        beside=None if endpoint.events_beside is None else _beside(found, endpoint.events_beside),
    )


def _beside(found: Observed, name: str) -> Samples:
    """The true number of events, as often as they are dated."""
    prepared, observable = found.prepared, found.prepared.observables[name]
    days = np.array(observable.dated)
    values = found.treated.simulated.values[name][:, places(days, prepared.times)]
    there = found.ok[:, None] & ((days < found.treated.left[:, None]) | (days == 0.0))
    samples = exact(np.where(there, values, np.nan), observable.unit)
    seed = prepared.protocol.trial.seed
    return Samples(
        days, samples, samples.take((..., [0])), seed=seed, people=found.people, counted=_counted(prepared, name)
    )


def _counted(prepared: Prepared, name: str) -> bool:
    """Whether events of the model set an observable."""
    return any(name == own for e in prepared.assembly.model.system.events for own, _ in e.assignments)
