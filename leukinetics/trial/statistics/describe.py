"""Statistics of an endpoint in an arm, and between arms, with their uncertainty from the number of patients.

mean, geometric_mean and proportion: normal theory (of the logarithms for geometric_mean, Wilson's interval for a
proportion, doi:10.1080/01621459.1927.10502953). median, sd, sd_ln: the bootstrap, 500 resamples of whole patients,
percentile interval. Between arms: the difference (for geometric_mean the ratio); paired where patients are twins.
Intervals are 95 %.
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from leukinetics.errors import DataError, suggest
from leukinetics.patients.counters import uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NAMES = ("mean", "median", "geometric_mean", "sd", "sd_ln", "proportion")
RESAMPLES = 500
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error and 95 % interval; NaN where there are too few patients for it."""

    estimate: float
    se: float
    low: float
    high: float
    n: int
    p: float = math.nan


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


def estimate(values: Array, name: str, seed: int, label: str) -> Estimate:
    """The statistic of one arm (patients,). ``seed`` and ``label`` decide the bootstrap's resamples."""
    x = values[~np.isnan(values)]
    n = len(x)
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, math.nan, 0)
    center = float(statistic(x, name))
    if name == "proportion":
        return _wilson(center, n)
    if name in ("mean", "geometric_mean"):
        logs = name == "geometric_mean"
        return _normal(np.log(x) if logs else x, None, logs)
    with np.errstate(invalid="ignore"):
        again = statistic(x[_resamples(n, seed, label)], name)
    return _bootstrapped(center, again, n)


def contrast(
    values: Array, reference: Array, name: str, *, paired: bool, seed: int, label: str
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
        return measure, Estimate(math.nan, math.nan, math.nan, math.nan, 0)
    if name in ("mean", "geometric_mean", "proportion"):
        logs = name == "geometric_mean"
        a, b = (np.log(x), np.log(y)) if logs else (x, y)
        return measure, _normal(a - b, None, logs) if paired else _normal(a, b, logs)
    here = _resamples(len(x), seed, label)
    there = here if paired else _resamples(len(y), seed, f"{label}:reference")
    center = float(statistic(x, name) - statistic(y, name))
    with np.errstate(invalid="ignore"):
        again = statistic(x[here], name) - statistic(y[there], name)
    return measure, _bootstrapped(center, again, n)


def _normal(a: Array, b: Array | None, logs: bool) -> Estimate:
    """Mean of ``a``, less that of ``b``, by normal theory; back from the logarithm where ``logs``."""
    with np.errstate(invalid="ignore"):
        center = float(a.mean() - (0.0 if b is None else b.mean()))
        samples = [a] if b is None else [a, b]
        square = sum(float(s.var(ddof=1)) / len(s) if len(s) > 1 else math.nan for s in samples)
    se = math.sqrt(square) if math.isfinite(square) else math.nan
    low, high = center - Z95 * se, center + Z95 * se
    n = min(len(s) for s in samples)
    if logs:
        middle = math.exp(center) if center < 700 else math.inf
        return Estimate(middle, middle * se, math.exp(low), math.exp(high), n, _p_value(center, se))
    return Estimate(center, se, low, high, n, _p_value(center, se))


def _wilson(p: float, n: int) -> Estimate:
    z2 = Z95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Estimate(p, math.sqrt(p * (1 - p) / n), max(middle - half, 0.0), min(middle + half, 1.0), n)


def _bootstrapped(center: float, again: Array, n: int) -> Estimate:
    again = again[np.isfinite(again)]
    if len(again) < RESAMPLES / 2:
        return Estimate(center, math.nan, math.nan, math.nan, n)
    se = float(again.std(ddof=1))
    low, high = np.quantile(again, [0.025, 0.975])
    return Estimate(center, se, float(low), float(high), n, _p_value(center, se))


def _p_value(center: float, se: float) -> float:
    """Two-sided, of the hypothesis that the centre is 0."""
    if not se > 0:
        return math.nan
    return float(2.0 * ndtr(-abs(center) / se))


def _resamples(n: int, seed: int, label: str) -> NDArray[np.int64]:
    """Patients of each resample, (resamples, n)."""
    return (uniforms(seed, f"bootstrap:{label}", RESAMPLES * n) * n).astype(np.int64).reshape(RESAMPLES, n)
