"""People who were made before, in a protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukinetics.errors import DataError, ModelError, ProtocolError
from leukinetics.patients import Plan, TablePlan, load_population
from leukinetics.patients.population_table import KEY
from leukinetics.trial.protocol import Protocol


def table_of(protocol: Protocol, plan: Plan, assembly: Any) -> TablePlan | None:
    """The people of ``population.table``; None where the protocol has none.

    Raises ProtocolError where they cannot be read, were made with another model, or lack what people need.
    """
    path = protocol.table
    if path is None:
        return None
    where = f"population, table '{protocol.population.table}'"
    stated = [*(protocol.population.model_extra or {}), *(["genotype"] if protocol.population.genotype else [])]
    if stated:
        raise ProtocolError(f"{where}: people come from it, so '{stated[0]}' cannot be stated as well; leave it out.")
    try:
        table = load_population(path)
        made_with = table.attrs[KEY]
        _check_model(protocol, assembly, made_with)
        return TablePlan(plan, table, made_with)
    except DataError as error:
        raise ProtocolError(f"{where}: {error}") from error


def _check_model(protocol: Protocol, assembly: Any, made_with: Mapping[str, Any]) -> None:
    theirs, ours = made_with.get("model_hash"), assembly.model.hash
    if theirs is None:
        raise DataError(
            "it does not say with which model its people were made; save them with leukinetics.save_population."
        )
    if theirs == ours:
        return
    condition = str(made_with.get("condition", ""))
    other_drugs = sorted(made_with.get("drugs", ())) != sorted(assembly.drugs)
    bare = made_with.get("condition_hash")
    same_people = condition == protocol.trial.condition and bare is not None and other_drugs
    if same_people and bare == condition_hash(protocol, assembly):  # other drugs make another model of the same people
        return
    raise DataError(
        f"its people were made with the model {theirs[:12]} ({condition}, leukinetics {made_with.get('leukinetics')}), "
        f"and this trial has the model {ours[:12]} ({protocol.trial.condition}); make the population anew."
    )


def condition_hash(protocol: Protocol, assembly: Any) -> str | None:
    """The hash of the condition's model without drugs; None where the trial's model was not made of files."""
    from leukinetics import biology

    if not isinstance(assembly, biology.Assembly):
        return None
    if not assembly.drugs:
        return str(assembly.model.hash)
    try:
        return str(biology.assemble(protocol.trial.condition).model.hash)
    except ModelError:
        return None
