"""Logarithms of a marker's levels drawn for those below (or above, or between) limits, as often as is asked.

A value put in place of a level below the limit, be it half the limit or the mean of what lies below, makes a
coefficient wrong and too certain. So the levels are drawn from what is known of them: with z = ln x normal given the
covariates c, and the outcome's own model f,

    p(z | c, y, bounds) ~ normal(z; c'g, s^2) f(y | z b + c'd)    within [ln lower, ln upper],

by a Gibbs sampler: the outcome's coefficients (normal about their maximum), g and s (their posterior under flat
priors), then z, one of 32 stratified draws from the truncated normal by the weights f. It is imputation compatible
with the model that is fitted afterwards (Bartlett, Seaman, White and Carpenter, Stat Methods Med Res 2015;24:462-87),
with a normal for the covariate that is censored. Sets are some steps of the chain apart. Own code: no library here
imputes under limits. Results of the sets are put together by Rubin's rules (:func:`pooled`), with Barnard and Rubin's
degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.diagnosis.families import family_of, maximum
from leukinetics.trial.statistics.estimates import Estimate, NotFitted, interval, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.diagnosis.outcomes import Outcome
    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

SETS = 20
BURN_IN = 20
#: Steps between sets by the share that is censored: coefficients of the chain then correlate by 0.1 or less.
APART = ((0.5, 3), (0.8, 5), (1.0, 10))
POINTS = 32
MOST_POINTS = 4_000_000  # of all rows together: with more people each has fewer
#: Fewer observed levels than this, beyond the covariates, tell neither a mean nor a spread.
FEWEST = 5
#: SD of the prior of the outcome's coefficients, in units of a column's SD: wide, but finite where groups are separate.
PRIOR_SD = 5.0


@dataclass(frozen=True)
class Pooled:
    """An estimate over imputed sets, and the share of its information that the censoring took."""

    found: Estimate
    missing_information: float


def bounds(x: Censored) -> tuple[Array, Array]:
    """(lower, upper) of ln x."""
    with np.errstate(divide="ignore"):
        return np.log(x.lower), np.log(x.upper)


def impute(x: Censored, outcome: Outcome, covariates: Array, rng: np.random.Generator, sets: int = SETS) -> list[Array]:
    """``sets`` completed columns of ln x (rows,), of rows that are measured, with a known outcome and covariates (rows,
    columns). One set where nothing is censored. NotFitted where too few levels are observed."""
    low, high = bounds(x)
    censored = np.flatnonzero(~x.observed)
    observed = x.observed
    if not len(censored):
        return [low.copy()]
    z = np.where(observed, low, np.nan)
    if observed.sum() < FEWEST + covariates.shape[1] or np.ptp(z[observed]) == 0:
        raise NotFitted(f"{int(observed.sum())} observed levels are too few to draw those below the limit")
    c = _columns(covariates)
    g, s = start(low, high, c)
    family = family_of(outcome)
    z[censored] = _truncated(c[censored] @ g, s, low[censored], high[censored], rng.random((len(censored), 1)))[:, 0]
    ones = [np.ones((len(z), 1))] if family.intercept else []
    other = np.hstack([*ones, c[:, 1:]])
    ridge = np.full(other.shape[1] + 1, PRIOR_SD**-2)
    if family.intercept:
        ridge[0] = 1e-8
    unit = _unit(z, outcome)
    b = np.zeros(other.shape[1] + 1)
    count = max(min(POINTS, MOST_POINTS // len(censored)), 8)
    every = next(steps for most, steps in APART if len(censored) <= most * len(z))
    inverse = np.linalg.inv(c.T @ c)
    root = np.linalg.cholesky(inverse)
    df = max(len(z) - c.shape[1], 1)
    found: list[Array] = []
    spread = family.spread(np.full(len(z), _level(outcome)))
    for step in range(BURN_IN + every * sets):
        design = np.hstack([other, ((z - unit[0]) / unit[1])[:, None]])
        b, top = maximum(family, design, b, spread, ridge, 8 if step == 0 else 2)
        spread = family.spread(design @ b)
        if outcome.kind == "continuous":
            spread *= len(z) / rng.chisquare(len(z))
        drawn = b + _root(top.information + np.diag(ridge)) @ rng.standard_normal(len(b))
        g = inverse @ (c.T @ z)
        left = z - c @ g
        s = math.sqrt(float(left @ left) / rng.chisquare(df))
        g = g + s * (root @ rng.standard_normal(len(g)))
        u = (np.arange(count) + rng.random((len(censored), count))) / count
        points = _truncated(c[censored] @ g, s, low[censored], high[censored], u)
        eta = (other[censored] @ drawn[:-1])[:, None] + drawn[-1] * (points - unit[0]) / unit[1]
        weight = family.log_density(eta, design @ drawn, censored, spread)
        weight = np.cumsum(np.exp(weight - weight.max(axis=1, keepdims=True)), axis=1)
        pick = (weight < rng.random((len(censored), 1)) * weight[:, -1:]).sum(axis=1)
        z = z.copy()
        z[censored] = points[np.arange(len(censored)), np.minimum(pick, count - 1)]
        if step >= BURN_IN and (step - BURN_IN) % every == every - 1:
            found.append(z)
    return found


def pooled(estimates: Array, variances: Array, n: int, alpha: float, df: float = math.inf) -> Pooled:
    """Rubin's rules for one coefficient over sets, ``df`` its degrees of freedom in a complete one: mean, within plus
    (1 + 1/m) between variance, Student's t with Barnard and Rubin's degrees of freedom."""
    m = len(estimates)
    center, within = float(np.mean(estimates)), float(np.mean(variances))
    if not math.isfinite(center) or not math.isfinite(within):
        return Pooled(nothing(n), math.nan)
    between = float(np.var(estimates, ddof=1)) if m > 1 else 0.0
    total = within + (1 + 1 / m) * between
    if between <= 1e-14 * total:
        return Pooled(interval(center, math.sqrt(total), n, alpha, df), 0.0)
    share = (1 + 1 / m) * between / total
    old = (m - 1) / share**2
    if math.isfinite(df):
        own = (df + 1) / (df + 3) * df * (1 - share)
        old = old * own / (old + own)
    missing = (share * (old + 1) + 2) / (old + 3)
    return Pooled(interval(center, math.sqrt(total), n, alpha, old), min(missing, 1.0))


def start(low: Array, high: Array, c: Array, steps: int = 200) -> tuple[Array, float]:
    """(coefficients, SD) of a censored normal regression on ``c`` (rows, columns) by expectation and maximisation: the
    moments of each row within its bounds. Near the maximum of the likelihood, from where the chain begins, and what
    stands for a level below the limit in a prediction."""
    observed = low == high
    z = np.where(observed, low, np.where(np.isfinite(high), high, low))
    g = np.linalg.lstsq(c, z, rcond=None)[0]
    s = max(float((z - c @ g).std()), 1e-3)
    weak = np.flatnonzero(~observed)
    solve = np.linalg.pinv(c)
    for _ in range(steps):
        mean = c @ g
        expected, variance = moments(mean[weak], s, low[weak], high[weak])
        z = z.copy()
        z[weak] = expected
        new = solve @ z
        left = z - c @ new
        wide = math.sqrt(max(float((left @ left) + variance.sum()) / len(z), 1e-12))
        done = abs(wide - s) < 1e-4 * s and np.abs(new - g).max() < 1e-4 * s
        g, s = new, wide
        if done:
            break
    return np.asarray(g, dtype=float), s


def moments(mean: Array, s: float, low: Array, high: Array) -> tuple[Array, Array]:
    """(mean, variance) of a normal within [``low``, ``high``]."""
    from scipy.special import log_ndtr

    a, b = (low - mean) / s, (high - mean) / s
    # By symmetry on the side where the normal's lower tail is precise.
    flip = a + b > 0
    a, b = np.where(flip, -b, a), np.where(flip, -a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        upper, lower = log_ndtr(b), log_ndtr(a)
        mass = upper + np.log1p(-np.exp(np.minimum(lower - upper, -1e-12)))
        size = math.log(2 * math.pi) / 2
        at_a, at_b = (np.where(np.isfinite(v), np.exp(-(v**2) / 2 - size - mass), 0.0) for v in (a, b))
        first = at_a - at_b
        second = 1 + np.where(np.isfinite(a), a, 0.0) * at_a - np.where(np.isfinite(b), b, 0.0) * at_b - first**2
    first = np.where(flip, -first, first)
    return mean + s * first, s**2 * np.clip(second, 0.0, 1.0)


def _truncated(mean: Array, s: float, low: Array, high: Array, u: Array) -> Array:
    """Quantiles ``u`` (rows, points) of normals within bounds."""
    from scipy.special import ndtr, ndtri

    a, b = (low - mean) / s, (high - mean) / s
    flip = a + b > 0
    a, b = np.where(flip, -b, a), np.where(flip, -a, b)
    p, q = ndtr(a)[:, None], ndtr(b)[:, None]
    points = ndtri(np.maximum(p + np.where(flip[:, None], 1 - u, u) * (q - p), 1e-300))
    points = np.clip(points, a[:, None], b[:, None])
    return np.asarray(mean[:, None] + s * np.where(flip[:, None], -points, points))


def _columns(covariates: Array) -> Array:
    """An intercept, and the covariates in units of their spread, those that add nothing left out."""
    from leukinetics.trial.statistics.design import independent

    ones = np.ones((len(covariates), 1))
    return np.hstack([ones, independent(ones, covariates)[0]])


def _root(information: Array) -> Array:
    """A square root of the inverse."""
    return np.asarray(np.linalg.cholesky(np.linalg.inv(information)))


def _unit(z: Array, outcome: Outcome) -> tuple[float, float]:
    """Where the marker's column is centred, and what its unit is, so that the prior means the same for all."""
    return float(z.mean()), max(float(z.std()), 1e-6)


def _level(outcome: Outcome) -> float:
    """The linear predictor of all rows alike."""
    if outcome.kind == "count":
        return math.log(max(float(outcome.value.sum()), 0.5) / float(outcome.exposure.sum()))
    return float(outcome.value.mean()) if outcome.kind == "continuous" else 0.0
