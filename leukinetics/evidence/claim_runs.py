"""Simulations that checks of claims ask for: a typical patient at rest, perturbed, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError, suggest
from leukinetics.evidence.claim_files import Check, Run
from leukinetics.patients import draws, typical
from leukinetics.patients.convert import convert
from leukinetics.trial.amounts import parse_amount
from leukinetics.trial.prepare import RUN_IN
from leukinetics.trial.times import days
from leukinetics.units import parse_quantity

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Samples of a window, its ends among them.
_SAMPLES = 241


class NotThere(DataError):
    """The model does not have what a check asks for (yet)."""


@dataclass(frozen=True)
class Seen:
    """What a check saw: the number of each run, and those that the threshold is about."""

    runs: dict[str, float]
    compared: list[float]


@dataclass(frozen=True)
class SeenOften:
    """The same for draws of what is uncertain: ``compared`` (steps, draws), and the draws by name."""

    compared: Array
    drawn: dict[str, Array]


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
        runs = {run.name: float(self._statistic(check, run)[0]) for run in check.run}
        for name, found in runs.items():
            if np.isnan(found):
                raise DataError(f"{check.id}, run '{name}': the patient could not be simulated.")
        numbers = np.array(list(runs.values()))
        return Seen(runs, [float(x) for x in _steps(check, numbers[:, None])[:, 0]])

    def see_often(self, check: Check, n: int, seed: int) -> SeenOften:
        """The same for ``n`` draws of all that is uncertain; NaN where a patient cannot be simulated."""
        conditions = dict.fromkeys(run.condition or check.condition for run in check.run)
        drawn = {c: draws(self.assembly(c), n, seed) for c in conditions}
        numbers = np.array([self._statistic(check, r, drawn[r.condition or check.condition]) for r in check.run])
        columns = {str(k): d[k].to_numpy(dtype=float) for d in drawn.values() for k in d}
        return SeenOften(_steps(check, numbers), columns)

    def _statistic(self, check: Check, run: Run, drawn: pd.DataFrame | None = None) -> Array:
        """The number of the run, for each draw."""
        outputs = [check.observable, *([check.relative_to] if check.relative_to else [])]
        end = days(check.over) if check.over else days(check.at)
        times = np.linspace(0.0, end, _SAMPLES) if check.over else np.array([end])
        if check.statistic == "change":
            times = np.array([days(check.since), end])
        values = self._simulate(check, run, times, outputs, drawn)
        if check.statistic == "change":
            values = np.diff(values, axis=2)
        seen = values[0] / values[1] if check.relative_to else values[0]
        return np.asarray({"maximum": np.max, "minimum": np.min}.get(check.statistic, np.mean)(seen, axis=1))

    def _simulate(
        self, check: Check, run: Run, times: Array, outputs: Sequence[str], drawn: pd.DataFrame | None
    ) -> Array:
        """Values (outputs, draws, times) of the typical patient of the run, NaN where there is no solution."""
        assembly = self.assembly(run.condition or check.condition)
        model = assembly.model
        for name in [*outputs, *run.state, *run.infuse]:
            if name not in model.observables:
                raise NotThere(f"the model has no '{name}'{suggest(name, model.observables)}")
        patients = self._patients(assembly, {**check.set, **run.set}, drawn)
        doses = [*self._drug_doses(assembly, run, patients), *self._infusions(model, run, float(times[-1]))]
        doses += self._changes(model, run, patients)
        found = model.simulate(
            times, patients, _by_patient(doses, len(patients)), outputs=list(outputs), rtol=1e-7, run_in=RUN_IN,
            threads=1 if drawn is None else None,
        )  # fmt: skip
        values = np.stack([found[name].to_numpy() for name in outputs])
        values[:, found["status"].to_numpy() != 0] = np.nan
        return values

    def _patients(self, assembly: Any, changes: dict[str, float | str], drawn: pd.DataFrame | None) -> pd.DataFrame:
        """The typical patient, once for each draw."""
        import pandas as pd

        model = assembly.model
        known = typical(assembly)
        n = 1 if drawn is None else len(drawn)
        rows = {str(name): np.full(n, float(known[name].iloc[0])) for name in known if name in model.inputs}
        if drawn is not None:
            columns = {
                str(key): drawn[key].to_numpy(dtype=float) for key in drawn if not str(key).startswith("effect:")
            }
            rows |= {name: x for key, x in columns.items() if (name := key.rpartition(".")[2]) in model.inputs}
        table = assembly.parameters.set_index("id")["value"]
        for name, change in changes.items():
            if name not in model.inputs:
                raise NotThere(f"the model has no parameter '{name}'{suggest(name, model.inputs)}")
            before = rows[name] if name in rows else float(table[name]) if name in table else model.inputs[name].default
            rows[name] = np.full(n, 1.0) * (times_of(change) * before if isinstance(change, str) else float(change))
        return pd.DataFrame(rows)

    def _drug_doses(self, assembly: Any, run: Run, patients: pd.DataFrame) -> list[dict[str, Any]]:
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
                    "duration": days(dose.duration),
                    "target": drug.route_target[dose.route],
                    "amount": amount * (_weight(assembly, patients) if per_kg else 1.0),
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

    def _changes(self, model: Any, run: Run, patients: pd.DataFrame) -> list[dict[str, Any]]:
        if not run.state:
            return []
        names = list(run.state)
        rest = model.simulate([0.0], patients, outputs=names, amounts=names, run_in=RUN_IN, threads=1)
        return [
            {"time": 0.0, "target": name, "amount": (times_of(change) - 1.0) * rest[name].to_numpy()[:, 0]}
            for name, change in run.state.items()
        ]


def _weight(assembly: Any, patients: pd.DataFrame) -> Any:
    """Body weights, kg, of models that use them or do not."""
    return patients["weight"].to_numpy() if "weight" in patients else float(typical(assembly)["weight"].iloc[0])


def _by_patient(doses: list[dict[str, Any]], n: int) -> pd.DataFrame | None:
    """The table of doses of n patients."""
    import pandas as pd

    tables = [pd.DataFrame({"patient": np.arange(n), **dose}) for dose in doses]
    return pd.concat(tables, ignore_index=True) if tables else None


def _steps(check: Check, numbers: Array) -> Array:
    """From the numbers of the runs (runs, draws) to those that the threshold is about (steps, draws)."""
    if len(numbers) == 1:
        return numbers
    with np.errstate(divide="ignore", invalid="ignore"):
        return numbers[1:] / numbers[:-1] if check.compare == "ratio" else np.diff(numbers, axis=0)


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
