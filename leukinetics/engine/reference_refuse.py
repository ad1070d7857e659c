"""What the reference refuses by name: what libRoadRunner cannot do, and what it would get wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.engine.system import OdeSystem
from leukinetics.errors import UnsupportedModelError

if TYPE_CHECKING:
    from leukinetics.engine.doses import DoseSchedule
    from leukinetics.engine.request import Request

_STEPWISE = ("rem", "floor", "ceil")


def refuse(system: OdeSystem, request: Request, doses: DoseSchedule | None) -> None:
    """Raise UnsupportedModelError where libRoadRunner cannot carry out ``request`` on ``system``."""
    if system.sbml is None:
        raise UnsupportedModelError(f"'{system.name}' has no SBML text, which libRoadRunner needs.")
    if system.events:
        _refuse_periodic_triggers(system)
        _refuse_resized_concentrations(system)
    steady = doses is not None and bool(np.any(doses.steady_state > 0.0))
    if steady or request.run_in is not None:
        what = "A steady state before the first dose" if steady else "A run-in"
        _refuse_settling(system, what)


def _refuse_periodic_triggers(system: OdeSystem) -> None:
    """Steps of libRoadRunner go across whole periods of ``rem(time, 24) < 8`` without seeing a change."""
    g = system.graph
    for event in system.events:
        for e in g.reachable([event.trigger]):
            if g.ops[e] in _STEPWISE and g.time in g.reachable([e]):
                raise UnsupportedModelError(
                    f"libRoadRunner misses events of '{system.name}': the trigger of '{event.name}' takes "
                    f"{g.ops[e]}() of time. Use the default backend."
                )


def _refuse_resized_concentrations(system: OdeSystem) -> None:
    """An event that sets V and a concentration in V: libRoadRunner makes the amount with the old V."""
    import libsbml

    model = libsbml.readSBMLFromString(system.sbml).getModel()
    for event in model.getListOfEvents():
        targets = [a.getVariable() for a in event.getListOfEventAssignments()]
        for species in filter(None, map(model.getSpecies, targets)):
            compartment = species.getCompartment()
            if compartment in targets and not species.getHasOnlySubstanceUnits():
                raise UnsupportedModelError(
                    f"libRoadRunner is wrong on '{system.name}': the event '{event.getId()}' sets the concentration "
                    f"'{species.getId()}' and the size of its compartment '{compartment}'. Use the default backend."
                )


def _refuse_settling(system: OdeSystem, what: str) -> None:
    g = system.graph
    if system.events:
        raise UnsupportedModelError(f"{what} of '{system.name}' is not possible: the model has events.")
    if g.time in g.reachable([s.rate for s in system.states]):
        raise UnsupportedModelError(
            f"{what} of '{system.name}' is not possible on libRoadRunner: its rates depend on time."
        )
