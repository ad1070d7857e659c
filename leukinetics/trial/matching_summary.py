"""How well the people of a trial meet the published figures they were matched to, and what else that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.patients import weighted
from leukinetics.patients.labels import clinical_units, in_clinical_units
from leukinetics.patients.population_table import is_persons
from leukinetics.patients.targets import Variable
from leukinetics.trial.prepare import SCREENING, Prepared
from leukinetics.trial.screen import FAILED, NOT_SELECTED, population_checks
from leukinetics.trial.selection import PopulationSelection

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Where fewer are accepted the people made and the people wanted are hardly the same.
FEW_ACCEPTED = 0.05
#: Shifts of a mean, in SDs between people, that are listed; and those that are warned of.
SHIFT, STRONG_SHIFT = 0.1, 0.5
_LISTED = 20


def matching_summary(
    prepared: Prepared, selection: PopulationSelection | None, population: pd.DataFrame, screening: pd.DataFrame
) -> dict[str, Any] | None:
    """What ``matching`` of summary.json holds; None where nothing was matched.

    ``targets``: each figure, in the pilot ``before`` and ``after`` it was matched, among those ``selected`` for the
    trial (None where this is not known), and whether it was ``reached``. ``acceptance``: share of the pilot that is
    accepted; ``effective_size`` of its ``pilot`` people (Kish); ``capped``: share of those accepted who are accepted
    always, and who without the cap would count more. ``rejected``: people who do not belong to the population, by
    reason. ``shifts``: other columns whose mean changed. ``warnings``: sentences.

    ``population``, ``screening``: the trial's tables of those enrolled and of those screened.
    """
    if selection is None:
        return None
    matching, n = selection.matching, len(selection.matching.weights)
    before = matching.figures(selection.values, np.ones(n))
    after = matching.figures(selection.values, matching.weights)
    selected = _selected(prepared, selection, population, screening)
    rows = []
    for i, (figure, value, met) in enumerate(after):
        rows.append(
            {
                "what": figure.what,
                "unit": figure.unit,
                "target": figure.target,
                "before": _number(before[i][1]),
                "after": _number(value),
                "selected": None if selected is None else _number(matching.figures(selected, _ones(selected))[i][1]),
                "reached": met,
                "source": figure.source,
            }
        )
    shifts = _shifts(prepared, selection)
    counts = screening["reason"].value_counts()
    no_population = [FAILED, NOT_SELECTED, *(check.reason for check in population_checks(prepared))]
    return {
        "among": selection.among,
        "targets": rows,
        "acceptance": matching.accepted,
        "effective_size": matching.effective_size,
        "pilot": n,
        "capped": float((matching.weights >= 1.0 - 1e-9).sum() / matching.weights.sum()),
        "rejected": [{"reason": r, "n": int(counts[r])} for r in dict.fromkeys(no_population) if r in counts],
        "shifts": shifts,
        "warnings": list(_warnings(selection, rows, shifts)),
    }


def _selected(
    prepared: Prepared, selection: PopulationSelection, population: pd.DataFrame, screening: pd.DataFrame
) -> dict[Variable, Array] | None:
    """The variables among those who were selected; None where not all of them were kept."""
    if selection.among == "screened" and prepared.criteria:  # of those who were not eligible the covariates are gone
        out = [FAILED, NOT_SELECTED, *(check.reason for check in population_checks(prepared))]
        table = screening[~screening["reason"].isin(out)]
    else:
        table = population
    found = {}
    for v in selection.variables:
        name = v.name if v.how == "told" else f"{SCREENING}.{v.name}"
        if v.how == "true" or (name not in table and v.name not in prepared.plan.parameters):
            return None
        if name in table:
            found[v] = table[name].to_numpy(dtype=float) / v.factor
        elif v.how == "told" and v.name not in selection.pilot:  # the same in everybody
            found[v] = np.full(len(table), prepared.plan.parameters[v.name].value) / v.factor
        else:
            return None
    return found if len(table) else None


def _shifts(prepared: Prepared, selection: PopulationSelection) -> list[dict[str, Any]]:
    """Covariates, genotypes and parameters whose mean among those selected is another, the strongest first."""
    said = {v.name for v in selection.variables}
    w, units = selection.matching.weights, clinical_units(prepared.plan)
    found: list[tuple[float, dict[str, Any]]] = []
    for name, x in in_clinical_units(prepared.plan, selection.pilot).items():
        spread = float(x.std())
        if name in said or not is_persons(name) or spread <= 1e-12 * max(abs(float(x.mean())), 1e-300):
            continue
        here, there = float(x.mean()), weighted.mean(x, w)
        shift = (there - here) / spread
        if abs(shift) >= SHIFT:
            row = {"name": name, "unit": units.get(name, ""), "before": here, "after": there, "shift": shift}
            found.append((abs(shift), row))
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])[:_LISTED]]


def _warnings(
    selection: PopulationSelection, rows: list[dict[str, Any]], shifts: list[dict[str, Any]]
) -> Iterator[str]:
    for row in rows:
        if not row["reached"]:
            unit, nearest = _spaced(row["unit"]), row["after"]
            what = f"The {row['what']} of {row['target']:g}{unit} is not reached"
            if nearest is None:
                yield f"{what}: it cannot be told of these people."
            else:
                yield f"{what}: the nearest that these people and the other figures allow is {nearest:.4g}{unit}."
    if selection.matching.accepted < FEW_ACCEPTED:
        yield (
            f"Only {100 * selection.matching.accepted:.2g} % of plausible people are accepted; the condition is far "
            "from the population it is matched to."
        )
    for row in shifts:
        if abs(row["shift"]) >= STRONG_SHIFT:
            yield (
                f"By the selection the mean of '{row['name']}' moves by {row['shift']:+.2g} SD, "
                f"from {row['before']:.4g} to {row['after']:.4g}{_spaced(row['unit'])}."
            )


def _ones(values: Mapping[Variable, Array]) -> Array:
    return np.ones(len(next(iter(values.values()))))


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
