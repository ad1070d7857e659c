"""Regression of an outcome on columns: logistic, linear, negative binomial, Cox, as trials are analysed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.firth import firth
from leukinetics.trial.statistics.counts import regression
from leukinetics.trial.statistics.cox import cox
from leukinetics.trial.statistics.estimates import Estimate, Model, NotFitted, interval, strict
from leukinetics.trial.statistics.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.diagnosis.outcomes import Outcome

    Array = NDArray[np.float64]

FARTHEST = 15.0  # of a coefficient, in units of a column's SD: further only where groups are separate


@dataclass(frozen=True)
class Coefficient:
    """Of the first column: on the scale of the model (logarithm of odds, rate or hazard; the outcome's own unit)."""

    value: float
    variance: float
    df: float
    words: str


def coefficient(outcome: Outcome, columns: Array) -> Coefficient:
    """The coefficient of the first of ``columns`` (rows, columns), adjusted for the others. NotFitted where the data do
    not allow it: no events, groups that are separate, columns that say the same."""
    check(outcome, columns)
    model, words = _MODELS[outcome.kind](outcome, columns)
    place = 0 if outcome.kind == "time_to_event" else 1
    value, variance = float(model.params[place]), float(model.cov[place, place])
    if not (math.isfinite(value) and variance > 0 and math.isfinite(variance)):
        raise NotFitted("the model does not converge")
    if abs(value) * float(columns[:, 0].std()) > FARTHEST and outcome.kind != "continuous":
        raise NotFitted("the groups are separate: the likelihood has no maximum")
    return Coefficient(value, variance, model.df, words)


def penalised(outcome: Outcome, columns: Array, alpha: float) -> Estimate:
    """The odds ratio of the first column by Firth's logistic regression, which exists where groups are separate."""
    found: Estimate = firth(outcome.value == 1, columns[:, 0], columns[:, 1:], alpha)
    return found


def estimate(found: Coefficient, n: int, alpha: float) -> Estimate:
    """The coefficient with its interval."""
    return interval(found.value, math.sqrt(found.variance), n, alpha, found.df)


def dispersion(outcome: Outcome, columns: Array) -> dict[str, float]:
    """Of counts: Pearson's ``dispersion`` about Poisson's model (1 if they vary as it says), the share of ``zeros`` and
    what Poisson's model and the negative binomial of that dispersion expect."""
    from leukinetics.cohort.diagnosis.families import Count, maximum

    family = Count(outcome)
    x = np.hstack([np.ones((len(columns), 1)), columns - columns.mean(axis=0)])
    start = np.zeros(x.shape[1])
    start[0] = math.log(max(float(outcome.value.sum()), 0.5) / float(outcome.exposure.sum()))
    b, _ = maximum(family, x, start, 0.0, np.full(x.shape[1], 1e-8), 50)
    mean = np.exp(x @ b) * outcome.exposure
    k = family.spread(x @ b)
    pearson = float(((outcome.value - mean) ** 2 / mean).sum() / max(len(mean) - x.shape[1], 1))
    negative = np.exp(-np.log1p(k * mean) / k) if k > 1e-8 else np.exp(-mean)
    return {
        "dispersion": pearson,
        "zeros": float((outcome.value == 0).mean()),
        "zeros_poisson": float(np.exp(-mean).mean()),
        "zeros_expected": float(negative.mean()),
    }


def check(outcome: Outcome, columns: Array) -> None:
    """NotFitted where no model of these could be had: too few people, no events, an outcome or columns that say
    nothing."""
    n, k = columns.shape
    if n <= k + 1:
        raise NotFitted(f"there {'is 1 person' if n == 1 else f'are {n} people'} for {k} column{'s' if k > 1 else ''}")
    if not np.ptp(columns[:, 0]) > 0:
        raise NotFitted("the marker is the same for all")
    if outcome.kind == "continuous" and not np.ptp(outcome.value) > 0:
        raise NotFitted("the outcome is the same for all")
    if outcome.kind != "continuous" and outcome.events == 0:
        raise NotFitted("there are no events")
    if outcome.kind == "binary" and outcome.events == n:
        raise NotFitted("all have the event")
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    if not np.isfinite(scaled).all() or np.linalg.matrix_rank(scaled) < k:
        raise NotFitted("two columns say the same")


def _logistic(outcome: Outcome, columns: Array) -> tuple[Model, str]:
    from statsmodels.discrete.discrete_model import Logit

    with strict():
        fit = Logit(outcome.value, _with_ones(columns)).fit(disp=0, method="newton", maxiter=60)
        return Model(np.asarray(fit.params), np.asarray(fit.cov_params())), "logistic regression"


def _linear(outcome: Outcome, columns: Array) -> tuple[Model, str]:
    from statsmodels.regression.linear_model import OLS

    with strict():
        fit = OLS(outcome.value, _with_ones(columns)).fit()
        if not fit.mse_resid > 0:
            raise NotFitted("the columns tell the outcome without exception")
        return Model(np.asarray(fit.params), np.asarray(fit.cov_params()), float(fit.df_resid)), "linear regression"


def _counts(outcome: Outcome, columns: Array) -> tuple[Model, str]:
    n = len(outcome)
    rows = Rows(
        patient=np.arange(n, dtype=np.int64),
        arm=np.zeros(n, dtype=np.intp),
        arms=1,
        values=outcome.value[:, None],
        times=np.zeros(1),
        visit=0,
        baseline=np.full(n, np.nan),
        covariates=np.empty((n, 0)),
        exposure=outcome.exposure,
        censored=np.zeros(n, dtype=bool),
        unit="",
    )
    return regression(rows, _with_ones(columns), False)


def _times(outcome: Outcome, columns: Array) -> tuple[Model, str]:
    return cox(outcome.value, outcome.event == 1, columns), "Cox's model"


_MODELS = {"binary": _logistic, "continuous": _linear, "count": _counts, "time_to_event": _times}


def _with_ones(columns: Array) -> Array:
    """With an intercept before the columns, which are centred: the others' coefficients do not change by that."""
    return np.hstack([np.ones((len(columns), 1)), columns - columns.mean(axis=0)])
