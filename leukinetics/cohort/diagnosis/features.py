"""Markers as columns for a prediction: whether detected, and the level, made from the people a model is fitted to.

A level below the limit becomes the mean of what lies below it under a lognormal distribution fitted to the people of
the fit (left-censored, by :func:`leukinetics.cohort.diagnosis.imputation.start`), without a look at the outcome; people
predicted for get theirs from the same distribution. Beside the column "detected" this stand-in only says where on the
level's scale those below the limit begin, so that the prediction is the same whatever it is, but for the penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.diagnosis.imputation import FEWEST, bounds, moments, start

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

DETECTED, LEVEL, COVARIATE = "detected", "level", "covariate"


@dataclass(frozen=True)
class Column:
    """A column of the prediction: of which marker or covariate, and which ``part`` of it."""

    name: str
    part: str


@dataclass(frozen=True, eq=False)
class Features:
    """How markers become columns, as learnt from some people: for each marker the (mean, SD) of ln x, None where too
    few levels are observed (then the column is of zeros); each column's center and unit."""

    levels: tuple[tuple[float, float] | None, ...]
    center: Array
    unit: Array
    columns: tuple[Column, ...]

    def of(self, markers: Sequence[Censored], others: Array) -> Array:
        """The columns (rows, columns) of people, in units of the spread of those learnt from; what was the same for
        all of them is 0."""
        raw = _raw(markers, others, self.levels)
        return np.asarray(np.where(self.unit > 0, (raw - self.center) / np.where(self.unit > 0, self.unit, 1.0), 0.0))


def learn(markers: Sequence[Censored], others: Array, names: Sequence[str]) -> tuple[Features, Array]:
    """(features, the columns of the same people): of each of ``markers`` whether detected and ln x, then ``others``
    (rows, covariates)."""
    levels = tuple(_level(x) for x in markers)
    raw = _raw(markers, others, levels)
    center, unit = raw.mean(axis=0), raw.std(axis=0)
    unit = np.where(unit > 1e-9 * np.maximum(np.abs(center), 1.0), unit, 0.0)
    columns = [Column(x.name, part) for x in markers for part in (DETECTED, LEVEL)]
    found = Features(levels, center, unit, (*columns, *(Column(n, COVARIATE) for n in names)))
    return found, found.of(markers, others)


def _level(x: Censored) -> tuple[float, float] | None:
    if int(x.observed.sum()) < FEWEST:
        return None
    low, high = bounds(x)
    g, s = start(low, high, np.ones((len(x), 1)))
    return float(g[0]), s


def _raw(markers: Sequence[Censored], others: Array, levels: Sequence[tuple[float, float] | None]) -> Array:
    columns = []
    for x, level in zip(markers, levels, strict=True):
        columns.append(x.detected())
        if level is None:
            columns.append(np.zeros(len(x)))
            continue
        low, high = bounds(x)
        z = low.copy()
        weak = np.flatnonzero(~x.observed)
        z[weak] = moments(np.full(len(weak), level[0]), level[1], low[weak], high[weak])[0]
        columns.append(z)
    return np.column_stack([*columns, others])
