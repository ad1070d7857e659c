"""A protocol made ready to run: everything that does not depend on the patients' typical values.

A prepared trial is run once, or for many candidates of a calibration at a time: the same patients (their standard
normals), doses, times and noise, so that results differ by the candidates alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.assays import Assay, assay_for, assays
from leukinetics.engine.run_in import RunIn
from leukinetics.errors import DataError, LeukineticsError, ModelError, ProtocolError, suggest
from leukinetics.patients import Plan, make_plan
from leukinetics.patients.criteria import Bound
from leukinetics.patients.targets import Target
from leukinetics.trial.dosing import Block, dose_blocks
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.read import read_protocol
from leukinetics.trial.sampling_times import merge, observable_times
from leukinetics.trial.targets import targets as make_targets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Patients start at the steady state of their condition; the slowest states of the core take years.
RUN_IN = RunIn(limit=20_000.0, tolerance=1e-5, window=30.0)
#: With a clock: full days before time 0 in which the daily rhythm settles, after the run-in.
LEAD_DAYS = 3.0
#: The name of the screening visit, at which the noise is another than at time 0.
SCREENING = "screening"


@dataclass(frozen=True)
class Observable:
    """What is read: its unit, its sampling times (days, with the baseline 0), its assay if there is one.

    ``noisy``: what is kept of it is what the laboratory reports, not the true value.
    """

    name: str
    unit: str
    times: Array
    assay: Assay | None
    noisy: bool = False


@dataclass
class Prepared:
    """A trial ready to run; made by :func:`prepare`."""

    protocol: Protocol
    assembly: Any
    plan: Plan
    blocks: list[Block]
    observables: dict[str, Observable]
    criteria: dict[str, list[Bound]]  # eligibility, bounds in the observable's or covariate's unit
    plausible: dict[str, list[Bound]]  # what a person must meet to exist, in the same units
    screening: dict[str, Observable]  # what is read at screening, whether or not it is read in the trial
    targets: list[Target]  # what the population is matched to
    n: int
    sampling: str
    rtol: float
    lead: float  # days that the simulation begins before time 0
    fixed: dict[str, float]  # inputs of the engine that are the same for all
    _normals: dict[tuple[int, int], Array] = field(default_factory=dict)

    @property
    def arms(self) -> int:
        """How many arms there are."""
        return len(self.protocol.arm)

    @property
    def needed(self) -> int:
        """How many people have to be enrolled."""
        twins = self.protocol.trial.design == "twins"
        return self.n if twins else self.n * sum(arm.ratio for arm in self.protocol.arm)

    @property
    def times(self) -> Array:
        """Every time (days) at which anything is read."""
        return merge(np.concatenate([o.times for o in self.observables.values()]))

    def normals(self, stop: int, first: int = 0) -> Array:
        """The standard normals of people ``first .. stop - 1`` (kept: every candidate has the same people)."""
        if (first, stop) not in self._normals:
            seed = self.protocol.trial.seed
            self._normals = {(first, stop): self.plan.normals(seed, stop - first, first=first, design=self.sampling)}
        return self._normals[first, stop]

    def columns(self, people: NDArray[np.int64], typical: Sequence[Mapping[str, float]]) -> dict[str, Array]:
        """Every column of the table of ``people`` (n,), each (candidates, n), for sets of ``typical`` values."""
        first, stop = (int(people.min()), int(people.max()) + 1) if len(people) else (0, 0)
        return self.plan.columns(self.normals(stop, first)[people - first], typical)

    def typical(self, candidate: Mapping[str, float] | None) -> dict[str, float]:
        """The entries of a candidate that concern this trial; those of other drugs and conditions are left out."""
        return self.plan.split(candidate or {})[0]


def prepare(
    protocol: str | Path | Mapping[str, Any] | Protocol,
    *,
    patients: int | None = None,
    sampling: str | None = None,
    rtol: float = 1e-5,
    assembly: Any = None,
) -> Prepared:
    """Make a trial ready to run.

    ``patients`` (per arm) and ``sampling`` ("random", "sobol") replace the protocol's; ``assembly`` replaces the
    model that the protocol's condition and drugs make.

    Raises ProtocolError naming what the protocol asks for and the model has not.
    """
    read = read_protocol(protocol)
    if assembly is None:
        assembly = _assemble(read)
    try:
        plan = make_plan(assembly, read.population.covariates, read.parameter)
    except DataError as error:
        raise ProtocolError(str(error)) from error
    units = _units(assembly)
    observables = _observables(read, units)
    criteria = {n: _criterion("eligibility", n, b, plan, units) for n, b in read.eligibility.items()}
    plausible = {
        n: _criterion("population, plausible", n, b, plan, units) for n, b in read.population.plausible.items()
    }
    targets = make_targets(read.population.match, lambda name, noise, where: _known(name, noise, where, plan, units))
    matched = [v.name for t in targets for v in t.reads]
    screening = _at_screening([*criteria, *plausible, *matched], plan, units)
    observables |= {n: screening[n] for n in criteria if n in screening and n not in observables}
    lead, fixed = _clock(read, plan)
    return Prepared(
        protocol=read,
        assembly=assembly,
        plan=plan,
        blocks=dose_blocks(read, assembly.drugs),
        observables=observables,
        criteria=criteria,
        plausible=plausible,
        screening=screening,
        targets=targets,
        n=read.trial.patients_per_arm if patients is None else patients_per_arm(patients),
        sampling=read.trial.sampling if sampling is None else sampling,
        rtol=rtol,
        lead=lead,
        fixed=fixed,
    )


def patients_per_arm(n: Any) -> int:
    """The number of patients that a caller asks for in an arm; ProtocolError for what is none."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ProtocolError(f"A trial needs a whole number of patients per arm, at least 1 patient, not {n!r:.40}.")
    return int(n)


def _assemble(protocol: Protocol) -> Any:
    """The model of a protocol's condition and drugs. ProtocolError where there is no such condition or drug."""
    from leukinetics import biology

    try:
        return biology.assemble(protocol.trial.condition, drugs=protocol.drugs)
    except biology.BiologyError:  # the model's own files are at fault
        raise
    except ModelError as error:
        raise ProtocolError(str(error)) from error


def _units(assembly: Any) -> dict[str, str]:
    """The unit of everything that may be read: readouts in the clinician's, all else in the model's."""
    table, model = assembly.readouts, assembly.model
    own = {name: model.system.units.get(name, "") for name in model.observables}
    return own | {str(i): str(u) for i, u in zip(table["id"], table["unit"], strict=True) if i in own}


def _observables(protocol: Protocol, units: Mapping[str, str]) -> dict[str, Observable]:
    for endpoint in protocol.endpoint:
        if endpoint.observable not in units:
            raise ProtocolError(
                f"endpoint '{endpoint.id}', observable: the model has no '{endpoint.observable}'."
                f"{suggest(endpoint.observable, units)}"
            )
        if endpoint.noise and endpoint.observable not in assays():
            raise ProtocolError(
                f"endpoint '{endpoint.id}', noise: there is no assay of '{endpoint.observable}'; leave noise out, or "
                f"use an observable that has one ({', '.join(assays())})."
            )
    found = {}
    for name, times in observable_times(protocol).items():
        if name not in units:
            raise ProtocolError(f"{_reader(protocol, name)}: the model has no '{name}'.{suggest(name, units)}")
        assay = _assay(name, units[name])
        found[name] = Observable(name, units[name], times, assay, assay is not None and _noisy(protocol, name))
    return found


def _reader(protocol: Protocol, name: str) -> str:
    """The key of the protocol, besides the endpoints', that asks for an observable."""
    if protocol.schedule is not None and name in protocol.schedule.measure:
        return "schedule, measure"
    rule = next((r for r in protocol.rule if r.observable == name), None)
    return f"rule '{rule.id}', observable" if rule else "dropout, observable"


def _noisy(protocol: Protocol, name: str) -> bool:
    scheduled = protocol.schedule is not None and protocol.schedule.noise and name in protocol.schedule.measure
    return scheduled or any(e.noise for e in protocol.endpoint if e.observable == name)


def _assay(name: str, unit: str) -> Assay | None:
    return assay_for(name, unit) if name in assays() else None


def _at_screening(names: Iterable[str], plan: Plan, units: Mapping[str, str]) -> dict[str, Observable]:
    """Of these names the observables: covariates are told, not measured."""
    found = [name for name in dict.fromkeys(names) if plan.unit_of(name) is None]
    return {name: Observable(name, units[name], np.array([0.0]), _assay(name, units[name])) for name in found}


def _known(name: str, noise: bool, where: str, plan: Plan, units: Mapping[str, str]) -> tuple[str, str]:
    """(unit, how it is known at screening) of a covariate or an observable."""
    if (unit := plan.unit_of(name)) is not None:
        return unit, "told"
    if name in units:
        return units[name], "measured" if noise else "true"
    known = [*plan.covariate_units, *units]
    raise ProtocolError(f"{where}: no covariate and no observable has the name '{name}'.{suggest(name, known)}")


def _criterion(where: str, name: str, bounds: list[Bound], plan: Plan, units: Mapping[str, str]) -> list[Bound]:
    """The bounds in the unit of what the patient or the laboratory tells of ``name``."""
    unit = _known(name, True, f"{where}, {name}", plan, units)[0]
    try:
        return [Bound(b.sign, b.value_in(unit), unit) for b in bounds]
    except LeukineticsError as error:
        raise ProtocolError(f"{where}, {name}: {error}") from error


def _clock(protocol: Protocol, plan: Plan) -> tuple[float, dict[str, float]]:
    """(days that the simulation begins before time 0, inputs that switch the clock on).

    The run-in holds the time still, so it is made at the moment of the day when the typical patient's clock is at
    its mean: a quarter of a day after its peak. From there 3 to 4 days lead to time 0.
    """
    start = protocol.trial.start
    if start is None:
        return 0.0, {}
    if not {"clock_on", "clock_start"} <= plan.parameters.keys():
        raise ProtocolError("trial, clock: this model has no clock (parameters clock_on, clock_start).")
    peak = plan.parameters["clock_phase"].value if "clock_phase" in plan.parameters else 0.0
    middle = (peak + 0.25) % 1.0
    return LEAD_DAYS + (start - middle) % 1.0, {"clock_on": 1.0, "clock_start": middle}
