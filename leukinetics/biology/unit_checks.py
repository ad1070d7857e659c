"""Every statement against the units of its symbol, once all units are known."""

from __future__ import annotations

from collections.abc import Mapping

from leukinetics.biology.dimensions import DAY, KG, MG, NONE, PMOL, Dimension
from leukinetics.biology.entities import Entity
from leukinetics.biology.infer import Inference, Zero, settle
from leukinetics.biology.statements import Statement
from leukinetics.biology.symbols import Composition, Symbol

#: What the amount of a species may be measured in: substance, mass, a count, mass per body mass.
AMOUNTS = (PMOL, MG, NONE, MG / KG)


def check_units(composition: Composition, inference: Inference, entities: Mapping[str, Entity]) -> None:
    """Report every statement whose sides differ, and every unit that cannot be told or that SBML cannot have."""
    _Checks(composition, inference, entities).run()


class _Checks:
    def __init__(self, composition: Composition, inference: Inference, entities: Mapping[str, Entity]) -> None:
        self.composition, self.inference, self.entities = composition, inference, entities

    def run(self) -> None:
        for symbol in self.composition.symbols.values():
            dimension = self.inference.dimension(symbol.name)
            for statement in (symbol.initial, symbol.rule):
                if statement is not None:
                    self._fits(statement, dimension, f"'{symbol.name}' is in {dimension}")
            if symbol.rate is not None and dimension is not None:
                rate = dimension / DAY
                self._fits(symbol.rate, rate, f"'{symbol.name}' changes in {rate}")
            if symbol.reaction is not None:
                self._reaction(symbol.reaction)
            if symbol.event is not None:
                self._event(symbol.event)
            if symbol.readout is not None:
                self._readout(symbol)
            if dimension is None:
                self._unknown(symbol)
            else:
                self._kind(symbol, dimension)

    def _fits(self, statement: Statement, wanted: Dimension | None, what: str) -> None:
        found = self.inference.of_formula(statement)
        if wanted is None or found is None:
            return
        if isinstance(found, Zero):
            settle(self.composition.formula(statement), wanted)
        elif found != wanted:
            message = f"unit mismatch in '{statement.text}': {what}, but the right side is in {found}."
            self.inference.add(statement.place, message)

    def _reaction(self, s: Statement) -> None:
        rate = self.inference.of_formula(s)
        for _, name in (*s.reactants, *s.products):
            symbol = self.composition.symbols.get(name)
            amount = self.inference.amount(symbol) if symbol is not None and symbol.kind == "species" else None
            if amount is None:
                continue
            if isinstance(rate, Zero):
                settle(self.composition.formula(s), amount / DAY)
            elif rate is not None and rate != amount / DAY:
                what = f"the rate is in {rate}, but '{name}' changes by an amount per day, in {amount / DAY}"
                self.inference.add(s.place, f"unit mismatch in '{s.text}': {what}.")
                return

    def _event(self, event: Statement) -> None:
        """The trigger has sides of one unit, a delay is a time, a priority a number, and values fit what they set."""
        self.inference.of_formula(event)
        for kind, wanted in (("delay", DAY), ("priority", NONE)):
            part = event.part(kind)
            if part is not None:
                self._fits(part, wanted, f"a {kind} is in {wanted}")
        for assignment in event.assignments:
            if assignment.name in self.composition.symbols:
                dimension = self.inference.dimension(assignment.name)
                self._fits(assignment, dimension, f"'{assignment.name}' is in {dimension}")

    def _readout(self, symbol: Symbol) -> None:
        readout = symbol.readout
        assert readout is not None
        found = self.inference.of_formula(readout)
        unit = readout.unit
        if not isinstance(found, Dimension):
            return
        if symbol.kind != "readout":
            if found != unit.dimension or unit.factor != 1.0:
                what = f"the readout '{readout.id}' is the {symbol.kind} of that name, which is in {found}"
                self.inference.add(readout.place, f"{what}; to report it in {unit.text}, rename one of them.")
        elif _in_mass(found) != _in_mass(unit.dimension):
            message = f"the readout '{readout.id}' is in {unit.text}, but '{readout.text}' is in {found}."
            self.inference.add(readout.place, message)
        elif found != unit.dimension:
            entity = self.entities.get(readout.entity)
            if entity is None or entity.molar_mass is None:
                needed = f"the molar mass of '{entity.id}' in entities.tsv" if entity else "an entity with a molar mass"
                message = f"the readout '{readout.id}' turns {found} into {unit.text}, which needs {needed}."
                self.inference.add(readout.place, message)

    def _unknown(self, symbol: Symbol) -> None:
        """Only a start at 0 can leave a unit open; everything else has been reported where it failed."""
        if symbol.unit or symbol.initial is None or not isinstance(self.inference.of_formula(symbol.initial), Zero):
            return
        if symbol.name in self.composition.garbled:
            return
        reactions = [r.reaction for r in self.composition.of_kind("reaction") if r.reaction is not None]
        changes = [s for s in reactions if symbol.name in [name for _, name in (*s.reactants, *s.products)]]
        changes += [assignment for _, assignment in self.composition.events_on(symbol.name)]
        if all(self.composition.has_formula(s) for s in (*changes, *([symbol.rate] if symbol.rate else []))):
            what = f"the unit of '{symbol.name}' cannot be told from its start at 0"
            self.inference.add(symbol.place, f"{what}; multiply the 0 by a parameter in its unit.")

    def _kind(self, symbol: Symbol, dimension: Dimension) -> None:
        if symbol.kind == "species" and self.inference.amount(symbol) not in AMOUNTS:
            expected = "an amount (pmol, mg)" if symbol.substance_only else "a concentration (pmol/L, mg/L)"
            self.inference.add(
                symbol.place,
                f"the species '{symbol.name}' is in {dimension}; it must be {expected}. For anything else write a "
                "variable with a rate rule, without 'species'.",
            )


def _in_mass(dimension: Dimension) -> Dimension:
    """pmol taken for mg, as the molar mass turns one into the other."""
    power = dimension.power("pmol")
    return dimension / PMOL**power * MG**power
