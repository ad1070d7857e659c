"""Published figures of a population, and the features of people by which they are met.

======================  ==============================================  =========================================
figure                  feature (its weighted mean must be 0)           scale
======================  ==============================================  =========================================
share s meeting c       1[x meets c] - s
quantile q at p         1[x <= q] - p
mean m, SD s            y - a, (y - a)^2 - b^2                          y = ln x where x > 0 is skewed, else x;
                                                                        a, b such that x has m and s
rank correlation r      z1 z2 - 2 sin(pi r/6)                           z: normal scores of those selected
======================  ==============================================  =========================================

A variable of which quantiles or shares are published first moves as a whole, so that no steps are left at the limits
(:class:`leukinetics.patients.moments.Shape`). Mean and SD of a skewed variable
on its own scale would be met by a strange shape (weights that grow as exp(x^2)); on the log scale a lognormal stays
one. A correlation keeps mean and SD of the normal scores of its two variables where nothing else is said about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import ndtri

from leukinetics.patients import weighted
from leukinetics.patients.criteria import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


#: How far a share, or the probability of a quantile, may be off and count as met.
SHARE = 0.02


@dataclass(frozen=True)
class Variable:
    """What a figure is of: ``how`` it is known ("told", "measured" or "true"), in the figure's ``unit``, of which
    one is ``factor`` of the unit used inside."""

    name: str
    how: str
    unit: str
    factor: float = 1.0


Values = Mapping[Variable, "Array"]  # (people,) each, in the variable's unit


@dataclass(frozen=True)
class Figure:
    """One published number."""

    what: str
    unit: str
    target: float
    source: str


class Basis(Protocol):
    """Features that are settled."""

    def features(self, values: Values) -> Array:
        """(people, features)."""


class Target(Protocol):
    """One or two figures of the same variables."""

    @property
    def reads(self) -> tuple[Variable, ...]:
        """The variables."""

    @property
    def figures(self) -> list[Figure]:
        """The published numbers."""

    def basis(self, values: Values, w: Array, before: Basis | None) -> Basis:
        """The features, given how people of weights ``w`` are under the features ``before``."""

    def reached(self, values: Values, w: Array) -> list[tuple[float, bool]]:
        """For each figure that of weighted people, and whether it is met."""


@dataclass(frozen=True)
class Exceedance:
    """A share of people who meet bounds (in the variable's unit)."""

    variable: Variable
    bounds: tuple[Bound, ...]
    share: float
    source: str = ""

    @property
    def reads(self) -> tuple[Variable, ...]:
        return (self.variable,)

    @property
    def figures(self) -> list[Figure]:
        said = " and ".join(f"{b.sign} {b.value:g} {b.unit}".rstrip() for b in self.bounds)
        return [Figure(f"share of {self.variable.name} {said}", "", self.share, self.source)]

    def basis(self, values: Values, w: Array, before: Basis | None) -> Basis:
        return self

    def features(self, values: Values) -> Array:
        return np.asarray(self._meets(values) - self.share)[:, None]

    def reached(self, values: Values, w: Array) -> list[tuple[float, bool]]:
        share = weighted.mean(self._meets(values), w)
        return [(share, abs(share - self.share) <= SHARE)]

    def shift(self, values: Values, w: Array) -> float:
        """By how many SDs a normal variable would have to move; NaN where that is not to be said."""
        before = weighted.mean(self._meets(values), w)
        if len(self.bounds) != 1 or not (0 < before < 1 and 0 < self.share < 1):
            return float("nan")
        away = float(ndtri(self.share) - ndtri(before))
        return away if self.bounds[0].sign in (">", ">=", "≥") else -away

    def _meets(self, values: Values) -> Array:
        x = values[self.variable]
        return np.where(np.all([b.holds(x) for b in self.bounds], axis=0), 1.0, 0.0)


@dataclass(frozen=True)
class Quantile:
    """A quantile: ``value`` at ``p`` (0.5: the median)."""

    variable: Variable
    p: float
    value: float
    source: str = ""

    @property
    def reads(self) -> tuple[Variable, ...]:
        return (self.variable,)

    @property
    def figures(self) -> list[Figure]:
        name = {0.25: "lower quartile", 0.5: "median", 0.75: "upper quartile"}.get(self.p, f"{self.p:g} quantile")
        return [Figure(f"{name} of {self.variable.name}", self.variable.unit, self.value, self.source)]

    def basis(self, values: Values, w: Array, before: Basis | None) -> Basis:
        return self

    def features(self, values: Values) -> Array:
        return np.where(values[self.variable] <= self.value, 1.0, 0.0)[:, None] - self.p

    def reached(self, values: Values, w: Array) -> list[tuple[float, bool]]:
        x = values[self.variable]
        at, below = (weighted.mean(met.astype(float), w) for met in (x <= self.value, x < self.value))
        # Where many people have the same value (below a limit) the median may be within a step.
        return [(weighted.quantile(x, w, self.p), below - SHARE <= self.p <= at + SHARE)]
