"""Who was sampled, when, and in which group."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.table.cells import MISSING_WORDS, Kind, folded, plain
from leukinetics.cohort.table.convert_cells import in_unit
from leukinetics.cohort.table.dates import day_of, order_of
from leukinetics.cohort.table.dictionary import Dictionary, Format, Groups
from leukinetics.cohort.table.grid import Column, Grid
from leukinetics.cohort.table.known import is_control
from leukinetics.cohort.table.measured import Cells, read_cells
from leukinetics.cohort.table.note import Findings, plural, some
from leukinetics.cohort.table.numbers import Mark
from leukinetics.cohort.table.units_text import is_time
from leukinetics.patients.convert import convert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: What stands in the column of patients where a row sums others up.
_TOTALS = frozenset({
    "mean", "median", "sd", "sem", "se", "total", "totals", "sum", "average", "avg", "min", "max", "n", "count",
    "mittelwert", "summe", "geomean", "geometric mean",
})  # fmt: skip
#: Texts of categories that mean nothing: fewer than of numbers, since "none" may be a treatment and "unknown" a group.
NOTHING = frozenset(w for w in map(folded, MISSING_WORDS) if w not in ("none", "unknown", "not applicable", "nv")) | {
    ""
}


def labels_of(column: Column, missing: frozenset[str] = NOTHING) -> list[str | None]:
    """The text of each value of a column of words, as in the file but for spaces; None where it means nothing."""
    return [None if folded(t) in missing else plain(t) for t in column.texts]


def without_empty(grid: Grid, form: Format, findings: Findings) -> Grid:
    """The grid without rows that hold nothing but an id, as legends below a table do."""
    filled = np.zeros(len(grid), dtype=np.int64)
    own = grid.find(form.id) if form.id is not None else None
    for column in grid.columns:
        if column is not own:
            texts = np.array([bool(t.strip()) for t in column.texts] or [False])
            filled += texts[column.codes]
    empty = filled == 0
    if own is None or not empty.any():
        return grid
    rows = [int(r) for r in grid.rows[empty]]
    ids = list(dict.fromkeys(own.texts[c] for c in own.codes[empty]))
    findings.note(
        "dropped",
        f"{plural(len(rows), 'row')} with nothing but {some(ids, 3)} in '{own.name}' left out",
        rows,
        own.name,
    )
    return grid.take(np.flatnonzero(~empty))


def persons(form: Format, grid: Grid, findings: Findings) -> list[str]:
    """The id of each row's patient."""
    if form.id is None:
        findings.note("decision", "No column holds patients' ids; each row is taken as a patient of its own.")
        return [f"row {r}" for r in grid.rows]
    column = grid.find(form.id)
    names = [plain(t) for t in column.texts]
    texts = np.array([*names, ""], dtype=object)
    lacking = texts[column.codes] == ""
    if lacking.any():
        findings.problem(
            "there is no id; write one, or list rows that are no samples as skip_rows in [table] of a dictionary.",
            [int(r) for r in grid.rows[lacking]],
            column.name,
        )
    for i, text in enumerate(names):
        if text.casefold().rstrip("=:. ") in _TOTALS and (column.codes == i).any():
            rows = [int(r) for r in grid.rows[column.codes == i]]
            findings.problem(
                f"'{text}' looks like a line that sums others up; delete it, or list it as skip_rows in [table] of a "
                "dictionary.",
                rows,
                column.name,
            )
    near: dict[str, set[str]] = {}
    for text in names:
        near.setdefault(re.sub(r"[\s_-]", "", text.casefold()), set()).add(text)
    alike = sorted(sorted(s) for s in near.values() if len(s) > 1)
    if alike:
        pairs = "; ".join(" and ".join(f"'{t}'" for t in s) for s in alike[:3])
        text = f"ids differ only in case, spaces or dashes and count as different patients: {pairs}"
        findings.note("odd", text, (), column.name, len(alike))
    return list(texts[column.codes])


def visits(form: Format, grid: Grid) -> list[str | None]:
    """The name of each row's visit, if any."""
    if form.visit is None:
        return [None] * len(grid)
    column = grid.find(form.visit)
    texts = np.array([*labels_of(column), None], dtype=object)
    return list(texts[column.codes])


def times(form: Format, grid: Grid, people: list[str], decimal: Mark, findings: Findings) -> Array:
    """The time of each row in days; of dates, since the patient's first."""
    if form.time is None:
        return np.full(len(grid), np.nan)
    cells = read_cells(grid.find(form.time), grid.rows, decimal, form.missing)
    bad = [
        i for i in range(len(cells.kinds)) if cells.kinds[i] not in (Kind.NUMBER, Kind.DATE, Kind.MISSING, Kind.LOST)
    ]
    bad = [i for i in bad if cells.which([i]).any()]
    name = cells.column.name
    if bad:
        findings.problem(
            f"{some(cells.text(i) for i in bad)} is no time; expected numbers ({form.time_unit}s) or dates.",
            cells.where(bad),
            name,
        )
    dates = cells.of_kind(Kind.DATE)
    if dates and cells.of_kind(Kind.NUMBER):
        findings.problem("it has numbers and dates; write one of the two.", cells.where(dates), name)
        return np.full(len(grid), np.nan)
    if dates:
        return _since_first(form, cells, dates, people, findings)
    own = cells.column.unit if cells.column.unit and is_time(cells.column.unit) else form.time_unit
    x = in_unit(cells, own, None, findings)
    return np.where(cells.kind == Kind.NUMBER, x * convert(1.0, own, "day"), np.nan)


def _since_first(form: Format, cells: Cells, dates: list[int], people: list[str], findings: Findings) -> Array:
    import pandas as pd

    name, texts = cells.column.name, [cells.text(i) for i in dates]
    order: str | None = form.dates
    if order is None:
        try:
            order, example = order_of(texts)
        except ValueError as error:
            findings.problem(f"dates are written in two ways: {error}; write them alike, best as 2020-03-31.", (), name)
            return np.full(len(people), np.nan)
        if example is not None:
            findings.problem(
                f'\'{example}\' may begin with the day or the month; say dates = "dmy" or "mdy" in [table] of a '
                "dictionary.",
                cells.where(dates),
                name,
            )
    days = np.full(len(cells.kinds) or 1, np.nan)
    for i, text in zip(dates, texts, strict=True):
        day = day_of(text, order)
        if day is None:
            findings.problem(
                f"'{text:.30}' is no date that can be read; write it as 2020-03-31.", cells.where([i]), name
            )
        else:
            days[i] = day
    findings.note("decision", f"'{name}': dates count as days since the patient's first one.", (), name)
    x = pd.Series(days[cells.column.codes])
    return np.asarray(x - x.groupby(np.array(people, dtype=object)).transform("min"), dtype=float)


def without_left_out(given: Groups | None, grid: Grid, findings: Findings) -> Grid:
    """The grid without the rows of groups that the dictionary leaves out."""
    if given is None or not given.leave_out:
        return grid
    column = grid.find(given.column)
    codes = {folded(k): v for k, v in given.labels.items()}
    gone = {folded(n) for n in given.leave_out}
    out = np.array([folded(codes.get(folded(t), t)) in gone for t in column.texts] or [False])[column.codes]
    if not out.any():
        text = f"No row is of the groups that are to be left out, {some(given.leave_out)}."
        findings.note("odd", text, (), column.name)
        return grid
    rows = [int(r) for r in grid.rows[out]]
    text = f"{plural(len(rows), 'row')} of the groups {some(given.leave_out)} left out, as leave_out asks"
    findings.note("dropped", text, rows, column.name)
    return grid.take(np.flatnonzero(~out))


def groups(dictionary: Dictionary, grid: Grid, findings: Findings) -> tuple[Any, Groups | None]:
    """(the group of each row, as an ordered category; the dictionary's entry with control and order filled in)."""
    import pandas as pd

    given = dictionary.group
    if given is None:
        findings.note("decision", "There are no groups; all samples are looked at together.")
        return pd.Categorical([None] * len(grid), categories=[], ordered=True), None
    column = grid.find(given.column)
    codes = {folded(k): v for k, v in given.labels.items()}
    raw = labels_of(column, NOTHING - frozenset(codes))
    named: dict[str, str] = {}
    labels: list[str | None] = []
    counts = column.counts()
    for i in sorted(
        range(len(raw)), key=lambda i: (-int(counts[i]), str(raw[i]))
    ):  # the usual spelling names the group
        if (text := raw[i]) is not None:
            named.setdefault(folded(text), next((o for o in given.order if folded(o) == folded(text)), text))
    for text in raw:
        labels.append(None if text is None else codes.get(folded(text), named[folded(text)]))
    _tell_labels(column, raw, labels, grid, findings)
    used = {labels[c] for c in np.unique(column.codes)} - {None}
    names = sorted((str(u) for u in used), key=_natural)
    control = given.control or next((n for n in names if is_control(n)), None)
    if control is not None and control not in names:
        findings.problem(f"there is no group '{control:.60}', the control; there are {some(names)}.", (), column.name)
    order = [*given.order] or [n for n in (control, *(n for n in names if n != control)) if n in names]
    lacking = [n for n in names if n not in order]
    if lacking:
        findings.problem(
            f"the groups {some(lacking)} are not in the dictionary's order; add them there, to labels, or to "
            "leave_out.",
            [int(grid.rows[column.codes == c][0]) for c in range(len(labels)) if labels[c] in lacking and counts[c]],
            column.name,
        )
    empty = [n for n in order if n not in names]
    if empty and not lacking:
        findings.note("odd", f"No row is of {some(empty)}, which the dictionary's order has.", (), column.name)
    if control is None and len(names) > 1:
        text = f"No group is known to be the control; each is compared with each ({some(names)})"
        findings.note("decision", f"{text}; say control in [group] of a dictionary.", (), column.name)
    elif given.control is None and control is not None:
        findings.note("decision", f"'{control}' is taken as the control, by its name.", (), column.name)
    known = [label if label in order else None for label in labels]  # others were refused above
    values = np.array([*known, None], dtype=object)[column.codes]
    return (
        pd.Categorical(values, categories=order, ordered=True),
        given.model_copy(update={"column": column.name, "control": control, "order": order}),
    )


def _tell_labels(
    column: Column, raw: list[str | None], labels: list[str | None], grid: Grid, findings: Findings
) -> None:
    spellings: dict[str, list[str]] = {}
    for text, label in zip(raw, labels, strict=True):
        if text is not None and label is not None and folded(text) == folded(label) and text != label:
            spellings.setdefault(label, []).append(text)
    for label, texts in spellings.items():
        rows = [int(r) for r in grid.rows[np.isin(column.codes, [raw.index(t) for t in texts])]]
        count = "counts" if len(texts) == 1 else "count"
        findings.note("decision", f"'{column.name}': {some(texts)} {count} as '{label}'", rows, column.name)
    nobody = np.array([label is None for label in labels] or [True])[column.codes]
    if nobody.any():
        rows = [int(r) for r in grid.rows[nobody]]
        merged = " (were cells merged before it was saved as text?)" if nobody.mean() > 0.5 else ""
        text = f"'{column.name}': {plural(len(rows), 'row')} without a group, in no comparison{merged}"
        findings.note("odd", text, rows, column.name)


def _natural(text: str) -> list[tuple[bool, float, str]]:
    """Sorts "2" before "10", and numbers before words."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(not p.isdigit(), float(p) if p.isdigit() else 0.0, p) for p in parts if p]
