"""Refusals by name of what SBML can say and no engine here can simulate."""

from __future__ import annotations

from typing import Any

from leukinetics.engine.sbml.symbols import Place
from leukinetics.errors import ModelError, UnsupportedModelError


def flatten_hierarchy(document: Any) -> bool:
    """Replace submodels (package ``comp``) by their contents, in place; whether there were any.

    Raises ModelError if libSBML cannot do it.
    """
    import libsbml

    if document.getPlugin("comp") is None:
        return False
    model = document.getModel()
    plugin = None if model is None else model.getPlugin("comp")
    required = document.getPackageRequired("comp")
    if not required and (plugin is None or plugin.getNumSubmodels() == 0):
        return False
    options = libsbml.ConversionProperties()
    options.addOption("flatten comp", True)
    options.addOption("performValidation", False)
    options.addOption("abortIfUnflattenable", "none")
    if document.convert(options) != libsbml.LIBSBML_OPERATION_SUCCESS:
        reasons = [document.getError(i) for i in range(document.getNumErrors())]
        fatal = [r for r in reasons if r.getSeverity() >= libsbml.LIBSBML_SEV_ERROR]
        detail = f" ({fatal[0].getShortMessage()}, line {fatal[0].getLine()})" if fatal else ""
        raise ModelError(f"The hierarchical model (package 'comp') cannot be flattened{detail}.")
    document.getErrorLog().clearLog()
    return True


def refuse_constructs(model: Any, place: Place) -> None:
    """Raise UnsupportedModelError for algebraic rules, fast reactions and constraint-based models."""

    def refuse(element: Any, what: str) -> None:
        where = place(element)
        raise UnsupportedModelError(f"{where}: {what}." if where else f"{what[0].upper()}{what[1:]}.")

    for rule in model.getListOfRules():
        if rule.isAlgebraic():
            refuse(rule, "algebraic rules are not supported")
    reactions = list(model.getListOfReactions())
    lawless = [r for r in reactions if r.getKineticLaw() is None]
    fbc = model.getPlugin("fbc")
    if fbc is not None and lawless and len(lawless) == len(reactions):
        raise UnsupportedModelError("This is a constraint-based model (package 'fbc') without rate laws.")
    for reaction in reactions:
        if reaction.isSetFast() and reaction.getFast():
            refuse(reaction, f"fast reactions are not supported (reaction '{reaction.getId()}')")
    for reaction in lawless:
        refuse(reaction, f"reaction '{reaction.getId()}' has no kinetic law, so its rate is undefined")
