"""A column of cells as arrays: what each says, and its number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.table.cells import Cell, Kind, folded, read_cell
from leukinetics.cohort.table.grid import Column
from leukinetics.cohort.table.numbers import Mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

#: What most cells are: read without looking further, so that a million of them take seconds.
_PLAIN = {".": re.compile(r"\d+(?:\.\d+)?"), ",": re.compile(r"\d+")}
#: Different cells that are looked at to find out a column's decimal mark.
_LOOKED_AT = 20_000


@dataclass(frozen=True, eq=False)
class Cells:
    """What the cells of a column say: ``kinds`` and ``numbers`` of its values (see :class:`Column`), and ``special``,
    by value, those that are more than a plain number."""

    column: Column
    rows: NDArray[np.int64]
    kinds: NDArray[np.int8]
    numbers: Array
    special: dict[int, Cell]

    @property
    def kind(self) -> NDArray[np.int8]:
        """Of each row."""
        return self.kinds[self.column.codes]

    @property
    def number(self) -> Array:
        """Of each row."""
        return self.numbers[self.column.codes]

    def which(self, values: Iterable[int]) -> Mask:
        """The rows whose cell is one of some values."""
        wanted = np.zeros(len(self.kinds) or 1, dtype=bool)
        wanted[list(values)] = True
        return np.asarray(wanted[self.column.codes])

    def where(self, values: Iterable[int]) -> list[int]:
        """The rows of the file of :meth:`which`."""
        return self.in_file(self.which(values))

    def in_file(self, mask: Mask) -> list[int]:
        """Rows of the file."""
        return [int(r) for r in self.rows[mask]]

    def of_kind(self, kind: Kind) -> list[int]:
        """Values of a kind, the most frequent first."""
        found = [int(i) for i in np.flatnonzero(self.kinds == kind)]
        counts = self.column.counts()
        return sorted((i for i in found if counts[i]), key=lambda i: -counts[i])

    def text(self, value: int) -> str:
        """A value as it stands in the file."""
        return self.column.texts[value] if len(self.kinds) < _LOOKED_AT else str(self.column.values[value])


def read_cells(
    column: Column, rows: NDArray[np.int64], decimal: Mark, missing: Iterable[str] = (), below: Iterable[str] = ()
) -> Cells:
    """The cells of a column; ``missing``, ``below``: words that mean these, beside those that always do."""
    gone, low = frozenset(map(folded, missing)), frozenset(map(folded, below))
    kinds = np.full(len(column.values), Kind.NUMBER, dtype=np.int8)
    numbers = np.empty(len(column.values))
    special: dict[int, Cell] = {}
    plain = _PLAIN[decimal]
    marked = bool(gone or low)  # a number may be declared to be such a word
    for i, value in enumerate(column.values):
        if isinstance(value, str):
            if not marked and plain.fullmatch(value) and value.isascii() and len(value) < 300:
                numbers[i] = float(value)
                continue
            cell = read_cell(value, decimal, gone, low)
        elif marked and column.texts[i] in gone | low:
            cell = Cell(Kind.MISSING if column.texts[i] in gone else Kind.BELOW, word=column.texts[i])
        else:
            numbers[i] = value
            continue
        kinds[i], numbers[i] = cell.kind, cell.value
        special[i] = cell
    return Cells(column, rows, kinds, numbers, special)


@dataclass
class Marks:
    """How many cells prove a decimal point or comma, and examples of those that may be read with either."""

    point: int = 0
    comma: int = 0
    either_point: str = ""
    either_comma: str = ""


def marks_of(columns: Iterable[Column]) -> Marks:
    """The marks of decimals of columns of which at least half the cells are numbers, or below or above one."""
    found = Marks()
    for column in columns:
        texts = [v for v in column.values[:_LOOKED_AT] if isinstance(v, str) and v.strip()]
        if not texts:
            continue
        cells = [read_cell(t) for t in texts]
        read = [c for c in cells if c.number is not None]
        if 2 * len(read) < sum(
            c.kind not in (Kind.MISSING, Kind.BELOW, Kind.LOST) or c.number is not None for c in cells
        ):
            continue
        for text, cell in zip(texts, cells, strict=True):
            number = cell.number
            if number is None:
                continue
            found.point += number.mark == "."
            found.comma += number.mark == ","
            if number.either and "." in text:
                found.either_point = found.either_point or text.strip()
            elif number.either:
                found.either_comma = found.either_comma or text.strip()
    return found
