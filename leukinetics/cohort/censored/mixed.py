"""Repeated levels of people, of which some are only known to lie below a limit: a mixed model of their logarithms.

    ln level = columns x coefficients + b (person) + e (sample),   b ~ N(0, sd_person), e ~ N(0, sd_within)

by maximum likelihood, the integral over b by adaptive Gauss-Hermite quadrature about each person's mode (Pinheiro and
Bates, J Comput Graph Stat 1995;4:12-35). Own code: statsmodels' mixed model takes no censoring, lifelines' regression
no random intercepts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.design import Column, design_of
from leukinetics.cohort.censored.likelihood import LOG_ROOT_2PI, Top, densities, log_mass, logs_of, maximum, rows_of
from leukinetics.cohort.censored.lognormal import refused
from leukinetics.cohort.censored.tobit import UNTOLD
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Model, NotFitted, exp, interval

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

NODES = 11
MODE_STEPS = 30
ANALYSIS = "censored lognormal mixed model (random intercept per person) by maximum likelihood"


def mixed(x: Censored, person: ArrayLike, design: pd.DataFrame, alpha: float = 0.05) -> Row:
    """The model of ``x`` with an intercept for each ``person`` (rows,) on the columns of ``design``.

    ``coefficients`` as :func:`leukinetics.cohort.censored.tobit.tobit` has them (Wald's intervals, Student's t with as
    many degrees of freedom as people less columns), ``terms``, ``n``, ``people``, ``n_below``, ``sd_person``,
    ``sd_within`` (of logarithms), ``icc``, ``p_person`` (of no difference among people), ``log_likelihood``,
    ``analysis``, ``note``. Numbers that cannot be had are None. DataError where the rows do not match.
    """
    who = np.asarray(person)
    if not len(design) == len(x) == len(who):
        raise DataError(f"The model has {len(x)} levels, {len(who)} people and {len(design)} rows of covariates.")
    columns = design_of(design, x.measured)
    x, who = x.take(columns.used), who[columns.used]
    notes = list(columns.said)
    names = ("sd_person", "sd_within", "icc", "p_person", "log_likelihood")
    found: Row = {"n": len(x), "people": len(np.unique(who.astype(str))), "n_below": int(x.below.sum())}
    found |= {**dict.fromkeys(names), "coefficients": [], "terms": [], "analysis": ANALYSIS}
    why = refused(x)
    if not why and found["people"] == len(x):
        why = "not estimated: nobody has two samples"
    if not why and len(x) - found["n_below"] <= len(columns.columns) + 2:
        why = f"not estimated: {len(x) - found['n_below']} levels at or above the limit are too few"
    if why:
        return found | {"note": "; ".join([why, *notes])}
    matrix = np.column_stack([np.ones(len(x)), columns.matrix])
    try:
        model = _Model(x, who, matrix)
        theta, value = model.highest()
        cov = model.covariance(theta)
    except NotFitted as error:
        return found | {"note": "; ".join([f"not estimated: {error}", *notes])}
    k = matrix.shape[1]
    within, between = math.exp(float(theta[k])), math.exp(float(theta[k + 1]))
    df = max(found["people"] - k, 1)
    fit = Model(theta, cov, float(df))
    spread = np.append(1.0, columns.matrix.std(axis=0))
    rows = []
    for j, column in enumerate((Column("geometric_mean"), *columns.columns)):
        rows.append(_row(j, column, theta, cov, spread[j], math.hypot(within, between), len(x), alpha, df))
    terms = columns.terms().items()
    return found | {
        "sd_person": number(between),
        "sd_within": number(within),
        "icc": number(between**2 / (between**2 + within**2)),
        "p_person": number(model.p_person(value)),
        "log_likelihood": number(value - float(np.log(x.lower[x.observed]).sum())),
        "coefficients": rows,
        "terms": [{"name": n, "df": len(where), "p_value": number(fit.wald(where + 1))} for n, where in terms],
        "note": "; ".join(notes),
    }


class _Model:
    """The likelihood of (coefficients, log sd within, log sd of people); rows stand person by person."""

    def __init__(self, x: Censored, who: NDArray[Any], matrix: Array) -> None:
        codes = np.unique(who.astype(str), return_inverse=True)[1]
        order = np.argsort(codes, kind="stable")
        low, high = logs_of(x)
        self.low, self.high, self.x = low[order], high[order], matrix[order]
        self.seen = self.low == self.high
        self.person = codes[order]
        self.first = np.flatnonzero(np.append(True, self.person[1:] != self.person[:-1]))
        self.alone: Top = maximum(rows_of(low, high, matrix))  # nobody differs from anybody
        self.mode = np.zeros(len(self.first))
        nodes, weights = np.polynomial.hermite.hermgauss(NODES)
        self.nodes, self.log_weights = math.sqrt(2) * nodes, np.log(weights) + nodes**2

    def value(self, theta: Array) -> float:
        """The log likelihood."""
        return self.value_and_slope(theta)[0]

    def value_and_slope(self, theta: Array) -> tuple[float, Array]:
        """The log likelihood and its gradient, an average over what is known of each person (Fisher's identity)."""
        k = self.x.shape[1]
        line, within, between = self.x @ theta[:k], math.exp(float(theta[k])), math.exp(float(theta[k + 1]))
        mode, width = self._modes(line, within, between)
        logs = np.empty((NODES, len(mode)))
        for i, node in enumerate(self.nodes):
            u = mode + width * node
            by_row = self._log_density(line + between * u[self.person], within)
            logs[i] = self._sum(by_row) - 0.5 * u**2 - LOG_ROOT_2PI + self.log_weights[i] + np.log(math.sqrt(2) * width)
        top = logs.max(axis=0)
        share = np.exp(logs - top)
        total = share.sum(axis=0)
        share /= total
        slope = np.zeros(k + 2)
        for i, node in enumerate(self.nodes):
            u = (mode + width * node)[self.person]
            by_line, by_sd, _ = self._parts(line + between * u, within)
            weight = share[i][self.person]
            slope[:k] += self.x.T @ (weight * by_line)
            slope[k] += float(weight @ by_sd)
            slope[k + 1] += float(weight @ (by_line * between * u))
        return float((top + np.log(total)).sum()), slope

    def highest(self) -> tuple[Array, float]:
        """The maximum, and the log likelihood there."""
        from scipy.optimize import minimize

        half = math.log(self.alone.sd / math.sqrt(2))
        start = np.append(self.alone.coefficients, [half, half])
        size = np.append(np.sqrt(np.maximum(np.diag(self.alone.cov)[:-1], 1e-12)), [0.1, 0.1])
        size[:-2] = np.minimum(size[:-2], 10 * self.alone.sd / np.maximum(np.abs(self.x).max(axis=0), 1e-12))
        n = len(self.low)

        def away(v: Array) -> tuple[float, Array]:
            theta = start + size * v
            theta[-2:] = np.maximum(theta[-2:], half - 12)
            with np.errstate(all="ignore"):  # a step too far
                value, slope = self.value_and_slope(theta)
            if not (math.isfinite(value) and np.isfinite(slope).all()):
                self.mode[:] = 0.0
                return 1e10, np.zeros(len(v))
            return -value / n, -size * slope / n

        found = minimize(away, np.zeros(len(start)), jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 300})
        theta = start + size * found.x
        theta[-2:] = np.maximum(theta[-2:], half - 12)
        with np.errstate(all="ignore"):
            value, slope = self.value_and_slope(theta)
        if (
            not (math.isfinite(value) and np.isfinite(slope).all())
            or float(np.abs(size * slope).max()) > 1e-3 * math.sqrt(n) + 0.05
        ):
            raise NotFitted("the likelihood was not maximised")
        return theta, value

    def covariance(self, theta: Array) -> Array:
        """Inverse of the information, by differences of the gradient; rows of a direction that tells nothing are
        infinite."""
        k = len(theta)
        step = np.append(1e-4 * self.alone.sd / np.maximum(np.abs(self.x).max(axis=0), 1e-12), [1e-4, 1e-4])
        curve = np.empty((k, k))
        for i in range(k):
            move = np.zeros(k)
            move[i] = step[i]
            curve[i] = -(self.value_and_slope(theta + move)[1] - self.value_and_slope(theta - move)[1]) / (2 * step[i])
        curve = (curve + curve.T) / 2
        told = np.diag(curve) > 1e-8 * np.append((self.x**2).sum(axis=0) / self.alone.sd**2, [1, 1])
        cov = np.full((k, k), np.inf)
        inner = curve[np.ix_(told, told)]
        size = np.sqrt(np.diag(inner))
        cov[np.ix_(told, told)] = np.linalg.pinv(inner / np.outer(size, size), hermitian=True) / np.outer(size, size)
        return cov

    def p_person(self, value: float) -> float:
        """Of no difference among people: half of chi-square with 1 degree of freedom, for a variance cannot be less."""
        from scipy.special import chdtrc

        ratio = 2 * (value - self.alone.value)
        return 0.5 * float(chdtrc(1, ratio)) if ratio > 0 else 1.0

    def _modes(self, line: Array, within: float, between: float) -> tuple[Array, Array]:
        """(each person's most likely intercept in units of its SD, the width about it)."""
        u = self.mode.copy()
        for _ in range(MODE_STEPS):
            by_line, _, curve = self._parts(line + between * u[self.person], within)
            slope = between * self._sum(by_line) - u
            bend = between**2 * self._sum(curve) + 1
            step = slope / bend
            u = u + np.clip(step, -3, 3)
            if float(np.abs(step).max()) < 1e-6:
                break
        self.mode = u
        curve = self._sum(self._parts(line + between * u[self.person], within)[2])
        return u, 1 / np.sqrt(between**2 * np.maximum(curve, 0.0) + 1)  # rounding may leave less than 0

    def _log_density(self, line: Array, within: float) -> Array:
        a, b = (self.low - line) / within, (self.high - line) / within
        out = np.empty(len(line))
        s = self.seen
        out[s] = -0.5 * a[s] ** 2 - LOG_ROOT_2PI - math.log(within)
        out[~s] = log_mass(a[~s], b[~s])
        return out

    def _parts(self, line: Array, within: float) -> tuple[Array, Array, Array]:
        """By row, derivatives of the log density: by the line, by log sd within, and twice by the line (negative)."""
        a, b = (self.low - line) / within, (self.high - line) / within
        by_line, by_sd, curve = np.empty((3, len(line)))
        s = self.seen
        by_line[s], by_sd[s], curve[s] = a[s] / within, a[s] ** 2 - 1, within**-2
        left, right = a[~s], b[~s]
        at_left, at_right = densities(left, right)
        left, right = (np.where(np.isfinite(v), v, 0.0) for v in (left, right))
        tilt = at_left - at_right
        by_line[~s] = tilt / within
        by_sd[~s] = left * at_left - right * at_right
        curve[~s] = (tilt**2 - left * at_left + right * at_right) / within**2
        return by_line, by_sd, curve

    def _sum(self, by_row: Array) -> Array:
        return np.asarray(np.add.reduceat(by_row, self.first))


def _row(
    j: int, column: Column, theta: Array, cov: Array, spread: float, sd: float, n: int, alpha: float, df: int
) -> Row:
    b, variance = float(theta[j]), float(cov[j, j])
    untold = not (0 < variance < (UNTOLD * sd / max(spread, 1e-300)) ** 2)
    e = interval(b, math.nan if untold else math.sqrt(variance), n, alpha, df)
    told = e.through(exp, exp)
    return {
        "name": column.name,
        "level": column.level,
        "reference": column.reference,
        "measure": "ratio" if j else "geometric_mean",
        "estimate": None if untold else number(told.estimate),
        "ci_low": number(told.low),
        "ci_high": number(told.high),
        "p_value": number(e.p) if j else None,
        "se_ln": number(e.se),
        "note": f"no estimate: nothing is known of {column.words} but that it is below the limit" if untold else "",
    }
