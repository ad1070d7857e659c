"""Statistics of the virtual patients that published figures are compared with, for many candidates at once."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics import statistic as trial_statistic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


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
