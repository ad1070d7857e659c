"""Who gets which doses: runs of the repeats of dose blocks, and the engine's dose table made of them.

A run is the repeats ``first .. first + count - 1`` of a block for one row of patients; its doses are at
``start + block.time + k * block.every``, each a minute after the sample that is taken then. Treatment that changes on
the way cuts runs, so that a table stays short however many doses there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.dosing import AFTER_SAMPLE, Block

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Courses:
    """Runs of doses, each array (runs,): ``block`` indexes ``blocks``, ``row`` the patients' rows; ``start`` is the
    moment (days) that the block's time counts from, ``factor`` multiplies its amount before the cap."""

    blocks: list[Block]
    block: Ints
    row: Ints
    first: Ints
    count: Ints
    start: Array
    factor: Array

    @cached_property
    def time(self) -> Array:
        """When the first dose of each run is due (days), (runs,)."""
        found: Array = self.start + self.of_block("time") + self.first * self.of_block("every")
        return found

    def of_block(self, name: str) -> NDArray[Any]:
        """An attribute of each run's block, (runs,)."""
        return np.array([getattr(b, name) for b in self.blocks])[self.block]

    def take(self, which: Mask | Ints) -> Courses:
        """Some of the runs."""
        return Courses(
            self.blocks,
            self.block[which],
            self.row[which],
            self.first[which],
            self.count[which],
            self.start[which],
            self.factor[which],
        )

    def __len__(self) -> int:
        return len(self.block)


def planned(blocks: list[Block], arms: Ints) -> Courses:
    """What the protocol plans for rows of patients in ``arms`` (rows,): one run per block and row."""
    rows = [np.flatnonzero(arms == block.arm) for block in blocks]
    block = np.repeat(np.arange(len(blocks)), [len(r) for r in rows])
    count = np.array([b.count for b in blocks], dtype=np.int64)[block]
    row = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    n = len(row)
    return Courses(blocks, block, row, np.zeros(n, dtype=np.int64), count, np.zeros(n), np.ones(n))


def dose_table(courses: Courses, weights: Array, lead: float) -> pd.DataFrame | None:
    """The engine's dose table for rows of patients with ``weights`` (kg); None without doses.

    ``lead``: days by which the simulation begins before the protocol's time 0.
    """
    import pandas as pd

    if not len(courses):
        return None
    per_kg = courses.of_block("per_kg")
    amount = courses.of_block("amount") * courses.factor * np.where(per_kg, weights[courses.row], 1.0)
    return pd.DataFrame(
        {
            "patient": courses.row,
            "time": courses.time + lead + AFTER_SAMPLE,
            "target": courses.of_block("target"),
            "amount": np.minimum(amount, courses.of_block("cap")),
            "duration": courses.of_block("duration"),
            "every": courses.of_block("every"),
            "count": courses.count,
        }
    )
