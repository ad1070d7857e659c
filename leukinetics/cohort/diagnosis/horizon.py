"""Predicted risks of an event by some time, judged in people of whom some were not followed for so long.

In place of yes or no stand jackknife pseudo-observations (Andersen, Klein and Rosthoj, Biometrika 2003;90:15-27),

    q_i = n F(h) - (n - 1) F_-i(h),    F = 1 - Kaplan-Meier,

whose mean is F(h) and which on average are everybody's risk, if the end of follow-up does not depend on it. Net benefit
and Brier's score are means over people of what is linear in yes or no, so that q_i takes its place. Groups of people
have Kaplan-Meier estimates (lifelines); the slope is that of Cox's model on ln(-ln(1 - p)), 1 where hazards differ as
much as was predicted (Crowson, Atkinson and Therneau, Stat Methods Med Res 2016;25:1692-706).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.calibration import EDGE, groups_of
from leukinetics.cohort.diagnosis.decision import THRESHOLDS, useful
from leukinetics.cohort.diagnosis.models import coefficient, estimate
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate, NotFitted, exp, interval, nothing, strict

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from leukinetics.cohort.diagnosis.outcomes import Outcome

    Array = NDArray[np.float64]
    Row = dict[str, Any]


def pseudo(outcome: Outcome, horizon: float) -> Array:
    """Pseudo-observations (rows,) of an event by ``horizon``, of rows that are all known. DataError of an outcome of
    another kind, and where nobody is followed until then."""
    _check(outcome, horizon)
    time, event, n = outcome.value, outcome.event == 1, len(outcome)
    moments = np.unique(time[event & (time <= horizon)])
    d = np.array([np.sum(event & (time == t)) for t in moments], dtype=float)
    ordered = np.sort(time)
    at_risk = (n - np.searchsorted(ordered, moments, side="left")).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.log1p(-d / at_risk)
        # Without somebody who is at risk there and has no event, or whose event it is.
        without = np.log(np.clip(1 - d / np.maximum(at_risk - 1, 1), 0, None))
        own = np.log(np.clip(1 - (d - 1) / np.maximum(at_risk - 1, 1), 0, None))
    before = np.concatenate([[0.0], np.cumsum(without)])
    after = np.concatenate([np.cumsum(whole[::-1])[::-1], [0.0]])
    place = np.searchsorted(moments, time, side="left")  # moments before the person's time
    here = np.zeros(n)
    at = place < len(moments)
    at[at] = moments[place[at]] == time[at]
    here[at] = np.where(event[at], own[place[at]], without[place[at]])
    survival = np.exp(before[place] + here + after[place + at])
    share = 1 - math.exp(after[0])
    return np.asarray(n * share - (n - 1) * (1 - survival))


def calibration_at(p: ArrayLike, outcome: Outcome, horizon: float, *, alpha: float = 0.05) -> Row:
    """Of predicted risks ``p`` (rows,) of an event by ``horizon`` (in the unit of the times).

    Keys: ``horizon``, ``n``, ``events`` (seen by then), ``predicted`` (mean), ``observed`` (1 - Kaplan-Meier),
    ``ratio`` (observed to predicted), ``slope``, ``brier``, ``scaled_brier``, ``groups`` of equal size (``n``,
    ``predicted``, ``observed``, ``ci_low``, ``ci_high``), ``analysis``, ``note``; as
    :func:`leukinetics.cohort.diagnosis.calibration.calibration`.
    """
    risk, outcome = _known(p, outcome)
    row: Row = dict.fromkeys(("predicted", "observed", "ratio", "slope", "brier", "scaled_brier"))
    seen = int(((outcome.event == 1) & (outcome.value <= horizon)).sum())
    row |= {"horizon": horizon, "n": len(risk), "events": seen, "groups": [], "analysis": ANALYSIS, "note": None}
    try:
        q = pseudo(outcome, horizon)
    except DataError as error:
        return row | {"note": str(error)}
    if not seen:
        return row | {"note": f"there are no events by {horizon:g}"}
    observed = _kaplan_meier(outcome, horizon, alpha)
    share, n = float(q.mean()), len(risk)
    loss = q * (1 - 2 * risk) + risk**2
    near = np.clip(risk, EDGE, 1 - EDGE)
    told = interval(float(loss.mean()), float(loss.std(ddof=1)) / math.sqrt(n), n, alpha)
    row |= {
        "predicted": number(float(risk.mean())),
        "observed": _told(observed),
        "ratio": _told(_ratio(q, float(risk.mean()), alpha)),
        "brier": _told(told),
        "scaled_brier": number(1 - float(loss.mean()) / (share * (1 - share))) if 0 < share < 1 else None,
    }
    for here in groups_of(risk):
        part = _kaplan_meier(outcome.take(here), horizon, alpha)
        row["groups"].append({"n": len(here), "predicted": number(float(risk[here].mean())), **_told(part)})
        row["groups"][-1]["observed"] = row["groups"][-1].pop("estimate")
    try:
        fit = coefficient(outcome, np.log(-np.log1p(-near))[:, None])
        row["slope"] = _told(estimate(fit, n, alpha))
    except NotFitted as error:
        row["note"] = f"no slope: {error}"
    return row


ANALYSIS = "Kaplan-Meier, pseudo-observations, Cox's model on the complementary log-log of the prediction"


def decision_at(
    p: ArrayLike,
    outcome: Outcome,
    horizon: float,
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    alpha: float = 0.05,
) -> Row:
    """The decision curve of predicted risks of an event by ``horizon``; keys as of
    :func:`leukinetics.cohort.diagnosis.decision.decision_curve`, with ``horizon``."""
    for t in thresholds:
        if not 0 < t < 1:
            raise DataError(f"The threshold {t:g} of a decision must lie between 0 and 1.")
    risk, outcome = _known(p, outcome)
    seen = int(((outcome.event == 1) & (outcome.value <= horizon)).sum())
    row: Row = {
        "horizon": horizon, "n": len(risk), "events": seen, "prevalence": None, "curve": [], "useful": [],
        "analysis": "net benefit as a mean over people, of pseudo-observations", "note": None,
    }  # fmt: skip
    try:
        q = pseudo(outcome, horizon)
    except DataError as error:
        return row | {"note": str(error)}
    if not seen:
        return row | {"note": f"there are no events by {horizon:g}"}
    row["prevalence"] = number(float(q.mean()))
    n = len(risk)
    for t in sorted(thresholds):
        worth, hit = q - (1 - q) * t / (1 - t), (risk >= t).astype(float)
        by, all_, over = (
            Estimate(float(v.mean()), 0.0, float(v.mean()), float(v.mean()), n)
            if not v.std() > 0
            else interval(float(v.mean()), float(v.std(ddof=1)) / math.sqrt(n), n, alpha)
            for v in (worth * hit, worth, worth * (hit - 1))
        )
        row["curve"].append(
            {
                "threshold": t,
                "treated": number(float(hit.mean())),
                "net_benefit": _told(by),
                "treat_all": _told(all_),
                "over_all": _told(over),
                "standardised": number(by.estimate / float(q.mean())),
            }
        )
    return row | {"useful": useful(row["curve"])}


def _known(p: ArrayLike, outcome: Outcome) -> tuple[Array, Outcome]:
    risk = np.asarray(p, dtype=float)
    if len(risk) != len(outcome):
        raise DataError(
            f"There are {len(risk)} predicted risks and {len(outcome)} outcomes; they must be the same rows."
        )
    outside = (risk < 0) | (risk > 1)
    if outside.any():
        i = int(np.argmax(outside))
        raise DataError(f"Row {i} has the predicted risk {risk[i]:g}; risks lie between 0 and 1.")
    use = ~np.isnan(risk) & outcome.known
    return risk[use], outcome.take(use)


def _check(outcome: Outcome, horizon: float) -> None:
    if outcome.kind != "time_to_event":
        raise DataError(f"A risk by some time is of a time to an event; the outcome is of kind '{outcome.kind}'.")
    if not len(outcome) or not (outcome.value >= horizon).any():
        raise DataError(f"Nobody is followed until {horizon:g}; give an earlier time.")


def _kaplan_meier(outcome: Outcome, horizon: float, alpha: float) -> Estimate:
    """1 - Kaplan-Meier at ``horizon`` with the log-log interval; nothing where follow-up ends before."""
    from lifelines import KaplanMeierFitter

    n = len(outcome)
    if not (outcome.value >= horizon).any() and not (outcome.event[outcome.value == outcome.value.max()] == 1).all():
        return nothing(n)
    with strict():
        found = KaplanMeierFitter(alpha=alpha).fit(outcome.value, outcome.event, label="all")
        place = int(np.searchsorted(found.survival_function_.index.to_numpy(dtype=float), horizon, side="right")) - 1
        share = 1 - float(found.survival_function_.to_numpy()[place, 0])
        low, high = 1 - found.confidence_interval_survival_function_.to_numpy(dtype=float)[place][::-1]
    if not 0 < share < 1:
        return nothing(n, share)
    return Estimate(share, math.nan, float(low), float(high), n)


def _ratio(q: Array, predicted: float, alpha: float) -> Estimate:
    n, share = len(q), float(q.mean())
    if not (share > 0 and predicted > 0):
        return nothing(n)
    se = float(q.std(ddof=1)) / math.sqrt(n) / share
    return interval(math.log(share / predicted), se, n, alpha).through(exp, exp)


def _told(e: Estimate) -> Row:
    return {"estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high)}
