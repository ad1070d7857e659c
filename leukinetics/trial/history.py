"""How long before time 0 a trial's simulation begins where patients have fallen ill at some time before it.

All patients begin together and healthy, so that visits and doses have one time axis; each falls ill at a time of its
own (``disease_duration`` before time 0). A patient before onset rests, and so costs next to nothing.
"""

from __future__ import annotations

import math
from typing import Any

from leukinetics.biology.conditions import HISTORY_LEAD
from leukinetics.errors import ProtocolError
from leukinetics.patients import Plan, TablePlan


def history(assembly: Any, plan: Plan, table: TablePlan | None) -> tuple[float, dict[str, float]]:
    """(whole days that the simulation begins before time 0, inputs of the engine that say so).

    The days are the longest history that anybody can have, which the condition's or the protocol's population says.
    0 and nothing where the condition has no history. Raises ProtocolError where there is no longest one.
    """
    condition = assembly.condition
    name = "" if condition is None else condition.history
    if not name:
        return 0.0, {}
    longest = _longest(name, plan, table)
    if not math.isfinite(longest):
        raise ProtocolError(
            f"The population's '{name}' has no longest value, but the simulation begins that long before time 0; "
            "give it 'high'."
        )
    days = float(math.ceil(max(longest, 0.0)))
    return days, {HISTORY_LEAD: days}


def _longest(name: str, plan: Plan, table: TablePlan | None) -> float:
    if name in plan.fixed:
        return plan.fixed[name]
    if table is not None and name in table.own:
        return float(table.own[name].max(initial=0.0))
    if name not in plan.covariates:
        return plan.parameters[name].value
    found = plan.covariates[name]
    return found.center if found.kind == "constant" else found.high
