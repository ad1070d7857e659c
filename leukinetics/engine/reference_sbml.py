"""A copy of a model's SBML, changed so that libRoadRunner can run it as our interface asks.

The changes: infusions become additional terms, boluses in models with events become an event (so that a dose
can trigger other events), events wait until start values are set, local parameters that patients set become
global ones, and names that libRoadRunner's selections cannot express are replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from leukinetics.errors import UnsupportedModelError

DOSE_TIME, DOSE_GIVEN = "lk_dose_time", "lk_dose_given"
#: 0 while start values are set, so that no event fires on the way; then 1.
ARMED = "lk_armed"
#: The sum of all delays so far: NaN once a delay was no number.
DELAYS = "lk_delays"
#: A time that no simulation reaches: the dose event is switched off.
NEVER = 1e300
#: Identifiers that a selection of libRoadRunner takes for something else.
_TAKEN = ("time",)


@dataclass
class Adapted:
    """The changed SBML; ``names`` maps our names to identifiers in it where they differ."""

    sbml: str
    names: dict[str, str] = field(default_factory=dict)
    watches_delays: bool = False

    def id(self, name: str) -> str:
        """The identifier in the changed SBML."""
        return self.names.get(name, name)


def amount_parameter(species: str) -> str:
    """Holds the amount of the next bolus into ``species``."""
    return f"lk_amount_{species}"


def rate_parameter(species: str) -> str:
    """Holds the present rate of infusion into ``species``."""
    return f"lk_rate_{species}"


def adapt(
    sbml: str, local: Iterable[str], boluses: Iterable[str], infusions: Iterable[str], has_events: bool
) -> Adapted:
    """Change ``sbml`` for doses into the named species and for the ``local`` inputs ``reaction.parameter``.

    Raises UnsupportedModelError for an infusion into a species that libRoadRunner cannot be given one.
    """
    import libsbml

    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    adapted = Adapted(sbml)
    for name in _TAKEN:
        if model.getElementBySId(name) is not None:
            adapted.names[name] = _rename(model, name)
    for name in local:
        adapted.names[name] = _promote(model, name)
    for species in infusions:
        _infuse(model, adapted.id(species), species)
    if has_events:
        adapted.watches_delays = _watch_delays(model)
        _watch_windows(document)
        _arm(model)
        targets = [(s, adapted.id(s)) for s in boluses]
        if targets:
            _dose_event(model, targets)
    adapted.sbml = libsbml.writeSBMLToString(document)
    return adapted


def _fresh(model: Any, wanted: str) -> str:
    while model.getElementBySId(wanted) is not None:
        wanted += "_"
    return wanted


def _rename(model: Any, name: str) -> str:
    new = _fresh(model, f"lk_{name}")
    element = model.getElementBySId(name)
    for e in model.getListOfAllElements():
        e.renameSIdRefs(name, new)
    element.setId(new)
    return new


def _parameter(model: Any, name: str, value: float) -> None:
    p = model.createParameter()
    p.setId(name)
    p.setValue(value)
    p.setConstant(False)


def _promote(model: Any, name: str) -> str:
    """Make the local parameter ``reaction.parameter`` a global one; returns its new name."""
    reaction, _, local = name.partition(".")
    law = model.getReaction(reaction).getKineticLaw()
    parameters = law.getListOfLocalParameters() if model.getLevel() > 2 else law.getListOfParameters()
    new = _fresh(model, f"lk_{reaction}_{local}")
    _parameter(model, new, parameters.get(local).getValue())
    math = law.getMath().deepCopy()
    math.renameSIdRefs(local, new)
    parameters.remove(local)
    law.setMath(math)
    return new


def _volume(model: Any, species: Any) -> str:
    """The compartment to divide an amount by, or an empty string where the id means an amount."""
    compartment = model.getCompartment(species.getCompartment())
    dimensions = compartment.getSpatialDimensionsAsDouble() if compartment.isSetSpatialDimensions() else 3
    point = species.getHasOnlySubstanceUnits() or dimensions == 0
    return "" if point else str(compartment.getId())


def _infuse(model: Any, identifier: str, name: str) -> None:
    import libsbml

    rate = rate_parameter(name)
    _parameter(model, rate, 0.0)
    species = model.getSpecies(identifier)
    rule = model.getRateRule(identifier)
    if rule is not None:
        volume = _volume(model, species)
        total = libsbml.ASTNode(libsbml.AST_PLUS)
        total.addChild(rule.getMath().deepCopy())
        total.addChild(libsbml.parseL3Formula(f"{rate} / {volume}" if volume else rate))
        rule.setMath(total)
        return
    if species.getBoundaryCondition() or species.getConstant():
        raise UnsupportedModelError(
            f"libRoadRunner cannot run an infusion into '{name}', which reactions do not change."
        )
    reaction = model.createReaction()
    reaction.setId(_fresh(model, f"lk_infusion_{name}"))
    reaction.setReversible(False)
    reaction.setFast(False)
    product = reaction.createProduct()
    product.setSpecies(identifier)
    product.setStoichiometry(1.0)
    product.setConstant(True)
    factor = (species.getConversionFactor() or model.getConversionFactor()) if model.getLevel() > 2 else ""
    law = reaction.createKineticLaw()
    law.setMath(libsbml.parseL3Formula(f"{rate} / {factor}" if factor else rate))


def _dose_event(model: Any, targets: list[tuple[str, str]]) -> None:
    """One event gives the doses that are due at ``lk_dose_time``; its priority puts it before all others."""
    import libsbml

    _parameter(model, DOSE_TIME, NEVER)
    _parameter(model, DOSE_GIVEN, -1.0)
    event = _event(model, "lk_dose", f"time >= {DOSE_TIME}")
    if model.getLevel() > 2:
        event.createPriority().setMath(libsbml.parseL3Formula("1e9"))
    for name, identifier in targets:
        amount = amount_parameter(name)
        _parameter(model, amount, 0.0)
        volume = _volume(model, model.getSpecies(identifier))
        assignment = event.createEventAssignment()
        assignment.setVariable(identifier)
        dose = f"{amount} / {volume}" if volume else amount
        assignment.setMath(libsbml.parseL3Formula(f"{identifier} + {dose}"))
    given = event.createEventAssignment()
    given.setVariable(DOSE_GIVEN)
    given.setMath(libsbml.parseL3Formula(DOSE_TIME))


def _event(model: Any, name: str, trigger: Any) -> Any:
    import libsbml

    event = model.createEvent()
    event.setId(_fresh(model, name))
    event.setUseValuesFromTriggerTime(True)
    condition = event.createTrigger()
    if model.getLevel() > 2:
        condition.setInitialValue(True)
        condition.setPersistent(True)
    condition.setMath(libsbml.parseL3Formula(trigger) if isinstance(trigger, str) else trigger)
    return event


def _watch_delays(model: Any) -> bool:
    """Beside each delayed event one without delay that adds the delay to :data:`DELAYS`; whether there are any."""
    import libsbml

    delayed = [e for e in model.getListOfEvents() if e.isSetDelay() and e.isSetTrigger()]
    if not delayed:
        return False
    _parameter(model, DELAYS, 0.0)
    for number, event in enumerate(delayed):
        trigger = event.getTrigger()
        watch = _event(model, f"lk_delay_{number}", trigger.getMath())
        if model.getLevel() > 2:
            watch.getTrigger().setInitialValue(trigger.getInitialValue())
        assignment = watch.createEventAssignment()
        assignment.setVariable(DELAYS)
        total = libsbml.ASTNode(libsbml.AST_PLUS)
        total.addChild(libsbml.parseL3Formula(DELAYS))
        total.addChild(event.getDelay().getMath().deepCopy())
        assignment.setMath(total)
    return True


def _arm(model: Any) -> None:
    import libsbml

    _parameter(model, ARMED, 0.0)
    for event in model.getListOfEvents():
        trigger = event.getTrigger()
        if trigger is None or not trigger.isSetMath():
            continue
        both = libsbml.ASTNode(libsbml.AST_LOGICAL_AND)
        both.addChild(libsbml.parseL3Formula(f"{ARMED} > 0"))
        both.addChild(trigger.getMath().deepCopy())
        trigger.setMath(both)


def _watch_windows(document: Any) -> None:
    """Make the integrator stop at both ends of a window such as ``x > 1 and x < 1.1``.

    libRoadRunner looks for changes of a whole trigger from step to step, and a step can jump over a window.
    An event without effect per relation makes it find each end.
    """
    import libsbml

    model = document.getModel()
    triggers = [e.getTrigger().getMath() for e in model.getListOfEvents() if e.isSetTrigger()]
    if not any(t is not None and not t.isRelational() for t in triggers):
        return
    expand = libsbml.ConversionProperties()
    expand.addOption("expandFunctionDefinitions", True)
    document.convert(expand)
    relations: dict[str, Any] = {}
    for event in model.getListOfEvents():
        math = event.getTrigger().getMath() if event.isSetTrigger() else None
        if math is None or math.isRelational():
            continue
        stack = [math]
        while stack:
            node = stack.pop()
            if node.isRelational():
                relations[libsbml.formulaToL3String(node)] = node.deepCopy()
            else:
                stack.extend(node.getChild(i) for i in range(node.getNumChildren()))
    for number, relation in enumerate(relations.values()):
        event = _event(model, f"lk_watch_{number}", relation)
        name = _fresh(model, f"lk_watched_{number}")
        _parameter(model, name, 0.0)
        assignment = event.createEventAssignment()  # Level 2 wants one
        assignment.setVariable(name)
        assignment.setMath(libsbml.parseL3Formula("1"))
