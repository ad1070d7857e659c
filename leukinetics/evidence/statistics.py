"""Statistics of the virtual patients that published figures are compared with, for many candidates at once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.endpoints.windows import YEAR
from leukinetics.trial.statistics import statistic as trial_statistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def event_statistic(counts: Array, days: Array, name: str) -> Array:
    """Of events (candidates, patients) and days at risk: ``event_share``, the share of patients with one, or
    ``event_rate``, all events over all time at risk, per year. Patients without a number of events are left out.

    The ratio of the rates of two arms is the rate ratio; of times to a first event it is the hazard ratio where hazards
    are constant.
    """
    there = ~np.isnan(counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        if name == "event_share":
            return np.asarray((there & (counts > 0)).sum(axis=-1) / there.sum(axis=-1))
        return np.asarray(YEAR * np.nansum(counts, axis=-1) / np.where(there, days, 0.0).sum(axis=-1))


def statistic(values: Array, name: str, second: Array | None = None) -> Array:
    """A statistic over the last axis (patients); NaN entries are left out, NaN where nothing is left.

    Besides those of a trial: p90, p99 (quantiles); of two visits ``values`` and ``second``: correlation_ln, the
    Pearson correlation of the logarithms, and within_sd_ln, the SD of their difference over sqrt(2).
    """
    if name in ("p90", "p99"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # an empty slice is meant to be NaN
            return np.asarray(np.nanquantile(values, float(name[1:]) / 100.0, axis=-1))
    if second is None:
        return trial_statistic(values, name)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = np.log(values), np.log(second)
    both = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(both, x, np.nan), np.where(both, y, np.nan)
    if name == "within_sd_ln":
        return np.asarray(trial_statistic(x - y, "sd") / np.sqrt(2.0))
    x = x - trial_statistic(x, "mean")[..., None]
    y = y - trial_statistic(y, "mean")[..., None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.nansum(x * y, axis=-1) / np.sqrt(np.nansum(x * x, axis=-1) * np.nansum(y * y, axis=-1)))
