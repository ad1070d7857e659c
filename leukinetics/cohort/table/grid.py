"""A table before anything is understood of it: columns of texts and numbers, with the rows of the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.table.cells import folded
from leukinetics.errors import DataError, suggest

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = str | float


@dataclass(frozen=True, eq=False)
class Column:
    """A column: ``values[codes[i]]`` is the cell of row i, a text or a number that the file holds as one.

    ``name``: its header, unlike that of any other column; ``base``: that without the ``unit`` that it names.
    """

    name: str
    letter: str
    base: str
    unit: str | None
    codes: NDArray[np.int64]
    values: list[Value]

    @property
    def texts(self) -> list[str]:
        """The different cells as text."""
        return [as_text(v) for v in self.values]

    def counts(self) -> NDArray[np.int64]:
        """How often each value occurs."""
        return np.bincount(self.codes, minlength=len(self.values))

    @property
    def filled(self) -> int:
        """How many cells are not empty."""
        empty = [i for i, v in enumerate(self.values) if isinstance(v, str) and not v.strip()]
        return int(len(self.codes) - self.counts()[empty].sum())

    def take(self, rows: NDArray[np.int64]) -> Column:
        """Some rows."""
        return replace(self, codes=self.codes[rows])


@dataclass(frozen=True, eq=False)
class Grid:
    """Columns of equal length, and the ``rows`` of the file that they come from (from 1)."""

    columns: list[Column]
    rows: NDArray[np.int64]
    source: str
    header_rows: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, name: str) -> Column:
        """The column of a header, of which case, spaces and the unit may be left out. DataError where there is none, or
        where several fit."""
        alike = (
            [c for c in self.columns if c.name == name],
            [c for c in self.columns if folded(c.name) == folded(name)],
            [c for c in self.columns if folded(c.base) == folded(name)],
        )
        for found in alike:
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(f"'{c.name}'" for c in found)
                raise DataError(f"the column '{name:.60}' may be one of {names}; write the one that is meant.")
        near = suggest(name, self.names) or (
            f" There are {', '.join(self.names)}." if len(self.names) <= 20 else f" It has {len(self.names)} columns."
        )
        raise DataError(f"there is no column '{name:.60}'.{near}")

    @property
    def names(self) -> list[str]:
        """The headers."""
        return [c.name for c in self.columns]

    def take(self, rows: NDArray[np.int64]) -> Grid:
        """Some rows."""
        return replace(self, columns=[c.take(rows) for c in self.columns], rows=self.rows[rows])


def as_text(value: Value) -> str:
    """A cell as a reader of the file sees it: a whole number without a point."""
    if isinstance(value, str):
        return value
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def letter(index: int) -> str:
    """A column as spreadsheets name it: 0 -> "A", 27 -> "AB"."""
    name, index = "", index + 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def encode(
    chunks: Iterable[Sequence[Sequence[Value]]], width: int
) -> tuple[list[NDArray[np.int64]], list[list[Value]]]:
    """Columns of rows (in chunks) that all have ``width`` cells, as (codes, values) of each."""
    import pandas as pd

    known: list[dict[Value, int]] = [{} for _ in range(width)]
    parts: list[list[NDArray[np.int64]]] = [[np.empty(0, dtype=np.int64)] for _ in range(width)]
    for chunk in chunks:
        for own, part, cells in zip(known, parts, zip(*chunk, strict=True), strict=False):
            array = np.empty(len(cells), dtype=object)
            array[:] = cells
            codes, values = pd.factorize(array, use_na_sentinel=False)
            part.append(np.array([own.setdefault(v, len(own)) for v in values], dtype=np.int64)[codes])
    return [np.concatenate(p) for p in parts], [list(own) for own in known]
