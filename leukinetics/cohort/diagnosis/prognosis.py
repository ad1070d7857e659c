"""What a marker says of an outcome, though some of its levels are below a limit.

The marker enters in two ways. As detected or not: all that is used is which side of the limit a person is on. As its
level: the effect of a doubling, with levels below the limit drawn as often as needed
(:mod:`leukinetics.cohort.diagnosis.imputation`) and the fits put together by Rubin's rules. Beside it stands what half
the limit in place of them would have given. Models: logistic regression (Firth's where it is of detection, or where
groups are separate), linear, negative binomial (Poisson where counts vary no more), Cox.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.assumptions import checks
from leukinetics.cohort.diagnosis.imputation import SETS, impute, pooled
from leukinetics.cohort.diagnosis.models import check, coefficient, estimate, penalised
from leukinetics.cohort.diagnosis.outcomes import MEASURES, Outcome
from leukinetics.cohort.diagnosis.sample import Covariates, covariates_of, stream
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.design import independent
from leukinetics.trial.statistics.estimates import Estimate, NotFitted, exp, nothing, strict

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]
    Row = dict[str, Any]

DETECTED, DOUBLING = "detected", "doubling"
#: Fewer events than this for each coefficient, and estimates are unsteady.
EVENTS_EACH = 10
#: More people than this are not needed for levels drawn again and again, nor for a penalty against few events.
MOST = 50_000


@dataclass(frozen=True, eq=False)
class _Sample:
    """People with a marker, a known outcome and all covariates."""

    x: Censored
    outcome: Outcome
    covariates: Covariates
    alpha: float
    seed: int
    sets: int
    notes: tuple[str, ...] = ()

    @property
    def others(self) -> Array:
        return self.covariates.columns

    def drawn(self) -> _Sample:
        """At most 50,000 of the people."""
        n = len(self.x)
        if n <= MOST:
            return self
        rows = np.sort(stream(self.seed, "prognosis:people").choice(n, MOST, replace=False))
        part = replace(self.covariates, columns=self.others[rows])
        note = f"{MOST} of {n} people are drawn, who are enough"
        return replace(
            self, x=self.x.take(rows), outcome=self.outcome.take(rows), covariates=part, notes=(*self.notes, note)
        )


def prognosis(
    x: Censored,
    outcome: Outcome,
    covariates: pd.DataFrame | None = None,
    *,
    alpha: float = 0.05,
    seed: int = 1,
    sets: int = SETS,
) -> list[Row]:
    """Rows for the marker as detected or not and per doubling of its level, each alone and, with ``covariates`` (one
    row per row of the marker), adjusted.

    Keys: ``marker`` ("detected" or "doubling"), ``adjusted`` (names), ``measure`` (odds_ratio, rate_ratio,
    hazard_ratio, difference), ``estimate``, ``ci_low``, ``ci_high``, ``p_value``, ``n``, ``detected``, ``events``,
    ``events_detected``, ``left_out`` (rows without a covariate), ``analysis``, ``note``, ``checks``
    (:func:`leukinetics.cohort.diagnosis.assumptions.checks`); of doubling ``missing_information`` (share that the limit
    took), ``sets``, ``half_limit`` (the estimate that half the limit would have given).
    """
    if not len(x) == len(outcome):
        raise DataError(f"The marker has {len(x)} rows and the outcome {len(outcome)}; they must be the same rows.")
    plain = covariates_of(None, len(x))
    adjusted = [plain] if covariates is None else [plain, covariates_of(covariates, len(x))]
    rows: list[Row] = []
    for columns in adjusted:
        base = x.measured & outcome.known
        use = base & columns.known
        known, notes = _telling(replace(columns, columns=columns.columns[use]))
        sample = _Sample(x.take(use), outcome.take(use), known, alpha, seed, sets, notes)
        left_out = int(base.sum() - use.sum())
        rows += [row | {"left_out": left_out} for row in (_detected(sample), _doubling(sample.drawn()))]
    return rows


def _detected(sample: _Sample) -> Row:
    seen = sample.x.detected()
    row = _head(sample, DETECTED)
    limits = np.unique(sample.x.upper[sample.x.below])
    notes = list(sample.notes)
    if len(limits) > 1:
        notes.append(f"limits from {limits[0]:g} to {limits[-1]:g}, each at its own")
    columns = np.column_stack([seen, sample.others])
    outcome = sample.outcome
    if not len(seen) or np.ptp(seen) == 0:
        why = "there is nobody" if not len(seen) else "all are detected" if seen.all() else "nobody is detected"
        return row | {"analysis": f"not estimated: {why}", "note": _join(notes)}
    try:
        separate = _separate(seen, outcome.value)
        if outcome.kind == "binary" and (separate or len(seen) <= MOST):
            found, said = penalised(outcome, columns, sample.alpha), "Firth's logistic regression, profile interval"
            if separate:
                notes.append("the outcome and detection are separate")
        else:
            fit = coefficient(outcome, columns)
            found, said = _scaled(estimate(fit, len(seen), sample.alpha), outcome), fit.words
    except NotFitted as error:
        found, said = nothing(len(seen)), f"not estimated: {_why(error, seen, outcome)}"
        if outcome.kind == "time_to_event" and not sample.others.shape[1] and outcome.events:
            found = replace(found, p=_log_rank(seen, outcome))
            said += "; p of the log-rank test"
        return row | _numbers(found) | {"analysis": said, "note": _join(notes)}
    notes += _few(outcome, columns)
    said = said + _for(sample)
    return row | _numbers(found) | {"analysis": said, "note": _join(notes), "checks": checks(outcome, columns)}


def _doubling(sample: _Sample) -> Row:
    x, outcome, n = sample.x, sample.outcome, len(sample.x)
    row = _head(sample, DOUBLING) | {"missing_information": None, "sets": None, "half_limit": None}
    label = f"impute:{x.name}:{outcome.name}:{','.join(sample.covariates.names)}"
    try:
        check(outcome, _half(sample))
        levels = impute(x, outcome, sample.others, stream(sample.seed, label), sample.sets)
        designs = [np.column_stack([z / math.log(2), sample.others]) for z in levels]
        found, missing, said, failed = _over_sets(outcome, designs, n, sample.alpha)
    except NotFitted as error:
        return row | {"analysis": f"not estimated: {error}", "note": _join(list(sample.notes))}
    notes = list(sample.notes) + _few(outcome, designs[0])
    if len(levels) > 1:
        said += f" of {len(levels) - failed} sets in which levels below the limit are drawn"
    if failed:
        notes.append(f"in {failed} more sets the model does not converge")
    half = _attempt(lambda: _over_sets(outcome, [_half(sample)], n, sample.alpha)[0])
    return row | {
        **_numbers(_scaled(found, outcome)),
        "analysis": said + _for(sample),
        "note": _join(notes),
        "checks": checks(outcome, designs[0]),
        "missing_information": number(missing),
        "sets": len(levels) - failed,
        "half_limit": None if half is None else number(_scaled(half, outcome).estimate),
    }


def _over_sets(outcome: Outcome, designs: list[Array], n: int, alpha: float) -> tuple[Estimate, float, str, int]:
    """(estimate on the model's scale, missing information, words, sets without a fit)."""
    fits, last = [], None
    for columns in designs:
        try:
            fits.append(coefficient(outcome, columns))
        except NotFitted as error:
            last = error
    failed = len(designs) - len(fits)
    if last is None or failed <= len(designs) // 5:
        values, variances = np.array([f.value for f in fits]), np.array([f.variance for f in fits])
        together = pooled(values, variances, n, alpha, fits[0].df)
        return together.found, together.missing_information, fits[0].words, failed
    if outcome.kind != "binary" or not 0 < outcome.events < len(outcome):
        raise last
    said = "Firth's logistic regression"
    try:
        found = [penalised(outcome, columns, alpha) for columns in designs]
    except NotFitted as error:
        raise NotFitted("the groups are separate: the likelihood has no maximum") from error
    values, variances = np.array([math.log(f.estimate) for f in found]), np.array([f.se**2 for f in found])
    if len(designs) == 1:  # the profile's own interval
        e = found[0]
        low, high = (math.log(v) if v > 0 else -math.inf for v in (e.low, e.high))
        return Estimate(values[0], e.se, low, high, n, e.p), 0.0, said + ", profile interval", 0
    together = pooled(values, variances, n, alpha)
    return together.found, together.missing_information, said, 0


def _half(sample: _Sample) -> Array:
    return np.column_stack([np.log2(sample.x.substituted(0.5)), sample.others])


def _telling(covariates: Covariates) -> tuple[Covariates, tuple[str, ...]]:
    """(those of the columns that say something of their own, what is said of the others)."""
    columns, kept = independent(np.ones((len(covariates.columns), 1)), covariates.columns)
    some = Covariates(columns, tuple(covariates.names[j] for j in kept), tuple(covariates.of[j] for j in kept))
    dropped = [name for j, name in enumerate(covariates.names) if j not in kept]
    note = f"of the same value for all, or told by the others, and left out: {', '.join(dropped)}"
    return some, (note,) if dropped and len(columns) else ()


def _head(sample: _Sample, marker: str) -> Row:
    x, outcome = sample.x, sample.outcome
    seen = x.detected() == 1
    events = outcome.take(seen).events
    return {
        "marker": marker, "adjusted": list(dict.fromkeys(sample.covariates.of)), "measure": MEASURES[outcome.kind],
        "estimate": None, "ci_low": None, "ci_high": None, "p_value": None, "n": len(x), "detected": int(seen.sum()),
        "events": None if outcome.kind == "continuous" else outcome.events,
        "events_detected": None if outcome.kind == "continuous" else events,
        "analysis": "", "note": None, "checks": {},
    }  # fmt: skip


def _numbers(e: Estimate) -> Row:
    return {
        "estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high), "p_value": number(e.p)
    }  # fmt: skip


def _scaled(e: Estimate, outcome: Outcome) -> Estimate:
    """As a ratio, but for numbers."""
    return e if outcome.kind == "continuous" else e.through(exp, exp)


def _for(sample: _Sample) -> str:
    names = list(dict.fromkeys(sample.covariates.of))
    return f", adjusted for {', '.join(names)}" if names else ""


def _few(outcome: Outcome, columns: Array) -> list[str]:
    k = columns.shape[1]
    if outcome.kind == "continuous":
        return []
    events = min(outcome.events, len(outcome) - outcome.events) if outcome.kind == "binary" else outcome.events
    if events >= EVENTS_EACH * k:
        return []
    return [f"{events} events for {k} coefficient{'s' if k > 1 else ''}: fewer than {EVENTS_EACH} each"]


def _separate(seen: Array, y: Array) -> bool:
    """Whether a cell of the table of detection and outcome is empty."""
    return any(not ((seen == a) & (y == b)).any() for a in (0, 1) for b in (0, 1))


def _why(error: NotFitted, seen: Array, outcome: Outcome) -> str:
    """What is behind a fit that failed, if it is an empty group."""
    for value, words in ((1, "with"), (0, "without")):
        if outcome.kind != "continuous" and outcome.events and outcome.take(seen == value).events == 0:
            return f"nobody {words} a detectable marker has an event"
    return str(error)


def _log_rank(seen: Array, outcome: Outcome) -> float:
    from lifelines.statistics import logrank_test

    here, t, e = seen == 1, outcome.value, outcome.event
    with strict():
        return float(logrank_test(t[here], t[~here], e[here], e[~here]).p_value)


def _attempt(f: Callable[[], Estimate]) -> Estimate | None:
    try:
        return f()
    except NotFitted:
        return None


def _join(notes: list[str]) -> str | None:
    return "; ".join(notes) or None
