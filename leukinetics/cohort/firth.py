"""Logistic regression with Firth's penalty: odds ratios where events are few, or one group has none.

The log likelihood plus half the logarithm of the determinant of the information (Jeffreys' prior) has a maximum
whatever the table, with less bias (Firth, Biometrika 1993;80:27-38). Intervals and p values are those of the penalised
likelihood's profile (Heinze and Schemper, Stat Med 2002;21:2409-19, doi:10.1002/sim.1047). Own code: statsmodels has
none. With w = p (1 - p) and h the diagonal of W^(1/2) X (X'WX)^-1 X' W^(1/2):

    l(b) = sum [y log p + (1 - y) log(1 - p)] + 1/2 log det X'WX,    U(b) = X' (y - p + h (1/2 - p)).

Of one binary column it is the table of four with a half added to each cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.estimates import Estimate, NotFitted, exp, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_STEPS = 200
#: More rows than this, and intervals of a whole model are Wald's.
MANY = 20_000
FARTHEST = 60.0  # of a logarithm of odds, in units of a column's SD; no table of people goes there


@dataclass(frozen=True)
class _Point:
    value: float
    score: Array
    information: Array


def firth(y: NDArray[np.bool_], column: Array, others: Array, alpha: float = 0.05) -> Estimate:
    """The odds ratio of ``column`` (people,), adjusted for ``others`` (people, columns); NotFitted where the columns
    cannot be told apart."""
    x = np.column_stack([np.ones(len(y)), column, others]).astype(float)
    size = x.std(axis=0)
    size[0] = 1.0
    if len(y) <= x.shape[1] or not (size > 0).all() or np.linalg.matrix_rank(x) < x.shape[1]:
        raise NotFitted("there is nobody to compare, or two columns say the same")
    x, target = x / size, y.astype(float)
    free = np.arange(x.shape[1])
    best, top = _maximum(x, target, np.zeros(x.shape[1]), free)
    b = best[1]
    drop = _quantile(1 - alpha) / 2
    held = free[free != 1]

    def below(value: float) -> float:
        start = best.copy()
        start[1] = value
        return _maximum(x, target, start, held)[1].value - (top.value - drop)

    se = math.sqrt(np.linalg.inv(top.information)[1, 1])
    low, high = (_end(below, b, sign * se) / size[1] for sign in (-1, 1))
    zero = best.copy()
    zero[1] = 0.0
    from scipy.special import chdtrc

    p = float(chdtrc(1, max(2 * (top.value - _maximum(x, target, zero, held)[1].value), 0.0)))
    return Estimate(math.exp(b / size[1]), se / size[1], math.exp(low), math.exp(high), len(y), p)


def coefficients(y: Array, columns: Array, alpha: float = 0.05, weights: Array | None = None) -> Fitted:
    """All coefficients of a model: logarithms of odds ratios per unit of each of ``columns`` (rows, columns).

    ``weights``: how often a row occurs. Intervals and p values are those of the profile, for more than 20,000 rows (of
    which the penalty is nothing) Wald's. NotFitted where columns cannot be told apart.
    """
    k = np.ones(len(y)) if weights is None else weights
    total = float(k.sum())
    x = np.column_stack([np.ones(len(y)), columns]).astype(float)
    mean = k @ x / total
    size = np.sqrt(k @ (x - mean) ** 2 / total)
    size[0] = 1.0
    mean[0] = 0.0
    scaled = (x - mean) / np.where(size > 0, size, 1.0)  # which changes nothing but the intercept
    if total <= x.shape[1] or not (size > 0).all() or np.linalg.matrix_rank(scaled) < x.shape[1]:
        raise NotFitted("there is nobody to compare, or two columns say the same")
    free = np.arange(x.shape[1])
    best, top = _maximum(scaled, y, np.zeros(x.shape[1]), free, k)
    cov = np.asarray(np.linalg.inv(top.information))
    return Fitted(scaled, y, k, np.asarray(size), best, top, cov, alpha)


@dataclass(frozen=True)
class Fitted:
    """A model with Firth's penalty, and what its likelihood tells of coefficients (0 is the intercept)."""

    x: Array
    y: Array
    weights: Array
    size: Array
    best: Array
    top: _Point
    cov: Array
    alpha: float

    def estimate(self, j: int) -> Estimate:
        """The odds ratio of a column."""
        n, scale = int(self.weights.sum()), self.size[j]
        b, se = float(self.best[j]), math.sqrt(float(self.cov[j, j]))
        if n > MANY:
            return interval(b / scale, se / scale, n, self.alpha).through(exp, exp)
        drop = _quantile(1 - self.alpha) / 2
        low, high = (_end(lambda v: self._at(j, v) + drop, b, sign * se) / scale for sign in (-1, 1))
        return Estimate(exp(b / scale), se / scale, exp(low), exp(high), n, self.p(np.array([j])))

    def p(self, which: NDArray[np.intp]) -> float:
        """p value of these coefficients being 0, by the likelihood's profile."""
        from scipy.special import chdtrc

        start = self.best.copy()
        start[which] = 0.0
        held = np.setdiff1d(np.arange(len(start)), which)
        value = _maximum(self.x, self.y, start, held, self.weights)[1].value
        return float(chdtrc(len(which), max(2 * (self.top.value - value), 0.0)))

    def _at(self, j: int, value: float) -> float:
        """The profile less its maximum; 0 so far out that it cannot be computed, where an interval has no end."""
        held = np.arange(len(self.best)) != j
        start = self.best + self.cov[:, j] / self.cov[j, j] * (value - self.best[j])
        try:
            return _maximum(self.x, self.y, start, np.flatnonzero(held), self.weights)[1].value - self.top.value
        except NotFitted:
            return 0.0


def odds_of_four(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """(logarithm of the odds ratio, its standard error) of tables ``a b / c d`` by the same penalty, in closed form."""
    cells = [np.asarray(v, dtype=float) + 0.5 for v in (a, b, c, d)]
    return np.log(cells[0] * cells[3] / (cells[1] * cells[2])), np.sqrt(sum(1 / v for v in cells))


def _point(x: Array, y: Array, b: Array, k: Array | None = None) -> _Point:
    eta = np.clip(x @ b, -FARTHEST, FARTHEST)
    p = 1 / (1 + np.exp(-eta))
    w = p * (1 - p)
    if k is not None:
        return _weighted(x, y, eta, p, w, k)
    information = (x * w[:, None]).T @ x
    sign, log_det = np.linalg.slogdet(information)
    if sign <= 0:
        return _Point(-math.inf, np.zeros(len(b)), information)
    hat = w * np.einsum("ij,jk,ik->i", x, np.linalg.inv(information), x)
    value = float((y * eta - np.logaddexp(0, eta)).sum() + 0.5 * log_det)
    return _Point(value, x.T @ (y - p + hat * (0.5 - p)), information)


def _weighted(x: Array, y: Array, eta: Array, p: Array, w: Array, k: Array) -> _Point:
    """The same of rows that occur ``k`` times."""
    information = (x * (k * w)[:, None]).T @ x
    sign, log_det = np.linalg.slogdet(information)
    if sign <= 0:
        return _Point(-math.inf, np.zeros(x.shape[1]), information)
    hat = w * np.einsum("ij,ij->i", x @ np.linalg.inv(information), x)
    value = float(k @ (y * eta - np.logaddexp(0, eta)) + 0.5 * log_det)
    return _Point(value, x.T @ (k * (y - p + hat * (0.5 - p))), information)


def _maximum(x: Array, y: Array, b: Array, free: NDArray[np.intp], k: Array | None = None) -> tuple[Array, _Point]:
    """(coefficients, point) at the maximum over the ``free`` ones, by Newton's steps, halved where they overshoot."""
    here = _point(x, y, b, k)
    # What rounding leaves of a step's gain, of many rows.
    close = 1e-14 if k is None else 1e-13 + 1e-15 * abs(here.value)
    for _ in range(MOST_STEPS):
        step = np.zeros(len(b))
        step[free] = np.linalg.solve(here.information[np.ix_(free, free)], here.score[free])
        if float(step[free] @ here.score[free]) < close:
            return b, here
        step *= min(1.0, 5.0 / np.abs(step).max())
        for _ in range(40):
            there = _point(x, y, b + step, k)
            if there.value >= here.value - 1e-12:
                break
            step /= 2
        else:
            return b, here
        if k is not None and len(free) < len(b) and there.value - here.value < 1e-11 * (1 + abs(here.value)):
            return b + step, there  # of a profile only the value counts
        b, here = b + step, there
    raise NotFitted("the penalised likelihood was not maximised")


def _end(below: Callable[[float], float], start: float, step: float) -> float:
    """Where the profile falls below the drop, beyond ``start`` in the direction of ``step``."""
    from scipy.optimize import brentq

    far = start + 2 * step
    while below(far) > 0:
        step *= 2
        far += step
        if abs(far) > FARTHEST:
            return math.copysign(math.inf, step)
    return float(brentq(below, start, far, xtol=1e-8))


def _quantile(level: float) -> float:
    from scipy.special import chdtri

    return float(chdtri(1, 1 - level))
