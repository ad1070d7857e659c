"""Checks of claims that look at the model itself: each gives a number to hold against the threshold, and details."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from leukinetics import biology
from leukinetics.biology.catalogue import read_catalogue
from leukinetics.biology.check import modules_of, without_species
from leukinetics.biology.folder import load
from leukinetics.evidence.claim_files import Check


def formulary(check: Check) -> tuple[float, str]:
    """How many of the check's drugs the formulary has."""
    there = read_catalogue().drugs
    absent = [d for d in check.drugs if d not in there]
    return float(len(check.drugs) - len(absent)), f"absent: {', '.join(absent)}" if absent else ""


def drug_footprint(check: Check) -> tuple[float, str]:
    """How many equations of a condition's model the formulary changes beyond what a drug may touch: all drugs at once,
    but for those that act in a module of another disease, as chemotherapy does in the tumour.

    A drug may add symbols under its own name and terms to the ports of the targets that its file names. A reaction of
    its own may add to the species that it supplies. Everything else must stand in the model with drugs as without.
    """
    folder = load()
    elsewhere = without_species(folder, folder.drugs, modules_of(folder, check.condition))
    drugs = {name: document for name, document in read_catalogue().drugs.items() if name not in elsewhere}
    without, with_drugs = biology.assemble(check.condition), biology.assemble(check.condition, drugs=list(drugs))
    before, after = equations(without.sbml), equations(with_drugs.sbml)
    ports = {row["port"]: row["target"] for row in read_catalogue().tables["targets"]}
    bound = {str(b.get("target")) for document in drugs.values() for b in document.content.get("binding", ())}
    wrong = []
    for name in sorted({*before, *after}):
        own = name.removeprefix("start of ")
        owned = any(own == d or own.startswith((f"{d}_", f"J_{d}_")) for d in drugs)
        if before.get(name) == after.get(name) or (name not in before and owned):
            continue
        if name in ports and ports[name] in bound:
            continue
        wrong.append(name)
    told = f"; not given here: {', '.join(sorted(elsewhere))}" if elsewhere else ""
    return float(len(wrong)), f"{len(drugs)} drugs{told}{': ' * bool(wrong)}{', '.join(wrong)}"


def core_equations(check: Check) -> tuple[float, str]:
    """How many different sets of the core's equations the conditions have (numbers of parameters apart).

    The core is what the healthy model has; the modules of a disease add equations and drive its ports.
    """
    found: dict[str, list[str]] = {}
    core = equations(biology.assemble("healthy").sbml).keys()
    for condition in read_catalogue().conditions:
        own = equations(biology.assemble(condition).sbml)
        text = repr(sorted((name, own.get(name)) for name in core))
        found.setdefault(hashlib.sha256(text.encode()).hexdigest()[:12], []).append(condition)
    return float(len(found)), "; ".join(f"{key}: {', '.join(names)}" for key, names in found.items())


def condition_settings(check: Check) -> tuple[float, str]:
    """How many settings of conditions concern parameters that no condition may set."""
    catalogue = read_catalogue()
    wrong = [
        f"{condition}: {name}"
        for condition, document in catalogue.conditions.items()
        for name in document.content.get("set", {})
        if (row := catalogue.parameter(name)) is None or "condition" not in row["set_by"].split()
    ]
    return float(len(wrong)), ", ".join(wrong)


def equations(sbml: str) -> dict[str, str]:
    """Every rule, reaction and start value of an SBML text, by the name of what it gives a value or a change."""
    import libsbml

    model: Any = libsbml.readSBMLFromString(sbml).getModel()

    def formula(element: Any) -> str:
        return str(libsbml.formulaToL3String(element.getMath())) if element.isSetMath() else ""

    found = {f"start of {a.getSymbol()}": formula(a) for a in model.getListOfInitialAssignments()}
    found |= {r.getVariable(): f"{r.getElementName()} {formula(r)}" for r in model.getListOfRules()}
    for reaction in model.getListOfReactions():
        sides = [
            "+".join(f"{p.getStoichiometry():g} {p.getSpecies()}" for p in side)
            for side in (reaction.getListOfReactants(), reaction.getListOfProducts())
        ]
        law = reaction.getKineticLaw()
        found[reaction.getId()] = f"{sides[0]} -> {sides[1]}: {formula(law) if law is not None else ''}"
    return found


STRUCTURAL: dict[str, Callable[[Check], tuple[float, str]]] = {
    "formulary": formulary,
    "drug_footprint": drug_footprint,
    "core_equations": core_equations,
    "condition_settings": condition_settings,
}
