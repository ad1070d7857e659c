"""Virtual patients of one part of their table as columns, with all that depends on no patient computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

#: Columns of the table, beside those of markers and covariates.
PART, DRAW, PERSON, BENEFIT, REFERENCE, TREATED = "part", "draw", "person", "benefit", "reference", "treated"


class Draw(NamedTuple):
    """The rows of one draw: ``at`` (n,), its ``people``, ascending, and the ``place`` (n,) of each row's among them."""

    number: int
    at: NDArray[np.intp]
    people: Whole
    place: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a table of virtual patients (see :class:`leukinetics.cohort.subtype.virtual.VirtualPatients`)."""

    table: pd.DataFrame
    _columns: dict[str, Array] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> Array:
        """A column as numbers."""
        if name not in self._columns:
            self._columns[name] = np.ascontiguousarray(self.table[name].to_numpy(dtype=float))
        return self._columns[name]

    @property
    def benefit(self) -> Array:
        """By how much the outcome is better with the therapy."""
        return self.column(BENEFIT)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """The rows by their benefit."""
        return np.argsort(self.benefit, kind="stable")

    @cached_property
    def draw(self) -> Whole:
        """The draw of each row."""
        return self.table[DRAW].to_numpy(dtype=np.int64)

    @cached_property
    def prior(self) -> Array:
        """Weights before anything is measured: every draw counts alike, however many of its people were eligible."""
        _, place, counts = np.unique(self.draw, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / counts[place])

    @cached_property
    def draws(self) -> list[Draw]:
        """The draws, ascending."""
        person = self.table[PERSON].to_numpy(dtype=np.int64)
        found = []
        for k in np.unique(self.draw):
            at = np.flatnonzero(self.draw == k)
            people, place = np.unique(person[at], return_inverse=True)
            found.append(Draw(int(k), at, people, place))
        return found

    @cached_property
    def lives(self) -> NDArray[np.intp]:
        """Who each row is a life of, numbered over all draws."""
        found, first = np.empty(len(self), dtype=np.intp), 0
        for d in self.draws:
            found[d.at] = first + d.place
            first += len(d.people)
        return found

    def two_valued(self, name: str) -> bool:
        """Whether a column has at most two values."""
        x = self.column(name)
        return bool(np.isin(x, [x.min(), x.max()]).all())
