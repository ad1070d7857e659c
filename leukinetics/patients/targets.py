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

Mean and SD of a skewed variable on its own scale would be met by a strange shape (weights that grow as exp(x^2));
on the log scale a lognormal stays one. A correlation keeps mean and SD of the normal scores of its two variables
where nothing else is said about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy.special import ndtri

from leukinetics.patients import weighted
from leukinetics.patients.criteria import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: How far a figure may be off and count as met: shares and probabilities of quantiles, mean in SDs, SD relative,
#: correlation.
SHARE, MEAN, SD, CORRELATION = 0.02, 0.05, 0.05, 0.03
#: A positive variable with a larger skewness is taken as lognormal.
SKEWED = 1.0
#: A variable with fewer values is a count.
CONTINUOUS = 20
#: How far center and size of a logarithm are mended at a time: figures that cannot be met are not run after.
MOST_STEP = 0.2


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

    def shift(self, values: Values) -> float:
        """By how many SDs a normal variable would have to move; NaN where that is not to be said."""
        before = float(self._meets(values).mean())
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
            own = (float(y.mean()), float(y.std()))
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


@dataclass(frozen=True)
class Shape:
    """Where a variable's quantiles or a share are published, its distribution moves as a whole.

    The figures alone would be met by steps: all people above a limit made more frequent by one factor. So the mean of
    y moves with the figures, and where quartiles are given its SD with them: mean (q1 + m + q3)/3, SD
    (q3 - q1)/1.35 (Wan et al. 2014, doi:10.1186/1471-2288-14-135). The steps that remain are small.
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
        if before is not None:
            return before
        x = values[self.variable]
        if len(np.unique(x)) < CONTINUOUS:  # counts have no shape
            return MomentBasis(self.variable, False, 0.0, 0.0, False, False)
        log = bool(x.min() > 0 and _skewness(x) > SKEWED and all(q.value > 0 for q in self.quantiles))
        y = np.log(x) if log else x
        at = {q.p: float(np.log(q.value)) if log else q.value for q in self.quantiles}
        if 0.25 in at and 0.75 in at:
            return MomentBasis(self.variable, log, sum(at.values()) / len(at), (at[0.75] - at[0.25]) / 1.35, True, True)
        shifts = [value - float(np.quantile(y, p)) for p, value in at.items()]
        shifts = shifts or [float(y.std()) * s.shift(values) for s in self.shares]
        return MomentBasis(self.variable, log, float(y.mean()) + shifts[0], 1.0, np.isfinite(shifts[0]), False)

    def reached(self, values: Values, w: Array) -> list[tuple[float, bool]]:
        return []


def completed(targets: Sequence[Target]) -> list[Target]:
    """The targets, with shapes of variables of which quantiles or shares are published and no moments, and with
    correlations told of which of their variables nothing else is said."""
    said = {v.name for t in targets if not isinstance(t, Correlation) for v in t.reads}
    found: list[Target] = []
    for t in targets:
        if isinstance(t, Correlation):
            t = Correlation(t.a, t.b, t.rho, tuple(v for v in t.reads if v.name not in said), t.source)
        found.append(t)
    moments = {(t.variable.name, t.variable.how) for t in targets if isinstance(t, Moments)}
    parts = [t for t in targets if isinstance(t, (Quantile, Exceedance))]
    for v in dict.fromkeys(t.variable for t in parts):
        if (v.name, v.how) not in moments:
            own = [t for t in parts if t.variable == v]
            quantiles = tuple(t for t in own if isinstance(t, Quantile))
            found.append(Shape(v, quantiles, tuple(t for t in own if isinstance(t, Exceedance))))
            if quantiles:
                moments.add((v.name, v.how))
    return found


def _of_scores(rho: float) -> float:
    """The correlation of two normal variables whose ranks correlate at ``rho``."""
    return float(2.0 * np.sin(np.pi * rho / 6.0))


def _of_log(mean: float, sd: float) -> tuple[float, float]:
    """Mean and SD of the logarithm of a lognormal variable that has this mean and SD."""
    size = float(np.log1p((sd / mean) ** 2))
    return float(np.log(mean)) - size / 2.0, max(float(np.sqrt(size)), 1e-6)


def _skewness(x: Array) -> float:
    spread = x.std()
    return float(((x - x.mean()) ** 3).mean() / spread**3) if spread > 0 else 0.0
