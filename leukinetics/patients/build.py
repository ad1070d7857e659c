"""From an assembled model and a protocol's population to the plan of how patients are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from leukinetics.errors import DataError, suggest
from leukinetics.patients.genotypes import read_variants
from leukinetics.patients.parameters import Parameter, read_parameters, settable
from leukinetics.patients.plan import Plan
from leukinetics.patients.population import POSSIBLE, Distribution, read_distribution

#: Correlation of the normals of weight and bmi where both are drawn and no table says otherwise: assumed; in
#: adults the two go together closely because height varies little.
WEIGHT_BMI = 0.85
#: Covariates that need no parameter in the model, and the unit they are kept in.
OUTSIDE = {"height": "cm", "age": "year", "sex": "dimensionless", "weight": "kg", "bmi": "kg/m^2"}


def make_plan(
    assembly: Any, population: Mapping[str, Any] | None = None, parameters: Mapping[str, Any] | None = None
) -> Plan:
    """Work out how patients are made.

    ``population``: the protocol's covariates, over those of the condition, with ``genotype`` (variant to allele
    count) and ``ancestry`` (EUR, EAS, AFR). ``parameters``: values that hold for everybody, ``{"value": 2.7}``
    with a ``unit``. Raises DataError for an unknown name, or one that may not be set here.
    """
    rows = read_parameters(parameters_of(assembly))
    if not isinstance(population or {}, Mapping):
        raise DataError(f"The population is {population!r:.40}; give a mapping from covariate to what it is like.")
    own = dict(population or {})
    alleles, ancestry = own.pop("genotype", {}), str(own.pop("ancestry", "EUR"))
    fixed = {name: _fixed(name, spec, rows) for name, spec in (parameters or {}).items()}
    condition = assembly.condition  # None: the bare core
    covariates, units, derived = _covariates(dict(condition.population) if condition else {}, own, rows)
    varying = tuple(n for n, r in rows.items() if r.spread and n not in {*covariates, derived, *fixed})
    table = assembly.correlations
    pairs = [(str(a), str(b), float(r)) for a, b, r in zip(table["a"], table["b"], table["rho"], strict=True)]
    if not derived and not any({a, b} == {"weight", "bmi"} for a, b, _ in pairs):
        pairs.append(("weight", "bmi", WEIGHT_BMI))
    return Plan(
        condition=str(condition.id) if condition else "",
        parameters=rows,
        covariates=covariates,
        covariate_units=units,
        derived=derived,
        varying=varying,
        fixed=fixed,
        variants=read_variants(assembly.genotypes, rows, ancestry, alleles),
        pairs=pairs,
        history=str(condition.history) if condition else "",
        onset_age=float(condition.onset_age) if condition else -math.inf,
    )


def parameters_of(assembly: Any) -> Any:
    """The table of parameters of an assembled model; DataError for what is none."""
    table = getattr(assembly, "parameters", None)
    if table is None:
        raise DataError(
            f"{assembly!r:.60} is no assembled model; make one with leukinetics.biology.assemble, such as "
            "assemble('healthy', drugs=['canakinumab'])."
        )
    return table


def _fixed(name: str, spec: Any, rows: Mapping[str, Parameter]) -> float:
    row = settable(name, rows, ("protocol", "patient"))
    found = read_distribution(name, spec, row.published_unit)
    if found.kind != "constant":
        raise DataError(f"The parameter '{name}' holds for everybody; give it one value, such as {{value = 1}}.")
    if found.center < 0 <= row.value:
        raise DataError(f"The parameter '{name}' is {found.center:g}, and it cannot be negative; give it 0 or more.")
    return found.center * row.factor


def _covariates(
    usual: Mapping[str, Any], own: Mapping[str, Any], rows: Mapping[str, Parameter]
) -> tuple[dict[str, Distribution], dict[str, str], str]:
    """(distributions, units, the one of weight and bmi that follows from the other and height).

    Of weight, height and bmi two say all. Where a condition and a protocol state three, the protocol's stand
    and of the condition's, height; where three are stated by one of them, the weight follows.
    """
    stated = {**usual, **own}
    derived = ""
    if "height" in stated and {"weight", "bmi"} & stated.keys():
        derived = "weight" if "bmi" in stated and not ("weight" in own and "bmi" not in own) else "bmi"
        stated.pop(derived, None)
    found, units = {}, {}
    for name, spec in stated.items():
        if name in rows:
            row = settable(name, rows, ("patient", "protocol", "condition"))
            found[name] = read_distribution(name, spec, row.published_unit).scaled(row.factor)
            units[name] = row.unit
        elif name in OUTSIDE or name in POSSIBLE:
            units[name] = OUTSIDE.get(name) or POSSIBLE[name][2]
            found[name] = read_distribution(name, spec, units[name])
        else:
            allowed = [*OUTSIDE, *(n for n, r in rows.items() if r.set_by)]
            raise DataError(f"The population states '{name}', which is unknown.{suggest(name, allowed)}")
    if derived:
        units[derived] = rows[derived].unit if derived in rows else OUTSIDE[derived]
    return found, units, derived
