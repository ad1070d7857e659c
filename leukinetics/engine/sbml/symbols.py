"""What an SBML model says, as plain data: the one place that walks libSBML's model tree.

A missing number is NaN. Mathematics is already parsed (see :mod:`.mathml`); elements without mathematics
(allowed from Level 3 Version 2) say nothing and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from leukinetics.engine.sbml.mathml import Formula, Function, parse, parse_function
from leukinetics.errors import ModelError


@dataclass(frozen=True)
class Compartment:
    """``dimensions`` 0 means that there is no size to divide by."""

    id: str
    size: float
    dimensions: float
    line: str


@dataclass(frozen=True)
class Species:
    """``amount`` and ``concentration`` are the initial values in the file, at most one is a number."""

    id: str
    compartment: str
    amount: float
    concentration: float
    substance_only: bool
    fixed: bool  # constant or a boundary condition: reactions do not change it
    conversion_factor: str
    line: str


@dataclass(frozen=True)
class Parameter:
    """A global parameter."""

    id: str
    value: float
    line: str


@dataclass(frozen=True)
class Participant:
    """A reactant (sign -1) or product (sign +1). ``id`` is empty if the file gives none."""

    id: str
    species: str
    sign: float
    stoichiometry: float
    formula: Formula | None
    line: str


@dataclass(frozen=True)
class Reaction:
    """``law`` None: a kinetic law without mathematics. ``local`` maps local parameters to values."""

    id: str
    law: Formula | None
    local: dict[str, float]
    participants: tuple[Participant, ...]
    line: str


@dataclass(frozen=True)
class EventFacts:
    """An event as written. ``delay`` and ``priority`` None if absent."""

    id: str
    trigger: Formula
    delay: Formula | None
    priority: Formula | None
    assignments: tuple[tuple[str, Formula], ...]
    initial_value: bool
    persistent: bool
    trigger_time_values: bool
    line: str


@dataclass
class Facts:
    """Everything about the mathematics of one model, in file order."""

    name: str
    level: int
    conversion_factor: str
    compartments: dict[str, Compartment] = field(default_factory=dict)
    species: dict[str, Species] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    references: dict[str, Participant] = field(default_factory=dict)  # species references that have ids
    reactions: dict[str, Reaction] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    assigned: dict[str, Formula] = field(default_factory=dict)
    rates: dict[str, Formula] = field(default_factory=dict)
    initial: dict[str, Formula] = field(default_factory=dict)
    events: list[EventFacts] = field(default_factory=list)

    @property
    def event_targets(self) -> set[str]:
        """Everything that an event may set."""
        return {target for event in self.events for target, _ in event.assignments}


class Place:
    """Words for where an element stands: its line, unless the text was generated from Antimony."""

    def __init__(self, lines: bool) -> None:
        self._lines = lines

    def __call__(self, element: Any, what: str = "") -> str:
        parts = [f"line {element.getLine()}"] if self._lines and element.getLine() else []
        return ", ".join(parts + ([what] if what else []))


def collect(model: Any, place: Place, name: str, unset_species: float = math.nan) -> Facts:
    """The facts of a ``libsbml.Model``.

    ``unset_species`` is the start of species to which the file gives none. Raises UnsupportedModelError for
    unknown mathematics.
    """
    level = model.getLevel()
    facts = Facts(name, level, model.getConversionFactor() if level > 2 else "")
    for c in model.getListOfCompartments():
        size = c.getSize() if c.isSetSize() else (1.0 if level == 1 else math.nan)
        dimensions = c.getSpatialDimensionsAsDouble() if c.isSetSpatialDimensions() else 3.0
        facts.compartments[c.getId()] = Compartment(c.getId(), size, dimensions, place(c))
    for s in model.getListOfSpecies():
        facts.species[s.getId()] = _species(s, place, level, unset_species)
    for p in model.getListOfParameters():
        value = p.getValue() if p.isSetValue() else math.nan
        facts.parameters[p.getId()] = Parameter(p.getId(), value, place(p))
    for f in model.getListOfFunctionDefinitions():
        function = parse_function(f, place(f, f"function '{f.getId()}'"))
        if function is not None:
            facts.functions[f.getId()] = function
    for r in model.getListOfReactions():
        reaction = _reaction(r, place, level)
        facts.reactions[reaction.id] = reaction
        facts.references |= {p.id: p for p in reaction.participants if p.id and level > 2}
    for a in model.getListOfInitialAssignments():
        if a.isSetMath():
            where = place(a, f"initial assignment of '{a.getSymbol()}'")
            facts.initial[a.getSymbol()] = parse(a.getMath(), where)
    for r in model.getListOfRules():
        if r.isSetMath():
            kind, into = ("rate", facts.rates) if r.isRate() else ("assignment", facts.assigned)
            into[r.getVariable()] = parse(r.getMath(), place(r, f"{kind} rule of '{r.getVariable()}'"))
    facts.events = list(_events(model, place))
    return facts


def _species(s: Any, place: Place, level: int, unset: float) -> Species:
    has_concentration = s.isSetInitialConcentration()
    return Species(
        s.getId(),
        s.getCompartment(),
        s.getInitialAmount() if s.isSetInitialAmount() else (math.nan if has_concentration else unset),
        s.getInitialConcentration() if has_concentration else math.nan,
        s.getHasOnlySubstanceUnits(),
        s.getBoundaryCondition() or s.getConstant(),
        s.getConversionFactor() if level > 2 else "",
        place(s),
    )


def _reaction(r: Any, place: Place, level: int) -> Reaction:
    what = place(r, f"reaction '{r.getId()}'")
    participants = [_participant(p, -1.0, place, what, level) for p in r.getListOfReactants()]
    participants += [_participant(p, 1.0, place, what, level) for p in r.getListOfProducts()]
    law = r.getKineticLaw()
    formula = parse(law.getMath(), what) if law is not None and law.isSetMath() else None
    local: dict[str, float] = {}
    if law is not None:
        for p in law.getListOfLocalParameters() if level > 2 else law.getListOfParameters():
            local[p.getId()] = p.getValue() if p.isSetValue() else math.nan
    return Reaction(r.getId(), formula, local, tuple(participants), place(r))


def _participant(p: Any, sign: float, place: Place, what: str, level: int) -> Participant:
    formula = None
    if level == 2 and p.isSetStoichiometryMath() and p.getStoichiometryMath().isSetMath():
        formula = parse(p.getStoichiometryMath().getMath(), f"{what}, stoichiometry of '{p.getSpecies()}'")
    value = math.nan
    if level < 3 or p.isSetStoichiometry():
        denominator = p.getDenominator() if level < 3 else 1
        if denominator == 0:
            raise ModelError(f"{what}: the stoichiometry of '{p.getSpecies()}' has the denominator 0.")
        value = p.getStoichiometry() / denominator
    return Participant(p.getId(), p.getSpecies(), sign, value, formula, place(p))


def _events(model: Any, place: Place) -> Iterator[EventFacts]:
    for number, e in enumerate(model.getListOfEvents(), start=1):
        name = e.getId() or f"event {number}"
        where = place(e, f"event '{name}'")
        trigger = e.getTrigger()
        if trigger is None or not trigger.isSetMath():
            continue  # never fires
        assignments = tuple(
            (a.getVariable(), parse(a.getMath(), f"{where}, assignment to '{a.getVariable()}'"))
            for a in e.getListOfEventAssignments()
            if a.isSetMath()
        )
        modern = model.getLevel() > 2
        yield EventFacts(
            name,
            parse(trigger.getMath(), f"{where}, trigger"),
            _optional(e.getDelay() if e.isSetDelay() else None, f"{where}, delay"),
            _optional(e.getPriority() if modern and e.isSetPriority() else None, f"{where}, priority"),
            assignments,
            trigger.getInitialValue() if modern else True,
            trigger.getPersistent() if modern else True,
            e.getUseValuesFromTriggerTime(),
            where,
        )


def _optional(element: Any, where: str) -> Formula | None:
    return parse(element.getMath(), where) if element is not None and element.isSetMath() else None
