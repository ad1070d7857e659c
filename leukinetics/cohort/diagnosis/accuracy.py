"""What a test that is positive or negative is worth: sensitivity, specificity, predictive values, likelihood ratios.

Shares have Wilson's intervals. Likelihood ratios have those of Simel, Samsa and Matchar (J Clin Epidemiol
1991;44:763-70), normal on the logarithm, with a half added to every count where one is 0. At a prevalence other than
the table's, predictive values follow from the two likelihood ratios, with their intervals.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.describe import wilson
from leukinetics.trial.statistics.estimates import Estimate, exp, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]


def at_cutoff(positive: Array, case: NDArray[np.bool_], prevalence: float | None = None, alpha: float = 0.05) -> Row:
    """A test's ``sensitivity``, ``specificity``, ``ppv``, ``npv``, ``lr_positive``, ``lr_negative`` where ``positive``
    (rows,) is 1 or 0; NaN is left out."""
    known = ~np.isnan(positive)
    hit, case = positive[known] == 1, case[known]
    a, b = int((hit & case).sum()), int((hit & ~case).sum())
    m, n = int(case.sum()), int((~case).sum())
    c, d = m - a, n - b
    up, down = _ratio(a, m, b, n, alpha), _ratio(c, m, d, n, alpha)
    ppv, npv = _share(a, a + b, alpha), _share(d, c + d, alpha)
    if prevalence is not None:
        odds = prevalence / (1 - prevalence)
        ppv = up.through(lambda r: r * odds / (1 + r * odds) if math.isfinite(r) else 1.0, lambda _: math.nan)
        low = down.through(lambda r: 1 / (1 + r * odds), lambda _: math.nan)
        npv = Estimate(low.estimate, math.nan, low.high, low.low, low.n)
    return {
        "positive": [a, b],
        "sensitivity": _told(_share(a, m, alpha)),
        "specificity": _told(_share(d, n, alpha)),
        "ppv": _told(ppv),
        "npv": _told(npv),
        "lr_positive": _told(up),
        "lr_negative": _told(down),
    }


def _share(k: int, n: int, alpha: float) -> Estimate:
    return wilson(k / n, n, alpha) if n else nothing()


def _ratio(a: int, m: int, b: int, n: int, alpha: float) -> Estimate:
    """(a/m) / (b/n) with the interval of its logarithm."""
    from scipy.special import ndtri

    if not (m and n) or (a == 0 and b == 0):
        return nothing(m + n)
    estimate = (a / m) / (b / n) if b else math.inf
    half = 0.0 if a and b else 0.5
    cells = np.array([a + half, m + 2 * half, b + half, n + 2 * half])
    log = math.log(cells[0] / cells[1] * cells[3] / cells[2])
    variance = max(float((np.array([1, -1, 1, -1]) / cells).sum()), 0.0)
    wide = float(ndtri(1 - alpha / 2)) * math.sqrt(variance)
    low, high = exp(log - wide), exp(log + wide)
    return Estimate(estimate, math.sqrt(variance), min(low, estimate), high if b else math.inf, m + n)


def _told(e: Estimate) -> Row:
    return {"estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high)}
