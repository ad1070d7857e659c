"""Several markers together: how well they predict people whom they were not fitted to, and which of them are used.

An elastic net (:mod:`leukinetics.cohort.diagnosis.elastic`) on each marker's detection and level; covariates are not
penalised. Its penalty is chosen by cross-validation (the least deviance) within each part that a model is fitted to,
and the model judged on the part left out (nested cross-validation, repeated): nothing of those predicted, not even
their markers' spread, goes into their prediction. Beside it stand the same with the covariates alone, and what the
final model seems to do in its own people, so that its optimism shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.calibration import calibration
from leukinetics.cohort.diagnosis.decision import decision_curve
from leukinetics.cohort.diagnosis.features import COVARIATE
from leukinetics.cohort.diagnosis.folds import MEANT, MEASURES, gain, told
from leukinetics.cohort.diagnosis.horizon import calibration_at, decision_at
from leukinetics.cohort.diagnosis.nested import Fitted, People, apparent, nested, tuned
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.diagnosis.sample import covariates_of, stream
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    Row = dict[str, Any]

FOLDS, REPEATS = 5, 3
RATIO = 0.5  # between ridge (0) and lasso (1)
#: Fewer people, or fewer with each answer, and there is nothing to leave out.
FEWEST, FEWEST_EVENTS = 20, 10
#: Kinds of outcome of which there is a risk.
RISKS = ("binary", "time_to_event")
#: More people than this are not needed: as many are drawn.
MOST = 20_000


def several(
    markers: Sequence[Censored],
    outcome: Outcome,
    covariates: pd.DataFrame | None = None,
    *,
    alpha: float = 0.05,
    folds: int = FOLDS,
    repeats: int = REPEATS,
    ratio: float = RATIO,
    horizon: float | None = None,
    seed: int = 1,
) -> Row:
    """What ``markers`` (each of the same rows) together say of ``outcome``. ``horizon``: of times, by when the risk of
    an event is predicted; the median of the times at which one was seen, where None.

    Keys: ``measure`` (auc, concordance, r_squared, deviance_explained) with ``estimate``, ``ci_low``, ``ci_high``,
    ``p_value`` (auc and concordance: of a half) in people left out; ``apparent`` (in the people of the fit),
    ``optimism``; ``covariates_only`` and ``gain`` (over them), each with ``estimate``, ``ci_low``, ``ci_high``;
    ``columns`` of the model of all people (``marker``, ``part``: detected, level, covariate; ``coefficient`` per SD;
    ``selected``, the share of fits that use it; ``same_sign``); ``penalty``, ``ratio``; of yes or no, and of times by
    ``horizon``, ``predicted`` (rows,; the risk of each person by models without them, None where left out),
    ``calibration`` and ``decision`` of these; ``n``, ``events``, ``left_out`` (rows without all markers and
    covariates), ``analysis``, ``note``.
    """
    if not markers:
        raise DataError("There are no markers to predict from; give at least one.")
    if not 0 <= ratio <= 1:
        raise DataError(f"The ratio {ratio:g} of the elastic net must lie between 0 (ridge) and 1 (lasso).")
    if folds < 2 or repeats < 1:
        raise DataError(f"There are {folds} folds and {repeats} repeats; give at least 2 and 1.")
    for x in markers:
        if len(x) != len(outcome):
            raise DataError(f"The marker '{x.name}' has {len(x)} rows and the outcome {len(outcome)}.")
    columns = covariates_of(covariates, len(outcome))
    use = np.flatnonzero(outcome.known & columns.known & np.all([x.measured for x in markers], axis=0))
    left_out = int(outcome.known.sum()) - len(use)
    notes = []
    if len(use) > MOST:
        notes.append(f"{MOST} of {len(use)} people are drawn, who are enough")
        use = np.sort(stream(seed, "several:people").choice(use, MOST, replace=False))
    people = People([x.take(use) for x in markers], outcome.take(use), columns.columns[use], columns.names, ratio)
    measure, words = MEASURES[outcome.kind]
    row = _empty(people, measure, left_out, ratio)
    why = _too_few(people.outcome, folds)
    if why:
        return row | {"analysis": f"not estimated: {why}"}
    if outcome.kind == "time_to_event" and horizon is None:
        horizon = float(np.median(people.outcome.value[people.outcome.event == 1]))
    fitted, judged = nested(people, folds, repeats, seed, horizon)
    final = tuned(people, folds, stream(seed, "several:final"))
    own = apparent(people, final)
    found = told(outcome.kind, judged.markers, alpha)
    row |= {
        **_numbers(found), "p_value": number(found.p) if outcome.kind in RISKS else None,
        "apparent": number(own), "optimism": number(own - found.estimate), "penalty": number(final.penalty),
        "columns": _columns(final, fitted),
        "analysis": f"{words}; elastic net, nested cross-validation ({repeats} times {folds} folds); {MEANT}",
    }  # fmt: skip
    if judged.covariates is not None:
        row["covariates_only"] = _numbers(told(outcome.kind, judged.covariates, alpha))
        more = gain(judged.markers, judged.covariates, alpha)
        row["gain"] = _numbers(more) | {"p_value": number(more.p)}
    if outcome.kind in RISKS:
        risk = np.full(len(outcome), np.nan)
        risk[use] = judged.risk
        row["predicted"] = [number(float(v)) for v in risk]
    if outcome.kind == "binary":
        row["calibration"] = calibration(risk, outcome.value, alpha=alpha)
        row["decision"] = decision_curve(risk, outcome.value, alpha=alpha)
    elif horizon is not None:
        row["horizon"] = horizon
        row["calibration"] = calibration_at(risk, outcome, horizon, alpha=alpha)
        row["decision"] = decision_at(risk, outcome, horizon, alpha=alpha)
    if found.estimate == 1:
        notes.append("everybody left out is told apart: no interval")
    if not any(c["coefficient"] for c in row["columns"] if c["part"] != COVARIATE):
        notes.append("the model of all people uses no marker")
    return row | {"note": "; ".join(notes) or None}


def _columns(final: Fitted, fitted: list[Fitted]) -> list[Row]:
    k = len(final.features.columns)
    all_ = np.array([m.b[-k:] for m in fitted])
    rows = []
    for j, (column, b) in enumerate(zip(final.features.columns, final.b[-k:], strict=True)):
        used = all_[:, j] != 0
        same = (np.sign(all_[used, j]) == np.sign(b)).mean() if used.any() and b else None
        rows.append(
            {
                "marker": column.name,
                "part": column.part,
                "coefficient": number(float(b)),
                "selected": number(float(used.mean())),
                "same_sign": None if same is None else number(float(same)),
            }
        )
    return rows


def _too_few(outcome: Outcome, folds: int) -> str | None:
    n = len(outcome)
    if n < FEWEST:
        return f"{n} people have all markers and a known outcome, fewer than {FEWEST}"
    if outcome.kind == "continuous":
        return "the outcome is the same for all" if not np.ptp(outcome.value) > 0 else None
    some = int((outcome.value > 0).sum()) if outcome.kind == "count" else outcome.events
    least = max(FEWEST_EVENTS, folds)
    if some < least:
        return f"{some} people have an event, fewer than {least}"
    if outcome.kind == "binary" and n - some < least:
        return f"{n - some} people have no event, fewer than {least}"
    return None


def _empty(people: People, measure: str, left_out: int, ratio: float) -> Row:
    kind = people.outcome.kind
    names = ("estimate", "ci_low", "ci_high", "p_value", "apparent", "optimism", "covariates_only", "gain", "penalty")
    row: Row = {"measure": measure, "markers": [x.name for x in people.markers], "adjusted": list(people.names)}
    row |= dict.fromkeys(names)
    row |= {"n": len(people.outcome), "events": None if kind == "continuous" else people.outcome.events}
    row |= {"left_out": left_out, "ratio": ratio, "columns": [], "analysis": "", "note": None}
    risk: Row = {"predicted": None, "calibration": None, "decision": None}
    return row | (risk | ({"horizon": None} if kind == "time_to_event" else {}) if kind in RISKS else {})


def _numbers(e: Estimate) -> Row:
    return {"estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high)}
