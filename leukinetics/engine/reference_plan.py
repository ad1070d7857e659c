"""A patient's doses as what happens at which time, for the reference path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leukinetics.engine.doses import DoseSchedule


@dataclass(frozen=True)
class Dose:
    """A bolus (``duration`` 0) or an infusion at ``amount / duration``."""

    time: float
    species: str
    amount: float
    duration: float


@dataclass
class Actions:
    """What happens to the species at one time: amounts to add, and rates of infusion from then on."""

    boluses: dict[str, float]
    rates: dict[str, float]


def doses_of(doses: DoseSchedule | None, patient: int) -> tuple[list[Dose], float]:
    """The doses of a patient, and the interval of a steady state before them or 0."""
    if doses is None:
        return [], 0.0
    row = 0 if doses.shared else patient
    return [
        Dose(
            float(doses.time[i]),
            doses.targets[doses.target[i]],
            float(doses.amount[i]),
            float(doses.duration[i]),
        )
        for i in range(int(doses.offsets[row]), int(doses.offsets[row + 1]))
    ], float(doses.steady_state[row])


def timeline(plan: Sequence[Dose]) -> dict[float, Actions]:
    """Time -> what happens then. Overlapping infusions into a species are summed anew at every change."""
    actions: dict[float, Actions] = {}
    for dose in plan:
        for time in (dose.time, dose.time + dose.duration):
            actions.setdefault(time, Actions({}, {}))
        if dose.duration == 0.0:
            boluses = actions[dose.time].boluses
            boluses[dose.species] = boluses.get(dose.species, 0.0) + dose.amount
    infusions = [d for d in plan if d.duration > 0.0]
    for dose in infusions:
        for time in (dose.time, dose.time + dose.duration):
            running = (d for d in infusions if d.time <= time < d.time + d.duration)
            rates = [d.amount / d.duration for d in running if d.species == dose.species]
            actions[time].rates[dose.species] = sum(rates)
    return actions
