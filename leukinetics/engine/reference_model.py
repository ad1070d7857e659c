"""One model loaded into libRoadRunner: names, start values of every patient, and its traps."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.evaluate import evaluate
from leukinetics.engine.expr import Expr
from leukinetics.engine.prepare import resolve_initial
from leukinetics.engine.reference_sbml import (
    ARMED,
    DOSE_TIME,
    NEVER,
    Adapted,
    adapt,
    rate_parameter,
)
from leukinetics.engine.system import OdeSystem, Quantity, State
from leukinetics.errors import UnsupportedModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.engine.tables import PatientTable

    F64 = NDArray[np.float64]

#: Readings of a model that differ by more than this at the start are two models.
_AGREE = 1e-6
#: Settles the order of events of equal priority.
_SEED = 1


@contextmanager
def _quiet() -> Iterator[Any]:
    """libRoadRunner without dynamic class attributes and without output of its own or of SUNDIALS."""
    for level in ("ERROR", "WARNING"):
        os.environ.setdefault(f"SUNLOGGER_{level}_FILENAME", os.devnull)
    import roadrunner

    key = roadrunner.Config.ROADRUNNER_DISABLE_PYTHON_DYNAMIC_PROPERTIES
    before = roadrunner.Config.getValue(key)
    roadrunner.Config.setValue(key, True)
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
    try:
        yield roadrunner
    finally:
        roadrunner.Config.setValue(key, before)


class ReferenceModel:
    """A model that can be started again for every patient of a table.

    ``configure`` is called with every newly loaded ``roadrunner.RoadRunner``. Raises UnsupportedModelError
    for what libRoadRunner refuses and for models that it reads differently from us.
    """

    def __init__(
        self,
        system: OdeSystem,
        table: PatientTable,
        boluses: Sequence[str],
        infusions: Sequence[str],
        configure: Callable[[Any], None],
    ) -> None:
        self.system, self.infusions = system, infusions
        self._configure = configure
        assert system.sbml is not None
        local = [n for n, i in system.inputs.items() if i.kind == "local" and n in table.names]
        self.dose_events = bool(system.events) and bool(boluses)
        self.adapted: Adapted = adapt(system.sbml, local, boluses, infusions, bool(system.events))
        self.rr = self._load()
        self._fresh = True
        self._set_start_values(table)
        self._agree()

    def _load(self) -> Any:
        with _quiet() as roadrunner:
            self._record = roadrunner.SelectionRecord
            try:
                rr = roadrunner.RoadRunner(self.adapted.sbml)
            except RuntimeError as error:
                raise UnsupportedModelError(sentence(error)) from None
        self._configure(rr)
        return rr

    # ---- names -----------------------------------------------------------------------------------------

    def id(self, name: str) -> str:
        """The identifier of one of our names in the SBML that libRoadRunner was given."""
        return self.adapted.id(name)

    def selections(self, outputs: Sequence[Expr], names: Sequence[str] | None) -> list[str]:
        """What to ask libRoadRunner for; without ``names`` they are looked up by expression."""
        system = self.system
        if names is None:
            by_value: dict[Expr, str] = {}
            for known in (system.amounts, system.observables):
                by_value |= {e: n for n, e in reversed(list(known.items()))}
            names = [by_value[e] for e in outputs]
        result = []
        for name, e in zip(names, outputs, strict=True):
            species = name in system.amounts
            amount = species and (e == system.amounts[name] or e != system.observables.get(name))
            result.append(f"[{self.id(name)}]" if species and not amount else self.id(name))
        return result

    @cached_property
    def state_selections(self) -> list[str]:
        """Selections of the states, for judging whether they are finite or have settled."""
        return [self._slot(s.name) for s in self.system.states if s.name in self.items]

    def _slot(self, name: str) -> str:
        """The selection that reads or sets a state, constant or discrete."""
        system = self.system
        if name.startswith("amount("):
            return self.id(name[len("amount(") : -1])
        if name not in system.amounts or system.amounts[name] == system.graph.sym(name):
            return self.id(name)
        return f"[{self.id(name)}]"

    def _is_species(self, name: str) -> bool:
        return name in self.system.amounts or name.startswith("amount(")

    # ---- start values ------------------------------------------------------------------------------------

    def _set_start_values(self, table: PatientTable) -> None:
        """``items``: quantity -> selection, compartments before species; ``start``: (patients, items)."""
        system = self.system
        kinds = {n: i.kind for n, i in system.inputs.items()}
        quantities: list[Quantity | State] = [*system.constants, *system.discretes, *system.states]
        names = [q.name for q in quantities]
        names.sort(key=lambda n: (self._is_species(n), kinds.get(n) != "compartment"))
        names = [n for n in names if kinds.get(n) != "local" or n in self.adapted.names]
        self.items = {n: self._slot(n) for n in names if n != "(nothing)"}
        self._stoichiometries = {n for n in names if kinds.get(n) == "stoichiometry"}
        initial = resolve_initial(system)
        roots = [initial[n] for n in self.items]
        defaults: dict[str, Any] = {n: i.default for n, i in system.inputs.items()}
        self.defaults: F64 = np.array(evaluate(system.graph, roots, defaults), dtype=np.float64)
        given = defaults | {n: table.values[:, j] for j, n in enumerate(table.names)}
        self.start: F64 = np.empty((len(table), len(self.items)))
        for j, column in enumerate(evaluate(system.graph, roots, given)):
            self.start[:, j] = column

    def _agree(self) -> None:
        """Refuse a model that libRoadRunner and we read differently: one of the two would be wrong."""
        ours = dict(zip(self.items, self.defaults, strict=True))
        pairs = [(name, float(ours[name]), self.read(selection), 0.0) for name, selection in self.items.items()]
        symbols = {n: i.default for n, i in self.system.inputs.items()} | ours
        states = [s for s in self.system.states if s.name in self.items and not self._is_species(s.name)]
        rates = evaluate(self.system.graph, [s.rate for s in states], {}, symbols)
        for state, rate in zip(states, rates, strict=True):
            if state.name not in self._stoichiometries:
                # A rate that cancels to nothing is known to rounding of its terms only, not to its own size.
                size = abs(float(ours[state.name])) * 1e-6
                pairs.append((f"the rate of '{state.name}'", float(rate), self.read(f"{self.id(state.name)}'"), size))
        for what, mine, theirs, size in pairs:
            if math.isfinite(mine) and math.isfinite(theirs):
                if abs(mine - theirs) <= _AGREE * max(abs(mine), abs(theirs), size):
                    continue
            elif mine == theirs or not math.isfinite(mine):
                continue
            raise UnsupportedModelError(
                f"libRoadRunner and Leukinetics read '{self.system.name}' differently: at the start {what} "
                f"is {theirs:g} there and {mine:g} here, so its results cannot be trusted."
            )

    def read(self, selection: str) -> float:
        """The present value of a selection."""
        try:
            return float(self.rr.getValue(selection))
        except RuntimeError as error:
            raise UnsupportedModelError(f"libRoadRunner cannot read '{selection}': {sentence(error)}") from None

    # ---- starting ------------------------------------------------------------------------------------------

    def restart(self, patient: int, doses: Sequence[tuple[str, float]]) -> bool:
        """Go to the start of a patient, with boluses at time 0 given; False if a start value is bad."""
        if not self._fresh and any(e.delay is not None for e in self.system.events):
            self.rr = self._load()  # delayed events of the patient before would survive a reset
        self._fresh = False
        rr = self.rr
        rr.reset(self._record.ALL)
        rr.setSeed(_SEED, False)  # True would load the model anew
        for (name, selection), value, default in zip(
            self.items.items(), self.start[patient], self.defaults, strict=True
        ):
            if not math.isfinite(value):
                if math.isfinite(default):
                    return False
            elif name not in self._stoichiometries or rr.getValue(selection) != value:
                self._set(selection, float(value))
        for species in self.infusions:
            rr.setValue(rate_parameter(species), 0.0)
        for species, amount in doses:
            self.add(species, amount)
        if self.dose_events:
            rr.setValue(DOSE_TIME, NEVER)
        if self.system.events:
            rr.setValue(ARMED, 1.0)
            rr.reset(self._record.TIME)  # nothing but the events of time 0, now with these values
        return True

    def _set(self, selection: str, value: float) -> None:
        try:
            self.rr.setValue(selection, value)
        except RuntimeError as error:
            raise UnsupportedModelError(
                f"libRoadRunner cannot set '{selection}' to {value:g}: {sentence(error)}"
            ) from None

    def add(self, species: str, amount: float) -> None:
        """Add an amount to a species."""
        self.rr.setValue(self.id(species), self.rr.getValue(self.id(species)) + amount)


def sentence(error: Exception) -> str:
    """What libRoadRunner said, without the place in its source."""
    text = " ".join(str(error).split(", at ")[0].split("; In ")[0].split())
    return text if text.endswith(".") else f"{text}."
