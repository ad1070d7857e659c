"""A number with its uncertainty, and the scale on which it is analysed and told."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


class NotFitted(Exception):
    """A model that the data do not allow; the text says why, and becomes part of the summary."""


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error, interval and two-sided p value; NaN where there are too few patients."""

    estimate: float
    se: float
    low: float
    high: float
    n: int
    p: float = math.nan

    def through(self, f: Callable[[float], float], slope: Callable[[float], float]) -> Estimate:
        """On another scale: the interval transformed, the standard error by the delta method."""
        if math.isnan(self.estimate):
            return self
        low, high = f(self.low), f(self.high)
        return Estimate(f(self.estimate), self.se * slope(self.estimate), low, high, self.n, self.p)


@dataclass(frozen=True)
class Contrast:
    """A comparison of two arms; ``analysis`` says how it was made, or why it could not be."""

    measure: str
    found: Estimate
    analysis: str


@dataclass
class Fit:
    """What an analysis found: an estimate for each arm, and for each arm but the reference its contrasts, the main one
    first. ``visits`` (repeated measures): for each arm (time, estimate) in the order of the visits."""

    arms: list[Estimate]
    statistic: str
    unit: str
    contrasts: dict[int, list[Contrast]]
    visits: list[list[tuple[float, Estimate]]] = field(default_factory=list)


def exp(x: float) -> float:
    """e to the power of x; infinite where that is too large a number."""
    return math.exp(x) if x < 700 else math.inf if x == x else math.nan


def nothing(n: int = 0, estimate: float = math.nan) -> Estimate:
    """No numbers, or an estimate whose uncertainty cannot be had."""
    return Estimate(estimate, math.nan, math.nan, math.nan, n)


def interval(center: float, se: float, n: int, alpha: float, df: float = math.inf) -> Estimate:
    """The estimate with its interval at 1 - ``alpha`` and p value (of 0), by Student's t with ``df`` degrees of
    freedom. Without a standard error above 0, or without degrees of freedom, only the estimate."""
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    if not math.isfinite(center):
        return nothing(n)
    if not (se > 0 and df > 0 and math.isfinite(se)):
        return nothing(n, center)
    if abs(center) < 1e-10 * se:  # what rounding left of nothing
        center = 0.0
    normal = math.isinf(df)
    half = se * float(ndtri(1 - alpha / 2) if normal else stdtrit(df, 1 - alpha / 2))
    t = -abs(center) / se
    return Estimate(center, se, center - half, center + half, n, float(2 * (ndtr(t) if normal else stdtr(df, t))))


#: Share of the sum of variances and covariances below which their balance is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Model:
    """Coefficients of a fitted model, their covariance, and the degrees of freedom of a coefficient (inf: normal)."""

    params: Array
    cov: Array
    df: float = math.inf

    def combined(self, weights: Array, n: int, alpha: float) -> Estimate:
        """The linear combination of the coefficients."""
        parts = self.cov * np.outer(weights, weights)
        variance = float(parts.sum())
        if variance < ROUNDING * float(np.abs(parts).sum()):  # the parts cancel: nothing varies, as of equal twins
            variance = 0.0
        return interval(float(weights @ self.params), math.sqrt(variance), n, alpha, self.df)

    def wald(self, which: NDArray[np.intp]) -> float:
        """p value of the hypothesis that these coefficients are 0 (F, or chi-square where ``df`` is inf)."""
        from scipy.special import chdtrc, fdtrc

        b, v = self.params[which], self.cov[np.ix_(which, which)]
        if not (len(which) and np.isfinite(b).all() and np.isfinite(v).all() and self.df > 0):
            return math.nan
        if not (np.diag(v) > 0).all():  # a coefficient that nothing tells: of equal twins, or up to rounding
            return math.nan
        size = np.sqrt(np.diag(v))
        scaled = v / np.outer(size, size)
        if np.linalg.matrix_rank(scaled, tol=1e-9) < len(which):
            return math.nan
        q = float((b / size) @ np.linalg.solve(scaled, b / size))
        m = len(which)
        return float(chdtrc(m, q) if math.isinf(self.df) else fdtrc(m, self.df, q / m))


@contextmanager
def strict() -> Iterator[None]:
    """What the libraries only warn of (no convergence, separation, numbers that overflow) is :class:`NotFitted`."""
    from lifelines.exceptions import ConvergenceError
    from lifelines.exceptions import ConvergenceWarning as NoConvergence
    from statsmodels.tools.sm_exceptions import ModelWarning, PerfectSeparationError

    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for category in (NoConvergence, ModelWarning):
                warnings.simplefilter("error", category)
            yield
    except (NoConvergence, ModelWarning, ConvergenceError, PerfectSeparationError, np.linalg.LinAlgError) as error:
        raise NotFitted("the model does not converge") from error
