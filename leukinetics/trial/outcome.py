"""Runs a prepared trial and keeps every patient's endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError, suggest
from leukinetics.trial.allocation import arms_of
from leukinetics.trial.endpoints import Values
from leukinetics.trial.enrol import Enrolled, enrol
from leukinetics.trial.observe import observe
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import EVENTS, TIMES
from leukinetics.trial.selection import selections
from leukinetics.trial.statistics import statistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass
class Outcome:
    """What came out, for every candidate, arm and patient.

    ``endpoints`` by id: numbers (candidates, arms, patients), NaN where a patient failed or is missing;
    ``people`` (candidates, arms, patients): their numbers, -1 where missing; ``ok`` the same shape: solved;
    ``status`` the same shape: how the simulation ended (a :class:`leukinetics.engine.status.Status`, -1 where missing);
    ``left``, and by rule ``fired``, the same shape: when (days) the patient left and the rule fired, inf: never. Arms
    that are smaller than the largest end with missing patients.
    """

    prepared: Prepared
    endpoints: dict[str, Values]
    people: NDArray[np.int64]
    ok: NDArray[np.bool_]
    status: NDArray[np.int8]
    left: Array
    fired: dict[str, Array]
    enrolled: Enrolled
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

    def events(self, endpoint: str, arm: str) -> tuple[Array, Array]:
        """(events, days at risk) of each patient, (candidates, patients), of an endpoint that is events: of a time to
        an event at most one, with the days up to it. DataError for another kind."""
        numbers, found = self.values(endpoint, arm), self.endpoints[endpoint]
        kind = next(e.kind for e in self.prepared.protocol.endpoint if e.id == endpoint)
        if found.exposure is not None:
            return numbers, found.exposure[:, self._arm(arm)]
        if kind not in TIMES:
            raise DataError(f"The endpoint '{endpoint}' is no event but of kind '{kind}'; use {' or '.join(EVENTS)}.")
        return np.where(np.isnan(numbers), np.nan, ~found.censored[:, self._arm(arm)]), numbers

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
    chosen = selections(prepared, [prepared.typical(c) for c in candidates], threads)
    enrolled = enrol(prepared, candidates, threads, chosen)
    place, people = _layout(prepared, enrolled)
    candidate, arm, column = np.nonzero(people >= 0)
    where = (candidate, arm, column)
    columns = {name: values[candidate, place[arm, column]] for name, values in enrolled.columns.items()}
    found = observe(prepared, columns, people[where], arm, threads)

    def laid_out(values: NDArray[Any], empty: Any) -> NDArray[Any]:
        full = np.full(people.shape, empty, dtype=values.dtype)
        full[where] = values
        return full

    def numbers(values: NDArray[Any]) -> NDArray[Any]:
        return laid_out(values, False if values.dtype == bool else np.nan)

    return Outcome(
        prepared=prepared,
        endpoints={name: values.map(numbers) for name, values in found.endpoints.items()},
        people=people,
        ok=numbers(found.ok),
        status=laid_out(found.treated.simulated.status, -1),
        left=laid_out(found.treated.left, np.inf),
        fired={name: laid_out(when, np.inf) for name, when in found.treated.fired.items()},
        enrolled=enrolled,
        attrs=found.treated.simulated.attrs,
    )


def _layout(prepared: Prepared, enrolled: Enrolled) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(place in the order of enrolment (arms, patients), people (candidates, arms, patients)), -1 where nobody is."""
    rows, arms = arms_of(prepared, 0, prepared.needed)
    sizes = np.bincount(arms, minlength=prepared.arms)
    place = np.full((prepared.arms, int(sizes.max())), -1, dtype=np.int64)
    place[arms, np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)] = rows
    return place, np.where(place >= 0, enrolled.people[:, place], -1)
