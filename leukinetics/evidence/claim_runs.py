"""Simulations that checks of claims ask for: a typical patient at rest, perturbed, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError, suggest
from leukinetics.evidence.claim_files import Check, Run
from leukinetics.patients import typical
from leukinetics.patients.convert import convert
from leukinetics.trial.amounts import parse_amount
from leukinetics.trial.prepare import RUN_IN
from leukinetics.trial.times import days
from leukinetics.units import parse_quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Samples of a window, its ends among them.
_SAMPLES = 241


class NotThere(DataError):
    """The model does not have what a check asks for (yet)."""


@dataclass(frozen=True)
class Seen:
    """What a check saw: the number of each run, and those that the threshold is about."""

    runs: dict[str, float]
    compared: list[float]


class Laboratory:
    """Runs checks; keeps the assembled models. ``drugs_of`` says which drugs a condition's model needs for all checks.

    One model serves all checks of a condition, so that it is compiled once.
    """

    def __init__(self, checks: Iterable[Check]) -> None:
        self._assemblies: dict[str, Any] = {}
        self.drugs_of: dict[str, list[str]] = {}
        for check in checks:
            for run in check.run:
                drugs = self.drugs_of.setdefault(run.condition or check.condition, [])
                drugs += [d.drug for d in run.doses if d.drug not in drugs]
                drugs += [name for p in {**check.set, **run.set} for name in _drug_of(p) if name not in drugs]

    def assembly(self, condition: str) -> Any:
        """The model of a condition. Raises NotThere if there is none or a drug is missing."""
        if condition not in self._assemblies:
            from leukinetics import biology
            from leukinetics.biology.catalogue import read_catalogue

            known = read_catalogue()
            drugs = self.drugs_of.get(condition, [])
            for kind, wanted, there in (("condition", [condition], known.conditions), ("drug", drugs, known.drugs)):
                for name in wanted:
                    if name not in there:
                        raise NotThere(f"there is no {kind} '{name}'{suggest(name, there)}")
            self._assemblies[condition] = biology.assemble(condition, drugs=drugs)
        return self._assemblies[condition]

    def see(self, check: Check) -> Seen:
        """Run a check's simulations. Raises NotThere, and DataError where a patient cannot be simulated."""
        runs = {run.name: self._statistic(check, run) for run in check.run}
        numbers = list(runs.values())
        if len(numbers) == 1:
            return Seen(runs, numbers)
        pairs = list(pairwise(numbers))
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = [float(np.divide(b, a)) if check.compare == "ratio" else b - a for a, b in pairs]
        return Seen(runs, steps)

    def _statistic(self, check: Check, run: Run) -> float:
        outputs = [check.observable, *([check.relative_to] if check.relative_to else [])]
        end = days(check.over) if check.over else days(check.at)
        times = np.linspace(0.0, end, _SAMPLES) if check.over else np.array([end])
        if check.statistic == "change":
            times = np.array([days(check.since), end])
        values = self._simulate(check, run, times, outputs)
        if check.statistic == "change":
            values = np.diff(values, axis=1)
        seen = values[0] / values[1] if check.relative_to else values[0]
        return float({"maximum": np.max, "minimum": np.min}.get(check.statistic, np.mean)(seen))

    def _simulate(
        self, check: Check, run: Run, times: NDArray[np.float64], outputs: Sequence[str]
    ) -> NDArray[np.float64]:
        """Values (outputs, times) of the typical patient of the run."""
        assembly = self.assembly(run.condition or check.condition)
        model = assembly.model
        for name in [*outputs, *run.state, *run.infuse]:
            if name not in model.observables:
                raise NotThere(f"the model has no '{name}'{suggest(name, model.observables)}")
        patient = self._patient(assembly, {**check.set, **run.set})
        doses = [*self._drug_doses(assembly, run, patient), *self._infusions(model, run, float(times[-1]))]
        doses += self._changes(model, run, patient)
        found = model.simulate(
            times, patient, doses or None, outputs=list(outputs), rtol=1e-7, run_in=RUN_IN, threads=1
        )
        failures = [s.name for s in _statuses(found) if not s.ok]
        if failures:
            raise DataError(f"{check.id}, run '{run.name}': the patient could not be simulated ({failures[0]}).")
        return np.stack([found[name].to_numpy()[0] for name in outputs])

    def _patient(self, assembly: Any, changes: dict[str, float | str]) -> dict[str, float]:
        model = assembly.model
        row = {str(n): float(column.iloc[0]) for n, column in typical(assembly).items() if n in model.inputs}
        table = assembly.parameters.set_index("id")["value"]
        for name, change in changes.items():
            if name not in model.inputs:
                raise NotThere(f"the model has no parameter '{name}'{suggest(name, model.inputs)}")
            before = row[name] if name in row else float(table[name]) if name in table else model.inputs[name].default
            row[name] = times_of(change) * before if isinstance(change, str) else float(change)
        return row

    def _drug_doses(self, assembly: Any, run: Run, patient: dict[str, float]) -> list[dict[str, Any]]:
        doses = []
        for dose in run.doses:
            drug = assembly.drugs[dose.drug]
            if dose.route not in drug.route_target:
                raise DataError(f"'{dose.drug}' has no route '{dose.route}'; it has {', '.join(drug.route_target)}.")
            amount, per_kg = parse_amount(dose.amount).inside(drug.amount_unit, drug.molar_mass, run.name)
            every = {"every": days(dose.every), "count": dose.count} if dose.every else {}
            doses.append(
                {
                    "time": days(dose.start),
                    "target": drug.route_target[dose.route],
                    "amount": amount * (_weight(assembly, patient) if per_kg else 1.0),
                    **every,
                }
            )
        return doses

    def _infusions(self, model: Any, run: Run, end: float) -> list[dict[str, Any]]:
        doses = []
        for species, rate in run.infuse.items():
            if species not in model.system.dose_targets:
                raise NotThere(f"'{species}' is no species{suggest(species, model.system.dose_targets)}")
            number, unit = parse_quantity(rate)
            per_day = convert(number, unit, f"{model.system.amount_units[species]}/day")
            doses.append({"time": 0.0, "target": species, "amount": per_day * end, "duration": end})
        return doses

    def _changes(self, model: Any, run: Run, patient: dict[str, float]) -> list[dict[str, Any]]:
        if not run.state:
            return []
        rest = model.simulate(
            [0.0], patient, outputs=list(run.state), amounts=list(run.state), run_in=RUN_IN, threads=1
        )
        return [
            {"time": 0.0, "target": name, "amount": (times_of(change) - 1.0) * float(rest[name].to_numpy()[0, 0])}
            for name, change in run.state.items()
        ]


def _weight(assembly: Any, patient: dict[str, float]) -> float:
    """Body weight (kg) of the typical patient, also where the model itself has no use for it."""
    return patient["weight"] if "weight" in patient else float(typical(assembly)["weight"].iloc[0])


def times_of(change: str) -> float:
    """10 of "x 10". Raises DataError for another text."""
    sign, _, number = change.strip().partition(" ")
    try:
        if sign == "x":
            return float(number)
    except ValueError:
        pass
    raise DataError(f"'{change}' is no change of a typical value; write 'x 10' for ten times.")


def _drug_of(parameter: str) -> list[str]:
    """The drug whose parameter it is, if any."""
    from leukinetics.biology.catalogue import read_catalogue

    return [drug for drug in read_catalogue().drugs if parameter.startswith(f"{drug}_")]


def _statuses(found: Any) -> list[Any]:
    from leukinetics.engine.status import Status

    return [Status(int(code)) for code in found["status"].to_numpy()]
