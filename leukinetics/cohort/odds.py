"""Odds of detection between groups, and in models with covariates; functions of arrays.

Firth's logistic regression with profile intervals (:mod:`leukinetics.cohort.firth`), which has an estimate whatever the
table; exact conditional odds ratios (scipy); where covariates separate the detected from the others, that is said
(linear programming, Konis, thesis, Oxford 2007).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.design import Column, Design, design_of
from leukinetics.cohort.detect import MOST_EXACT, corrected, counts, share_of, table_test, trend
from leukinetics.cohort.firth import MANY, coefficients
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import NotFitted

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

FIRTH = "Firth's logistic regression"
#: More distinct rows than this are not looked through for separation.
MOST_SEPARATION = 20_000
NOTHING: dict[str, Any] = dict.fromkeys(("estimate", "ci_low", "ci_high", "p_value"))


def odds_ratio(cells: ArrayLike, alpha: float = 0.05) -> Row:
    """Odds of detection in the first group over those in the second, of ``cells`` ((detected, not), (detected, not)):
    by Firth's regression (``estimate``, ``ci_low``, ``ci_high``, ``p_value``), exact and conditional (``exact``,
    ``exact_low``, ``exact_high``, ``p_exact``), and the difference of shares (``difference``, ``difference_low``,
    ``difference_high``; Newcombe). An exact end that is infinite is None."""
    (a, b), (c, d) = table = np.asarray(cells, dtype=np.int64)
    n, n0 = int(a + b), int(c + d)
    found: Row = {"measure": "odds_ratio", **NOTHING}
    found |= dict.fromkeys(("exact", "exact_low", "exact_high", "p_exact"))
    found |= dict.fromkeys(("difference", "difference_low", "difference_high"))
    found |= {"n": n, "n_reference": n0, "detected": int(a), "detected_reference": int(c)}
    found |= {"analysis": f"{FIRTH}, profile interval", "note": ""}
    if not (n and n0):
        return found | {"note": "not estimated: a group has nobody"}
    if not (a + c and b + d):  # the penalty alone would tell the groups apart, by their sizes
        alike = "nobody" if a + c == 0 else "everybody"
        return found | _difference(table, alpha) | {"note": f"not estimated: {alike} is detected in either group"}
    y, x = np.array([1.0, 0, 1, 0]), np.array([1.0, 1, 0, 0])
    said = []
    try:
        fit = coefficients(y, x[:, None], alpha, table.ravel().astype(float)).estimate(1)
        found |= {"estimate": number(fit.estimate), "ci_low": number(fit.low), "ci_high": number(fit.high)}
        found["p_value"] = number(fit.p)
    except NotFitted as error:
        said.append(f"not estimated: {error}")
    found |= _exact(table, alpha) | _difference(table, alpha)
    for which, (yes, no) in zip(("first", "second"), table, strict=True):
        if yes == 0 or no == 0:
            said.append(f"{'nobody' if yes == 0 else 'everybody'} of the {which} group is detected")
    found["note"] = ", ".join(said)
    return found


def compare_detection(
    seen: ArrayLike,
    groups: ArrayLike,
    names: Sequence[str],
    control: str | None = None,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    ordered: bool = False,
    alpha: float = 0.05,
    correct: str = "holm",
    seed: int = 1,
) -> Row:
    """``groups`` (shares with Wilson's intervals), ``overall`` (chi-square or resampled, and exact), ``trend`` (over
    ``names`` where they are ``ordered``, else None), and ``pairs``, each with ``control`` where there is one: rows of
    :func:`odds_ratio` with ``p_adjusted`` and ``p_exact_adjusted`` for their number; ``pairs``: others than these, as
    (group, reference)."""
    cells = counts(seen, groups, names)
    where = {name: i for i, name in enumerate(names)}
    if control is not None and control not in where:
        raise DataError(f"The control '{control}' is none of the groups: {', '.join(names)}.")
    if pairs is not None:
        pairs = list(pairs)
    elif control is not None:
        pairs = [(name, control) for name in names if name != control]
    else:
        pairs = [(one, other) for i, one in enumerate(names) for other in names[i + 1 :]]
    rows = [
        {"group": one, "reference": other, **odds_ratio(cells[[where[one], where[other]]], alpha)}
        for one, other in pairs
    ]
    for name, adjusted in (("p_value", "p_adjusted"), ("p_exact", "p_exact_adjusted")):
        for row, p in zip(rows, corrected([r[name] for r in rows], correct), strict=True):
            row[adjusted] = p
    return {
        "groups": [
            {"name": name, **share_of(int(k), int(k + rest), alpha)}
            for name, (k, rest) in zip(names, cells, strict=True)
        ],
        "overall": [table_test(cells, seed, "overall"), table_test(cells, seed, "overall exact", "exact")],
        "trend": trend(cells) if ordered else None,
        "control": control,
        "correct": correct,
        "pairs": rows,
    }


def adjusted_odds(seen: ArrayLike, design: pd.DataFrame, alpha: float = 0.05) -> Row:
    """A logistic model of detection on the columns of ``design`` (numbers, or categories against their first).

    ``coefficients``: ``name``, ``level``, ``reference``, ``measure`` "odds_ratio" (per unit of a number),
    ``estimate``, ``ci_low``, ``ci_high``, ``p_value``; ``terms``: for each covariate the p value of all its columns;
    ``separated``: the columns that part the detected from the others without error (their estimates are finite only by
    the penalty); ``n``, ``detected``, ``analysis``, ``note``. DataError where the rows do not match.
    """
    y = np.asarray(seen, dtype=float)
    if len(design) != len(y):
        raise DataError(f"The model has {len(y)} rows and {len(design)} rows of covariates; give each as many.")
    columns = design_of(design, ~np.isnan(y))
    y = y[columns.used]
    n, k = len(y), int(y.sum())
    how = "profile intervals" if n <= MANY else "Wald's intervals"
    found: Row = {"n": n, "detected": k, "coefficients": [], "terms": [], "separated": []}
    found |= {"analysis": f"{FIRTH}, {how}"}
    if not columns.columns:
        return found | {"note": "; ".join(["not estimated: no covariate varies", *columns.said])}
    if k in (0, n):
        why = f"not estimated: {'all' if k else 'none'} are detected"
        return found | {"note": "; ".join([why, *columns.said])}
    rows, weights = _collapsed(y, columns)
    try:
        fit = coefficients(rows[:, 0], rows[:, 1:], alpha, weights)
        for j, column in enumerate(columns.columns, start=1):
            e = fit.estimate(j)
            found["coefficients"].append(_told(column, e))
        terms = columns.terms()
        found["terms"] = [
            {"name": name, "df": len(where), "p_value": number(fit.p(where + 1))} for name, where in terms.items()
        ]
    except NotFitted as error:
        return found | {"coefficients": [], "note": "; ".join([f"not estimated: {error}", *columns.said])}
    notes = list(columns.said)
    if len(rows) <= MOST_SEPARATION:
        found["separated"] = [columns.columns[i].words for i in separating(rows[:, 0], rows[:, 1:])]
    else:
        notes.append(f"not looked through for separation: more than {MOST_SEPARATION:,} different rows")
    if found["separated"]:
        names = ", ".join(found["separated"])
        notes.insert(0, f"separation by {names}: the penalty alone keeps estimates finite, intervals tell the rest")
    return found | {"note": "; ".join(notes)}


def separating(y: Array, columns: Array) -> list[int]:
    """The columns in a combination that is never lower where ``y`` is 1 than where it is 0, and sometimes higher."""
    from scipy.optimize import linprog

    x = np.column_stack([np.ones(len(y)), columns])
    x = x / np.maximum(np.abs(x).max(axis=0), 1e-300)
    signed = x * np.where(y == 1, 1.0, -1.0)[:, None]
    found = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(y)), bounds=(-1, 1), method="highs")
    if found.x is None or -float(found.fun) < 1e-7 * len(y):
        return []
    return [j - 1 for j, b in enumerate(found.x) if j and abs(b) > 1e-6]


def _collapsed(y: Array, columns: Design) -> tuple[Array, Array]:
    """Distinct rows, detection first, and how often each occurs."""
    rows = np.column_stack([y, columns.matrix])
    some = rows[:: max(len(rows) // 500, 1)]
    if len(np.unique(some, axis=0)) > 0.5 * len(some):
        return rows, np.ones(len(rows))
    distinct, weights = np.unique(rows, axis=0, return_counts=True)
    return distinct, weights.astype(float)


def _told(column: Column, e: Any) -> Row:
    return {
        "name": column.name,
        "level": column.level,
        "reference": column.reference,
        "measure": "odds_ratio",
        "estimate": number(e.estimate),
        "ci_low": number(e.low),
        "ci_high": number(e.high),
        "p_value": number(e.p),
    }


def _exact(table: NDArray[np.int64], alpha: float) -> Row:
    """The conditional odds ratio, whose end is None where a cell is empty on that side."""
    from scipy.stats import fisher_exact
    from scipy.stats.contingency import odds_ratio as conditional

    p = number(float(fisher_exact(table).pvalue))
    if table.sum() > MOST_EXACT or not (table.sum(axis=0) > 0).all():
        return {"p_exact": p}
    result = conditional(table, kind="conditional")
    ends = result.confidence_interval(1 - alpha)
    return {
        "exact": number(float(result.statistic)),
        "exact_low": number(float(ends.low)),
        "exact_high": number(float(ends.high)),
        "p_exact": p,
    }


def _difference(table: NDArray[np.int64], alpha: float) -> Row:
    from statsmodels.stats.proportion import confint_proportions_2indep

    (a, b), (c, d) = (tuple(int(v) for v in row) for row in table)
    n, n0 = a + b, c + d
    low, high = confint_proportions_2indep(a, n, c, n0, method="newcomb", compare="diff", alpha=alpha)
    ends = {"difference_low": number(float(low)), "difference_high": number(float(high))}
    return {"difference": number(a / n - c / n0), **ends}
