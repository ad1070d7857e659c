"""From the doses of a protocol's arms to the engine's dose table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import ProtocolError, suggest
from leukinetics.trial.amounts import Amount
from leukinetics.trial.protocol import Dose, Protocol

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: A sample at the time of a dose is taken before it: doses follow by this much (days).
AFTER_SAMPLE = 1.0 / 1440.0


@dataclass(frozen=True)
class Block:
    """A dose and its repeats as the engine takes them; days, ``amount`` in the species' unit (per kg where so)."""

    arm: int
    target: str
    amount: float
    per_kg: bool
    cap: float
    time: float
    every: float
    count: int
    duration: float


def dose_blocks(protocol: Protocol, drugs: Any) -> list[Block]:
    """The doses of all arms; ``drugs``: the assembly's. ProtocolError for a route or an amount that a drug has not."""
    found = []
    for i, arm in enumerate(protocol.arm):
        for part, doses in (("background", arm.background), ("dose", arm.dose)):
            for j, dose in enumerate(doses):
                what = f"arm '{arm.name}', {part} {j + 1}"
                found += _blocks(i, dose, drugs, protocol.trial.duration, what)
    return found


def _blocks(arm: int, dose: Dose, drugs: Any, end: float, what: str) -> list[Block]:
    drug = drugs[dose.drug]
    if dose.route not in drug.route_target:
        raise ProtocolError(
            f"{what}, route: '{dose.drug}' has no route '{dose.route}'; it is given "
            f"{' or '.join(drug.route_target)}.{suggest(dose.route, drug.route_target)}"
        )

    def number(amount: Amount, key: str) -> tuple[float, bool]:
        return amount.inside(drug.amount_unit, drug.molar_mass, f"{what}, {key}")

    stop = min(dose.stop if dose.stop is not None else math.inf, end)
    # A dose at the very end of the trial can change nothing that is read.
    possible = 1 if dose.every is None else max(math.ceil((stop - dose.start) / dose.every - 1e-9), 1)
    count = possible if dose.every is None else min(dose.count or possible, possible)
    every = dose.every or 1.0
    cap = number(dose.cap, "cap")[0] if dose.cap is not None else math.inf
    if dose.start >= end:
        raise ProtocolError(f"{what}, start: the first dose on day {dose.start:g} is not before the trial's end.")
    target = str(drug.route_target[dose.route])
    amount, per_kg = number(dose.amount, "amount")
    usual = Block(arm, target, amount, per_kg, cap, dose.start, every, count, dose.duration)
    if dose.loading is None:
        return [usual]
    first, first_per_kg = number(dose.loading, "loading")
    rest = [Block(arm, target, amount, per_kg, cap, dose.start + every, every, count - 1, dose.duration)]
    return [
        Block(arm, target, first, first_per_kg, cap, dose.start, every, 1, dose.duration),
        *(rest if count > 1 else []),
    ]


def dose_table(
    blocks: list[Block], arms: NDArray[np.int64], weights: NDArray[np.float64], lead: float
) -> pd.DataFrame | None:
    """The engine's dose table for rows of patients 0, 1, ... in ``arms`` with ``weights`` (kg); None without doses.

    ``lead``: days by which the simulation begins before the protocol's time 0.
    """
    import pandas as pd

    parts = []
    for block in blocks:
        rows = np.flatnonzero(arms == block.arm)
        amount = np.minimum(block.amount * (weights[rows] if block.per_kg else np.ones(len(rows))), block.cap)
        parts.append(
            pd.DataFrame(
                {
                    "patient": rows,
                    "time": block.time + lead + AFTER_SAMPLE,
                    "target": block.target,
                    "amount": amount,
                    "duration": block.duration,
                    "every": block.every,
                    "count": block.count,
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else None
