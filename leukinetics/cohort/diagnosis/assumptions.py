"""Whether the models that prognosis rests on fit: hazards that stay proportional, counts that vary as is said, numbers
that spread alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.models import dispersion
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import NotFitted, strict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.diagnosis.outcomes import Outcome

    Array = NDArray[np.float64]

#: More rows than this and lifelines takes too long.
MOST_ROWS = 20_000


def checks(outcome: Outcome, design: Array) -> dict[str, Any]:
    """Of the marker, the first column of ``design`` (rows, columns).

    Times: ``proportional_p``, of scaled Schoenfeld residuals against ranked times (lifelines). Counts: ``dispersion``,
    ``zeros``, ``zeros_poisson``, ``zeros_expected`` (:func:`leukinetics.cohort.diagnosis.models.dispersion`). Numbers:
    ``equal_spread_p`` (Breusch and Pagan, statsmodels). Yes or no: ``linear_p``, of the square of the marker's level
    (likelihood ratio). None where it cannot be had.
    """
    if outcome.kind == "count":
        return {name: number(value) for name, value in dispersion(outcome, design).items()}
    if outcome.kind == "binary" and len(np.unique(design[:, 0])) < 3:
        return {}  # of detected or not a straight line says all
    name, test = {
        "time_to_event": ("proportional_p", _proportional),
        "continuous": ("equal_spread_p", _equal_spread),
        "binary": ("linear_p", _linear),
    }[outcome.kind]
    try:
        return {name: number(test(outcome, design))}
    except NotFitted:
        return {name: None}


def _proportional(outcome: Outcome, columns: Array) -> float:
    import pandas as pd
    from lifelines import CoxPHFitter
    from lifelines.statistics import proportional_hazard_test

    if len(outcome) > MOST_ROWS:
        return float("nan")
    names = [f"x{j}" for j in range(columns.shape[1])]
    table = pd.DataFrame(columns, columns=names).assign(time=outcome.value, event=outcome.event)
    with strict():
        fit = CoxPHFitter().fit(table, "time", "event")
        return float(np.atleast_1d(proportional_hazard_test(fit, table, time_transform="rank").p_value)[0])


def _equal_spread(outcome: Outcome, columns: Array) -> float:
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.diagnostic import het_breuschpagan

    design = np.column_stack([np.ones(len(columns)), columns])
    with strict():
        return float(het_breuschpagan(OLS(outcome.value, design).fit().resid, design)[1])


def _linear(outcome: Outcome, columns: Array) -> float:
    from scipy.special import chdtrc
    from statsmodels.discrete.discrete_model import Logit

    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    ones = np.ones((len(columns), 1))
    with strict():
        plain = Logit(outcome.value, np.hstack([ones, scaled])).fit(disp=0, maxiter=60)
        bent = Logit(outcome.value, np.hstack([ones, scaled, scaled[:, :1] ** 2])).fit(disp=0, maxiter=60)
    return float(chdtrc(1, max(2 * (bent.llf - plain.llf), 0.0)))
