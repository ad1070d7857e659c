"""TSV and TOML files as plain data that remembers file and line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from leukinetics.biology.problems import Place, Problems
from leukinetics.errors import suggest

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)| *\(at end of document\)")
NO_COLUMN = "the table has no column"
EMPTY = "the table is empty"


@dataclass(frozen=True)
class Row:
    """One row of a table: texts by column, without surrounding blanks."""

    cells: dict[str, str]
    place: Place

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_tsv(
    text: str, file: str, columns: Sequence[str], problems: Problems, optional: Sequence[str] = ()
) -> list[Row]:
    """Rows of a tab-separated table whose header has ``columns``; blank lines and ``#`` lines are skipped.

    A table that lacks a column has no rows.
    """
    rows: list[Row] = []
    header: list[str] = []
    complete = True
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        place = Place(file, number)
        if not header:
            header = cells
            for column in columns:
                if column not in header:
                    problems.add(place, f"{NO_COLUMN} '{column}'.", suggest(column, header))
                    complete = False
            known = [*columns, *optional]
            for column in header:
                if column not in known and complete:
                    problems.add(place, f"the column '{column}' is unknown.", suggest(column, known))
            continue
        if len(cells) > len(header):
            problems.add(place, f"the row has {len(cells)} cells, but the table has {len(header)} columns.")
        rows.append(Row(dict(zip(header, cells, strict=False)), place))
    if not header:
        problems.add(Place(file, 1), f"{EMPTY}; its first line must name the columns {', '.join(columns)}.")
    return rows if complete else []


@dataclass
class Toml:
    """A TOML document: ``content`` as tomllib gives it, and the line of every key."""

    file: str
    content: dict[str, Any]
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def place(self, *path: str | int) -> Place:
        """The place of a key, or of the nearest key around it: ``place("binding", 0, "target")``."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return Place(self.file, self.lines[path[:end]])
        return Place(self.file, 1)


def read_toml(text: str, file: str, problems: Problems) -> Toml | None:
    """The document, or None (and a problem) if it is no TOML."""
    try:
        return Toml(file, tomllib.loads(text), _lines(text))
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found and found[1] else len(text.splitlines()) or 1
        reason = _AT_LINE.sub("", str(error))
        problems.add(Place(file, line), f"this is not valid TOML: {reason[:1].lower()}{reason[1:]}.")
        return None


def _lines(text: str) -> dict[tuple[str | int, ...], int]:
    """Key path -> line. Entries of ``[[arrays]]`` are numbered from 0."""
    lines: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    depth, quote = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        outside = not quote and depth <= 0
        header = _HEADER.match(line) if outside else None
        key = _KEY.match(line) if outside else None
        if header:
            table = ()
            names = _split(header[2])
            for name in names[:-1]:
                table = _within((*table, name), counts)
            table = (*table, names[-1])
            if header[1] == "[[":
                lines.setdefault(table, number)
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines[table] = number
        elif key:
            lines[(*table, *_split(key[1]))] = number
        if not header:
            quote, change = _scan(line, quote)
            depth = max(depth + change, 0)
    return lines


def _within(path: tuple[str | int, ...], counts: dict[tuple[str | int, ...], int]) -> tuple[str | int, ...]:
    return (*path, counts[path]) if path in counts else path


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", dotted))


def _scan(line: str, quote: str) -> tuple[str, int]:
    """(triple quote that is open at the end of the line, change of the depth of brackets)."""
    change, i = 0, 0
    while i < len(line):
        if quote:
            end = line.find(quote, i)
            if end < 0:
                return (quote if len(quote) == 3 else ""), change
            i, quote = end + len(quote), ""
            continue
        for mark in ('"""', "'''", '"', "'"):
            if line.startswith(mark, i):
                quote = mark
                break
        if quote:
            i += len(quote)
            continue
        if line[i] == "#":
            break
        change += (line[i] in "[{") - (line[i] in "]}")
        i += 1
    return quote if len(quote) == 3 else "", change
