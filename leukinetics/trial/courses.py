"""Who gets which doses: runs of the repeats of dose blocks, and the engine's dose table made of them.

A run is the repeats ``first .. first + count - 1`` of a block for one row of patients; its doses are at
``start + block.time + k * block.every``, each a minute after the sample that is taken then. Treatment that changes on
the way cuts runs, so that a table stays short however many doses there are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
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
    """Runs of doses, each array (runs,).

    ``block`` indexes ``blocks``, ``row`` the patients' rows; ``start`` is the moment (days) that the block's time
    counts from; ``factor`` multiplies the amount, before the cap; doses not ``taken`` were due and missed.
    """

    blocks: list[Block]
    block: Ints
    row: Ints
    first: Ints
    count: Ints
    start: Array
    factor: Array
    taken: Mask

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
        arrays = {f.name: getattr(self, f.name)[which] for f in fields(self) if f.name != "blocks"}
        return Courses(self.blocks, **arrays)

    def of_rows(self, rows: Ints) -> Courses:
        """The runs of some rows (ascending), which become rows 0, 1, ..."""
        found = self.take(np.isin(self.row, rows))
        return replace(found, row=np.searchsorted(rows, found.row))

    def before(self, moment: Array) -> Ints:
        """How many doses of each run are due before ``moment`` (runs,); one at that very time is not."""
        with np.errstate(invalid="ignore"):
            steps = np.ceil((moment - self.time) / self.of_block("every") - 1e-9)
        return np.asarray(np.clip(steps, 0, self.count), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.block)


def planned(blocks: list[Block], arms: Ints) -> Courses:
    """What the protocol plans for rows of patients in ``arms`` (rows,): one run per block and row."""
    rows = [np.flatnonzero(arms == block.arm) for block in blocks]
    block = np.repeat(np.arange(len(blocks)), [len(r) for r in rows])
    count = np.array([b.count for b in blocks], dtype=np.int64)[block]
    row = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)
    n = len(row)
    return Courses(
        blocks, block, row, np.zeros(n, dtype=np.int64), count, np.zeros(n), np.ones(n), np.ones(n, dtype=bool)
    )


def split(courses: Courses, keep: Ints) -> tuple[Courses, Courses]:
    """Each run's first ``keep`` (runs,) doses, and those after them; runs without doses are left out."""
    early = replace(courses, count=keep)
    late = replace(courses, first=courses.first + keep, count=courses.count - keep)
    return early.take(early.count > 0), late.take(late.count > 0)


def joined(parts: list[Courses]) -> Courses:
    """Runs of several courses of the same blocks, in the order of block, row and time."""
    arrays = {
        f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Courses) if f.name != "blocks"
    }
    found = Courses(parts[0].blocks, **arrays)
    return found.take(np.lexsort((found.first, found.start, found.row, found.block)))


def dose_table(courses: Courses, weights: Array, lead: float) -> pd.DataFrame | None:
    """The engine's dose table for rows of patients with ``weights`` (kg); None without doses.

    ``lead``: days by which the simulation begins before the protocol's time 0.
    """
    import pandas as pd

    courses = courses.take(courses.taken)
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
