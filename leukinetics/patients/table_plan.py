"""People of a saved table in the place of people that are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from leukinetics.errors import DataError, suggest
from leukinetics.patients.plan import Plan
from leukinetics.patients.population_table import check_numbers, is_persons

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


class TablePlan:
    """Makes the columns of people 0, 1, ... of a trial from the rows of a table, in their order.

    ``made_with``: the table's provenance, see :func:`leukinetics.patients.save_population`. Columns that only a model
    with other drugs has are drawn with the table's seed for its patient numbers: the values that these people would
    have had. Those of drugs that this trial lacks are left out.

    Raises DataError for unknown or missing columns, and values that cannot be used, with their rows.
    """

    def __init__(self, plan: Plan, table: pd.DataFrame, made_with: Mapping[str, Any]) -> None:
        self.plan = plan
        self.typical: dict[str, float] = dict(made_with.get("typical") or {})
        own = [str(n) for n in table.columns if is_persons(str(n))]
        expected = [*plan.covariates, *([plan.derived] if plan.derived else []), *plan.varying]
        expected += [name for v in plan.variants for name in (v.id, *v.effects)]
        missing = [n for n in dict.fromkeys(expected) if n not in own]
        theirs = made_with.get("units", {})  # by every name that the model knew with which the table was made
        drawn = [n for n in missing if theirs and n not in theirs]
        if lacking := [n for n in missing if n not in drawn]:
            raise DataError(f"the table has no column '{lacking[0]}', which people of this condition have.")
        used = [n for n in own if n in plan.parameters or n in expected]
        if unknown := [n for n in own if n not in used and n not in theirs]:
            raise DataError(f"the table's column '{unknown[0]}' is unknown.{suggest(unknown[0], expected)}")
        check_numbers(table[used], frozenset(n for n in used if _may_be_negative(plan, n)))
        self.own = {n: table[n].to_numpy(dtype=float) for n in used}
        if drawn:
            numbers = table.index.to_numpy()
            z = plan.normals(int(made_with.get("seed", 0)), int(numbers.max()) + 1)[numbers]
            columns = plan.columns(z)
            self.own |= {n: columns[n][0] for n in drawn}
        self.size = len(table)

    def columns(self, people: NDArray[np.int64], typical: Sequence[Mapping[str, float]] = ()) -> dict[str, Array]:
        """As :meth:`Plan.columns`, of people by their numbers (n,): rows of the table.

        Where a typical value differs from that with which the table was made, people keep their distance from it.
        """
        candidates = list(typical) or [{}]
        if len(people) and people.max() >= self.size:
            raise DataError(f"the table has {self.size} people, and {int(people.max()) + 1} are asked for.")
        found = {name: np.tile(x[people], (len(candidates), 1)) for name, x in self.own.items()}
        shape = (len(candidates), len(people))
        for k, candidate in enumerate(candidates):
            for key, value in candidate.items():
                if key.startswith("effect:"):
                    self._change_effect(found, k, key, value)
                else:
                    self._move(found, k, key, value, shape)
        fixed = {name: np.full(shape, value) for name, value in self.plan.fixed.items()}
        return found | fixed

    def _move(self, found: dict[str, Array], k: int, key: str, value: float, shape: tuple[int, int]) -> None:
        name = self.plan.parameter_of(key)
        if name in self.plan.covariates or name in self.plan.fixed:
            return  # stated of the people, whatever is typical
        row = self.plan.parameters[name]
        before = self.typical.get(key, row.value)
        if name not in self.own:
            found.setdefault(name, np.full(shape, before))[k] = value
            return
        scale = row.spread.scale if row.spread is not None and name in self.plan.varying else "ln"
        here = found[name][k]
        if scale in ("sd", "uniform"):
            found[name][k] = here + (value - before)
        elif scale == "logit":
            found[name][k] = expit(logit(here) + logit(value) - logit(before))
        else:
            found[name][k] = here * (value / before) if before != 0 else value

    def _change_effect(self, found: dict[str, Array], k: int, key: str, value: float) -> None:
        for variant in self.plan.variants:
            for name, effect in variant.effects.items():
                if variant.key(name) == key:
                    before = self.typical.get(key, effect)
                    found[name][k] = found[name][k] * np.exp((value - before) * found[variant.id][k])


def _may_be_negative(plan: Plan, name: str) -> bool:
    """Whether people may have values below 0: only where the model's is, or they spread around it by a plain SD."""
    row = plan.parameters.get(name)
    return row is not None and (row.value < 0 or (row.spread is not None and row.spread.scale in ("sd", "uniform")))
