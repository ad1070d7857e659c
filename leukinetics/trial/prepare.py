"""A protocol made ready to run: everything that does not depend on the patients' typical values.

A prepared trial is run once, or for many candidates of a calibration at a time: the same patients (their standard
normals), doses, times and noise, so that results differ by the candidates alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.run_in import RunIn
from leukinetics.errors import ProtocolError
from leukinetics.patients import Plan, TablePlan
from leukinetics.patients.criteria import Bound
from leukinetics.patients.targets import Target
from leukinetics.trial.checks.whole import check_against_model
from leukinetics.trial.dosing import Block, dose_blocks
from leukinetics.trial.history import history
from leukinetics.trial.observables import Observable, at_screening, observables
from leukinetics.trial.people import table_of
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.read import look_through
from leukinetics.trial.sampling_times import merge
from leukinetics.trial.targets import targets as make_targets
from leukinetics.trial.times import past

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Patients start at the steady state of their condition; the slowest states of the core take years.
RUN_IN = RunIn(limit=20_000.0, tolerance=1e-5, window=30.0)
#: With a clock: full days before time 0 in which the daily rhythm settles, after the run-in.
LEAD_DAYS = 3.0
#: The name of the screening visit, at which the noise is another than at time 0.
SCREENING = "screening"
#: A readout that is 1 while a patient lives; who died before time 0 is nobody whom a trial could meet.
SURVIVAL = "survival"


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
    table: TablePlan | None  # people who were made before
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
        return merge(np.concatenate([t for o in self.observables.values() for t in (o.times, np.array(o.dated))]))

    def normals(self, stop: int, first: int = 0) -> Array:
        """The standard normals of people ``first .. stop - 1`` (kept: every candidate has the same people)."""
        if (first, stop) not in self._normals:
            seed = self.protocol.trial.seed
            self._normals = {(first, stop): self.plan.normals(seed, stop - first, first=first, design=self.sampling)}
        return self._normals[first, stop]

    def columns(self, people: NDArray[np.int64], typical: Sequence[Mapping[str, float]]) -> dict[str, Array]:
        """Every column of the table of ``people`` (n,), each (candidates, n), for sets of ``typical`` values."""
        if self.table is not None:
            return self.table.columns(people, typical)
        first, stop = (int(people.min()), int(people.max()) + 1) if len(people) else (0, 0)
        return self.plan.columns(self.normals(stop, first)[people - first], typical)

    @property
    def available(self) -> int | None:
        """How many people there are: those of a table; None for as many as one likes."""
        return None if self.table is None else self.table.size

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

    Raises ProtocolError with one line for each problem of the protocol, and for all that the model has not.
    """
    reading = look_through(protocol)
    read, problems = reading.protocol, reading.problems
    if read is None:
        raise ProtocolError(problems.text())
    model = check_against_model(read, assembly, problems)
    problems.raise_if_any()
    plan, units = model.plan, model.units
    read_after = observables(read, plan, units)
    criteria = {name: _criterion(name, bounds, plan, units) for name, bounds in read.eligibility.items()}
    plausible = {name: _criterion(name, bounds, plan, units) for name, bounds in read.population.plausible.items()}
    targets = make_targets(read.population.match, lambda name, noise, _: _known(name, noise, plan, units))
    people = table_of(read, plan, model.assembly)
    matched = [v.name for t in targets for v in t.reads if v.how != "told"]
    lead, fixed = _clock(read, plan)
    before, onset = history(model.assembly, plan, people)
    lead, fixed = lead + before, fixed | ({name: lead + days for name, days in onset.items()})
    alive = [SURVIVAL] if SURVIVAL in units and lead > 0 else []
    screening = at_screening([*alive, *criteria, *plausible, *matched], plan, units)
    now = [n for n, o in screening.items() if n in criteria and not o.over]  # the past is not read again
    read_after |= {n: screening[n] for n in now if n not in read_after}
    return Prepared(
        protocol=read,
        assembly=model.assembly,
        plan=plan,
        blocks=dose_blocks(read, model.assembly.drugs),
        observables=read_after,
        criteria=criteria,
        plausible=plausible,
        screening=screening,
        targets=targets,
        table=people,
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


def _known(name: str, noise: bool, plan: Plan, units: Mapping[str, str]) -> tuple[str, str]:
    """(unit, how it is known at screening) of a covariate or an observable."""
    told = "" if name in (v.id for v in plan.variants) else plan.unit_of(name)
    if told is None and past(name)[1]:
        return units[past(name)[0]], "true"
    return (units[name], "measured" if noise else "true") if told is None else (told, "told")


def _criterion(name: str, bounds: list[Bound], plan: Plan, units: Mapping[str, str]) -> list[Bound]:
    """The bounds in the unit of what the patient or the laboratory tells of ``name``."""
    unit = _known(name, True, plan, units)[0]
    return [Bound(b.sign, b.value_in(unit), unit) for b in bounds]


def _clock(protocol: Protocol, plan: Plan) -> tuple[float, dict[str, float]]:
    """(days that the simulation begins before time 0, inputs that switch the clock on).

    The run-in holds the time still, so it is made at the moment of the day when the typical patient's clock is at
    its mean: a quarter of a day after its peak. From there 3 to 4 days lead to time 0.
    """
    start = protocol.trial.start
    if start is None:
        return 0.0, {}
    peak = plan.parameters["clock_phase"].value if "clock_phase" in plan.parameters else 0.0
    middle = (peak + 0.25) % 1.0
    return LEAD_DAYS + (start - middle) % 1.0, {"clock_on": 1.0, "clock_start": middle}
