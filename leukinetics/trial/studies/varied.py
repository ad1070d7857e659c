"""The parameters that a sensitivity analysis varies: their distributions and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import ProtocolError, suggest
from leukinetics.patients import draws
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Sensitivity
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Draws from which the distribution of each parameter is read.
DRAWS = 4096
#: The quantiles between which a parameter goes.
LOW, HIGH = 0.025, 0.975


@dataclass(frozen=True)
class Varied:
    """Keys of typical values, ``drawn`` (draws, parameters) in the units used inside, and what is known of each."""

    names: list[str]
    drawn: Array
    origins: list[dict[str, Any]]

    def values(self, u: Array) -> list[dict[str, float]]:
        """The typical values at points ``u`` (points, parameters) of the unit cube."""
        columns = [np.quantile(d, LOW + (HIGH - LOW) * x) for d, x in zip(self.drawn.T, u.T, strict=True)]
        return [dict(zip(self.names, map(float, row), strict=True)) for row in np.column_stack(columns)]

    def alone(self) -> list[dict[str, float]]:
        """Two sets of typical values for each parameter: it alone at the low, then at the high end of its range."""
        ends = np.quantile(self.drawn, [LOW, HIGH], axis=0)
        return [{name: float(end)} for name, both in zip(self.names, ends.T, strict=True) for end in both]

    def those(self, places: Sequence[int]) -> Varied:
        """Some of the parameters."""
        return Varied([self.names[j] for j in places], self.drawn[:, places], [self.origins[j] for j in places])

    def about(self, j: int) -> dict[str, Any]:
        """Name, kind, unit and source of a parameter, its value and range in that unit."""
        origin = dict(self.origins[j])
        low, high = np.quantile(self.drawn[:, j], [LOW, HIGH]) / origin.pop("factor")
        return {"name": self.names[j], **origin, "low": number(low), "high": number(high)}


def uncertain(prepared: Prepared, fixed: Mapping[str, float]) -> Varied:
    """All that is uncertain about the typical patient of this trial, but for the keys ``fixed``."""
    table = draws(prepared.assembly, DRAWS, prepared.protocol.trial.seed)
    names = [
        key
        for key in map(str, table.columns)
        if key not in fixed and prepared.plan.parameter_of(key) not in prepared.plan.fixed and np.ptp(table[key]) > 0
    ]
    return Varied(names, table[names].to_numpy(dtype=float), [_origin(prepared, key) for key in names])


def varied(prepared: Prepared, study: Sensitivity, fixed: Mapping[str, float]) -> Varied:
    """All that is uncertain about the typical patient of this trial, or what the study asks for.

    ``fixed``: keys that have a value already. ProtocolError where the study names what is not uncertain, or nothing is.
    """
    everything = uncertain(prepared, fixed)
    known = everything.names
    short = {_short(key): key for key in known}
    for name in study.parameters:
        if name not in known and name not in short:
            raise ProtocolError(
                f"sensitivity, parameters: '{name}' is no uncertain parameter of this trial's model."
                f"{suggest(name, [*known, *short])}"
            )
    asked = {short.get(name, name) for name in study.parameters}
    found = everything.those(
        [
            j
            for j, (key, origin) in enumerate(zip(known, everything.origins, strict=True))
            if (not asked or key in asked) and (not study.kinds or origin["kind"] in study.kinds)
        ]
    )
    if not found.names:
        which = f" of kind {' or '.join(study.kinds)}" if study.kinds else ""
        raise ProtocolError(f"sensitivity: there is no uncertain parameter{which} to vary; widen kinds or parameters.")
    return found


def _short(key: str) -> str:
    return key if key.startswith("effect:") else key.rpartition(".")[2]


def _origin(prepared: Prepared, key: str) -> dict[str, Any]:
    """kind, unit, source, value (in the unit) and factor (from the unit to that used inside) of a typical value."""
    if key.startswith("effect:"):
        _, variant, parameter = key.split(":", 2)
        table = prepared.assembly.genotypes
        row = table[(table["variant"] == variant) & (table["parameter"] == parameter)].iloc[0]
        unit, value, factor = "ln per allele", float(row["effect_per_allele"]), 1.0
    else:
        name = prepared.plan.parameter_of(key)
        table = prepared.assembly.parameters
        row = table[table["id"] == name].iloc[0]
        known = prepared.plan.parameters[name]
        unit, value, factor = known.published_unit, known.value / known.factor, known.factor
    kind, source = str(row.get("kind", "")), str(row.get("source", ""))
    return {"kind": kind, "unit": unit, "source": source, "value": number(value), "factor": factor}
