"""Lognormal levels of which some are only known to lie below a limit (or above one, or between two).

Maximum likelihood with the probability of each row's interval (Tobin, Econometrica 1958;26:24-36), intervals from the
profile of the likelihood (:mod:`leukinetics.cohort.censored.likelihood`). Any number of limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.likelihood import (
    Rows,
    Top,
    derivatives,
    drop,
    ends,
    logs_of,
    maximum,
    rows_of,
    value_of,
)
from leukinetics.cohort.values import Censored
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate, NotFitted, exp, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Fewer levels than this above a limit tell neither a mean nor a spread.
FEWEST = 4
#: Half-widths of an interval, in standard errors, beyond which it has no end.
FARTHEST = 1e3
ANALYSIS = "lognormal levels by censored maximum likelihood, intervals by its profile"


@dataclass(frozen=True)
class Level:
    """Levels of one analyte. ``geometric_mean`` is the median too; ``mean`` the arithmetic mean; ``sd_ln`` the SD of
    the logarithm; each with its interval (NaN where there is none, and ``note`` says why). ``top``: the maximum of the
    log likelihood of the logarithms, None without one."""

    n: int
    n_below: int
    unit: str
    geometric_mean: Estimate
    mean: Estimate
    sd_ln: Estimate
    top: Top | None
    note: str = ""

    def told(self) -> dict[str, Any]:
        """As a summary has it; numbers that cannot be had are None."""
        e, mean, sd = self.geometric_mean, self.mean, self.sd_ln
        return {
            "n": self.n,
            "n_below": self.n_below,
            "share_below": number(self.n_below / self.n) if self.n else None,
            "unit": self.unit,
            "geometric_mean": number(e.estimate),
            "ci_low": number(e.low),
            "ci_high": number(e.high),
            "se_ln": number(e.se / e.estimate) if e.estimate > 0 else None,
            "sd_ln": number(sd.estimate),
            "sd_ln_low": number(sd.low),
            "sd_ln_high": number(sd.high),
            "mean": number(mean.estimate),
            "mean_low": number(mean.low),
            "mean_high": number(mean.high),
            "analysis": ANALYSIS,
            "note": self.note,
        }


def lognormal(x: Censored, alpha: float = 0.05) -> Level:
    """Geometric mean, arithmetic mean and spread of the measured rows of ``x``, with intervals at 1 - ``alpha``."""
    x = x.take(x.measured)
    n, n_below = len(x), int(x.below.sum())
    known = n - n_below
    none = nothing(n)
    why = refused(x)
    if why:
        return Level(n, n_below, x.unit, none, none, none, None, why)
    rows = rows_of(*logs_of(x), np.ones((n, 1)))
    try:
        top = maximum(rows)
    except NotFitted as error:
        return Level(n, n_below, x.unit, none, none, none, None, f"not estimated: {error}")
    least = top.value - drop(alpha, known, 1)
    mu, sd = float(top.coefficients[0]), top.sd
    se_mu, se_sd = (math.sqrt(v) for v in np.diag(top.cov))
    centre = mu + sd**2 / 2
    slope = np.array([1.0, sd])
    se_mean = math.sqrt(float(slope @ top.cov @ slope))
    found = {}
    for name, profile, best, se in (
        ("mu", lambda m: at_mean(rows, m, top), mu, se_mu),
        ("mean", lambda m: _at_total(rows, m, top), centre, se_mean),
        ("sd", lambda s: _at_log_sd(rows, s, top), math.log(sd), se_sd / sd),
    ):
        low, high = _interval(profile, best, se, least)
        found[name] = Estimate(best, se, low, high, n)
    return Level(
        n,
        n_below,
        x.unit,
        found["mu"].through(exp, exp),
        found["mean"].through(exp, exp),
        found["sd"].through(exp, exp),
        top,
    )


def refused(x: Censored) -> str:
    """Why levels cannot be estimated; empty where they can. Rows are measured ones."""
    known = ~x.below
    if len(x) == 0:
        return "not estimated: nobody is measured"
    if not known.any():
        return f"not estimated: all {len(x)} are below the limit"
    if known.sum() < FEWEST:
        return f"not estimated: only {int(known.sum())} of {len(x)} are at or above the limit, {FEWEST} are needed"
    if len(np.unique(x.lower[known])) < 2:
        return "not estimated: all levels at or above the limit are the same number"
    return ""


def at_mean(rows: Rows, mean: float, top: Top) -> float:
    """The profile of the log likelihood, maximised over the spread, where the mean of logarithms is ``mean``."""
    return _held(rows, mean, top).value


def slope_at_mean(rows: Rows, mean: float, top: Top) -> tuple[float, float, float]:
    """(value, slope, curvature) of that profile."""
    held = _held(rows, mean, top)
    t = 1 / held.sd
    slope, curve = derivatives(rows, np.array([mean * t, t]))
    # By (mean, t) in place of (mean t, t); the spread follows the mean so that the slope by t stays 0.
    by_mean = -(t**2) * curve[0, 0]
    both = slope[0] - t * (mean * curve[0, 0] + curve[0, 1])
    by_t = -(mean**2 * curve[0, 0] + 2 * mean * curve[0, 1] + curve[1, 1])
    return held.value, float(slope[0] * t), float(by_mean - both**2 / by_t)


def _held(rows: Rows, mean: float, top: Top) -> Top:
    start = Top(np.empty(0), math.hypot(top.sd, mean - float(top.coefficients[0])), top.cov, top.value)
    return maximum(rows.held(0, mean), start)


def _at_total(rows: Rows, total: float, top: Top) -> float:
    """Where the logarithm of the arithmetic mean, mean + sd^2 / 2, is ``total``."""

    def at(log_t: float) -> float:
        t = math.exp(log_t)
        return value_of(rows, np.array([t * total - 0.5 / t, t]))

    return _highest(at, -math.log(top.sd))


def _at_log_sd(rows: Rows, log_sd: float, top: Top) -> float:
    t = math.exp(-log_sd)
    size = max(top.sd, 1 / t)
    mean = float(top.coefficients[0])
    return _highest(lambda m: value_of(rows, np.array([t * (mean + size * m), t])), 0.0)


def _highest(f: Callable[[float], float], near: float) -> float:
    """The maximum of a function of one number near ``near``."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda v: -f(v), bracket=(near - 0.3, near + 0.3), tol=1e-8)
    return -float(found.fun)


def _interval(profile: Callable[[float], float], best: float, se: float, least: float) -> tuple[float, float]:
    return ends(lambda v: profile(v) - least, best, 2 * se, FARTHEST * se)
