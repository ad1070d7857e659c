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

from leukinetics.trial.statistics.estimates import Estimate, NotFitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_STEPS = 200
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


def odds_of_four(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    """(logarithm of the odds ratio, its standard error) of tables ``a b / c d`` by the same penalty, in closed form."""
    cells = [np.asarray(v, dtype=float) + 0.5 for v in (a, b, c, d)]
    return np.log(cells[0] * cells[3] / (cells[1] * cells[2])), np.sqrt(sum(1 / v for v in cells))


def _point(x: Array, y: Array, b: Array) -> _Point:
    eta = np.clip(x @ b, -FARTHEST, FARTHEST)
    p = 1 / (1 + np.exp(-eta))
    w = p * (1 - p)
    information = (x * w[:, None]).T @ x
    sign, log_det = np.linalg.slogdet(information)
    if sign <= 0:
        return _Point(-math.inf, np.zeros(len(b)), information)
    hat = w * np.einsum("ij,jk,ik->i", x, np.linalg.inv(information), x)
    value = float((y * eta - np.logaddexp(0, eta)).sum() + 0.5 * log_det)
    return _Point(value, x.T @ (y - p + hat * (0.5 - p)), information)


def _maximum(x: Array, y: Array, b: Array, free: NDArray[np.intp]) -> tuple[Array, _Point]:
    """(coefficients, point) at the maximum over the ``free`` ones, by Newton's steps, halved where they overshoot."""
    here = _point(x, y, b)
    for _ in range(MOST_STEPS):
        step = np.zeros(len(b))
        step[free] = np.linalg.solve(here.information[np.ix_(free, free)], here.score[free])
        if float(step[free] @ here.score[free]) < 1e-14:
            return b, here
        step *= min(1.0, 5.0 / np.abs(step).max())
        for _ in range(40):
            there = _point(x, y, b + step)
            if there.value >= here.value - 1e-12:
                break
            step /= 2
        else:
            return b, here
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
