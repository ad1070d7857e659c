"""Runs a prepared trial and keeps every patient's endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.assays import Measured, exact, measure
from leukinetics.errors import DataError, suggest
from leukinetics.trial.conduct import treat
from leukinetics.trial.endpoints import Samples, Values, endpoint_values
from leukinetics.trial.enrol import Enrolled, enrol
from leukinetics.trial.prepare import SCREENING, Observable, Prepared
from leukinetics.trial.sampling_times import endpoint_times, places
from leukinetics.trial.statistics import statistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass
class Outcome:
    """What came out, for every candidate, arm and patient.

    ``endpoints`` by id: numbers (candidates, arms, patients), NaN where a patient failed or is missing;
    ``people`` (candidates, arms, patients): their numbers, -1 where missing; ``ok`` the same shape: solved;
    ``status`` the same shape: how the simulation ended (a :class:`leukinetics.engine.status.Status`, -1 where missing).
    """

    prepared: Prepared
    endpoints: dict[str, Values]
    people: NDArray[np.int64]
    ok: NDArray[np.bool_]
    status: NDArray[np.int8]
    enrolled: Enrolled
    measured: dict[str, Measured]  # by observable, (candidates, arms, patients, times): true values without noise
    attrs: dict[str, Any]

    @property
    def units(self) -> dict[str, str]:
        """Units of the endpoints by id."""
        return {name: values.unit for name, values in self.endpoints.items()}

    def statistic(
        self, endpoint: str, name: str, arm: str, reference: str | None = None, measure: str = "difference"
    ) -> Array:
        """A statistic of an arm, or its "difference" from or "ratio" to that of a ``reference`` arm, (candidates,).

        ``name``: mean, median, geometric_mean, sd, sd_ln or proportion. NaN where no patient has a value.
        """
        here = statistic(self.values(endpoint, arm), name)
        if reference is None:
            return here
        there = statistic(self.values(endpoint, reference), name)
        with np.errstate(divide="ignore", invalid="ignore"):
            return here / there if measure == "ratio" else here - there

    def values(self, endpoint: str, arm: str) -> Array:
        """Each patient's number, (candidates, patients)."""
        if endpoint not in self.endpoints:
            raise DataError(f"There is no endpoint '{endpoint}'.{suggest(endpoint, self.endpoints)}")
        return self.endpoints[endpoint].numbers[:, self._arm(arm)]

    def _arm(self, name: str) -> int:
        names = [a.name for a in self.prepared.protocol.arm]
        if name not in names:
            raise DataError(f"There is no arm '{name}'.{suggest(name, names)}")
        return names.index(name)


def run_candidates(
    prepared: Prepared, candidates: Sequence[Mapping[str, float]], threads: int | None = None
) -> Outcome:
    """Run a prepared trial for several sets of typical values, all of them in one call of the engine.

    ``candidates``: mappings of parameter (or "condition.parameter", "effect:variant:parameter") to typical value in
    the unit used inside; entries that do not concern this trial are left out. The candidates have the same patients
    and the same noise, so equal candidates give equal results, whatever the others are.
    """
    enrolled = enrol(prepared, candidates, threads)
    people, rows, arms = _stack(prepared, enrolled)
    columns = {name: values[rows[0], rows[1]] for name, values in enrolled.columns.items()}
    shape = people.shape
    present = people >= 0
    result = treat(prepared, columns, people[present], arms, threads).simulated
    status = np.full(shape, -1, dtype=np.int8)
    status[present] = result.status
    ok = np.zeros(shape, dtype=bool)
    ok[present] = result.ok
    measured: dict[str, Measured] = {}
    found = {}
    true = {}
    for name, observable in prepared.observables.items():
        at = places(observable.times, prepared.times)
        full = np.full((*shape, len(at)), np.nan)
        full[present] = np.where(result.ok[:, None], result.values[name][:, at], np.nan)
        true[name] = exact(full, observable.unit)
        measured[name] = _measure(prepared, observable, full, people) if observable.noisy else true[name]
    for endpoint in prepared.protocol.endpoint:
        observable = prepared.observables[endpoint.observable]
        read = measured if endpoint.noise else true
        times = endpoint_times(endpoint, prepared.protocol.trial.duration)
        samples = read[observable.name].take((..., places(times, observable.times)))
        baseline = read[observable.name].take((..., [0]))
        if prepared.protocol.trial.baseline == SCREENING and endpoint.noise:
            at_zero = true[observable.name].reported[..., :1]
            baseline = _measure(prepared, observable, at_zero, people, np.zeros(1), SCREENING)
        found[endpoint.id] = endpoint_values(endpoint, Samples(times, samples, baseline))
    return Outcome(prepared, found, people, ok, status, enrolled, measured, result.attrs)


def _stack(
    prepared: Prepared, enrolled: Enrolled
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]:
    """(people (candidates, arms, patients), (candidate, person) of each row to simulate, arm of each row)."""
    k, a, n = len(enrolled.people), prepared.arms, prepared.n
    if prepared.protocol.trial.design == "twins":
        people = np.repeat(enrolled.people[:, None, :], a, axis=1)
    else:  # in turn, as they come
        people = enrolled.people.reshape(k, n, a).transpose(0, 2, 1)
    candidate, arm, patient = np.nonzero(people >= 0)
    return people, (candidate, people[candidate, arm, patient]), arm


def _measure(
    prepared: Prepared,
    observable: Observable,
    values: Array,
    people: NDArray[np.int64],
    times: Array | None = None,
    visit: str = "",
) -> Measured:
    if observable.assay is None:
        return exact(values, observable.unit)
    seed = prepared.protocol.trial.seed
    return measure(
        values, observable.assay, seed, list(observable.times if times is None else times), people, visit=visit
    )
