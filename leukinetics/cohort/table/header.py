"""Which rows of a file are its header, what the columns are called, and the units that headers hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from leukinetics.cohort.table.cells import Kind, folded, plain, read_cell
from leukinetics.cohort.table.grid import Value, as_text, letter
from leukinetics.cohort.table.note import Findings, some
from leukinetics.cohort.table.units_text import is_concentration, spelled

#: Rows at the top among which the header is looked for.
TOP = 60
#: What stands in a second row of a header, below the name of the analyte.
_PARTS = frozenset({
    "value", "values", "result", "results", "conc", "concentration", "level", "lod", "lloq", "loq", "llod", "limit",
    "mean", "unit", "units", "flag", "flags", "batch", "plate", "csf", "serum", "plasma", "liquor", "raw", "final",
    "measured", "comment", "date",
})  # fmt: skip
#: What a row above the names of analytes may say: what they were measured in.
_MATRICES = frozenset({"csf", "serum", "plasma", "liquor"})
_IN_BRACKETS = re.compile(r"(?P<before>.*?)[\s_,.]*[(\[{]\s*(?P<unit>[^()\[\]{}]+?)\s*[)\]}]\s*(?P<after>.*)")
_LETTERED = re.compile(r" \(column [A-Z]+\)$")
_AFTER = re.compile(r"[\s_,.;:/-]+")
#: Units that are too like the end of a name to be taken without brackets.
_NOT_BARE = frozenset({"min", "points", "score", "ratio", "mo", "u", "d", "m", "h", "y", "M", "percent", "day"})


def header_of(top: Sequence[Sequence[Value]]) -> list[int]:
    """The rows (from 0) of the header among the rows at the top of a file; empty where there is none."""
    filled = [[i for i, c in enumerate(row) if _text(c)] for row in top]
    width = max((len(f) for f in filled), default=0)
    kinds = [len({_text(row[i]) for i in f}) for row, f in zip(top, filled, strict=True)]
    first = next((k for k, f in enumerate(filled) if len(f) >= max(2, 0.6 * width) and kinds[k] > 1), None)
    if first is None or width < 2:
        return []
    numbers = [i for i in filled[first] if _is_value(top[first][i])]
    below = top[first + 1] if first + 1 < len(top) else ()
    if 2 * len(numbers) >= len(filled[first]) or any(i < len(below) and _is_value(below[i]) for i in numbers):
        return []
    rows = [first]
    if (
        first
        and filled[first - 1]
        and _needs_more(top[first], top[first - 1])
        and not _values(top[first - 1], filled[first - 1])
    ):
        rows.insert(0, first - 1)
    following = first + 1
    while following < len(top) and len(rows) < 3 and _continues(top[following], top[rows[-1]], filled[following]):
        rows.append(following)
        following += 1
    return rows


def column_names(rows: Sequence[Sequence[Value]], width: int, findings: Findings) -> list[str]:
    """The names of columns out of the rows of a header, each unlike the others."""
    texts = [[_text(row[i]) if i < len(row) else "" for i in range(width)] for row in rows]
    last = Counter(folded(t) for t in texts[-1])
    for above, below in pairwise(texts):
        for i in range(1, width):  # a merged cell has its text on the left
            part = folded(below[i])
            inside = folded(above[i - 1]) in _MATRICES and is_concentration(split_unit(below[i])[1] or "")
            if not above[i] and above[i - 1] and (part in _PARTS or spelled(below[i]) or last[part] > 1 or inside):
                above[i] = above[i - 1]
    names = []
    for i in range(width):
        parts = list(dict.fromkeys(t[i] for t in texts if t[i]))
        names.append(" ".join(parts) or f"column {letter(i)}")
    twice = [n for n, k in Counter(names).items() if k > 1]
    if twice:
        findings.note(
            "odd",
            f"Several columns are called {some(twice)}; each has its letter added to its name, as "
            f"'{twice[0]} (column {letter(names.index(twice[0]))})'.",
            column=twice[0],
            count=len(twice),
        )
    return [f"{n}{_lettered(i)}" if n in twice else n for i, n in enumerate(names)]


def _lettered(index: int) -> str:
    return f" (column {letter(index)})"


def split_unit(name: str) -> tuple[str, str | None]:
    """("IL-6", "pg/mL") of "IL-6 (pg/ml)", "IL-6 [pg/mL]", "IL-6, pg/mL" or "IL-6_pg_ml"; None without a unit."""
    name = _LETTERED.sub("", plain(name))
    found = _IN_BRACKETS.fullmatch(name)
    if found and (unit := spelled(found["unit"])):
        return " ".join(f"{found['before']} {found['after']}".split()), unit
    for gap in _AFTER.finditer(name):
        rest = name[gap.end() :]
        unit = spelled(rest)
        if gap.start() and unit and rest not in _NOT_BARE:
            return name[: gap.start()], unit
    return name, None


def _continues(row: Sequence[Value], above: Sequence[Value], filled: Sequence[int]) -> bool:
    """Whether a row goes on with a header: units, the parts of what is above, or what a merged cell is above."""
    if not filled or _values(row, filled):
        return False
    over = {i: _text(above[i]) if i < len(above) else "" for i in filled}
    new = [i for i in filled if _text(row[i]) != over[i]]  # a cell merged downwards has the same text in both
    spread = {t for t, k in Counter(_text(c) for c in above).items() if t and k > 1}
    spread |= {over[i] for i in filled if over.get(i + 1) == ""}  # a merged cell has its text on the left
    merged = any(over[i] in spread for i in new) and len({_text(row[i]) for i in new}) > 1
    return bool(new) and all(
        not over[i] or spelled(_text(row[i])) or folded(_text(row[i])) in _PARTS or (merged and over[i] in spread)
        for i in new
    )


def _needs_more(row: Sequence[Value], above: Sequence[Value]) -> bool:
    """Whether the names of a header's row do not stand on their own: they are parts of what is above, which several of
    them share, or which begins further to the right; above stands what they were measured in; or what is above tells
    apart those that are called alike. A title is no such row."""
    texts = [folded(t) for c in row if (t := _text(c))]
    over = ["" if i >= len(above) else folded(_text(above[i])) for i in range(len(row))]
    if _text(above[0]) and len({t for t in over if t}) < 2:
        return False
    twice = len(set(texts)) < len(texts)
    if (twice or not _text(above[0])) and any(t in _PARTS or spelled(t) for t in texts):
        return True
    left = ""
    whole = []
    for part, cell in zip(over, row, strict=True):
        left = part or left
        if text := folded(_text(cell)):
            whole.append((left, text))
    return (twice and len(set(whole)) == len(whole)) or any(t in _MATRICES for t in over)


def _values(row: Sequence[Value], filled: Sequence[int]) -> bool:
    return any(_is_value(row[i]) for i in filled)


def _text(cell: Value) -> str:
    return plain(as_text(cell))


def _is_value(cell: Value) -> bool:
    if not isinstance(cell, str):
        return True
    read = read_cell(cell)
    return read.kind == Kind.DATE or (read.kind in (Kind.NUMBER, Kind.BELOW, Kind.ABOVE) and read.value == read.value)
