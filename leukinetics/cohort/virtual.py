"""Virtual people of a cohort, group by group, and what is measured of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.assays import assays
from leukinetics.cohort.plan import ACTIVE, BELOW, FURTHER, FURTHER_BELOW, GROUP, MARKER, PERSON, Plan
from leukinetics.cohort.protocol import CohortProtocol, Group
from leukinetics.errors import DataError, ProtocolError
from leukinetics.patients.criteria import Bound, parse_criterion
from leukinetics.patients.labels import clinical_units, in_clinical_units
from leukinetics.trial.enrol import require_all
from leukinetics.trial.outcome import Outcome, run_candidates
from leukinetics.trial.prepare import SCREENING, Prepared, prepare
from leukinetics.trial.protocol import Analysis, Arm, Endpoint, Protocol, Trial
from leukinetics.trial.read import read_protocol
from leukinetics.trial.times import past

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

ARM = "cohort"
#: Ids of endpoints that are not outcomes.
_SAMPLE, _NOW, _ALSO = "sample: ", "now: ", "also: "
#: Patients (candidates x people) in one call of the engine.
TOGETHER = 40_000


def prepare_groups(
    protocol: CohortProtocol, times: int = 1, assemblies: Mapping[str, Any] | None = None
) -> list[Prepared]:
    """Each group as a trial of one arm, in which nothing is given before time 0, with ``times`` as many people.

    ``assemblies``: models by condition, in place of those of the package. ProtocolError names the group and all that
    the model has not.
    """
    for name in (protocol.marker.observable, *(f.observable for f in protocol.marker.further)):
        if name not in assays():
            raise ProtocolError(f"marker, observable: '{name}' has no assay, so that it has no limit of detection.")
    found = []
    for group in protocol.group:
        try:
            read = read_protocol(_trial(protocol, group, times))
            found.append(prepare(read, assembly=(assemblies or {}).get(group.condition)))
        except ProtocolError as error:
            raise ProtocolError(
                "\n".join(f"group '{group.name}': {line}" for line in str(error).splitlines())
            ) from None
    _check_marker(protocol, found[0])
    return found


def persons(
    protocol: CohortProtocol,
    prepared: Sequence[Prepared],
    candidates: Sequence[Sequence[Mapping[str, float]]],
    threads: int | None = None,
) -> list[pd.DataFrame]:
    """The table of people (see :class:`leukinetics.cohort.plan.Plan`) for each candidate.

    ``candidates``: of each group its sets of typical values, as many in each. People are numbered through the groups;
    those who could not be simulated have no row, and are counted in ``attrs["failed"]``.
    """
    import pandas as pd

    parts: list[list[pd.DataFrame]] = [[] for _ in candidates[0]]
    for group, ready, sets in zip(protocol.group, prepared, candidates, strict=True):
        for first in range(0, len(sets), size := max(TOGETHER // ready.n, 1)):
            outcome = run_candidates(ready, sets[first : first + size], threads)
            for k in range(len(outcome.people)):
                parts[first + k].append(_table(protocol, group, outcome, k))
    found = []
    for tables in parts:
        whole = pd.concat(tables, ignore_index=True)
        whole.insert(0, PERSON, np.arange(len(whole)))
        failed = int(whole["failed"].sum())
        whole = whole[~whole["failed"]].drop(columns="failed").reset_index(drop=True)
        whole.attrs = {"failed": failed}
        found.append(whole)
    return found


def plan_of(protocol: CohortProtocol, prepared: Sequence[Prepared], limits: Sequence[float] = ()) -> Plan:
    """How the cohort's table is analysed, with the ``limits`` of the curve."""
    activity, prognosis = protocol.activity, protocol.prognosis
    units = {name: unit for ready in prepared for name, unit in clinical_units(ready.plan).items()}
    return Plan(
        unit=protocol.unit,
        limit=protocol.limit,
        groups=tuple(g.name for g in protocol.group),
        control=protocol.cohort.control,
        activity=tuple(activity.groups) if activity else (),
        prognosis=tuple(prognosis.groups) if prognosis else (),
        outcomes=tuple(prognosis.outcome) if prognosis else (),
        covariates=tuple(protocol.analysis.covariates),
        limits=tuple(limits),
        alpha=protocol.analysis.alpha,
        seed=protocol.cohort.seed,
        units={name: units.get(name, "") for name in protocol.analysis.covariates},
    )


def seed_of(protocol: CohortProtocol, what: str) -> int:
    """A seed of its own for a group, so that no two groups have the same people."""
    text = f"{protocol.cohort.seed}:{what}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def _trial(protocol: CohortProtocol, group: Group, times: int) -> Protocol:
    now, before, later = _criteria(protocol, group)
    sample: dict[str, Any] = {"kind": "value", "at": 0.0, "noise": True}
    endpoints = [Endpoint(id=_SAMPLE, observable=protocol.marker.observable, unit=protocol.unit, **sample)]
    endpoints += [Endpoint(id=f"{_NOW}{name}", observable=name, **sample) for name in now]
    endpoints += [
        Endpoint(id=f"{_ALSO}{f.observable}", observable=f.observable, unit=f.limit[0].unit, **sample)
        for f in protocol.marker.further
    ]
    read = Protocol(
        trial=Trial(
            name=group.name,
            condition=group.condition,
            duration=f"{protocol.cohort.follow_up!r} d",  # type: ignore[arg-type]
            patients_per_arm=group.n * times,
            seed=seed_of(protocol, group.name),
        ),
        population=group.population,
        arm=[Arm(name=ARM, background=group.background)],
        endpoint=[*endpoints, *later],
        analysis=Analysis(),
    )
    # A criterion that everybody meets has the change before time 0 read.
    everybody = dict.fromkeys(before, parse_criterion(">= -1e9", "it"))
    return read.model_copy(update={"eligibility": everybody | group.eligibility})


def _criteria(protocol: CohortProtocol, group: Group) -> tuple[list[str], list[str], list[Endpoint]]:
    """(observables read at time 0, changes before it, outcomes) that a group has."""
    names = list(protocol.activity.any) if protocol.activity and group.name in protocol.activity.groups else []
    later = protocol.prognosis.outcome if protocol.prognosis and group.name in protocol.prognosis.groups else []
    return [n for n in names if not past(n)[1]], [n for n in names if past(n)[1]], list(later)


def _check_marker(protocol: CohortProtocol, ready: Prepared) -> None:
    """ProtocolError where a limit is below the assay's own."""
    asked = [("marker", protocol.marker.observable, protocol.unit, (protocol.limit, *protocol.marker.limits))]
    asked += [
        (f"marker, further '{f.observable}'", f.observable, f.limit[0].unit, (f.limit[0].value,))
        for f in protocol.marker.further
    ]
    for where, name, unit, limits in asked:
        assay = ready.observables[name].assay
        assert assay is not None
        try:
            lowest = assay.in_unit(unit).lloq
        except DataError as error:
            raise ProtocolError(f"{where}, limit: {error}") from None
        for limit in limits:
            if limit < lowest:
                raise ProtocolError(
                    f"{where}: the limit {limit:g} {unit} is below the assay's own, {lowest:g}; give a higher one."
                )


def _table(protocol: CohortProtocol, group: Group, outcome: Outcome, k: int) -> pd.DataFrame:
    import pandas as pd

    ready = outcome.prepared
    require_all(ready, outcome.enrolled)
    now, before, later = _criteria(protocol, group)
    sample = outcome.endpoints[_SAMPLE].take(k)
    below = np.zeros(ready.n, dtype=bool) if sample.blq is None else sample.blq[0]
    own = {name: values[k] for name, values in outcome.enrolled.columns.items()}
    told = [*ready.plan.covariate_units, *(n for n in protocol.analysis.covariates if n in own)]
    printed = in_clinical_units(ready.plan, {n: own[n] for n in told if n in own})
    found: dict[str, Any] = {
        GROUP: group.name,
        **printed,
        MARKER: np.where(below, 2 * sample.numbers[0], sample.numbers[0]),
        BELOW: below,
        ACTIVE: np.nan,
        "failed": ~outcome.ok[k, 0],
    }
    for further in protocol.marker.further:
        values = outcome.endpoints[f"{_ALSO}{further.observable}"].take(k)
        low = np.zeros(ready.n, dtype=bool) if values.blq is None else values.blq[0]
        name = f"{FURTHER}{further.observable}"
        found[name], found[name + FURTHER_BELOW] = np.where(low, 2 * values.numbers[0], values.numbers[0]), low
    if protocol.activity is not None and (now or before):
        active = np.zeros(ready.n, dtype=bool)
        for name in now:
            values = outcome.endpoints[f"{_NOW}{name}"].take(k)
            active |= _holds(protocol.activity.any[name], values.numbers[0], values.unit)
            found[name] = values.numbers[0]
        for name in before:
            values_before = own[f"{SCREENING}.{name}"]
            active |= _holds(protocol.activity.any[name], values_before, ready.screening[name].unit)
            found[name] = values_before
        found[ACTIVE] = active.astype(float)
    for endpoint in later:
        values = outcome.endpoints[endpoint.id].take(k)
        empty = np.full(ready.n, np.nan)
        found[f"{endpoint.id}.value"] = values.numbers[0]
        found[f"{endpoint.id}.baseline"] = empty if values.baseline is None else values.baseline[0]
        found[f"{endpoint.id}.exposure"] = empty if values.exposure is None else values.exposure[0]
        found[f"{endpoint.id}.censored"] = values.censored[0]
    return pd.DataFrame(found)


def _holds(bounds: Sequence[Bound], values: Array, unit: str) -> NDArray[np.bool_]:
    return np.asarray(np.logical_and.reduce([b.holds(values, b.value_in(unit)) for b in bounds]))
