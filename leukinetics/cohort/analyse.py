"""The analysis of a table of people: detection, levels, activity, prognosis, and all of it against the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.detection import active, against, among, detected, odds, shares
from leukinetics.cohort.levels import censored_level, level_ratio
from leukinetics.cohort.plan import ACTIVE, BELOW, GROUP, MARKER, PERSON, Plan
from leukinetics.cohort.prognosis import outcome
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    import pandas as pd

    Row = dict[str, Any]

#: Limits of the curve, where the plan names none.
LIMITS = 17
#: The ends of that curve: shares of all people that are detected.
MOST, LEAST = 0.95, 0.03
PATIENTS = "all patients"


def analyse_cohort(table: pd.DataFrame, plan: Plan) -> dict[str, Any]:
    """Detection by group with the odds ratio of each against the control (``groups``, ``contrasts``), differences among
    groups of patients (``among``), odds of detection with active disease (``activity``, adjusted rows with
    ``covariates``), outcomes by detectability (``prognosis``), and all as functions of the limit (``curve``).

    ``table``, ``plan``: see :class:`leukinetics.cohort.plan.Plan`. DataError where the table lacks a column. Numbers
    that cannot be had are None.
    """
    _check_columns(table, plan)
    table = table[np.isfinite(table[MARKER].to_numpy(dtype=float))].reset_index(drop=True)
    _check_rows(table, plan)
    levels = {name: _level(table, name, plan) for name in plan.groups}
    return {
        "limit": plan.limit,
        "unit": plan.unit,
        "control": plan.control,
        "groups": [row | {"level": levels[row["name"]]} for row in shares(table, plan, plan.limit)],
        "contrasts": _contrasts(table, plan, plan.limit, levels),
        "among": among(table, plan, plan.limit),
        "activity": [row for name in plan.activity for row in _activity(table, plan, name)],
        "prognosis": [outcome(table, plan, plan.limit, g, e) for g in plan.prognosis for e in plan.outcomes],
        "curve": [_at(table, plan, limit) for limit in plan.limits or default_limits(table, plan)],
    }


def default_limits(table: pd.DataFrame, plan: Plan) -> tuple[float, ...]:
    """Limits, evenly spaced on the logarithm, from one that 95 % of people exceed to one that 3 % do, with the plan's
    own; none below the largest number that somebody's marker is only known to be below. Markers of 0 do not count,
    since a logarithm has no 0."""
    x = table[MARKER].to_numpy(dtype=float)
    least = float(x[table[BELOW].to_numpy(dtype=bool)].max(initial=0.0))
    x = x[np.isfinite(x) & (x > 0)]
    if not len(x):
        return (plan.limit,)
    low, high = np.quantile(x, [1 - MOST, 1 - LEAST])
    low = max(float(low), least)
    grid = np.geomspace(low, max(float(high), low * 1.01), LIMITS - 1)
    return tuple(sorted({*(float(f"{v:.3g}") for v in grid if float(f"{v:.3g}") >= least), plan.limit}))


def _contrasts(table: pd.DataFrame, plan: Plan, limit: float, levels: dict[str, Row] | None) -> list[Row]:
    """Of each group of patients, and of all of them: odds of detection, ratio of levels, against the control."""
    found = []
    sets: list[tuple[str, str | tuple[str, ...]]] = [(name, name) for name in plan.patients]
    for name, group in [*([(PATIENTS, plan.patients)] if len(sets) > 1 else []), *sets]:
        head = {"group": name, "reference": plan.control}
        found.append(head | odds(table, plan, limit, against(table, group, plan.control)))
        if levels is not None and name in levels:
            ratio = level_ratio(levels[name], levels[plan.control], plan.alpha)
            how = "lognormal levels, left-censored (lifelines); Wald's interval"
            found.append({**head, "measure": "level_ratio", **ratio, "analysis": how})
    return found


def _activity(table: pd.DataFrame, plan: Plan, name: str) -> list[Row]:
    where = active(table, name)
    rows = [{"group": name, "adjusted": [], **odds(table, plan, plan.limit, where)}]
    if plan.covariates:
        own = {"group": name, "adjusted": list(plan.covariates)}
        rows.append(own | odds(table, plan, plan.limit, where, plan.covariates))
    return rows


def _at(table: pd.DataFrame, plan: Plan, limit: float) -> Row:
    """One point of the curve; of levels those of all patients and of the control."""
    whole = table[table[GROUP].isin(plan.patients).to_numpy()]
    both = ((PATIENTS, whole), (plan.control, table[(table[GROUP] == plan.control).to_numpy()]))
    return {
        "limit": number(limit),
        "groups": shares(table, plan, limit),
        "contrasts": _contrasts(table, plan, limit, None),
        "activity": [{"group": g, **odds(table, plan, limit, active(table, g))} for g in plan.activity],
        "prognosis": [outcome(table, plan, limit, g, e) for g in plan.prognosis for e in plan.outcomes],
        "levels": [{"group": name, **_censored(part, plan, limit)} for name, part in both],
        "detected": number(float(detected(table, limit).mean())),
    }


def _level(table: pd.DataFrame, name: str, plan: Plan) -> Row:
    return _censored(table[(table[GROUP] == name).to_numpy()], plan, plan.limit)


def _censored(table: pd.DataFrame, plan: Plan, limit: float) -> Row:
    x = np.where(detected(table, limit), table[MARKER].to_numpy(dtype=float), 0.0)
    return censored_level(x, limit, plan.alpha)


def _check_columns(table: pd.DataFrame, plan: Plan) -> None:
    needed = [PERSON, GROUP, MARKER, BELOW, *([ACTIVE] if plan.activity else []), *plan.covariates]
    needed += [f"{e.id}.{part}" for e in plan.outcomes for part in ("value", "baseline", "exposure", "censored")]
    lacking = [name for name in needed if name not in table.columns]
    if lacking:
        raise DataError(f"The table of people has no column {', '.join(map(repr, lacking))}.")
    if plan.control not in plan.groups:
        raise DataError(f"The control '{plan.control}' is none of the plan's groups: {', '.join(plan.groups)}.")


def _check_rows(table: pd.DataFrame, plan: Plan) -> None:
    unknown = [str(g) for g in table[GROUP].unique() if g not in plan.groups]
    if unknown:
        raise DataError(
            f"The table of people has a group '{unknown[0]}' that the plan has not; name it, or leave it out."
        )
    empty = [g for g in plan.groups if g not in set(table[GROUP])]
    if empty:
        raise DataError(f"There is nobody with a marker in the group '{empty[0]}'.")
    high = float(table.loc[table[BELOW].to_numpy(dtype=bool), MARKER].max())
    least = min((plan.limit, *plan.limits))
    if np.isfinite(high) and least < high:
        raise DataError(
            f"The limit {least:g} {plan.unit} is below {high:g}, and somebody's marker is only known to be below "
            "that; give a limit that is at least as high."
        )
