"""Whether the drugs of a model can be given as a protocol says."""

from __future__ import annotations

from typing import Any

from leukinetics.errors import ProtocolError, suggest
from leukinetics.trial.amounts import Amount
from leukinetics.trial.checks.consistency import doses
from leukinetics.trial.checks.model import Model, Path
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.protocol import Dose, Protocol


def check_treatment(protocol: Protocol, model: Model, problems: Problems) -> None:
    """Routes, amounts and caps of all doses; the clock."""
    weighed = "weight" in {*model.plan.covariates, model.plan.derived, *model.plan.parameters}
    for path, dose in doses(protocol):
        drug = model.assembly.drugs.get(dose.drug)
        if problems.ignores(path) or dose.drug in model.absent:
            continue
        if drug is None:
            problems.unknown((*path, "drug"), "drug", dose.drug, model.assembly.drugs)
            continue
        _dose(path, dose, drug, weighed, problems)
    if protocol.trial.clock and not {"clock_on", "clock_start"} <= model.plan.parameters.keys():
        problems.add(("trial", "clock"), "this model has no clock (parameters clock_on, clock_start).")


def _dose(path: Path, dose: Dose, drug: Any, weighed: bool, problems: Problems) -> None:
    routes = list(drug.route_target)
    if dose.route not in routes:
        text = f"'{dose.drug}' has no route '{dose.route:.60}'; it is given {' or '.join(routes)}."
        problems.add((*path, "route"), text + suggest(dose.route, routes))
    for key, amount in (("amount", dose.amount), ("loading", dose.loading), ("cap", dose.cap)):
        if amount is None:
            continue
        per_kg = _amount((*path, key), amount, drug, problems)
        if per_kg and key == "cap":
            problems.add((*path, key), "a cap is what is given at most, whatever the weight; write it without '/kg'.")
        elif per_kg and not weighed:
            problems.add(
                (*path, key), "it is per kg, but neither the model nor the population has a weight; state one."
            )


def _amount(path: Path, amount: Amount, drug: Any, problems: Problems) -> bool:
    """Whether an amount is still to be multiplied by the weight; a problem where it is none of this drug."""
    try:
        return amount.inside(drug.amount_unit, drug.molar_mass, "it")[1]
    except ProtocolError as error:
        problems.add(path, str(error).removeprefix("it: "))
        return False
