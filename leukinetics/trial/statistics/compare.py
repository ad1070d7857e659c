"""One endpoint analysed: every arm, every contrast, and whether a contrast depends on something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.protocol import EVENTS, Endpoint
from leukinetics.trial.statistics import ancova, counts, mmrm, paired, responder, survival
from leukinetics.trial.statistics.estimates import Contrast, Fit, NotFitted, nothing
from leukinetics.trial.statistics.rows import Rows, rows_of
from leukinetics.trial.statistics.scale import analysis_of, scale_of, statistic_of
from leukinetics.trial.statistics.unadjusted import arms_of, unadjusted

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

DIGITS = 8  # significant ones of all numbers told: what is left of rounding in another order is far below


def compare(
    endpoint: Endpoint,
    treated: pd.DataFrame,
    control: pd.DataFrame,
    *,
    design: str,
    covariates: Sequence[str] = (),
    alpha: float = 0.05,
    seed: int = 1,
) -> list[dict[str, Any]]:
    """One arm against another, the main contrast first: measure, estimate, ci_low, ci_high, p_value, analysis, n.

    ``treated``, ``control``: rows of the endpoints' table (of this endpoint, of one arm each), with a column for each
    of ``covariates``. ``design``: "parallel" or "twins" (paired by the column patient). Numbers that cannot be had are
    None.
    """
    import pandas as pd

    both = pd.concat([control.assign(arm="control"), treated.assign(arm="treated")], ignore_index=True)
    rows = rows_of(endpoint, both, ["control", "treated"], covariates)
    twins = design == "twins"
    found = fit(endpoint, rows, 0, list(covariates), twins=twins, alpha=alpha, seed=seed, contrasts_only=True)
    return [told(c) for c in found.contrasts[1]]


def fit(
    endpoint: Endpoint,
    rows: Rows,
    reference: int,
    covariates: list[str],
    *,
    twins: bool,
    alpha: float,
    seed: int,
    contrasts_only: bool = False,
) -> Fit:
    """The analysis of an endpoint; ``covariates`` are the names of ``rows.covariates``. Where its model cannot be
    fitted, arms have the statistic of the endpoint's kind and contrasts say why there is none. ``contrasts_only``:
    arms may be left empty, which saves curves and resamples."""
    by = statistic_of(endpoint)
    try:
        found = _fit(endpoint, rows, reference, covariates, twins, alpha, seed, contrasts_only)
    except NotFitted as error:
        why = f"not estimated: {error}"
        measure = measure_of(endpoint)
        none = {a: [Contrast(measure, nothing(), why)] for a in range(rows.arms) if a != reference}
        return Fit(arms_of(rows, by, seed, endpoint.id, alpha), by, rows.unit, none)
    if endpoint.statistic is not None and endpoint.kind not in EVENTS and found.statistic != by and not contrasts_only:
        return replace(found, arms=arms_of(rows, by, seed, endpoint.id, alpha), statistic=by)
    return found


def measure_of(endpoint: Endpoint) -> str:
    """What the main contrast of an endpoint is."""
    named = {"risk_difference": responder.DIFFERENCE, "negative_binomial": counts.MEASURE, "cox": survival.MEASURE}
    analysis = analysis_of(endpoint)
    if analysis == "unadjusted":
        return "ratio" if statistic_of(endpoint) == "geometric_mean" else "difference"
    return named.get(analysis) or scale_of(endpoint).measure


def interaction(endpoint: Endpoint, rows: Rows, modifier: Array, *, twins: bool) -> float | None:
    """p value of the hypothesis that the contrast of the two arms of ``rows`` does not depend on ``modifier`` (rows,
    columns), on the scale of the contrast, by the endpoint's own model. None where there is none: of statistics by
    the bootstrap, and where the data do not allow it."""
    try:
        return number(_interaction(endpoint, rows, modifier, twins))
    except NotFitted:
        return None


def told(c: Contrast) -> dict[str, Any]:
    """A contrast as a row of ``summary.json``."""
    return {
        "measure": c.measure,
        "estimate": number(c.found.estimate),
        "ci_low": number(c.found.low),
        "ci_high": number(c.found.high),
        "p_value": number(c.found.p),
        "analysis": c.analysis,
        "n": c.found.n,
    }


def number(value: float) -> float | None:
    """A number as it is told, None for none."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _fit(
    endpoint: Endpoint,
    rows: Rows,
    reference: int,
    covariates: list[str],
    twins: bool,
    alpha: float,
    seed: int,
    contrasts_only: bool,
) -> Fit:
    analysis, scale = analysis_of(endpoint), scale_of(endpoint)
    if analysis == "unadjusted":
        by = statistic_of(endpoint)
        arms = [] if contrasts_only else arms_of(rows, by, seed, endpoint.id, alpha)
        return Fit(arms, by, rows.unit, unadjusted(rows, by, reference, twins, seed, endpoint.id, alpha))
    if analysis == "risk_difference":
        return responder.responders(rows, reference, alpha, twins)
    if analysis == "negative_binomial":
        return counts.rates(rows, reference, alpha, twins)
    if analysis == "cox":
        summed = ([], "", "") if contrasts_only else survival.times(rows, alpha)
        return Fit(*summed, survival.hazards(rows, reference, alpha, twins))
    if analysis.endswith("mmrm"):
        if twins:
            return mmrm.mmrm_pairs(rows, scale, reference, alpha)
        return mmrm.mmrm(rows, scale, reference, covariates, alpha)
    if twins:
        return paired.paired(rows, scale, reference, alpha)
    return ancova.ancova(rows, scale, reference, covariates, alpha)


def _interaction(endpoint: Endpoint, rows: Rows, modifier: Array, twins: bool) -> float:
    analysis, scale = analysis_of(endpoint), scale_of(endpoint)
    if analysis == "unadjusted":
        return _unadjusted(endpoint, rows, modifier, twins)
    if analysis == "risk_difference":
        return responder.interaction(rows, modifier, twins)
    if analysis == "negative_binomial":
        return counts.interaction(rows, modifier, twins)
    if analysis == "cox":
        return survival.interaction(rows, modifier, twins)
    if analysis.endswith("mmrm"):
        return (mmrm.interaction_pairs if twins else mmrm.interaction)(rows, modifier, scale)
    y = scale.checked(rows.value)
    if twins:
        return paired.interaction(rows, modifier, y)
    return ancova.interaction(rows, modifier, y, scale.baseline(rows.baseline))


def _unadjusted(endpoint: Endpoint, rows: Rows, modifier: Array, twins: bool) -> float:
    by = statistic_of(endpoint)
    if by not in ("mean", "geometric_mean", "proportion"):
        return math.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.log(rows.value) if by == "geometric_mean" else rows.value
    y = np.where(np.isfinite(y), y, np.nan)
    if twins:
        return paired.interaction(rows, modifier, y, robust=True)
    plain = replace(rows, covariates=np.empty((len(y), 0)))
    return ancova.interaction(plain, modifier, y, np.full(len(y), np.nan), robust=True)
