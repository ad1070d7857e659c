"""Levels of a marker of which some are known only to be below a limit.

Lognormal levels by maximum likelihood, those below the limit with the probability of lying there (Tobin, Econometrica
1958;26:24-36; lifelines' left censoring). What a number put in place of them would have given is told beside it.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Fewer detected levels than this tell neither a mean nor a spread.
FEWEST = 4


def censored_level(x: Array, limit: float, alpha: float = 0.05) -> dict[str, Any]:
    """Geometric mean and SD of the logarithm of levels ``x`` of which only those at or above ``limit`` are known.

    ``geometric_mean``, ``ci_low``, ``ci_high``, ``sd_ln``, ``se_ln`` (of the logarithm of the mean), and
    ``half_limit``, the geometric mean with half the limit in place of what is below it. None where fewer than 4 are
    detected, or the likelihood has no maximum.
    """
    from scipy.special import ndtri

    seen = x >= limit
    found: dict[str, Any] = {
        "geometric_mean": None, "ci_low": None, "ci_high": None, "sd_ln": None, "se_ln": None,
        "half_limit": number(float(np.exp(np.log(np.where(seen, x, limit / 2)).mean()))) if len(x) else None,
    }  # fmt: skip
    if seen.sum() < FEWEST or np.ptp(x[seen]) == 0:
        return found
    mean, sd, se = _fitted(np.where(seen, x, limit), seen)
    if not all(map(math.isfinite, (mean, sd, se))):
        return found
    half = float(ndtri(1 - alpha / 2)) * se
    return found | {
        "geometric_mean": number(math.exp(mean)),
        "ci_low": number(math.exp(mean - half)),
        "ci_high": number(math.exp(mean + half)),
        "sd_ln": number(sd),
        "se_ln": number(se),
    }


def level_ratio(one: dict[str, Any], other: dict[str, Any], alpha: float = 0.05) -> dict[str, Any]:
    """The ratio of two geometric means of :func:`censored_level`, each with a spread of its own; Wald's interval."""
    from scipy.special import ndtr, ndtri

    nothing = {"estimate": None, "ci_low": None, "ci_high": None, "p_value": None}
    if one["se_ln"] is None or other["se_ln"] is None:
        return nothing
    log = math.log(one["geometric_mean"] / other["geometric_mean"])
    se = math.hypot(one["se_ln"], other["se_ln"])
    half = float(ndtri(1 - alpha / 2)) * se
    return {
        "estimate": number(math.exp(log)),
        "ci_low": number(math.exp(log - half)),
        "ci_high": number(math.exp(log + half)),
        "p_value": number(float(2 * ndtr(-abs(log) / se))),
    }


def _fitted(x: Array, seen: NDArray[np.bool_]) -> tuple[float, float, float]:
    """(mean, SD, standard error of the mean) of ln x by lifelines; NaN where it does not converge."""
    from lifelines import LogNormalFitter
    from lifelines.exceptions import ConvergenceError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = LogNormalFitter().fit_left_censoring(x, seen.astype(int))
            se = float(fit.summary.loc["mu_", "se(coef)"])
    except (ConvergenceError, ValueError, np.linalg.LinAlgError):
        return math.nan, math.nan, math.nan
    return float(fit.mu_), float(fit.sigma_), se
