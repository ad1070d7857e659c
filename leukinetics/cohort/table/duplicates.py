"""Several rows of one patient and visit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.table.cohort_table import GROUP, PERSON, TIME, VISIT
from leukinetics.cohort.table.note import Findings, plural, rows_text, some
from leukinetics.cohort.values import Censored

if TYPE_CHECKING:
    import pandas as pd

#: Patients that a message names.
_NAMED = 3


def resolve(
    rows: pd.DataFrame, analytes: dict[str, Censored], how: str, column: str, findings: Findings
) -> tuple[pd.DataFrame, dict[str, Censored]]:
    """Rows of one person, visit and time, as the dictionary has it: "error", "first", "mean" or "samples".

    The mean of values of which some are censored lies between the means of their ends.
    """
    again = rows.duplicated([PERSON, VISIT, TIME], keep="first").to_numpy()
    _tell_groups(rows, findings, column)
    if not again.any() or how == "samples":
        if again.any():
            text = f"{plural(int(again.sum()), 'row')} more of a patient and visit, taken as samples of their own"
            findings.note("decision", text, [int(r) for r in rows.loc[again, "row"]], column)
        return rows, analytes
    every = rows.duplicated([PERSON, VISIT, TIME], keep=False).to_numpy()
    if how == "error":
        groups = rows[every].groupby([PERSON, VISIT, TIME], dropna=False, sort=False)["row"]
        named = [
            f"'{key[0]}' in {rows_text([int(r) for r in x])} ({_differing(rows, analytes, x.index)})"
            for key, x in list(groups)[:_NAMED]
        ]
        more = f" and {groups.ngroups - _NAMED} more" if groups.ngroups > _NAMED else ""
        # Where there is a column that tells samples apart, these rows are alike in it.
        known = rows[VISIT].notna().any() or rows[TIME].notna().any()
        advice = "say" if known else "name the column of the visit or time, or say"
        findings.problem(
            f"{plural(groups.ngroups, 'patient')} with several rows of one visit: "
            f'{"; ".join(named)}{more}; {advice} duplicates = "first", "mean" or "samples", in [table] of a '
            "dictionary.",
            (),
            column,
        )
        return rows, analytes
    if how == "first":
        kept = np.flatnonzero(~again)
        text = f"{plural(int(again.sum()), 'row')} left out: there is one before of the same patient and visit"
        findings.note("dropped", text, [int(r) for r in rows.loc[again, "row"]], column)
        return rows.iloc[kept].reset_index(drop=True), {k: x.take(kept) for k, x in analytes.items()}
    return _averaged(rows, analytes, every, column, findings)


def _differing(rows: pd.DataFrame, analytes: dict[str, Censored], where: pd.Index) -> str:
    """In what some rows differ, in words."""
    place = rows.index.get_indexer(where)
    names = [str(n) for n in rows.columns if n != "row" and rows[n].iloc[place].nunique(dropna=False) > 1]
    for name, x in analytes.items():
        ends = np.stack([x.lower[place], x.upper[place]])
        if not all(np.array_equal(end, np.full(len(end), end[0]), equal_nan=True) for end in ends):
            names.append(name)
    return f"they differ in {some(names, 5)}" if names else "alike"


def _averaged(
    rows: pd.DataFrame, analytes: dict[str, Censored], every: Any, column: str, findings: Findings
) -> tuple[pd.DataFrame, dict[str, Censored]]:
    import pandas as pd

    number = rows.groupby([PERSON, VISIT, TIME], dropna=False, sort=False).ngroup().to_numpy()
    of = plural(len(np.unique(number[every])), "patient and visit", "patients and visits")
    text = f"{plural(int(every.sum()), 'row')} of {of} averaged"
    findings.note("decision", text, [int(r) for r in rows.loc[every, "row"]], column)
    found: dict[str, Any] = {}
    for name in rows.columns:
        by = rows[name].groupby(number, sort=True)
        numeric = rows[name].dtype.kind == "f" and name != TIME
        binary = numeric and set(rows[name].dropna().unique()) <= {0.0, 1.0}
        if numeric and not binary:
            found[name] = by.mean().to_numpy()
            continue
        differ = by.nunique(dropna=True).to_numpy() > 1
        if differ.any() and name != "row":
            where = np.isin(number, np.flatnonzero(differ))
            findings.problem(
                f"rows of one patient and visit differ in '{name}', so that they have no mean; correct them, or say "
                'duplicates = "first" or "samples" in [table] of a dictionary.',
                [int(r) for r in rows.loc[where, "row"]],
                column,
            )
        first = by.first()
        found[name] = first.array if isinstance(rows[name].dtype, pd.CategoricalDtype) else first.to_numpy()
    averaged = {name: _mean(x, number) for name, x in analytes.items()}
    frame = pd.DataFrame(found)
    frame[VISIT] = frame[VISIT].astype(object).where(frame[VISIT].notna(), None)
    return frame, averaged


def _mean(x: Censored, number: Any) -> Censored:
    """Between the means of the lower and of the upper ends, over the measured rows of each sample."""
    n = int(number.max()) + 1
    use = x.measured
    count = np.bincount(number[use], minlength=n).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        lower = np.bincount(number[use], x.lower[use], n) / count
        upper = np.bincount(number[use], x.upper[use], n) / count
    observed = np.bincount(number[use], x.observed[use], n) == count
    limit = np.full(n, np.nan)
    np.fmax.at(limit, number, x.limit)
    unknown = (lower == 0) & np.isinf(upper)
    lower, upper = np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)
    return Censored(lower, np.where(observed, lower, upper), limit, x.unit, x.name)


def _tell_groups(rows: pd.DataFrame, findings: Findings, column: str) -> None:
    several = rows.dropna(subset=[GROUP]).groupby(PERSON, sort=False)[GROUP].nunique()
    if (several > 1).any():
        names = list(several.index[several > 1])
        where = [int(r) for r in rows.loc[rows[PERSON].isin(names), "row"]]
        text = (
            f"{plural(len(names), 'patient')} {'is' if len(names) == 1 else 'are'} in several groups, as '{names[0]}'"
        )
        findings.note("odd", text, where, column, len(names))
