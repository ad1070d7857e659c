"""Conditions: the drives and values that tell one group of patients from another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leukinetics.biology.dimensions import parse_unit
from leukinetics.biology.folder import Biology
from leukinetics.biology.parameters import FIELDS, Parameter, make_parameter
from leukinetics.biology.problems import Problems
from leukinetics.biology.tables import Toml
from leukinetics.errors import DataError, suggest

_TOP = ("id", "title", "entity", "modules", "sources", "note", "set", "population", "baseline")
_POPULATION = ("value", "mean", "sd", "median", "ln", "proportion", "low", "high", "unit", "kind", "source", "note")
_BASELINE = (
    "readout",
    "value",
    "unit",
    "spread",
    "se",
    "sd",
    "n",
    "low",
    "high",
    "statistic",
    "source",
    "role",
    "note",
)
_ROLES = ("input", "calibrate", "validate")


@dataclass
class ConditionSet:
    """A condition. ``parameters`` carry its values with their provenance; ``population`` (covariate -> its
    distribution as written) and ``baselines`` are for sampling, calibration and validation and do not act in the
    model. ``modules`` None: all of them."""

    id: str
    title: str
    entity: str
    modules: tuple[str, ...] | None
    sources: Any
    note: str
    file: str
    parameters: dict[str, Parameter] = field(default_factory=dict)
    population: dict[str, dict[str, Any]] = field(default_factory=dict)
    baselines: list[dict[str, Any]] = field(default_factory=list)


def read_condition(document: Toml, biology: Biology, problems: Problems) -> ConditionSet:
    """The condition of a file; what is wrong in it becomes a problem."""
    content = document.content
    stem = document.file.rpartition("/")[2].rpartition(".")[0]
    _known(content, _TOP, document, problems)
    modules = content.get("modules")
    made = ConditionSet(
        str(content.get("id", stem)),
        str(content.get("title", "")),
        str(content.get("entity", "")),
        None if modules is None else tuple(modules),
        content.get("sources", []),
        str(content.get("note", "")),
        document.file,
    )
    if made.entity and made.entity not in biology.entities:
        place = document.place("entity")
        problems.add(
            place, f"the entity '{made.entity}' is not in entities.tsv.", suggest(made.entity, biology.entities)
        )
    for module in made.modules or ():
        if module not in biology.modules:
            problems.add(document.place("modules"), f"there is no module '{module}'.", suggest(module, biology.modules))
    for name, table in _tables(content, "set", document, problems):
        _set(made, name, table, document, biology, problems)
    for name, table in _tables(content, "population", document, problems):
        _population(made, name, table, document, biology, problems)
    baselines = content.get("baseline", [])
    for i, table in enumerate(baselines if isinstance(baselines, list) else []):
        _baseline(made, i, table, document, biology, problems)
    return made


def _known(
    table: Mapping[str, Any], known: tuple[str, ...], document: Toml, problems: Problems, *path: str | int
) -> None:
    for key in table:
        if key not in known:
            where = f"[{'.'.join(str(p) for p in path)}]" if path else "a condition"
            problems.add(document.place(*path, key), f"'{key}' is unknown in {where}.", suggest(key, known))


def _tables(
    content: Mapping[str, Any], key: str, document: Toml, problems: Problems
) -> list[tuple[str, dict[str, Any]]]:
    tables = content.get(key, {})
    found = []
    for name, table in tables.items() if isinstance(tables, dict) else []:
        if isinstance(table, dict):
            found.append((name, table))
        else:
            problems.add(document.place(key, name), f"'{name}' must be a table: [{key}.{name}] with value, unit ...")
    return found


def _set(
    made: ConditionSet, name: str, table: dict[str, Any], document: Toml, biology: Biology, problems: Problems
) -> None:
    here = document.place("set", name)
    _known(table, FIELDS, document, problems, "set", name)
    core = biology.parameters.get(name)
    if core is None:
        problems.add(here, f"the condition sets the unknown parameter '{name}'.", suggest(name, biology.parameters))
        return
    if "condition" not in core.set_by:
        open_ = [p.id for p in biology.parameters.values() if "condition" in p.set_by]
        problems.add(
            here,
            f"the condition sets '{name}', which is not open to conditions; set_by in {core.place} lacks 'condition'.",
            suggest(name, open_),
        )
        return
    entity = biology.entities.get(core.entity)
    parameter = make_parameter(
        name, table, lambda key: document.place("set", name, key), problems, entity, core.set_by, owner="condition"
    )
    if parameter is None:
        return
    if parameter.dimension != core.dimension:
        problems.add(
            document.place("set", name, "unit"),
            f"'{name}' is set in {parameter.published_unit}, but {core.place} has it in {core.published_unit}.",
        )
        return
    made.parameters[name] = core.with_number(parameter)


def _population(
    made: ConditionSet, name: str, table: dict[str, Any], document: Toml, biology: Biology, problems: Problems
) -> None:
    here = document.place("population", name)
    _known(table, _POPULATION, document, problems, "population", name)
    variants = {row["variant"] for row in biology.genotypes}
    covariates = [p.id for p in biology.parameters.values() if "patient" in p.set_by]
    if name not in covariates and name not in variants:
        problems.add(
            here,
            f"the population has '{name}', which is no covariate (a parameter that patients set).",
            suggest(name, covariates),
        )
        return
    unit = table.get("unit")
    if unit is not None and name in biology.parameters:
        try:
            if parse_unit(str(unit)).dimension != biology.parameters[name].dimension:
                problems.add(
                    here, f"'{name}' is in {unit}, but it is measured in {biology.parameters[name].published_unit}."
                )
        except DataError as error:
            problems.add(here, f"the unit of '{name}': {error}")
    numbers = [table[k] for k in ("value", "mean", "sd", "median", "ln", "proportion", "low", "high") if k in table]
    if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
        problems.add(here, f"the distribution of '{name}' has a value that is not a number.")
        return
    made.population[name] = dict(table)


def _baseline(
    made: ConditionSet, i: int, table: dict[str, Any], document: Toml, biology: Biology, problems: Problems
) -> None:
    here = document.place("baseline", i)
    _known(table, _BASELINE, document, problems, "baseline", i)
    readout = str(table.get("readout"))
    if readout not in biology.readouts:
        problems.add(here, f"the baseline names the unknown readout '{readout}'.", suggest(readout, biology.readouts))
    if table.get("role") not in _ROLES:
        problems.add(here, f"the role of the baseline is '{table.get('role')}', not one of {', '.join(_ROLES)}.")
    if not table.get("source"):
        problems.add(here, f"the baseline of '{readout}' has no source.")
    made.baselines.append(dict(table))
