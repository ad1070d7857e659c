"""The model as the checks of a protocol see it: names, units, drugs, and how people are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leukinetics.errors import DataError, LeukineticsError, suggest
from leukinetics.patients import Plan, make_plan
from leukinetics.patients.criteria import Bound
from leukinetics.trial.checks.consistency import doses
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.protocol import Protocol

Path = tuple[str | int, ...]


@dataclass
class Model:
    """An assembled model. ``units``: of all that can be read; ``plan``: how people are made; ``absent``: drugs that
    the protocol asks for and there are none of, so that nothing more is said about them."""

    assembly: Any
    units: Mapping[str, str]
    plan: Plan
    absent: set[str] = field(default_factory=set)

    def unit_of(self, name: str) -> str | None:
        """The unit of a covariate, a genotype (none, a count) or an observable; None where there is no such name."""
        if (unit := self.plan.unit_of(name)) is not None:
            return unit
        return "" if name in self.variants else self.units.get(name)

    @property
    def variants(self) -> list[str]:
        """The variants that people carry."""
        return [v.id for v in self.plan.variants]

    @property
    def names(self) -> list[str]:
        """All that can be told of a person or read: covariates, genotypes, observables."""
        return [*self.plan.covariate_units, *self.variants, *self.units]

    def observable(self, path: Path, name: str, problems: Problems) -> str | None:
        """The unit of what can be read; else a problem at ``path``, and None."""
        if name in self.units:
            return self.units[name]
        if name not in self.absent:
            problems.add(path, f"the model has no '{name:.60}'.{self._near(name, list(self.units))}")
        return None

    def told_or_read(self, path: Path, name: str, problems: Problems) -> str | None:
        """The unit of a covariate, genotype or observable; else a problem at ``path``, and None."""
        unit = self.unit_of(name)
        if unit is None and name not in self.absent:
            near = self._near(name, self.names)
            problems.add(path, f"no covariate and no observable has the name '{name:.60}'.{near}")
        return unit

    def bounds(self, path: Path, bounds: Sequence[Bound], unit: str, problems: Problems, *, of_change: bool) -> None:
        """Add a problem where a comparison is not one with ``unit``; one in % may be ``of_change``."""
        for bound in bounds:
            if of_change and bound.unit in ("%", "percent"):
                continue
            try:
                bound.value_in(unit)
            except LeukineticsError as error:
                problems.add(path, str(error))
                return

    def _near(self, name: str, known: list[str]) -> str:
        from leukinetics.biology.folder import load

        if name in load(None).drugs:
            return f" It is a drug; it has a plasma level where an arm is given {name}."
        return suggest(name, known)


def units_of(assembly: Any) -> dict[str, str]:
    """The unit of everything that may be read: readouts in the clinician's, all else in the model's."""
    table, model = assembly.readouts, assembly.model
    own = {name: model.system.units.get(name, "") for name in model.observables}
    return own | {str(i): str(u) for i, u in zip(table["id"], table["unit"], strict=True) if i in own}


def assemble_for(protocol: Protocol, problems: Problems) -> tuple[Any, set[str]]:
    """(the model of a protocol's condition and drugs, drugs that there are none of).

    An unknown condition or drug is a problem; then the model is that of the core, or without the drug. So is a drug
    that acts where the condition has nothing.
    """
    from leukinetics import biology
    from leukinetics.biology.assemble import homeless
    from leukinetics.biology.folder import load

    folder = load(None)
    condition: str | None = protocol.trial.condition
    if problems.ignores(("trial", "condition")):
        condition = None
    elif condition not in {*folder.conditions, *folder.broken}:
        _missing(("trial", "condition"), "condition", protocol.trial.condition, list(folder.conditions), problems)
        condition = None
    absent = {drug for drug in protocol.drugs if drug not in {*folder.drugs, *folder.broken}}
    for path, dose in doses(protocol):
        if dose.drug in absent:
            _missing((*path, "drug"), "drug", dose.drug, list(folder.drugs), problems)
    lost = homeless(condition, [d for d in protocol.drugs if d in folder.drugs and d not in absent])
    for path, dose in doses(protocol):
        if dose.drug in lost and condition is not None:  # else it is the condition that is wrong
            problems.add((*path, "drug"), lost[dose.drug])
    absent |= set(lost)
    return biology.assemble(condition, drugs=[d for d in protocol.drugs if d not in absent]), absent


def _missing(path: Path, what: str, name: str, known: list[str], problems: Problems) -> None:
    problems.add(path, f"There is no {what} '{name:.60}'; there are {', '.join(sorted(known))}.{suggest(name, known)}")


def plan_for(protocol: Protocol, assembly: Any, problems: Problems) -> Plan:
    """How the people of a protocol are made. What cannot be, of the population and of the parameters, is a problem
    each; the plan is then one without it."""
    population, parameters = protocol.population, protocol.parameter
    try:
        return make_plan(assembly, population.covariates, parameters)
    except DataError as error:
        whole = str(error)
    good: dict[str, Any] = {"genotype": {}}
    found = len(problems)
    for name, spec in (population.model_extra or {}).items():
        if _fails(assembly, ("population", name), {name: spec}, {}, problems):
            continue
        good[name] = spec
    for name, count in population.genotype.items():
        if not _fails(assembly, ("population", "genotype", name), {"genotype": {name: count}}, {}, problems):
            good["genotype"][name] = count
    if not _fails(assembly, ("population", "ancestry"), {"ancestry": population.ancestry}, {}, problems):
        good["ancestry"] = population.ancestry
    fixed = {n: s for n, s in parameters.items() if not _fails(assembly, ("parameter", n), {}, {n: s}, problems)}
    try:
        plan = make_plan(assembly, good, fixed)
    except DataError as error:  # each is right on its own
        whole, plan = str(error), make_plan(assembly)
    if len(problems) == found:
        problems.add(("population",), whole)
    return plan


def _fails(
    assembly: Any, path: Path, population: Mapping[str, Any], parameters: Mapping[str, Any], problems: Problems
) -> bool:
    try:
        make_plan(assembly, population, parameters)
    except DataError as error:
        problems.add(path, str(error))
        return True
    return False
