"""Statistics of an endpoint in an arm, and between arms, with their uncertainty from the number of patients.

mean and geometric_mean: Student's t, between arms Welch's (of the logarithms for geometric_mean); proportion: Wilson's
interval (doi:10.1080/01621459.1927.10502953), between arms normal theory. median, sd, sd_ln: the bootstrap, 500
resamples of whole patients, percentile interval. Between arms: the difference (for geometric_mean the ratio); paired
where patients are twins.
"""

from __future__ import annotations

import math
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError, suggest
from leukinetics.patients.counters import uniforms
from leukinetics.trial.statistics.estimates import Estimate, exp, interval, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NAMES = ("mean", "median", "geometric_mean", "sd", "sd_ln", "proportion")
RESAMPLES = 500


def statistic(values: Array, name: str) -> Array:
    """A statistic over the last axis of ``values``; NaN entries are left out. NaN where nothing is left.

    ``name``: mean, proportion, median, geometric_mean, sd, sd_ln, or a percentile such as p90.
    """
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy warns of empty slices, whose NaN is meant
        if name == "median":
            return np.asarray(np.nanmedian(values, axis=-1))
        if name == "sd":
            return np.asarray(np.nanstd(values, axis=-1, ddof=1))
        if name == "sd_ln":
            return np.asarray(np.nanstd(np.log(values), axis=-1, ddof=1))
        if name == "geometric_mean":
            return np.asarray(np.exp(np.nanmean(np.log(values), axis=-1)))
        if name in ("mean", "proportion"):
            return np.asarray(np.nanmean(values, axis=-1))
        if found := re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)", name):
            return np.asarray(np.nanpercentile(values, float(found.group(1)), axis=-1))
    raise DataError(
        f"The statistic '{name}' is unknown.{suggest(name, NAMES)} Known: {', '.join(NAMES)}, p90 and the like."
    )


def estimate(values: Array, name: str, seed: int, label: str, alpha: float = 0.05) -> Estimate:
    """The statistic of one arm (patients,). ``seed`` and ``label`` decide the bootstrap's resamples."""
    x = values[~np.isnan(values)]
    n = len(x)
    if n == 0:
        return nothing()
    center = float(statistic(x, name))
    if name == "proportion":
        return wilson(center, n, alpha)
    if name in ("mean", "geometric_mean"):
        logs = name == "geometric_mean"
        return _by_t(np.log(x) if logs else x, None, logs, alpha)
    with np.errstate(invalid="ignore"):
        again = _again(x[_resamples(n, seed, label)], name)
    return _bootstrapped(center, again, n, alpha)


def contrast(
    values: Array, reference: Array, name: str, *, paired: bool, seed: int, label: str, alpha: float = 0.05
) -> tuple[str, Estimate]:
    """(measure, arm against reference): the "difference" of the statistic, for geometric means the "ratio".

    ``paired``: entry i of both is the same patient; only patients with both count.
    """
    measure = "ratio" if name == "geometric_mean" else "difference"
    if paired:
        both = ~np.isnan(values) & ~np.isnan(reference)
        x, y = values[both], reference[both]
    else:
        x, y = values[~np.isnan(values)], reference[~np.isnan(reference)]
    n = min(len(x), len(y))
    if n == 0:
        return measure, nothing()
    if name in ("mean", "geometric_mean", "proportion"):
        logs = name == "geometric_mean"
        a, b = (np.log(x), np.log(y)) if logs else (x, y)
        return measure, _by_t(a - b, None, logs, alpha) if paired else _by_t(a, b, logs, alpha)
    here = _resamples(len(x), seed, label)
    there = here if paired else _resamples(len(y), seed, f"{label}:reference")
    center = float(statistic(x, name) - statistic(y, name))
    with np.errstate(invalid="ignore"):
        again = _again(x[here], name) - _again(y[there], name)
    return measure, _bootstrapped(center, again, n, alpha)


def wilson(p: float, n: int, alpha: float) -> Estimate:
    """A share with Wilson's interval (doi:10.1080/01621459.1927.10502953), by statsmodels."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(p * n, n, alpha, method="wilson")
    # Rounding may leave the share itself out.
    return Estimate(p, math.sqrt(p * (1 - p) / n), min(max(float(low), 0.0), p), max(min(float(high), 1.0), p), n)


def _by_t(a: Array, b: Array | None, logs: bool, alpha: float) -> Estimate:
    """Mean of ``a``, less that of ``b``, by Student's or Welch's t; back from the logarithm where ``logs``."""
    samples = [a] if b is None else [a, b]
    n = min(len(s) for s in samples)
    with np.errstate(invalid="ignore"):
        center = float(a.mean() - (0.0 if b is None else b.mean()))
        squares = [float(s.var(ddof=1)) / len(s) if n > 1 else math.nan for s in samples]
    total = sum(squares)
    df = total**2 / sum(v**2 / (len(s) - 1) for v, s in zip(squares, samples, strict=True)) if total > 0 else math.nan
    found = interval(center, math.sqrt(total), n, alpha, df)
    return found.through(exp, exp) if logs else found


def _again(values: Array, name: str) -> Array:
    """:func:`statistic` of resamples, which have no gaps: a median is had much faster then."""
    return np.asarray(np.median(values, axis=-1)) if name == "median" else statistic(values, name)


def _bootstrapped(center: float, again: Array, n: int, alpha: float) -> Estimate:
    again = again[np.isfinite(again)]
    if len(again) < RESAMPLES / 2:
        return nothing(n, center)
    se = float(again.std(ddof=1))
    low, high = np.quantile(again, [alpha / 2, 1 - alpha / 2])
    return Estimate(center, se, float(low), float(high), n, interval(center, se, n, alpha).p)


def _resamples(n: int, seed: int, label: str) -> NDArray[np.int64]:
    """Patients of each resample, (resamples, n)."""
    return (uniforms(seed, f"bootstrap:{label}", RESAMPLES * n) * n).astype(np.int64).reshape(RESAMPLES, n)
