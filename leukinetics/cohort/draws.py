"""The cohort again for draws of what is not known: intervals over parameters, apart from those over patients.

Each draw has the same people (random numbers) with other typical values, ``times`` as many as the cohort, so that their
chance matters less. With s² the variance of an estimate over the draws, v its mean squared standard error in a draw and
r the mean correlation of the people's errors between two draws, all on the scale on which errors are normal,

    sd_parameters = sqrt(max(s² - (1 - r) v, 0)),      sd_patients = sqrt(times v),

the latter of a cohort of the size that was asked for (see :mod:`leukinetics.trial.studies.variance`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.analyse import PATIENTS
from leukinetics.cohort.detection import active, against, detected
from leukinetics.cohort.firth import odds_of_four
from leukinetics.cohort.plan import GROUP, PERSON, Plan
from leukinetics.cohort.prognosis import outcome, rows
from leukinetics.errors import ProtocolError
from leukinetics.patients import draws
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.studies.narrowing import narrowing
from leukinetics.trial.studies.question import on_scale, standard_error, steepness
from leukinetics.trial.studies.variance import Shares, mean_correlation, spread_of_effects
from leukinetics.trial.studies.varied import Varied, uncertain

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    People = Callable[[Sequence[Mapping[str, float]]], pd.DataFrame]

#: Of a draw's outcomes no more than this many limits are looked at: each is a regression.
FEW = 5


@dataclass(frozen=True)
class Question:
    """One comparison of a cohort: "control", "activity" or "prognosis", of a group and, of the last, an outcome."""

    what: str
    group: str
    outcome: str = ""

    @property
    def key(self) -> dict[str, str]:
        """The keys of its row in a summary."""
        return {"what": self.what, "group": self.group} | ({"outcome": self.outcome} if self.outcome else {})


@dataclass(frozen=True)
class Answer:
    """``estimate`` and standard error ``se`` on the logarithm (of ratios), the measure, and people's shares in it."""

    estimate: float
    se: float
    measure: str
    shares: Shares | None = None


def questions(plan: Plan) -> list[Question]:
    """Every comparison of a cohort."""
    named = [*([PATIENTS] if len(plan.patients) > 1 else []), *plan.patients]
    found = [Question("control", name) for name in named]
    found += [Question("activity", name) for name in plan.activity]
    return found + [Question("prognosis", name, e.id) for name in plan.prognosis for e in plan.outcomes]


def answer(table: pd.DataFrame, plan: Plan, limit: float, q: Question) -> Answer:
    """The comparison in one table of people; NaN where it cannot be made."""
    if q.what == "prognosis":
        return _outcome(table, plan, limit, q)
    group = plan.patients if q.group == PATIENTS else q.group
    where = against(table, group, plan.control) if q.what == "control" else active(table, q.group)
    use = np.isfinite(where)
    y, x = detected(table, limit)[use].astype(float), where[use]
    n1, n0 = float(x.sum()), float((1 - x).sum())
    if not n1 or not n0:
        return Answer(math.nan, math.nan, "odds_ratio")
    k1, k0 = float((y * x).sum()), float((y * (1 - x)).sum())
    log, se = odds_of_four(np.array(k1), np.array(n1 - k1), np.array(k0), np.array(n0 - k0))
    p1, p0 = (k1 + 0.5) / (n1 + 1), (k0 + 0.5) / (n0 + 1)
    part = np.where(x == 1, (y - p1) / (n1 * p1 * (1 - p1)), -(y - p0) / (n0 * p0 * (1 - p0)))
    people = table[PERSON].to_numpy(dtype=np.int64)[use]
    return Answer(float(log), float(se), "odds_ratio", Shares(people, part))


def uncertainty(
    plan: Plan, prepared: Sequence[Prepared], many: pd.DataFrame, people: People, n: int, times: int, seed: int,
    limits: Sequence[float], progress: Callable[[int, int, str], None],
) -> dict[str, Any]:  # fmt: skip
    """``fitted``, each comparison in ``many`` people with the fitted values; ``contrasts`` over ``n`` draws:
    ``median``, ``low``, ``high`` (2.5 to 97.5 %), ``values``, ``sd_parameters``, ``sd_patients``, ``share_parameters``,
    ``narrowing``; ``shares`` of groups and the ``curve`` over ``limits``.

    ``people(typical)`` makes the table of ``times`` as many people for typical values of each group; a ProtocolError
    from it is a draw that fails (``failed_draws``: too few people are eligible).
    """
    drawn = [draws(p.assembly, n, seed) for p in prepared]
    known = _unknown(prepared)
    asked = questions(plan)
    # A regression each: outcomes are asked at few of the limits.
    every = max(len(limits) // FEW, 1)
    sparse = {*list(limits)[::every], plan.limit}
    points = sorted({*limits, plan.limit})
    found: dict[tuple[Question, float], list[Answer]] = {}
    shares: dict[tuple[str, float], list[float]] = {}
    failed, lost = 0, list[int]()
    for k in range(-1, n):
        progress(k + 1, n + 1, "draws of what is uncertain")
        table = many
        if k >= 0:
            try:
                table = people([{str(a): float(b) for a, b in d.iloc[k].items()} for d in drawn])
            except ProtocolError:
                lost.append(k)
                continue
        failed += table.attrs["failed"]
        for limit in points:
            for name in plan.groups:
                mine = detected(table, limit)[(table[GROUP] == name).to_numpy()]
                shares.setdefault((name, limit), []).append(float(mine.mean()))
            for q in asked:
                if q.what != "prognosis" or limit in sparse:
                    found.setdefault((q, limit), []).append(answer(table, plan, limit, q))
    progress(n + 1, n + 1, "draws of what is uncertain")
    drawn = [d.drop(index=lost) for d in drawn]
    return {
        "draws": n,
        "times": times,
        "failed": failed,
        "failed_draws": len(lost),
        "contrasts": [_of(q, found[q, plan.limit], times, known, drawn, seed) for q in asked],
        "shares": [{"limit": x, "group": g, **_band(v[1:], v[0])} for (g, x), v in shares.items()],
        "curve": [{"limit": x, **q.key, **_curve(v)} for (q, x), v in found.items()],
    }


def _curve(found: list[Answer]) -> dict[str, Any]:
    measure = found[0].measure
    scaled = [_back(a.estimate, measure) for a in found]
    return {"measure": measure, **_band(scaled[1:], scaled[0])}


def _band(values: Sequence[float], fitted: float) -> dict[str, Any]:
    x = np.array([v for v in values if math.isfinite(v)])
    low, median, high = np.quantile(x, [0.025, 0.5, 0.975]) if len(x) else (math.nan,) * 3
    return {"fitted": number(fitted), "median": number(median), "low": number(low), "high": number(high)}


def _of(
    q: Question, found: list[Answer], times: int, known: Varied, drawn: list[pd.DataFrame], seed: int
) -> dict[str, Any]:  # fmt: skip
    base, over = found[0], found[1:]
    there = [a for a in over if math.isfinite(a.estimate) and math.isfinite(a.se)]
    measure = base.measure
    values = [_back(a.estimate, measure) for a in over]
    row: dict[str, Any] = {**q.key, "measure": measure, **_band(values, _back(base.estimate, measure))}
    row |= {"values": [number(v) for v in values]}
    if len(there) < 2:
        nothing = {"sd_parameters": None, "sd_patients": None, "share_parameters": None, "narrowing": None}
        return row | nothing
    together = mean_correlation([a.shares for a in there if a.shares is not None])
    effects, errors = [a.estimate for a in there], [a.se for a in there]
    v = float(np.mean(np.square(errors)))
    parameters, patients = spread_of_effects(effects, errors, together), math.sqrt(times * v)
    factor = abs(steepness(measure, float(np.median([_back(e, measure) for e in effects]))))
    spread = float(np.var(effects, ddof=1))
    return row | {
        "sd_parameters": number(factor * parameters),
        "sd_patients": number(factor * patients),
        "share_parameters": number(parameters**2 / (parameters**2 + patients**2)),
        "narrowing": _narrowing(over, known, drawn, (1 - together) * v / spread if spread > 0 else None, seed),
    }


def _narrowing(
    over: list[Answer], known: Varied, drawn: list[pd.DataFrame], noise: float | None, seed: int
) -> dict[str, Any] | None:  # fmt: skip
    values = {name: next(d[name] for d in drawn if name in d).to_numpy(dtype=float) for name in known.names}
    effects = [a.estimate if math.isfinite(a.estimate) else None for a in over]
    found = narrowing(effects, values, [], noise, seed)
    if found is None:
        return None
    return found | {"parameters": [known.about(known.names.index(r["name"])) | r for r in found["parameters"]]}


def _unknown(prepared: Sequence[Prepared]) -> Varied:
    """All that is uncertain about any of the groups; what they share has the same draws."""
    parts = [uncertain(p, {}) for p in prepared]
    names, drawn, origins = [], [], []
    for part in parts:
        for j, name in enumerate(part.names):
            if name not in names:
                names.append(name)
                drawn.append(part.drawn[:, j])
                origins.append(part.origins[j])
    return Varied(names, np.stack(drawn, axis=1), origins)


def _outcome(table: pd.DataFrame, plan: Plan, limit: float, q: Question) -> Answer:
    endpoint = next(e for e in plan.outcomes if e.id == q.outcome)
    row = outcome(table, plan, limit, q.group, endpoint)
    if row["estimate"] is None or row["measure"] is None:
        return Answer(math.nan, math.nan, row["measure"] or "difference")
    measure = str(row["measure"])
    se = standard_error(row, plan.alpha)
    return Answer(on_scale(measure, row["estimate"]), se, measure, _outcome_shares(table, limit, q, endpoint))


def _outcome_shares(table: pd.DataFrame, limit: float, q: Question, endpoint: Endpoint) -> Shares:
    """The people's parts in the error: of events less what is expected in their time, of numbers less the mean."""
    mine = table[(table[GROUP] == q.group).to_numpy()]
    seen = detected(mine, limit)
    both = rows(mine, endpoint)
    y = both["value"].to_numpy(dtype=float)
    expected = np.ones(len(y))
    if endpoint.kind == "event_rate":
        expected = both["exposure"].to_numpy(dtype=float)
    part = np.zeros(len(y))
    for here, sign in ((seen, 1.0), (~seen, -1.0)):
        use = here & np.isfinite(y)
        total, time = y[use].sum(), expected[use].sum()
        if time > 0:
            size = total if endpoint.kind == "event_rate" and total > 0 else time
            part[use] = sign * (y[use] - expected[use] * total / time) / size
    return Shares(mine[PERSON].to_numpy(dtype=np.int64), part)


def _back(estimate: float, measure: str) -> float:
    """From the scale of :func:`on_scale` to the measure itself."""
    if not math.isfinite(estimate):
        return math.nan
    if measure.endswith("ratio"):
        return math.exp(estimate)
    return 100 * math.expm1(estimate) if measure == "percent_difference" else estimate
