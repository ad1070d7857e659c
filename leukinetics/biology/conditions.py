"""Conditions: the drives and values that tell one group of patients from another."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from leukinetics.biology.dimensions import DAY, parse_unit
from leukinetics.biology.folder import Biology
from leukinetics.biology.parameters import FIELDS, Parameter, make_parameter
from leukinetics.biology.problems import Problems
from leukinetics.biology.tables import Toml
from leukinetics.biology.toml_checks import TomlChecks
from leukinetics.errors import DataError

_TOP = (
    "id",
    "title",
    "entity",
    "like",
    "modules",
    "extra",
    "sources",
    "note",
    "set",
    "population",
    "history",
    "baseline",
)
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
#: The model's input for the time from the beginning of the simulation to time 0 of a trial.
HISTORY_LEAD = "history_lead"
_ROLES = ("input", "calibrate", "validate")


@dataclass
class ConditionSet:
    """A condition.

    ``parameters`` carry its values with their provenance. ``population`` (covariate -> its distribution as written) and
    ``baselines`` are for sampling, calibration and validation; they do not act in the model. ``modules`` None: the core
    and ``extra``, which names folders of ``modules/`` or single modules in them.
    """

    id: str
    title: str
    entity: str
    modules: tuple[str, ...] | None
    extra: tuple[str, ...]
    sources: Any
    note: str
    file: str
    parameters: dict[str, Parameter] = field(default_factory=dict)
    population: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: str = ""  # the covariate that says how long before time 0 the disease began, "" for a steady state
    onset_age: float = -math.inf  # days; nobody falls ill younger
    baselines: list[dict[str, Any]] = field(default_factory=list)


def read_condition(document: Toml, biology: Biology, problems: Problems) -> ConditionSet:
    """The condition of a file; what is wrong in it becomes a problem."""
    return _Reader(document, biology, problems).read()


class _Reader:
    def __init__(self, document: Toml, biology: Biology, problems: Problems) -> None:
        self.checks, self.biology, self.problems = TomlChecks(document, problems), biology, problems
        self.document, self.content = document, document.content

    def read(self) -> ConditionSet:
        content, checks = self.content, self.checks
        checks.known(content, _TOP, what="a condition")
        modules, extra = self._names("modules"), self._names("extra") or ()
        stem = self.document.file.rpartition("/")[2].rpartition(".")[0]
        self.made = ConditionSet(
            str(content.get("id", stem)),
            str(content.get("title", "")),
            str(content.get("entity", "")),
            modules,
            extra,
            content.get("sources", []),
            str(content.get("note", "")),
            self.document.file,
        )
        entity = self.made.entity
        if entity and entity not in self.biology.entities:
            what = f"the entity '{entity}' is not in entities.tsv."
            checks.add(what, "entity", near=entity, known=self.biology.entities)
        for module in self.made.modules or ():
            if module not in self.biology.modules:
                what = f"there is no module '{module}'."
                checks.add(what, "modules", near=module, known=self.biology.modules)
        groups = {m.group for m in self.biology.modules.values()} - {""}
        for module in self.made.extra:
            if module not in groups and module not in self.biology.modules:
                known = [*groups, *(name for name, m in self.biology.modules.items() if m.group)]
                checks.add(f"there are no extra modules '{module}'.", "extra", near=module, known=known)
        if "like" in content:
            self._inherit(content["like"])
        for name, table in checks.named_tables("set"):
            self._set(name, table)
        for name, table in checks.named_tables("population"):
            self._population(name, table)
        self._history()
        for i, table in enumerate(checks.tables("baseline")):
            self._baseline(i, table)
        return self.made

    def _names(self, key: str) -> tuple[str, ...] | None:
        names = self.content.get(key)
        if names is None or (isinstance(names, list) and all(isinstance(m, str) for m in names)):
            return None if names is None else tuple(names)
        self.checks.add(f"'{key}' must be a list of names of modules.", key)
        return None

    def _inherit(self, base: Any) -> None:
        """Take over the parameters of another condition: one value, and one fit of it, serves both."""
        document = self.biology.conditions.get(base) if isinstance(base, str) else None
        if document is None or "like" in document.content:
            what = f"'like' names '{base}', which is no condition with parameters of its own."
            self.checks.add(what, "like", near=str(base), known=self.biology.conditions)
            return
        # What is wrong in the other file is reported with that file.
        self.made.parameters |= read_condition(document, self.biology, Problems()).parameters

    def _set(self, name: str, table: dict[str, Any]) -> None:
        self.checks.known(table, FIELDS, "set", name)
        core = self.biology.parameters.get(name)
        if core is None:
            if name not in self.biology.unreadable:
                what = f"the condition sets the unknown parameter '{name}'."
                self.checks.add(what, "set", name, near=name, known=self.biology.parameters)
            return
        if "condition" not in core.set_by:
            what = f"the condition sets '{name}', which is not open to conditions (set_by in {core.place})."
            open_ = [p.id for p in self.biology.parameters.values() if "condition" in p.set_by]
            self.checks.add(what, "set", name, near=name, known=open_)
            return
        entity = self.biology.entities.get(core.entity)
        parameter = make_parameter(
            name,
            table,
            lambda key: self.document.place("set", name, key),
            self.problems,
            entity,
            core.set_by,
            owner="condition",
        )
        if parameter is not None and parameter.dimension != core.dimension:
            what = f"'{name}' is set in {parameter.published_unit}, but {core.place} has it in {core.published_unit}."
            self.checks.add(what, "set", name, "unit")
        elif parameter is not None:
            self.made.parameters[name] = core.with_number(parameter)

    def _population(self, name: str, table: dict[str, Any]) -> None:
        path = ("population", name)
        self.checks.known(table, _POPULATION, *path)
        covariates = [p.id for p in self.biology.parameters.values() if "patient" in p.set_by]
        if name not in covariates and name not in {row["variant"] for row in self.biology.genotypes}:
            what = f"the population has '{name}', which is no covariate (a parameter that patients set)."
            self.checks.add(what, *path, near=name, known=covariates)
            return
        if "unit" in table and name in self.biology.parameters:
            core = self.biology.parameters[name]
            try:
                if parse_unit(str(table["unit"])).dimension != core.dimension:
                    what = f"'{name}' is in {table['unit']}, but {core.place} has it in {core.published_unit}."
                    self.checks.add(what, *path, "unit")
            except DataError as error:
                self.checks.add(f"the unit of '{name}': {error}", *path, "unit")
        for key in ("value", "mean", "sd", "median", "ln", "proportion", "low", "high"):
            number = table.get(key, 0.0)
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) < math.inf:
                self.checks.add(f"{key} of '{name}' is '{number}', not a number.", *path, key)
        self.made.population[name] = dict(table)

    def _history(self) -> None:
        """``[history] duration``: the covariate that says how long before time 0 of a trial the disease began."""
        table = self.checks.table("history")
        self.checks.known(table, ("duration", "onset_age"), "history")
        if not table:
            return
        name = str(table.get("duration"))
        core = self.biology.parameters.get(name)
        if core is None or "patient" not in core.set_by or core.dimension != DAY:
            known = [p.id for p in self.biology.parameters.values() if "patient" in p.set_by and p.dimension == DAY]
            what = f"the duration of the history is '{name}', which is no covariate that is a time."
            self.checks.add(what, "history", near=name, known=known)
            return
        if HISTORY_LEAD not in self.biology.parameters:
            what = (
                f"the history needs the parameter '{HISTORY_LEAD}', the time that the simulation begins before time 0."
            )
            self.checks.add(what, "history")
        if not {"value", "high"} & self.made.population.get(name, {}).keys():
            what = f"[population.{name}] needs 'high' (or one 'value'): the simulation begins that long before time 0."
            self.checks.add(what, "history")
        self.made.history = name
        if "onset_age" in table:
            self._onset_age(table["onset_age"])

    def _onset_age(self, spec: Any) -> None:
        """``onset_age = {low, unit, kind, source, note}``: who would have fallen ill younger is nobody's patient."""
        place = ("history", "onset_age")
        if not isinstance(spec, dict):
            self.checks.add('the age at onset must be a table such as {low = 10, unit = "year"}.', *place)
            return
        self.checks.known(spec, ("low", "unit", "kind", "source", "note"), *place)
        low, unit = spec.get("low"), str(spec.get("unit", ""))
        if isinstance(low, bool) or not isinstance(low, (int, float)) or not abs(low) < math.inf:
            self.checks.add(f"low of the age at onset is '{low}', not a number.", *place)
            return
        try:
            found = parse_unit(unit)
        except DataError as error:
            self.checks.add(f"the unit of the age at onset: {error}", *place)
            return
        if found.dimension != DAY:
            self.checks.add(f"the age at onset is in {unit}; give a time, such as year.", *place)
            return
        self.made.onset_age = low * found.factor

    def _baseline(self, i: int, table: dict[str, Any]) -> None:
        self.checks.known(table, _BASELINE, "baseline", i)
        readout = str(table.get("readout"))
        if readout not in self.biology.readouts and readout not in self.biology.unreadable:
            what = f"the baseline names the unknown readout '{readout}'."
            self.checks.add(what, "baseline", i, near=readout, known=self.biology.readouts)
        self.checks.choice(table.get("role"), _ROLES, "baseline", i, "role")
        if not table.get("source"):
            self.checks.add(f"the baseline of '{readout}' has no source.", "baseline", i)
        self.made.baselines.append(dict(table))
