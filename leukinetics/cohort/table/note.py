"""What a reader of a table is told: decisions that were made, odd cells, rows that were left out; and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from leukinetics.errors import DataError

Severity = Literal["decision", "odd", "dropped"]
#: Rows and texts that a message names; of more it tells how many there are.
SHOWN = 5


@dataclass(frozen=True)
class Note:
    """One thing that was decided about a table, or is odd in it.

    ``row``: the first row that it is about, as a spreadsheet counts the rows of the file (from 1, the header's
    included); ``column``: the header of the column; ``count``: how many cells or rows are alike.
    """

    severity: Severity
    text: str
    row: int | None = None
    column: str | None = None
    count: int = 1


class Findings:
    """Notes and problems, gathered while a table is read, so that its owner is told everything at once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.notes: list[Note] = []
        self._problems: dict[str, None] = {}

    def note(
        self,
        severity: Severity,
        text: str,
        rows: Iterable[int] = (),
        column: str | None = None,
        count: int | None = None,
    ) -> None:
        """Add a note; ``rows``: those that it is about, which the text need not name."""
        about = list(rows)
        where = f" ({rows_text(about)})" if about else ""
        text = f"{text.rstrip('.')}{where}." if where else text
        self.notes.append(Note(severity, text, about[0] if about else None, column, count or max(len(about), 1)))

    def problem(self, text: str, rows: Iterable[int] = (), column: str | None = None) -> None:
        """Add what makes the table unusable: one sentence with what was found and what to do."""
        about = list(rows)
        where = [rows_text(about)] if about else []
        where += [f"column '{column:.60}'"] if column else []
        self._problems.setdefault(f"{', '.join(where)}: {text}" if where else text)

    def raise_if_any(self) -> None:
        """DataError that begins with the file's name, and tells each problem on a line of its own."""
        if not self._problems:
            return
        found = list(self._problems)
        head = f"The table '{self.source}'"
        if len(found) == 1:
            raise DataError(f"{head}, {found[0]}" if found[0].startswith(("row", "column")) else f"{head}: {found[0]}")
        raise DataError("\n".join([f"{head} has {len(found)} problems:", *(f"- {text}" for text in found)]))


def rows_text(rows: Sequence[int]) -> str:
    """ "row 7", "rows 7, 9, 12, 13, 20 and 31 more"."""
    shown = ", ".join(map(str, rows[:SHOWN]))
    more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def some(names: Iterable[object], most: int = SHOWN) -> str:
    """Some names of many, in quotes: "'a', 'b' and 7 more"."""
    found = [f"'{name!s:.40}'" for name in names]
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def plural(n: int, one: str, many: str = "") -> str:
    """ "1 cell", "2,400 cells"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
