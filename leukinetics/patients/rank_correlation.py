"""Rank correlations of a population."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.patients import weighted
from leukinetics.patients.targets import Basis, Figure, Values, Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: How far a correlation may be off and count as met.
CORRELATION = 0.03
#: How far the mean product of normal scores is mended at a time.
MOST_STEP = 0.2


@dataclass(frozen=True)
class Correlation:
    """A rank correlation. ``kept``: of which of the two nothing else is said."""

    a: Variable
    b: Variable
    rho: float
    kept: tuple[Variable, ...] = ()
    source: str = ""

    @property
    def reads(self) -> tuple[Variable, ...]:
        return (self.a, self.b)

    @property
    def figures(self) -> list[Figure]:
        return [Figure(f"rank correlation of {self.a.name} and {self.b.name}", "", self.rho, self.source)]

    def basis(self, values: Values, w: Array, before: Basis | None) -> Basis:
        tables = {v: weighted.scores(values[v], w) for v in self.reads}
        kept = before.kept if isinstance(before, ScoreBasis) else {v: Kept.of(values[v], tables[v]) for v in self.kept}
        product = _of_scores(self.rho)
        if isinstance(before, ScoreBasis):  # two variables need not be jointly normal: what is still wrong is mended
            wrong = product - _of_scores(weighted.rank_correlation(values[self.a], values[self.b], w))
            product = before.product + float(np.clip(np.nan_to_num(wrong), -MOST_STEP, MOST_STEP))
        return ScoreBasis(tables, kept, product)

    def reached(self, values: Values, w: Array) -> list[tuple[float, bool]]:
        found = weighted.rank_correlation(values[self.a], values[self.b], w)
        return [(found, abs(found - self.rho) <= CORRELATION)]


@dataclass(frozen=True)
class Kept:
    """A table of normal scores, and their mean and mean square, which are to stay."""

    table: tuple[Array, Array]
    mean: float
    square: float

    @classmethod
    def of(cls, x: Array, table: tuple[Array, Array]) -> Kept:
        z = np.interp(x, *table)
        return cls(table, float(z.mean()), float((z**2).mean()))

    def features(self, x: Array) -> list[Array]:
        z = np.interp(x, *self.table)
        return [z - self.mean, z**2 - self.square]


@dataclass(frozen=True)
class ScoreBasis:
    """The product of two variables' normal scores, and what keeps their distributions."""

    tables: Mapping[Variable, tuple[Array, Array]]
    kept: Mapping[Variable, Kept]
    product: float

    def features(self, values: Values) -> Array:
        one, other = (np.interp(values[v], *table) for v, table in self.tables.items())
        columns = [one * other - self.product]
        for v, kept in self.kept.items():
            columns += kept.features(values[v])
        return np.column_stack(columns)


def _of_scores(rho: float) -> float:
    """The correlation of two normal variables whose ranks correlate at ``rho``."""
    return float(2.0 * np.sin(np.pi * rho / 6.0))
