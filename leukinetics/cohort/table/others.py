"""Covariates and outcomes: columns of plain numbers, of two words, of categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.table.cells import Kind, folded, plain
from leukinetics.cohort.table.check_cells import check_cells, check_codes, check_marks
from leukinetics.cohort.table.cohort_table import EVENT, EXPOSURE
from leukinetics.cohort.table.convert_cells import column_unit, in_unit, one_factor
from leukinetics.cohort.table.dictionary import Covariate, Outcome
from leukinetics.cohort.table.grid import Column, Grid
from leukinetics.cohort.table.measured import Cells, read_cells
from leukinetics.cohort.table.note import Findings, plural, some
from leukinetics.cohort.table.numbers import Mark
from leukinetics.cohort.table.people import NOTHING
from leukinetics.cohort.table.units_text import is_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Words of two kinds of answers: the first counts as 1.
_YES = frozenset(
    {"1", "yes", "y", "true", "t", "ja", "j", "oui", "si", "sí", "positive", "pos", "+", "present", "active"}
)
_NO = frozenset(
    {"0", "no", "n", "false", "f", "nein", "non", "negative", "neg", "-", "absent", "inactive", "quiet", "none"}
)
_EVENT = frozenset({"event", "dead", "died", "death", "deceased", "relapse", "relapsed", "progressed", "failed", *_YES})
_CENSORED = frozenset({"censored", "alive", "cens", "censor", "event-free", "event free", "no event", *_NO})
_WOMEN = frozenset({"f", "female", "woman", "women", "w", "weiblich", "frau", "femme"})
_MEN = frozenset({"m", "male", "man", "men", "männlich", "mann", "homme"})


@dataclass(frozen=True)
class Context:
    """What all columns of a table share."""

    grid: Grid
    decimal: Mark
    missing: tuple[str, ...]
    findings: Findings

    def cells(self, name: str) -> Cells:
        """The cells of a column."""
        return read_cells(self.grid.find(name), self.grid.rows, self.decimal, self.missing)


def read_covariate(entry: Covariate, on: Context) -> tuple[Any, Covariate]:
    """(a covariate of each row: numbers, or a category with the reference first; the entry with what was found)."""
    import pandas as pd

    column = on.grid.find(entry.column)
    found: dict[str, Any] = {"column": column.name}
    if entry.kind == "continuous":
        x, found["unit"] = _numbers(on.cells(entry.column), entry.unit, on)
        return x, entry.model_copy(update=found)
    if entry.kind == "binary":
        x, found["positive"] = _two(column, entry.positive, on, False)
        return x, entry.model_copy(update=found)
    labels = _labels(column, on.missing)
    counts: dict[str, int] = {}
    for label, n in zip(labels, column.counts(), strict=True):
        if label is not None and n:
            counts[label] = counts.get(label, 0) + int(n)
    names = sorted(counts)
    reference = next((n for n in names if entry.reference and folded(n) == folded(entry.reference)), None)
    if entry.reference is not None and reference is None:
        on.findings.problem(
            f"no row is '{entry.reference:.40}', the reference; there are {some(names)}.", (), column.name
        )
    if entry.reference is None and names:
        reference = max(names, key=lambda n: (counts[n], n))
        text = f"'{column.name}': '{reference}', the most frequent, is what others are compared with."
        on.findings.note("decision", text, (), column.name)
    found["reference"] = reference
    order = [n for n in (reference, *(n for n in names if n != reference)) if n is not None]
    values = np.array([*labels, None], dtype=object)[column.codes]
    return pd.Categorical(values, categories=order), entry.model_copy(update=found)


def read_outcome(entry: Outcome, on: Context) -> tuple[dict[str, Array], Outcome]:
    """(an outcome's columns by name, see :class:`CohortTable`; the entry with what was found)."""
    column = on.grid.find(entry.column)
    found: dict[str, Any] = {"column": column.name}
    if entry.kind == "binary":
        x, found["positive"] = _two(column, entry.positive, on, True)
        return {entry.name: x}, entry.model_copy(update=found)
    cells = on.cells(entry.column)
    if entry.kind == "continuous":
        x, found["unit"] = _numbers(cells, entry.unit, on)
        return {entry.name: x}, entry.model_copy(update=found)
    if entry.kind == "count":
        x = _plain_numbers(cells, on)
        whole = np.isnan(x) | ((x >= 0) & (x == np.round(x)))
        _refuse(cells, ~whole, "is no count; expected whole numbers of 0 or more", on)
        columns = {entry.name: x, entry.name + EXPOSURE: np.full(len(x), np.nan)}
        if entry.exposure is not None:
            over = on.cells(entry.exposure)
            exposure, found["unit"] = _days(over, entry.unit, on)
            _refuse(over, ~(np.isnan(exposure) | (exposure > 0)), "is no time over which events are counted", on)
            _tell_half(cells, over, x, exposure, on)
            columns[entry.name + EXPOSURE] = exposure
            found["exposure"] = over.column.name
        return columns, entry.model_copy(update=found)
    x, found["unit"] = _days(cells, entry.unit, on)
    _refuse(cells, ~(np.isnan(x) | (x >= 0)), "is negative, which no time to an event is", on)
    assert entry.event is not None
    status = on.grid.find(entry.event)
    event, found["positive"] = _two(status, entry.positive, on, True)
    found["event"] = status.name
    _tell_half(cells, on.cells(entry.event), x, event, on)
    half = np.isnan(x) | np.isnan(event)
    return (
        {entry.name: np.where(half, np.nan, x), entry.name + EVENT: np.where(half, np.nan, event)},
        entry.model_copy(update=found),
    )


def _plain_numbers(cells: Cells, on: Context, unit: str | None = None) -> Array:
    check_cells(cells, on.findings)
    check_marks(cells, on.decimal, on.findings)
    limited = [i for kind in (Kind.BELOW, Kind.ABOVE) for i in cells.of_kind(kind)]
    if limited:
        on.findings.problem(
            f"{some(cells.text(i) for i in limited)} is below or above a limit, which only an [[analyte]] has; make it "
            "one, or give a number.",
            cells.where(limited),
            cells.column.name,
        )
    check_codes(cells, np.where(cells.kind == Kind.NUMBER, cells.number, np.nan), on.findings)
    x = in_unit(cells, unit, None, on.findings)
    return np.where(cells.kind == Kind.NUMBER, x, np.nan)


def _numbers(cells: Cells, declared: str | None, on: Context) -> tuple[Array, str | None]:
    unit = column_unit(declared, cells, on.findings)
    return _plain_numbers(cells, on, unit), unit


def _days(cells: Cells, declared: str | None, on: Context) -> tuple[Array, str]:
    """(times in days, the unit that they are in)."""
    own = cells.column.unit if cells.column.unit and is_time(cells.column.unit) else None
    unit = declared or own
    if unit is None:
        unit = "day"
        name = cells.column.name
        on.findings.note("decision", f"'{name}': its numbers are taken as days; say unit where they are not.", (), name)
    x = _plain_numbers(cells, on, unit)
    return x * one_factor(unit, "day", None, cells.column.name, on.findings), unit


def _refuse(cells: Cells, bad: Any, why: str, on: Context) -> None:
    if bad.any():
        first = cells.text(int(cells.column.codes[int(np.argmax(bad))]))
        on.findings.problem(f"'{first.strip():.40}' {why}.", cells.in_file(bad), cells.column.name)


def _tell_half(one: Cells, other: Cells, x: Array, y: Array, on: Context) -> None:
    for a, b, has, lacks in ((one, other, x, y), (other, one, y, x)):
        half = np.isfinite(has) & np.isnan(lacks)
        if half.any():
            rows = a.in_file(half)
            text = (
                f"{plural(len(rows), 'row')} with '{a.column.name}' and without '{b.column.name}' {_lack(rows)} this "
                "outcome"
            )
            on.findings.note("odd", text, rows, b.column.name)


def positive_word(present: Iterable[str], outcome: bool) -> str | None:
    """The word of a column of two that counts as 1, where its meaning is known; "" where there is none of that meaning,
    None where that cannot be told."""
    keys = {folded(p): p for p in present}
    if _is_sex(keys):
        return next((p for k, p in keys.items() if k in _WOMEN), "")
    ones, zeros = (_YES | _EVENT, _NO | _CENSORED) if outcome else (_YES, _NO)
    yes = [p for k, p in keys.items() if k in ones]
    no = [p for k, p in keys.items() if k in zeros]
    if len(yes) > 1 or len(no) > 1 or len(yes) + len(no) < len(keys):
        return None
    return yes[0] if yes else ""


def _two(column: Column, positive: str | None, on: Context, outcome: bool) -> tuple[Array, str | None]:
    """(1, 0 or NaN of each row; the word that counts as 1) of a column of two words."""
    labels = labels_of_two(column, on.missing)
    present = sorted({str(labels[c]) for c in np.unique(column.codes) if labels[c] is not None})
    name, keys = column.name, {folded(p): p for p in present}
    if positive is None:
        positive = positive_word(present, outcome)
        if positive is None:
            on.findings.problem(
                f'which of {some(present)} counts as 1 is not known; say positive = "..." in its entry of a '
                "dictionary.",
                (),
                name,
            )
        elif present:
            others = some(p for p in present if p != positive)
            ones = f"'{positive}' counts as 1" if positive else "nothing counts as 1"
            on.findings.note("decision", f"'{name}': {ones}, {others or 'nothing'} as 0.", (), name)
    elif folded(positive) in _YES | _EVENT and positive_word(present, outcome) == "":
        told = some(present) if present else "nothing"
        on.findings.note("odd", f"'{name}': no row is '{positive}', which counts as 1; there is {told}.", (), name)
    elif folded(positive) not in keys:
        text = f"no row is '{positive:.40}', the word that counts as 1; there are {some(present)}."
        on.findings.problem(text, (), name)
    elif len(present) > 2:
        others = some(p for k, p in keys.items() if k != folded(positive))
        on.findings.note("decision", f"'{name}': all but '{positive}' count as 0: {others}.", (), name)
    one = folded(positive or "")
    values = np.array([np.nan if v is None else float(folded(v) == one) for v in labels] or [np.nan])
    return np.asarray(values[column.codes]), positive or None


def is_man(word: str | None) -> bool:
    """Whether a word of a column of the sex means a man."""
    return folded(word or "") in _MEN


def _is_sex(keys: Iterable[str]) -> bool:
    known = set(keys)
    return bool(known) and known <= _WOMEN | _MEN and bool(known & (_WOMEN | _MEN) - {"f"})


def labels_of_two(column: Column, missing: Iterable[str] = ()) -> list[str | None]:
    """The labels of a column of two words, in which "-" beside "+" is one."""
    plus = "+" in map(str.strip, column.texts)
    return _labels(column, missing, frozenset({"-", "–"}) if plus else frozenset())


def _labels(column: Column, missing: Iterable[str], keep: frozenset[str] = frozenset()) -> list[str | None]:
    """The label of each value, in its most frequent spelling; None where it means nothing."""
    nothing = (NOTHING | frozenset(map(folded, missing))) - keep
    counts = column.counts()
    usual: dict[str, str] = {}
    for i in sorted(range(len(column.values)), key=lambda i: (-int(counts[i]), column.texts[i])):
        usual.setdefault(folded(column.texts[i]), plain(column.texts[i]))
    return [None if folded(t) in nothing else usual[folded(t)] for t in column.texts]


def _lack(rows: list[int]) -> str:
    return "lacks" if len(rows) == 1 else "lack"
