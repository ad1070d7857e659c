"""Facts of a model to an :class:`~leukinetics.engine.system.OdeSystem`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from leukinetics.engine.expr import Expr, Graph
from leukinetics.engine.sbml.events import build_events
from leukinetics.engine.sbml.resolve import Resolver
from leukinetics.engine.sbml.symbols import Facts, Species
from leukinetics.engine.system import DoseTarget, Input, OdeSystem, Quantity, State
from leukinetics.errors import ModelError


@dataclass(frozen=True)
class UnitTexts:
    """Unit texts by identifier; ``concentrations`` and ``amounts`` are of species."""

    others: Mapping[str, str] = field(default_factory=dict)
    concentrations: Mapping[str, str] = field(default_factory=dict)
    amounts: Mapping[str, str] = field(default_factory=dict)
    time: str = ""


def build_system(facts: Facts, units: UnitTexts, sbml: str) -> OdeSystem:
    """The complete system. Raises ModelError for circles, undefined names and missing values."""
    return _Builder(facts, units, sbml).build()


class _Builder:
    def __init__(self, facts: Facts, units: UnitTexts, sbml: str) -> None:
        self.facts = facts
        self.units = units
        self.graph = Graph()
        self.resolver = Resolver(facts, self.graph)
        self.system = OdeSystem(facts.name, self.graph, {}, [], [], [], {}, sbml=sbml)
        self.system.species = list(facts.species)
        self.system.time_unit = units.time
        self._missing: dict[str, str] = {}  # slot -> what to call it in a message

    def build(self) -> OdeSystem:
        facts = self.facts
        for c in facts.compartments.values():
            self._add(c.id, c.size, "compartment", f"compartment '{c.id}'", c.line)
        for s in facts.species.values():
            self._add_species(s)
        for p in facts.parameters.values():
            self._add(p.id, p.value, "parameter", f"parameter '{p.id}'", p.line)
        for r in facts.references.values():
            self._add(r.id, r.stoichiometry, "stoichiometry", f"stoichiometry '{r.id}'", r.line)
        for reaction in facts.reactions.values():
            for name, value in reaction.local.items():
                self._add_local(f"{reaction.id}.{name}", value, reaction.line)
        self._add_observables()
        self._add_dose_targets()
        build_events(facts, self.resolver, self.system)
        self._check_missing()
        return self.system

    # ---- quantities ----------------------------------------------------------------------------------

    def _add(self, name: str, value: float, kind: str, what: str, line: str) -> None:
        """A parameter, compartment or stoichiometry."""
        if name in self.facts.assigned:
            return
        unit = self.units.others.get(name, "")
        initial = self._initial(name, value, kind, unit, None)
        self._place(name, name, initial, unit, math.isnan(value), what, line)

    def _add_species(self, s: Species) -> None:
        if s.id in self.facts.assigned:
            return
        g, resolver = self.graph, self.resolver
        as_amount, kept = resolver.means_amount(s), resolver.kept_as_amount(s)
        units = self.units.amounts if as_amount else self.units.concentrations
        given, other = (s.amount, s.concentration) if as_amount else (s.concentration, s.amount)
        computed: Expr | None = None
        volume = resolver.value(s.compartment)
        if math.isnan(given) and not math.isnan(other):
            computed = g.mul(g.const(other), volume) if as_amount else g.div(g.const(other), volume)
        initial = self._initial(s.id, given, "species", units.get(s.id, ""), computed)
        if kept and not as_amount:
            if math.isnan(given) and not math.isnan(other) and s.id not in self.facts.initial:
                number = g.input(s.id)  # the file's amount as it is, without dividing and multiplying
                initial = g.select(g.isnan(number), g.const(other), g.mul(number, volume))
            else:
                initial = g.mul(initial, volume)
        missing = math.isnan(given) and math.isnan(other)
        slot_unit = (self.units.amounts if kept else self.units.concentrations).get(s.id, "")
        self._place(s.id, resolver.slot(s.id), initial, slot_unit, missing, f"species '{s.id}'", s.line)

    def _add_local(self, name: str, value: float, line: str) -> None:
        self.system.inputs[name] = Input(name, value, "", "local")
        self.system.constants.append(Quantity(name, self.graph.input(name)))
        if math.isnan(value):
            self._missing[name] = _at(f"local parameter '{name}'", line)

    def _initial(self, name: str, value: float, kind: str, unit: str, computed: Expr | None) -> Expr:
        """The start value in the meaning of the id, and the input that sets it."""
        g = self.graph
        number = g.input(name)
        if name in self.facts.initial:
            computed = self.resolver.formula(self.facts.initial[name])
        self.system.inputs[name] = Input(name, math.nan if computed is not None else value, unit, kind)
        return number if computed is None else g.select(g.isnan(number), computed, number)

    def _place(self, name: str, slot: str, initial: Expr, unit: str, missing: bool, what: str, line: str) -> None:
        g, system = self.graph, self.system
        (initial,) = g.substitute([initial], {g.time: g.zero})  # a simulation starts at time 0
        if missing and name not in self.facts.initial:
            self._missing[slot] = _at(what, line)
        if self.resolver.has_rate(name):
            system.states.append(State(slot, initial, self.resolver.rate(name), unit))
        elif name in self.facts.event_targets:
            system.discretes.append(Quantity(slot, initial, unit))
        else:
            system.constants.append(Quantity(slot, initial, unit))

    # ---- outputs and doses -----------------------------------------------------------------------------

    def _add_observables(self) -> None:
        facts, system, resolver, units = self.facts, self.system, self.resolver, self.units
        for s in facts.species.values():
            point = resolver.without_size(s)
            system.observables[s.id] = resolver.quantity(s, as_amount=point)
            system.units[s.id] = (units.amounts if point else units.concentrations).get(s.id, "")
            system.amounts[s.id] = resolver.quantity(s, as_amount=True)
            system.amount_units[s.id] = units.amounts.get(s.id, "")
        for name in (*facts.compartments, *facts.parameters, *facts.reactions, *facts.references):
            system.observables[name] = resolver.value(name)
            system.units[name] = units.others.get(name, "")

    def _add_dose_targets(self) -> None:
        g, resolver = self.graph, self.resolver
        states = {state.name for state in self.system.states}
        for s in self.facts.species.values():
            slot = resolver.slot(s.id)
            if slot not in states or s.id in self.facts.assigned:
                continue
            factor = g.one if resolver.kept_as_amount(s) else g.div(g.one, resolver.value(s.compartment))
            if not (g.symbols([factor]) & states) and g.time not in g.reachable([factor]):
                self.system.dose_targets[s.id] = DoseTarget(slot, factor)

    # ---- missing values --------------------------------------------------------------------------------

    def _check_missing(self) -> None:
        """A value that nothing gives is an error where the trajectory needs it."""
        system, g = self.system, self.graph
        roots = [state.rate for state in system.states]
        roots += [state.initial for state in system.states] + [q.initial for q in system.discretes]
        for event in system.events:
            roots += [event.trigger, *(e for e in (event.delay, event.priority) if e is not None)]
        needed = g.symbols(roots) | {state.name for state in system.states}
        needed -= {self.resolver.slot(target) for target in self.facts.event_targets}
        bad = [what for slot, what in self._missing.items() if slot in needed]
        if bad:
            more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
            raise ModelError(f"The model gives no value for {', '.join(bad[:5])}{more}; set one in the file.")


def _at(what: str, line: str) -> str:
    return f"{what} ({line})" if line else what
