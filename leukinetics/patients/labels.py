"""What the columns of a patients' table are called in print, and the units clinicians read them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from leukinetics.patients.convert import convert, is_pure
from leukinetics.patients.plan import Plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[np.float64]]

#: (label, unit) of covariates that have a name of their own; sex is 1 in women.
NAMED: dict[str, tuple[str, str]] = {
    "age": ("Age", "year"),
    "sex": ("Women", ""),
    "weight": ("Weight", "kg"),
    "height": ("Height", "cm"),
    "bmi": ("Body mass index", "kg/m^2"),
    "clcr": ("Creatinine clearance", "mL/min"),
    "renal_function": ("Renal function, relative to health", ""),
    "albumin_covariate": ("Serum albumin", "g/L"),
    "crp_covariate": ("C-reactive protein (covariate)", "mg/L"),
    "disease_duration": ("Disease duration", "year"),
}
#: Parameters that start a patient's streams of chance: they say nothing about the patient.
LUCK = "luck_"
CONTINUOUS, BINARY, GENOTYPE = "continuous", "binary", "genotype"


class Label(NamedTuple):
    """How a column is printed; ``kind``: "continuous", "binary" (0 and 1) or "genotype" (effect alleles)."""

    label: str
    unit: str
    kind: str


def covariate_table(plan: Plan) -> dict[str, Label]:
    """What belongs into a baseline table: covariates, what else is a patient's own and varies, genotypes."""
    own = [n for n in plan.varying if "patient" in plan.parameters[n].set_by and not n.startswith(LUCK)]
    found = {}
    for name in [*NAMED, *plan.covariate_units, *own]:
        if (name in plan.covariate_units or name in own) and name not in found:
            found[name] = _label(plan, name)
    return found | {v.id: Label(v.id, "effect alleles", GENOTYPE) for v in plan.variants}


def clinical_units(plan: Plan) -> dict[str, str]:
    """The unit in which each column of the plan's table is printed."""
    named = covariate_table(plan)
    inside = {name: row.unit.replace("dimensionless", "") for name, row in plan.parameters.items()}
    return inside | {name: label.unit for name, label in named.items()}


def in_clinical_units(plan: Plan, columns: Columns) -> dict[str, NDArray[np.float64]]:
    """The columns, covariates converted from the units used inside to those of :func:`covariate_table`."""
    named = covariate_table(plan)
    return {name: x * _factor(plan, name, named) for name, x in columns.items()}


def _factor(plan: Plan, name: str, named: Mapping[str, Label]) -> float:
    inside = plan.unit_of(name)
    return 1.0 if inside is None or name not in named else convert(1.0, inside, named[name].unit)


def _label(plan: Plan, name: str) -> Label:
    inside = plan.unit_of(name) or ""
    label, unit = NAMED.get(name, (name.replace("_", " "), "" if is_pure(inside) else inside))
    binary = name == "sex" or (name in plan.covariates and plan.covariates[name].kind == "binary")
    return Label(label, unit, BINARY if binary else CONTINUOUS)
