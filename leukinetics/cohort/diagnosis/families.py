"""Likelihoods of an outcome given a linear predictor, with their derivatives: what imputation and penalised fits need.

    binary          log L = sum [y e - log(1 + exp e)]
    continuous      log L = - sum (y - e)^2 / 2 s^2
    count           negative binomial of mean m = exposure exp(e) and variance m + k m^2, k given; Poisson where k is 0
    time_to_event   log L = sum over events of [e - log sum over those at risk of exp e] (Breslow's ties)

with e = X b. Final estimates come from statsmodels or :mod:`leukinetics.trial.statistics.cox`; these serve thousands of
small fits within them, for which those take too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.diagnosis.outcomes import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FARTHEST = 30.0  # of a linear predictor: beyond it exp overflows, and nothing changes any more


@dataclass(frozen=True)
class Quadratic:
    """The log likelihood near some coefficients: its value, gradient (columns,) and information (columns, columns)."""

    value: float
    gradient: Array
    information: Array


class Family:
    """The likelihood of ``outcome``, of which no row is unknown. ``intercept``: whether its first column is of ones."""

    intercept = True

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.y = outcome.value

    def quadratic(self, x: Array, b: Array, spread: float) -> Quadratic:
        """At coefficients ``b`` of the columns ``x`` (rows, columns). ``spread``: see :meth:`spread`."""
        raise NotImplementedError

    def spread(self, eta: Array) -> float:
        """What else the likelihood needs, at the linear predictor ``eta``: the variance of numbers about it, the
        dispersion of counts (by moments)."""
        return 1.0

    def log_density(self, eta: Array, current: Array, rows: NDArray[np.intp], spread: float) -> Array:
        """log f(y) of some ``rows``, up to a constant of each, at their linear predictors ``eta`` (rows, points).
        ``current``: the linear predictors of all rows, from which Cox's baseline hazard is had (Breslow's)."""
        raise NotImplementedError

    def deviance(self, eta: Array) -> float:
        """Twice the distance of the log likelihood (of a spread of 1, of Poisson's counts) from a perfect one, per
        row; of times minus twice the partial likelihood, per event."""
        raise NotImplementedError


class Binary(Family):
    """Logistic regression."""

    def quadratic(self, x: Array, b: Array, spread: float) -> Quadratic:
        eta = np.clip(x @ b, -FARTHEST, FARTHEST)
        p = 1 / (1 + np.exp(-eta))
        value = float((self.y * eta - np.logaddexp(0, eta)).sum())
        return Quadratic(value, x.T @ (self.y - p), (x * (p * (1 - p))[:, None]).T @ x)

    def log_density(self, eta: Array, current: Array, rows: NDArray[np.intp], spread: float) -> Array:
        return self.y[rows, None] * eta - np.logaddexp(0, eta)

    def deviance(self, eta: Array) -> float:
        return float(-2 * (self.y * eta - np.logaddexp(0, eta)).mean())


class Number(Family):
    """Linear regression."""

    def quadratic(self, x: Array, b: Array, spread: float) -> Quadratic:
        left = self.y - x @ b
        return Quadratic(float(-(left @ left) / (2 * spread)), x.T @ left / spread, x.T @ x / spread)

    def spread(self, eta: Array) -> float:
        left = self.y - eta
        return max(float(left @ left) / max(len(left) - 2, 1), 1e-12)

    def log_density(self, eta: Array, current: Array, rows: NDArray[np.intp], spread: float) -> Array:
        return -((self.y[rows, None] - eta) ** 2) / (2 * spread)

    def deviance(self, eta: Array) -> float:
        return float(((self.y - eta) ** 2).mean())


class Count(Family):
    """Poisson's or negative binomial regression with the logarithm of the exposure as offset."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.offset = np.log(outcome.exposure)

    def quadratic(self, x: Array, b: Array, spread: float) -> Quadratic:
        mean = self._mean(x @ b, self.offset)
        share = 1 / (1 + spread * mean)
        # Fisher's information: that of the sample is not always positive.
        value = float(self._log(self.y, mean, spread).sum())
        return Quadratic(value, x.T @ ((self.y - mean) * share), (x * (mean * share)[:, None]).T @ x)

    def spread(self, eta: Array) -> float:
        mean = self._mean(eta, self.offset)
        return max(float(((self.y - mean) ** 2 - self.y).sum() / (mean**2).sum()), 0.0)

    def log_density(self, eta: Array, current: Array, rows: NDArray[np.intp], spread: float) -> Array:
        return self._log(self.y[rows, None], self._mean(eta, self.offset[rows, None]), spread)

    def deviance(self, eta: Array) -> float:
        from scipy.special import xlogy

        mean = self._mean(eta, self.offset)
        return float(2 * (xlogy(self.y, self.y / mean) - (self.y - mean)).mean())

    @staticmethod
    def _mean(eta: Array, offset: Array) -> Array:
        return np.asarray(np.exp(np.clip(eta + offset, -FARTHEST, FARTHEST)))

    @staticmethod
    def _log(y: Array, mean: Array, k: float) -> Array:
        """Up to what does not depend on the mean."""
        if k < 1e-8:
            return np.asarray(y * np.log(mean) - mean)
        return np.asarray(y * np.log(mean / (1 + k * mean)) - np.log1p(k * mean) / k)


class Time(Family):
    """Cox's model."""

    intercept = False

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.order = np.argsort(-self.y, kind="stable")
        late = -self.y[self.order]
        #: Of each row (in that order) how many are at risk at its time.
        self.at_risk = np.searchsorted(late, late, side="right")
        self.seen = outcome.event[self.order] == 1

    def quadratic(self, x: Array, b: Array, spread: float) -> Quadratic:
        x = x[self.order]
        eta = np.clip(x @ b, -FARTHEST, FARTHEST)
        w = np.exp(eta)
        last = self.at_risk[self.seen] - 1
        s0 = np.cumsum(w)[last]
        s1 = np.cumsum(w[:, None] * x, axis=0)[last] / s0[:, None]
        # Each row's part of sum S2/S0 is w x x' times the hazard until its time.
        hazard = self._hazard(w)
        information = (x * (w * hazard)[:, None]).T @ x - s1.T @ s1
        value = float(eta[self.seen].sum() - np.log(s0).sum())
        return Quadratic(value, x[self.seen].sum(axis=0) - s1.sum(axis=0), information)

    def log_density(self, eta: Array, current: Array, rows: NDArray[np.intp], spread: float) -> Array:
        hazard = np.empty(len(self.y))
        hazard[self.order] = self._hazard(np.exp(np.clip(current[self.order], -FARTHEST, FARTHEST)))
        near = np.clip(eta, -FARTHEST, FARTHEST)
        return self.outcome.event[rows, None] * eta - hazard[rows, None] * np.exp(near)

    def deviance(self, eta: Array) -> float:
        if not self.seen.any():
            return 0.0
        eta = np.clip(eta[self.order], -FARTHEST, FARTHEST)
        s0 = np.cumsum(np.exp(eta))[self.at_risk[self.seen] - 1]
        return float(-2 * (eta[self.seen] - np.log(s0)).sum() / self.seen.sum())

    def hazard_until(self, eta: Array, horizon: float) -> float:
        """Breslow's cumulative hazard until ``horizon`` of somebody whose linear predictor is 0."""
        w = np.exp(np.clip(eta[self.order], -FARTHEST, FARTHEST))
        due = self.seen & (self.y[self.order] <= horizon)
        return float((1 / np.cumsum(w)[self.at_risk[due] - 1]).sum())

    def _hazard(self, w: Array) -> Array:
        """Breslow's cumulative hazard until each row's time, in the order of rows."""
        step = np.where(self.seen, 1 / np.cumsum(w)[self.at_risk - 1], 0.0)
        until = np.cumsum(step[::-1])[::-1]
        # Rows with the same time share all of its steps: from the first of them on.
        first = np.searchsorted(-self.y[self.order], -self.y[self.order], side="left")
        return np.asarray(until[first])


def family_of(outcome: Outcome) -> Family:
    """The likelihood of an outcome by its kind."""
    return {"binary": Binary, "continuous": Number, "count": Count, "time_to_event": Time}[outcome.kind](outcome)


def maximum(family: Family, x: Array, b: Array, spread: float, ridge: Array, steps: int) -> tuple[Array, Quadratic]:
    """(coefficients, the likelihood there) after some of Newton's steps, halved where they overshoot; ``ridge``
    (columns,): the inverse variances of a normal prior about 0 that keeps coefficients finite."""
    here = family.quadratic(x, b, spread)
    for _ in range(steps):
        gradient = here.gradient - ridge * b
        step = np.linalg.solve(here.information + np.diag(ridge + 1e-10), gradient)
        gain = float(step @ gradient)
        if gain < 1e-10:
            break
        height = here.value - float(ridge @ b**2) / 2
        for _ in range(12):
            there = family.quadratic(x, b + step, spread)
            if there.value - float(ridge @ (b + step) ** 2) / 2 >= height - 1e-9:
                break
            step = step / 2
        b, here = b + step, there
    return b, here
