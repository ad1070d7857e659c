"""Event rates: negative binomial regression on the arms, the logarithm of the time observed as offset.

By maximum likelihood (statsmodels, NB2: variance m + k m²). Where counts vary no more than Poisson's the dispersion k
goes to 0 and the model is Poisson's, with its standard errors. Of twins: Poisson regression whose standard errors are
those of the patients' sums of scores (clusters), so that neither dispersion nor pairs need a model. Not adjusted for
covariates. An arm without any event has no rate ratio; its rate has the exact upper bound of Poisson's distribution.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.design import by_arm_and
from leukinetics.trial.statistics.estimates import (
    Contrast,
    Estimate,
    Fit,
    Model,
    NotFitted,
    exp,
    nothing,
    strict,
)
from leukinetics.trial.statistics.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

YEAR = 365.25
MEASURE = "rate_ratio"
LEAST_SCORE = 1e-9  # per patient: the likelihood is at its maximum
LEAST_DISPERSION = 1e-6  # below it the likelihood is Poisson's


def rates(rows: Rows, reference: int, alpha: float, paired: bool) -> Fit:
    """Events per year of the arms, and rate ratios to the ``reference`` arm."""
    rows = _usable(rows)
    events = np.bincount(rows.arm, weights=rows.value, minlength=rows.arms)
    n = np.bincount(rows.arm, minlength=rows.arms)
    with_events = [a for a in range(rows.arms) if events[a] > 0]
    counted = rows.take(np.isin(rows.arm, with_events))
    arms = (counted.arm[:, None] == np.array(with_events, dtype=np.intp)).astype(float)
    model, words = regression(counted, arms, paired) if with_events else (None, "negative binomial regression")
    found = [nothing(int(k)) for k in n]
    for a in range(rows.arms):
        if model is not None and a in with_events:
            weights = np.eye(len(with_events))[with_events.index(a)]
            found[a] = _rate(model.combined(weights, int(n[a]), alpha))
        elif n[a]:
            most = -math.log(alpha / 2) / float(rows.exposure[rows.arm == a].sum()) * YEAR
            found[a] = Estimate(0.0, math.nan, 0.0, most, int(n[a]))
    contrasts = {}
    for a in range(rows.arms):
        if a == reference:
            continue
        both = rows.patients(a, reference, paired)
        ratio, said = nothing(both), words
        if model is not None and a in with_events and reference in with_events:
            eye = np.eye(len(with_events))
            weights = eye[with_events.index(a)] - eye[with_events.index(reference)]
            ratio = model.combined(weights, both, alpha).through(exp, exp)
        else:
            said = "not estimated: an arm has no events"
        contrasts[a] = [Contrast(MEASURE, ratio, said)]
    return Fit(found, "rate", "1/year", contrasts)


def regression(rows: Rows, columns: Array, paired: bool) -> tuple[Model, str]:
    """(coefficients of the logarithm of the rate per day, what the model was) of rows without missing values."""
    from statsmodels.discrete.discrete_model import NegativeBinomial
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    y = rows.value
    with strict():
        if paired:
            poisson = GLM(y, columns, family=Poisson(), exposure=rows.exposure)
            fit = poisson.fit(cov_type="cluster", cov_kwds={"groups": rows.patient}, tol=1e-12)
            cov = np.asarray(fit.cov_params())
            return Model(np.asarray(fit.params), cov), "Poisson regression, standard errors by patient"
        fit = GLM(y, columns, family=Poisson(), exposure=rows.exposure).fit(tol=1e-12)
        fitted = np.asarray(fit.fittedvalues)
        start = float(((y - fitted) ** 2 - fitted).sum() / (fitted**2).sum())
        plain = Model(np.asarray(fit.params), np.asarray(fit.cov_params())), "Poisson regression (no overdispersion)"
        # The derivative of the likelihood by the dispersion at 0 decides whether its maximum lies above.
        if ((y - fitted) ** 2 - y).sum() <= 0:
            return plain
        model = NegativeBinomial(y, columns, exposure=rows.exposure)
        guess = np.append(np.asarray(fit.params), max(start, 1e-3))
        near = model.fit(guess, method="bfgs", disp=0, maxiter=500, skip_hessian=True)
        fit = model.fit(near.params, method="newton", disp=0, maxiter=100, tol=1e-12, warn_convergence=False)
        # Newton's own test asks for steps that rounding does not allow where the likelihood is flat.
        if not np.isfinite(fit.params).all() or not (np.abs(model.score(fit.params)) < LEAST_SCORE * len(y)).all():
            raise NotFitted("the negative binomial model does not converge")
        if fit.params[-1] < LEAST_DISPERSION:
            return plain
        cov = np.asarray(fit.cov_params())[:-1, :-1]
    return Model(np.asarray(fit.params)[:-1], cov), "negative binomial regression"


def interaction(rows: Rows, modifier: Array, paired: bool) -> float:
    """p value of the hypothesis that the rate ratio of two arms does not depend on ``modifier`` (rows, columns)."""
    known = ~np.isnan(modifier).any(axis=1) & _known(rows)
    rows, modifier = rows.take(known), modifier[known]
    columns, which = by_arm_and(rows, modifier, np.empty((len(modifier), 0)))
    return regression(rows, columns, paired)[0].wald(which) if len(which) else math.nan


def _known(rows: Rows) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(rows.value) & (rows.exposure > 0))


def _usable(rows: Rows) -> Rows:
    return rows.take(_known(rows))


def _rate(found: Estimate) -> Estimate:
    """Per year, from the logarithm of the rate per day; no p value, which would be that of one event a day."""

    def yearly(x: float) -> float:
        return exp(x) * YEAR

    return replace(found.through(yearly, yearly), p=math.nan)
