"""From the doses of a protocol's arms and rules to blocks: a dose and its repeats as the engine takes them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from leukinetics.trial.amounts import Amount
from leukinetics.trial.protocol import Dose, Protocol

#: A sample at the time of a dose is taken before it: doses follow by this much (days).
AFTER_SAMPLE = 1.0 / 1440.0


#: Blocks of a rule belong to no arm until it fires.
NO_ARM = -1


@dataclass(frozen=True)
class Block:
    """A dose and its repeats; days, ``amount`` in the species' unit (per kg where so).

    ``part``: "dose" or "background" of ``arm``, or "rescue" of ``rule`` (``arm`` is then NO_ARM, and ``time`` counts
    from the moment that the rule fires). ``opens``: its first dose is the first of what the protocol writes as one
    dose, not what follows a loading dose.
    """

    arm: int
    target: str
    amount: float
    per_kg: bool
    cap: float
    time: float
    every: float
    count: int
    duration: float
    drug: str = ""
    part: str = "dose"
    rule: str = ""
    opens: bool = True


def dose_blocks(protocol: Protocol, drugs: Any) -> list[Block]:
    """The doses of all arms and rules of a protocol that fits ``drugs``, the assembly's."""
    found = []
    end = protocol.trial.duration
    for i, arm in enumerate(protocol.arm):
        for part, doses in (("background", arm.background), ("dose", arm.dose)):
            found += [replace(b, arm=i, part=part) for dose in doses for b in _blocks(dose, drugs[dose.drug], end)]
    for rule in protocol.rule:
        blocks = [b for dose in rule.dose for b in _blocks(dose, drugs[dose.drug], end)]
        found += [replace(b, part="rescue", rule=rule.id) for b in blocks]
    return found


def _blocks(dose: Dose, drug: Any, end: float) -> list[Block]:
    def number(amount: Amount) -> tuple[float, bool]:
        return amount.inside(drug.amount_unit, drug.molar_mass, f"a dose of '{dose.drug}'")

    stop = min(dose.stop if dose.stop is not None else math.inf, end)
    # A dose at the very end of the trial can change nothing that is read.
    possible = 1 if dose.every is None else max(math.ceil((stop - dose.start) / dose.every - 1e-9), 1)
    count = possible if dose.every is None else min(dose.count or possible, possible)
    every = dose.every or 1.0
    cap = number(dose.cap)[0] if dose.cap is not None else math.inf
    target = str(drug.route_target[dose.route])
    amount, per_kg = number(dose.amount)
    usual = Block(NO_ARM, target, amount, per_kg, cap, dose.start, every, count, dose.duration, drug=dose.drug)
    if dose.loading is None:
        return [usual]
    first, first_per_kg = number(dose.loading)
    loading = replace(usual, amount=first, per_kg=first_per_kg, count=1)
    rest = replace(usual, time=dose.start + every, count=count - 1, opens=False)
    return [loading, rest] if count > 1 else [loading]
