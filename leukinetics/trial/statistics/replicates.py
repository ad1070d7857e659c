"""The contrast of many replicate trials at once, in closed form.

Own code, because a model object for each of thousands of replicates takes minutes. With one covariate b in two arms,
and S the sums of squares and products about the means of the arms, added over the arms:

    slope = Sby/Sbb,    estimate = (y1 - y0) - slope (b1 - b0),    s² = (Syy - slope Sby)/(n1 + n0 - 3),
    se² = s² (1/n1 + 1/n0 + (b1 - b0)²/Sbb),    t = estimate/se with n1 + n0 - 3 degrees of freedom,

which is the least-squares fit of y on arm and b (analysis of covariance). Without a covariate: Welch's t test
(Biometrika 1947;34:28-35). For shares: the two-sample score test (Pearson's chi-square).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy.special import ndtr, stdtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Kind = Literal["ancova", "log_ancova", "difference", "log_difference", "paired", "log_paired", "risk_difference"]


class Effects(NamedTuple):
    """Estimates, standard errors, two-sided p values and degrees of freedom, each (replicates,); NaN where there are
    too few values. Those of "log_..." kinds are logarithms of ratios."""

    estimate: Array
    se: Array
    p_value: Array
    df: Array


def effects(kind: Kind, y: Array, baseline: Array | None, y_ref: Array, baseline_ref: Array | None) -> Effects:
    """Arm against reference arm in each replicate.

    ``y`` (replicates, n) and ``y_ref`` (replicates, m), with baselines of the same shapes (ancova kinds only); NaN
    entries, and for "log_..." those that are not above 0, are left out. ``kind``: "ancova" (one covariate),
    "difference" (Welch), "paired" (column i of both is the same patient), each of the logarithms with "log_";
    "risk_difference" (0 and 1; the standard error is Wald's, the p value that of the score test).
    """
    if kind.startswith("log_"):
        y, y_ref = _log(y), _log(y_ref)
        baseline, baseline_ref = (None if b is None else _log(b) for b in (baseline, baseline_ref))
    with np.errstate(invalid="ignore", divide="ignore"):
        if kind == "risk_difference":
            return _shares(y, y_ref)
        if kind.endswith("paired"):
            change = y - y_ref
            n, mean, square = _sums(change, ~np.isnan(change))
            return _effects(mean, np.sqrt(square / (n - 1) / n), n - 1)
        if kind.endswith("ancova") and baseline is not None and baseline_ref is not None:
            return _ancova(y, baseline, y_ref, baseline_ref)
        return _welch(y, y_ref)


def _ancova(y: Array, b: Array, y_ref: Array, b_ref: Array) -> Effects:
    here, there = ~np.isnan(y) & ~np.isnan(b), ~np.isnan(y_ref) & ~np.isnan(b_ref)
    (n1, y1, yy1), (n0, y0, yy0) = _sums(y, here), _sums(y_ref, there)
    (_, b1, bb1), (_, b0, bb0) = _sums(b, here), _sums(b_ref, there)
    by = _products(y, y1, b, b1, here) + _products(y_ref, y0, b_ref, b0, there)
    bb, apart = bb1 + bb0, b1 - b0
    # Rounding leaves a trace of variance in a covariate that is the same for all.
    flat = bb <= 1e-24 * (n1 + n0) * np.maximum(np.abs(b1), np.abs(b0)) ** 2
    slope = np.where(flat, 0.0, by / bb)
    df = n1 + n0 - np.where(flat, 2, 3)
    left = np.maximum(yy1 + yy0 - slope * by, 0.0)
    se = np.sqrt(left / df * (1 / n1 + 1 / n0 + np.where(flat, 0.0, apart**2 / bb)))
    return _effects(y1 - y0 - slope * apart, se, df)


def _welch(y: Array, y_ref: Array) -> Effects:
    (n1, y1, s1), (n0, y0, s0) = _sums(y, ~np.isnan(y)), _sums(y_ref, ~np.isnan(y_ref))
    v1, v0 = s1 / (n1 - 1) / n1, s0 / (n0 - 1) / n0
    df = (v1 + v0) ** 2 / (v1**2 / (n1 - 1) + v0**2 / (n0 - 1))
    return _effects(y1 - y0, np.sqrt(v1 + v0), df)


def _shares(y: Array, y_ref: Array) -> Effects:
    (n1, p1, _), (n0, p0, _) = _sums(y, ~np.isnan(y)), _sums(y_ref, ~np.isnan(y_ref))
    all_ = (n1 * p1 + n0 * p0) / (n1 + n0)
    z = np.abs(p1 - p0) / np.sqrt(all_ * (1 - all_) * (1 / n1 + 1 / n0))
    p = np.where(p1 == p0, 1.0, 2.0 * ndtr(-z))
    se = np.sqrt(p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0)
    return Effects(p1 - p0, se, np.where((n1 > 0) & (n0 > 0), p, np.nan), np.full(n1.shape, np.inf))


def _effects(estimate: Array, se: Array, df: Array) -> Effects:
    good = (df > 0) & (se > 0)
    se, df = np.where(good, se, np.nan), np.where(good, df, np.nan)
    return Effects(estimate, se, 2.0 * stdtr(df, -np.abs(estimate) / se), df)


def _sums(x: Array, use: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """(number, mean, sum of squares about it) of the entries in use, each (replicates,)."""
    n = use.sum(axis=1).astype(float)
    mean = np.where(use, x, 0.0).sum(axis=1) / n
    return n, mean, (np.where(use, x - mean[:, None], 0.0) ** 2).sum(axis=1)


def _products(x: Array, x_mean: Array, y: Array, y_mean: Array, use: NDArray[np.bool_]) -> Array:
    return np.asarray(np.where(use, (x - x_mean[:, None]) * (y - y_mean[:, None]), 0.0).sum(axis=1))


def _log(x: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(x > 0, np.log(x), np.nan)
