"""Analysis of covariance: one linear model of all arms, with the baseline and the protocol's covariates.

Least squares by statsmodels. Means of the arms are adjusted to the mean of the covariates over all patients analysed;
intervals are Student's with the residual degrees of freedom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.design import by_arm, by_arm_and, covariates_of
from leukinetics.trial.statistics.estimates import Contrast, Fit, Model, NotFitted, nothing, strict
from leukinetics.trial.statistics.rows import Rows
from leukinetics.trial.statistics.scale import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def linear(y: Array, columns: Array, robust: bool = False) -> Model:
    """Least squares; with ``robust`` the covariance allows for another variance in each row (HC3)."""
    from statsmodels.regression.linear_model import OLS

    with strict():
        fit = OLS(y, columns).fit(method="qr")
        cov = fit.cov_params() if not robust else fit.get_robustcov_results("HC3").cov_params()
        # Of values that the model meets exactly the residuals are rounding, and no measure of anything.
        if fit.df_resid < 1 or fit.ssr <= 1e-24 * float(y @ y):
            cov = np.full(cov.shape, np.nan)
    return Model(np.asarray(fit.params), np.asarray(cov), float(fit.df_resid))


def ancova(rows: Rows, scale: Scale, reference: int, names: list[str], alpha: float) -> Fit:
    """Adjusted means of the arms, and contrasts with the ``reference`` arm; ``names`` of ``rows.covariates``."""
    y = scale.checked(rows.value)
    x, names = covariates_of(rows, scale.baseline(rows.baseline), names)
    use = ~np.isnan(y) & ~np.isnan(x).any(axis=1)
    if not use.any():
        raise NotFitted("there are no values")
    rows, y, x = rows.take(use), y[use], x[use]
    design = by_arm(rows, x, names)
    model = linear(y, design.columns)
    n = np.bincount(rows.arm, minlength=rows.arms)
    words = ("of logarithms " if scale.logs else "") + f"(arm{''.join(', ' + w for w in design.words)})"
    analysis = f"analysis of covariance {words}"
    arms = [
        scale.told(model.combined(design.mean(a), int(n[a]), alpha)) if a in design.present else nothing()
        for a in range(rows.arms)
    ]
    contrasts = {}
    for a in range(rows.arms):
        if a == reference:
            continue
        both = int(n[a] + n[reference])
        found = nothing(both)
        if a in design.present and reference in design.present:
            found = model.combined(design.mean(a) - design.mean(reference), both, alpha)
        contrasts[a] = [Contrast(scale.measure, scale.told(found), analysis)]
    return Fit(arms, scale.statistic, rows.unit, contrasts)


def interaction(rows: Rows, modifier: Array, y: Array, baseline: Array, robust: bool = False) -> float:
    """p value of the hypothesis that the difference of two arms is the same whatever ``modifier`` (rows, columns)."""
    x, _ = covariates_of(rows, baseline, [str(j) for j in range(rows.covariates.shape[1])])
    use = ~np.isnan(y) & ~np.isnan(x).any(axis=1) & ~np.isnan(modifier).any(axis=1)
    columns, which = by_arm_and(rows.take(use), modifier[use], x[use])
    return linear(y[use], columns, robust).wald(which)
