"""Dose tables in our own columns, checked; and what both dialects share.

Columns: ``time``, ``target`` (a species), ``amount``; optional ``patient`` (left out: the doses go to every
patient), ``duration`` (of an infusion; 0 or missing: a bolus), and ``every`` with ``count`` (the dose is
given ``count`` times in all, ``every`` apart). Rows may come in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.engine.columns import is_missing, read_labels, read_numbers, show
from leukinetics.errors import DataError, suggest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

OWN = ("patient", "time", "target", "amount", "duration", "every", "count")
MAX_DOSES = 100_000_000  # after repeats: some GB of arrays; a table beyond it is surely a mistake


@dataclass(frozen=True)
class Source:
    """Some rows (counted from 0) of a dose table, to name them in messages."""

    frame: pd.DataFrame
    rows: Integers

    def numbers(self, column: str | None, missing: float | None = None, hint: str = "") -> Floats:
        """A column as float64, (rows,); all ``missing`` where the table has no such column."""
        if column is None or column not in self.frame:
            return np.full(len(self.rows), missing, dtype=np.float64)
        part = self.frame[column].iloc[self.rows]
        what = f"Column '{column}' of the dose table{hint}"
        return read_numbers(part, what, missing=missing, rows=self.rows, total=len(self.frame))

    def reject(self, bad: Mask, why: str, column: str | None = None) -> None:
        """Raise DataError for the first row where ``bad``; ``column`` is shown with its value there."""
        found = np.flatnonzero(bad)
        if len(found):
            row = int(self.rows[found[0]])
            value = f" has {column} {show(self.frame[column].iloc[row])}" if column else ""
            more = f" {len(found) - 1} more row(s) are like this." if len(found) > 1 else ""
            raise DataError(f"Row {row + 1} of {len(self.frame)} of the dose table{value}: {why}{more}")


@dataclass(frozen=True)
class DoseRows:
    """The doses of a table before repeats are written out: arrays with one entry per row of ``source``."""

    source: Source
    patient: Integers | None  # positions among the patients; None: every patient
    time: Floats
    target: pd.Series | None  # names or numbers of species, unchecked; None: the only one there is
    amount: Floats
    duration: Floats
    every: Floats
    count: Integers
    steady_state: Floats  # 0, or the interval of a NONMEM SS=1 dose

    def check(self, time_column: str, amount_column: str) -> None:
        """Checks that hold in both dialects."""
        self.source.reject(self.time < 0, "simulations start at time 0.", time_column)
        self.source.reject(self.amount < 0, "a dose cannot be negative.", amount_column)
        with np.errstate(over="ignore"):
            rate = divide(self.amount, self.duration)
        self.source.reject(~np.isfinite(rate), "the infusion's rate, amount / duration, is not finite.")


def read_own(frame: pd.DataFrame, ids: pd.Index) -> DoseRows:
    """Read a dose table with our own columns. Raises DataError."""
    source = Source(frame, np.arange(len(frame)))
    nothing = np.zeros(len(frame), dtype=bool)
    has_every, has_count = (~is_missing(frame[name]) if name in frame else nothing for name in ("every", "count"))
    every, count = source.numbers("every", 0.0), source.numbers("count", 1.0)
    duration = source.numbers("duration", 0.0)
    source.reject(duration < 0, "a duration cannot be negative; 0 is a bolus.", "duration")
    source.reject((count < 1) | (count != np.floor(count)), "it must be a whole number from 1.", "count")
    source.reject(has_every & (every <= 0), "the interval between repeats must be above 0.", "every")
    source.reject(has_every & ~has_count, "repeats need a 'count', the number of doses in all.", "every")
    source.reject((count > 1) & ~has_every, "repeats need an interval in a column 'every'.", "count")
    rows = DoseRows(
        source,
        read_patients_of(frame["patient"], ids) if "patient" in frame else None,
        source.numbers("time"),
        frame["target"],
        source.numbers("amount"),
        duration,
        every,
        whole(source, count),
        np.zeros(len(frame)),
    )
    rows.check("time", "amount")
    return rows


def read_patients_of(labels: pd.Series, ids: pd.Index) -> Integers:
    """Positions in ``ids`` of a dose table's patient labels; DataError for a label that no patient has."""
    found = read_labels(labels, f"column '{labels.name}' of the dose table")
    position: Integers = ids.get_indexer(found).astype(np.int64)
    unknown = np.flatnonzero(position < 0)
    if len(unknown):
        first = found[int(unknown[0])]
        text, other = ("whole numbers" if i.dtype.kind == "i" else "text" for i in (found, ids))
        advice = (
            suggest(str(first), map(str, ids[:1000]))
            if text == other
            else f" The labels of the doses are {text}, those of the patients {other}."
        )
        raise DataError(
            f"Row {unknown[0] + 1} of {len(labels)} of the dose table is for patient {show(first)}, who is "
            f"not among the {len(ids)} patients ({len(unknown)} row(s) like this).{advice}"
        )
    return position


def whole(source: Source, count: Floats) -> Integers:
    """Numbers of repeats as integers; DataError where they would fill the memory."""
    if count.sum() > MAX_DOSES:
        source.reject(count == count.max(), f"with its repeats the table has more than {MAX_DOSES:,} doses.")
    return count.astype(np.int64)


def divide(amount: Floats, by: Floats) -> Floats:
    """``amount / by`` where ``by`` is above 0, otherwise 0."""
    return np.divide(amount, by, out=np.zeros_like(amount), where=by > 0)
