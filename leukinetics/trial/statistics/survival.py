"""Time to event: Kaplan-Meier curves and the log-rank test by lifelines, hazard ratios of Cox's model.

Curves have log-log intervals. An arm is summed up by its median time where all arms have one, else by the share with
an event by the end (1 - Kaplan-Meier). The p value of parallel arms is that of the log-rank test; of twins, whose pairs
are no independent samples, that of Cox's model with standard errors by patient. An arm without any event has no hazard
ratio (its likelihood has no maximum), but a log-rank test. Not adjusted for covariates.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.statistics.cox import cox
from leukinetics.trial.statistics.design import by_arm_and
from leukinetics.trial.statistics.estimates import Contrast, Estimate, Model, NotFitted, exp, nothing, strict
from leukinetics.trial.statistics.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MEASURE = "hazard_ratio"
MOST_POINTS = 400  # of a curve that is kept


def hazards(rows: Rows, reference: int, alpha: float, paired: bool) -> dict[int, list[Contrast]]:
    """Hazard ratios to the ``reference`` arm."""
    rows = rows.take(~np.isnan(rows.value))
    return {a: [_contrast(rows, a, reference, alpha, paired)] for a in range(rows.arms) if a != reference}


def times(rows: Rows, alpha: float) -> tuple[list[Estimate], str, str]:
    """(median time, or share with an event, of each arm; which it is; its unit)."""
    rows = rows.take(~np.isnan(rows.value))
    curves = [_kaplan_meier(rows, a, alpha) for a in range(rows.arms)]
    medians = [_median(c) for c in curves]
    known = [m for c, m in zip(curves, medians, strict=True) if c is not None]
    by_median = bool(known) and all(math.isfinite(m.estimate) for m in known)
    if by_median:
        return medians, "median_time", rows.unit
    return [_share(c) for c in curves], "event_share", ""


def curve(rows: Rows, arm: int, alpha: float) -> dict[str, Any]:
    """The Kaplan-Meier curve of an arm for a figure: steps at ``time`` with ``survival``, ``low``, ``high``, and the
    numbers at risk. A curve of many steps is thinned to 400."""
    rows = rows.take(~np.isnan(rows.value))
    found = _kaplan_meier(rows, arm, alpha)
    if found is None:
        return {"time": [], "survival": [], "low": [], "high": [], "at_risk": []}
    times = found.survival_function_.index.to_numpy(dtype=float)
    keep = np.unique(np.linspace(0, len(times) - 1, min(len(times), MOST_POINTS)).round().astype(int))
    bands = found.confidence_interval_survival_function_.to_numpy(dtype=float)
    here = np.sort(rows.value[rows.arm == arm])
    grid = np.linspace(0.0, float(rows.value.max()), 7)
    return {
        "time": times[keep].tolist(),
        "survival": found.survival_function_.to_numpy(dtype=float)[keep, 0].tolist(),
        "low": bands[keep, 0].tolist(),
        "high": bands[keep, 1].tolist(),
        "at_risk": [{"time": float(t), "n": int(len(here) - np.searchsorted(here, t, "left"))} for t in grid],
    }


def interaction(rows: Rows, modifier: Array, paired: bool) -> float:
    """p value of the hypothesis that the hazard ratio of two arms does not depend on ``modifier`` (rows, columns)."""
    known = np.asarray(~np.isnan(modifier).any(axis=1) & ~np.isnan(rows.value))
    rows, modifier = rows.take(known), modifier[known]
    columns, which = by_arm_and(rows, modifier, np.empty((len(modifier), 0)))
    # The baseline hazard takes the place of the reference arm's mean.
    return _cox(rows, columns[:, 1:], paired).wald(which - 1) if len(which) else math.nan


def _cox(rows: Rows, columns: Array, paired: bool) -> Model:
    return cox(rows.value, ~rows.censored, columns, rows.patient if paired else None)


def _contrast(rows: Rows, arm: int, reference: int, alpha: float, paired: bool) -> Contrast:
    from lifelines.statistics import logrank_test

    both = rows.two(arm, reference)
    n, treated = both.patients(1, 0, paired), both.arm == 1
    events = np.bincount(both.arm, weights=~both.censored, minlength=2)
    if not (treated.any() and (~treated).any()):
        return Contrast(MEASURE, nothing(n), "not estimated: an arm has no patients")
    if not events.any():
        return Contrast(MEASURE, nothing(n), "not estimated: there are no events")
    p = math.nan
    if not paired:
        with strict():
            seen = ~both.censored
            p = logrank_test(both.value[treated], both.value[~treated], seen[treated], seen[~treated]).p_value
    if not events.all():
        missing = Estimate(math.nan, math.nan, math.nan, math.nan, n, float(p))
        return Contrast(MEASURE, missing, "no hazard ratio: an arm has no events")
    try:
        found = _cox(both, treated[:, None].astype(float), paired).combined(np.ones(1), n, alpha).through(exp, exp)
    except NotFitted as error:
        return Contrast(
            MEASURE, Estimate(math.nan, math.nan, math.nan, math.nan, n, float(p)), f"no hazard ratio: {error}"
        )
    if paired:
        return Contrast(MEASURE, found, "Cox's model, standard errors by patient")
    return Contrast(MEASURE, replace(found, p=float(p)), "Cox's model, log-rank test")


def _kaplan_meier(rows: Rows, arm: int, alpha: float) -> Any:
    """A fitted lifelines.KaplanMeierFitter; None for an arm without patients."""
    from lifelines import KaplanMeierFitter

    here = rows.arm == arm
    if not here.any():
        return None
    with strict():
        fitter = KaplanMeierFitter(alpha=alpha)
        return fitter.fit(rows.value[here], ~rows.censored[here], label="arm")


def _median(found: Any) -> Estimate:
    from lifelines.utils import median_survival_times

    if found is None:
        return nothing()
    with strict():
        limits = median_survival_times(found.confidence_interval_survival_function_).to_numpy(dtype=float)[0]
    n = int(found.event_table["entrance"].sum())
    low, high = (float(x) if math.isfinite(x) else math.nan for x in limits)
    return Estimate(float(found.median_survival_time_), math.nan, low, high, n)


def _share(found: Any) -> Estimate:
    """1 - Kaplan-Meier at the end, with Greenwood's standard error."""
    if found is None:
        return nothing()
    table = found.event_table
    at_risk, events = table["at_risk"].to_numpy(dtype=float), table["observed"].to_numpy(dtype=float)
    survival = float(found.survival_function_.iloc[-1, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        se = survival * math.sqrt(float(np.nansum(np.where(events > 0, events / (at_risk * (at_risk - events)), 0.0))))
    low, high = found.confidence_interval_survival_function_.iloc[-1].to_numpy(dtype=float)
    n = int(table["entrance"].sum())
    if not math.isfinite(se) or not se > 0:  # nobody or everybody had the event
        return nothing(n, 1.0 - survival)
    return Estimate(1.0 - survival, se, 1.0 - float(high), 1.0 - float(low), n)
