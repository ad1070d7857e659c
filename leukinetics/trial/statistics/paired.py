"""Twins: each patient under every arm, so that arms are compared by the differences within patients.

Mean difference by Student's t over patients (of logarithms: the geometric mean of the ratios within patients). A
covariate is the same in both arms and drops out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.ancova import linear
from leukinetics.trial.statistics.describe import estimate
from leukinetics.trial.statistics.design import independent
from leukinetics.trial.statistics.estimates import Contrast, Estimate, Fit, nothing
from leukinetics.trial.statistics.rows import Rows
from leukinetics.trial.statistics.scale import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def paired(rows: Rows, scale: Scale, reference: int, alpha: float) -> Fit:
    """Means of the arms, and contrasts with the ``reference`` arm."""
    y = scale.checked(rows.value)

    def mean(x: Array) -> Estimate:
        return scale.told(estimate(x, "mean", 0, "", alpha)) if (~np.isnan(x)).any() else nothing()

    contrasts = {}
    for a in range(rows.arms):
        if a == reference:
            continue
        here, there = rows.pairs(a, reference)
        words = f"paired t test of {'logarithms of ratios' if scale.logs else 'differences'} within patients"
        contrasts[a] = [Contrast(scale.measure, mean(y[here] - y[there]), words)]
    statistic = scale.statistic.removeprefix("adjusted_")
    return Fit([mean(y[rows.arm == a]) for a in range(rows.arms)], statistic, rows.unit, contrasts)


def interaction(rows: Rows, modifier: Array, y: Array, robust: bool = False) -> float:
    """p value of the hypothesis that the difference within patients does not depend on ``modifier`` (rows, columns)."""
    here, there = rows.pairs(1, 0)
    change, g = y[here] - y[there], modifier[here]
    use = ~np.isnan(change) & ~np.isnan(g).any(axis=1)
    if not use.any():
        return float("nan")
    one = np.ones((int(use.sum()), 1))
    x, kept = independent(one, g[use])
    if len(kept) < g.shape[1]:
        return float("nan")
    return linear(change[use], np.hstack([one, x]), robust).wald(np.arange(1, 1 + len(kept)))
