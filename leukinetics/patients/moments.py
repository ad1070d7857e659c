"""Means and standard deviations of a population, and distributions that move as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.patients import weighted
from leukinetics.patients.targets import Basis, Exceedance, Figure, Quantile, Values, Variable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: How far a mean may be off, in SDs, and an SD, relative, and count as met.
MEAN, SD = 0.05, 0.05
#: A positive variable with a larger skewness is taken as lognormal.
SKEWED = 1.0
#: A variable with fewer values is a count.
CONTINUOUS = 20
#: How far center and size of a logarithm are mended at a time: figures that cannot be met are not run after.
MOST_STEP = 0.2


@dataclass(frozen=True)
class Moments:
    """A mean, a standard deviation, or both."""

    variable: Variable
    mean: float | None
    sd: float | None
    source: str = ""

    @property
    def reads(self) -> tuple[Variable, ...]:
        return (self.variable,)

    @property
    def figures(self) -> list[Figure]:
        said = (("mean", self.mean), ("SD", self.sd))
        name, unit = self.variable.name, self.variable.unit
        return [Figure(f"{what} of {name}", unit, number, self.source) for what, number in said if number is not None]

    def basis(self, values: Values, w: Array, before: Basis | None) -> Basis:
        x = values[self.variable]
        m, s = weighted.mean(x, w), weighted.sd(x, w)
        wanted = (m if self.mean is None else self.mean, s if self.sd is None else self.sd)
        log = before.log if isinstance(before, MomentBasis) else min(x.min(), wanted[0]) > 0 and _skewness(x) > SKEWED
        if not log:
            return MomentBasis(self.variable, False, *wanted, self.mean is not None, self.sd is not None)
        y = np.log(x)
        there, here = _of_log(*wanted), _of_log(m, s)
        shift, ratio = there[0] - here[0], there[1] / here[1]
        if isinstance(before, MomentBasis):  # what is still wrong on the variable's own scale is mended
            own = (before.center, before.size)
            shift, ratio = np.clip(shift, -MOST_STEP, MOST_STEP), np.clip(ratio, 1 / (1 + MOST_STEP), 1 + MOST_STEP)
        else:
            own = (weighted.mean(y, w), weighted.sd(y, w))
        center = weighted.mean(y, w) if self.mean is None else own[0] + float(shift)
        size = own[1] * float(ratio)
        return MomentBasis(self.variable, True, center, size, self.mean is not None, self.sd is not None)

    def reached(self, values: Values, w: Array) -> list[tuple[float, bool]]:
        x = values[self.variable]
        m, s = weighted.mean(x, w), weighted.sd(x, w)
        found = [] if self.mean is None else [(m, abs(m - self.mean) <= MEAN * s)]
        return found + ([] if self.sd is None else [(s, abs(s - self.sd) <= SD * self.sd)])


@dataclass(frozen=True)
class MomentBasis:
    """Deviations of y, which is x or its logarithm, from a center, and their squares from the square of a size."""

    variable: Variable
    log: bool
    center: float
    size: float
    mean: bool
    sd: bool

    def features(self, values: Values) -> Array:
        x = values[self.variable]
        away = (np.log(np.maximum(x, np.finfo(float).tiny)) if self.log else x) - self.center
        columns = [f for f, used in ((away, self.mean), (away**2 - self.size**2, self.sd)) if used]
        return np.column_stack(columns) if columns else np.empty((len(x), 0))


@dataclass(frozen=True)
class Shape:
    """Where a variable's quantiles or a share are published, its distribution moves as a whole.

    The figures alone would be met by steps: all people above a limit made more frequent by one factor. So the mean of
    y, and where quartiles are given its SD, move until the figures are met or nearly so; what is left to steps is
    small.
    """

    variable: Variable
    quantiles: tuple[Quantile, ...]
    shares: tuple[Exceedance, ...]

    @property
    def reads(self) -> tuple[Variable, ...]:
        return (self.variable,)

    @property
    def figures(self) -> list[Figure]:
        return []

    def basis(self, values: Values, w: Array, before: Basis | None) -> Basis:
        x = values[self.variable]
        if isinstance(before, MomentBasis) and not before.mean:
            return before
        if len(np.unique(x)) < CONTINUOUS:  # counts have no shape
            return MomentBasis(self.variable, False, 0.0, 0.0, False, False)
        log = (
            before.log
            if isinstance(before, MomentBasis)
            else bool(x.min() > 0 and _skewness(x) > SKEWED and all(q.value > 0 for q in self.quantiles))
        )
        y = np.log(x) if log else x
        unit = float(y.std())
        away = {q.p: (np.log(q.value) if log else q.value) - weighted.quantile(y, w, q.p) for q in self.quantiles}
        both = 0.25 in away and 0.75 in away
        shift = float(np.mean(list(away.values()))) if away else unit * self.shares[0].shift(values, w)
        ratio = 1.0
        if both:
            wide = weighted.quantile(y, w, 0.75) - weighted.quantile(y, w, 0.25)
            ratio = (wide + away[0.75] - away[0.25]) / wide if wide > 0 else 1.0
        if isinstance(before, MomentBasis):
            own, most = (before.center, before.size), MOST_STEP * unit
            shift, ratio = float(np.clip(shift, -most, most)), float(np.clip(ratio, 1 / (1 + MOST_STEP), 1 + MOST_STEP))
        else:
            own = (weighted.mean(y, w), weighted.sd(y, w))
        if not np.isfinite(shift):  # nobody, or everybody, is or is to be above
            return MomentBasis(self.variable, log, 0.0, 0.0, False, False)
        return MomentBasis(self.variable, log, own[0] + shift, own[1] * ratio, True, both)

    def reached(self, values: Values, w: Array) -> list[tuple[float, bool]]:
        return []


def _of_log(mean: float, sd: float) -> tuple[float, float]:
    """Mean and SD of the logarithm of a lognormal variable that has this mean and SD."""
    size = float(np.log1p((sd / mean) ** 2))
    return float(np.log(mean)) - size / 2.0, max(float(np.sqrt(size)), 1e-6)


def _skewness(x: Array) -> float:
    spread = x.std()
    return float(((x - x.mean()) ** 3).mean() / spread**3) if spread > 0 else 0.0
