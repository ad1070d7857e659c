"""A composition as SBML Level 3 Version 2: units on every number, MIRIAM identifiers, names.

SBML counts all reactions in one unit of extent, here pmol. Reactions of what is measured in mg (or counted) are
converted with a factor of 1 and the species' conversion factor, so that units stay consistent throughout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukinetics.biology.annotate import Annotator
from leukinetics.biology.dimensions import PMOL, Dimension
from leukinetics.biology.entities import Entity
from leukinetics.biology.formula import Node, number
from leukinetics.biology.infer import Inference
from leukinetics.biology.sbml_units import UnitDefinitions
from leukinetics.biology.symbols import Composition, Symbol
from leukinetics.errors import ModelError


def write_sbml(
    composition: Composition,
    inference: Inference,
    entities: Mapping[str, Entity],
    name: str,
    title: str,
    about: str = "",
) -> str:
    """The SBML text. ``name`` becomes the model's id; ``about`` is the entity of the condition."""
    return _Writer(composition, inference, entities).write(name, title, about)


class _Writer:
    def __init__(self, composition: Composition, inference: Inference, entities: Mapping[str, Entity]) -> None:
        import libsbml

        self.lib: Any = libsbml
        self.composition, self.inference, self.entities = composition, inference, entities
        self.document = libsbml.SBMLDocument(3, 2)
        self.model = self.document.createModel()
        self.units = UnitDefinitions(self.model)
        self.annotate = Annotator(entities)
        self._settings = libsbml.L3ParserSettings()
        self._settings.setParseLog(libsbml.L3P_PARSE_LOG_AS_ERROR)

    def write(self, name: str, title: str, about: str) -> str:
        model = self.model
        model.setId(name)
        model.setName(title)
        model.setMetaId(f"meta_{name}")
        if about:
            self.annotate.entity(model, about, "model")
        model.setTimeUnits(self.units.text("day"))
        model.setVolumeUnits("litre")
        model.setSubstanceUnits(self.units.text("pmol"))
        model.setExtentUnits(self.units.text("pmol"))
        c = self.composition
        for symbol in c.of_kind("compartment"):
            self._compartment(symbol)
        self._factors: dict[str, tuple[str, str]] = {}
        for symbol in c.of_kind("species"):
            self._species(symbol)
        for symbol in c.of_kind("parameter", "constant", "state", "discrete", "rule", "readout"):
            self._variable(symbol)
        for symbol in c.of_kind("reaction"):
            self._reaction(symbol)
        for symbol in c.of_kind("event"):
            self._event(symbol)
        return str(self.lib.writeSBMLToString(self.document))

    # ---- elements ------------------------------------------------------------------------------------

    def _dimension(self, name: str) -> Dimension:
        found = self.inference.dimension(name)
        assert found is not None, name
        return found

    def _named(self, element: Any, symbol: Symbol) -> None:
        element.setId(symbol.name)
        element.setMetaId(f"meta_{symbol.name}")
        if symbol.description:
            element.setName(symbol.description)

    def _compartment(self, symbol: Symbol) -> None:
        element = self.model.createCompartment()
        self._named(element, symbol)
        element.setSpatialDimensions(3)
        element.setUnits("litre")
        element.setConstant(True)
        self._start(symbol, element)

    def _species(self, symbol: Symbol) -> None:
        element = self.model.createSpecies()
        self._named(element, symbol)
        element.setCompartment(symbol.compartment)
        amount = self.inference.amount(symbol)
        assert amount is not None
        element.setSubstanceUnits(self.units.dimension(amount))
        element.setHasOnlySubstanceUnits(symbol.substance_only)
        element.setBoundaryCondition(False)
        element.setConstant(False)
        if amount != PMOL:
            element.setConversionFactor(self._factor(amount)[1])
        self._start(symbol, element)
        if symbol.rate is not None:
            self._rule(self.model.createRateRule(), symbol.name, self.composition.formula(symbol.rate))
        self.annotate.entity(element, symbol.entity, "species")

    def _variable(self, symbol: Symbol) -> None:
        element = self.model.createParameter()
        self._named(element, symbol)
        element.setConstant(symbol.kind in ("parameter", "constant"))
        if symbol.readout is not None and symbol.kind == "readout":
            element.setUnits(self.units.written(symbol.readout.unit))
            self._rule(self.model.createAssignmentRule(), symbol.name, self._readout(symbol))
        else:
            element.setUnits(self.units.dimension(self._dimension(symbol.name)))
        if symbol.parameter is not None:
            element.setValue(symbol.parameter.value)
            self.annotate.sources(element, symbol.parameter.source)
        if symbol.rule is not None:
            self._rule(self.model.createAssignmentRule(), symbol.name, self.composition.formula(symbol.rule))
        if symbol.rate is not None:
            self._rule(self.model.createRateRule(), symbol.name, self.composition.formula(symbol.rate))
        if symbol.initial is not None:
            self._start(symbol, element)
        self.annotate.entity(element, symbol.entity, "property" if symbol.parameter is not None else "variable")

    def _start(self, symbol: Symbol, element: Any) -> None:
        """A plain number as attribute, a formula as initial assignment."""
        assert symbol.initial is not None
        formula = self.composition.formula(symbol.initial)
        if formula.op == "const":
            if symbol.kind == "species" and symbol.substance_only:
                element.setInitialAmount(formula.value)
            elif symbol.kind == "species":
                element.setInitialConcentration(formula.value)
            elif symbol.kind == "compartment":
                element.setSize(formula.value)
            else:
                element.setValue(formula.value)
            return
        assignment = self.model.createInitialAssignment()
        assignment.setSymbol(symbol.name)
        self._math(assignment, formula)

    def _rule(self, rule: Any, variable: str, formula: Node) -> None:
        rule.setVariable(variable)
        self._math(rule, formula)

    def _reaction(self, symbol: Symbol) -> None:
        s = symbol.reaction
        assert s is not None
        element = self.model.createReaction()
        self._named(element, symbol)
        element.setReversible(False)
        participants = [*s.reactants, *s.products]
        for create, side in ((element.createReactant, s.reactants), (element.createProduct, s.products)):
            for stoichiometry, name in side:
                reference = create()
                reference.setSpecies(name)
                reference.setStoichiometry(stoichiometry)
                reference.setConstant(True)
        law = self.composition.formula(s)
        names = dict.fromkeys(name for _, name in participants)
        amount = self.inference.amount(self.composition.symbols[next(iter(names))])
        assert amount is not None
        for name in law.names:
            if name not in names and self.composition.symbols[name].kind == "species":
                element.createModifier().setSpecies(name)
        if amount != PMOL:
            law = Node("times", (Node("name", value=self._factor(amount)[0]), law))
        self._math(element.createKineticLaw(), law)

    def _event(self, symbol: Symbol) -> None:
        s = symbol.event
        assert s is not None
        element = self.model.createEvent()
        self._named(element, symbol)
        element.setUseValuesFromTriggerTime(s.values_at_trigger)
        trigger = element.createTrigger()
        trigger.setInitialValue(s.initially)
        trigger.setPersistent(s.persistent)
        self._math(trigger, self.composition.formula(s))
        for kind, create in (("priority", element.createPriority), ("delay", element.createDelay)):
            part = s.part(kind)
            if part is not None:
                self._math(create(), self.composition.formula(part))
        for assignment in s.assignments:
            self._rule(element.createEventAssignment(), assignment.name, self.composition.formula(assignment))

    def _factor(self, amount: Dimension) -> tuple[str, str]:
        """Identifiers of the factors from an amount to extent and back, both 1."""
        unit = self.units.dimension(amount)
        if unit not in self._factors:
            names = (f"extent_per_{unit}", f"{unit}_per_extent")
            for name, dimension in zip(names, (PMOL / amount, amount / PMOL), strict=True):
                parameter = self.model.createParameter()
                parameter.setId(name)
                parameter.setName(f"conversion between extent of reaction and amounts in {amount}")
                parameter.setConstant(True)
                parameter.setValue(1.0)
                parameter.setUnits(self.units.dimension(dimension))
            self._factors[unit] = names
        return self._factors[unit]

    def _readout(self, symbol: Symbol) -> Node:
        """The readout's formula times the factor from the model's unit to the clinician's."""
        readout = symbol.readout
        assert readout is not None
        formula = self.composition.formula(readout)
        found = self.inference.of_formula(readout)
        unit = readout.unit
        if not isinstance(found, Dimension):
            return formula
        factor = 1.0 / unit.factor
        power = found.power("pmol") - unit.dimension.power("pmol")
        if power:
            mass = self.entities[readout.entity].molar_mass
            assert mass is not None
            factor *= (mass / 1e9) ** float(power)
        if factor == 1.0 and not power:
            return formula
        return Node("times", (formula, number(factor, self.units.ratio(unit, found))))

    # ---- mathematics ---------------------------------------------------------------------------------

    def _math(self, element: Any, formula: Node) -> None:
        for node in formula.walk():
            if node.op == "const" and node.unit not in self.units.identifiers:
                node.unit = self.units.text(node.unit or "dimensionless")
        text = formula.with_units()
        math = self.lib.parseL3FormulaWithSettings(text, self._settings)
        if math is None or element.setMath(math) != self.lib.LIBSBML_OPERATION_SUCCESS:
            raise ModelError(f"The formula '{text}' cannot be written as SBML: {self.lib.getLastParseL3Error()}")
