"""What is odd in a column's cells, and what cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.table.cells import Kind
from leukinetics.cohort.table.measured import Cells
from leukinetics.cohort.table.note import SHOWN, Findings, plural, some
from leukinetics.cohort.table.numbers import Mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Numbers that often stand for something that was not measured, where they are so many times as high as all others.
CODES, APART = np.array([float(d * n) for d in "789" for n in range(2, 8)]), 5.0


def check_cells(cells: Cells, findings: Findings, advice: str = "") -> None:
    """Problems for cells that are no numbers, nor words that are known (``advice``: what else may be done about them);
    notes for samples that were lost."""
    name = cells.column.name
    if unknown := cells.of_kind(Kind.UNKNOWN):
        texts = [cells.text(i) for i in unknown]
        listed = ", ".join(f'"{_quotable(t)}"' for t in texts[:SHOWN])
        findings.problem(
            f"{some(texts)} {'is' if len(texts) == 1 else 'are'} neither a number nor a word that is known; correct "
            f"the cells, or add missing = [{listed}] to [table] of a dictionary, where it means not measured{advice}.",
            cells.where(unknown),
            name,
        )
    if dates := cells.of_kind(Kind.DATE):
        findings.problem(
            f"{some(cells.text(i) for i in dates)} {'is a date' if len(dates) == 1 else 'are dates'}, where a number "
            "is expected (spreadsheets turn numbers such as 1.5 into dates); correct the cells.",
            cells.where(dates),
            name,
        )
    for value in cells.of_kind(Kind.LOST):
        rows = cells.where([value])
        many = "counts" if len(rows) == 1 else "count"
        text = f"'{name}': {plural(len(rows), 'cell')} '{cells.text(value).strip():.40}' {many} as not measured"
        findings.note("odd", text, rows, name)


def check_marks(cells: Cells, decimal: Mark, findings: Findings) -> None:
    """Notes for numbers that have another decimal mark than the table, and marks of thousands; a problem where a number
    may be read either way."""
    other = [i for i, c in cells.special.items() if c.number and c.number.mark not in (None, decimal)]
    either = [
        i for i, c in cells.special.items() if c.number and c.number.either and not _has_mark(cells.text(i), decimal)
    ]
    name, mark = cells.column.name, "comma" if decimal == "." else "point"
    if either and other:
        findings.problem(
            f"'{cells.text(either[0])}' may have a decimal {mark} (as '{cells.text(other[0])}' in "
            f"{_row(cells, other)}) or a "
            "mark of thousands; write all numbers in the same way.",
            cells.where(either),
            name,
        )
    elif either:
        text, value = cells.text(either[0]).strip(), cells.special[either[0]].value
        rows = cells.where(either)
        findings.note(
            "decision",
            f"'{name}': the {mark} in {plural(len(rows), 'cell')} is taken as a mark of thousands, so that '{text}' is "
            f"{value:g}; say decimal in [table] where it is one of decimals",
            rows,
            name,
        )
    elif other:
        rows = cells.where(other)
        text = f"'{name}': {plural(len(rows), 'cell')} with a decimal {mark}, as '{cells.text(other[0]).strip():.40}'"
        findings.note("odd", text, rows, name)


def check_codes(cells: Cells, number: NDArray[np.float64], findings: Findings) -> None:
    """A note for numbers such as 999 far above all others, a problem for -999 among numbers of 0 or more."""
    known = np.isfinite(number)
    code = known & np.isin(np.abs(np.where(known, number, 0.0)), CODES)
    rest = np.abs(number[known & ~code])
    if not code.any() or not len(rest):
        return
    name, most = cells.column.name, float(rest.max())
    negative = code & (number < 0)
    if negative.any() and (number[known & ~code] >= 0).all():
        told = _told(number[negative])
        listed = ", ".join(f'"{v}"' for v in told)
        findings.problem(
            f"{some(told)} {like_code(told)}, as no other number is below 0; add missing = [{listed}] to [table] of a "
            "dictionary, where it means not measured; else correct the cells.",
            cells.in_file(negative),
            name,
        )
        code &= ~negative
    if code.any() and float(np.abs(number[code]).min()) >= APART * most:
        rows, told = cells.in_file(code), _told(number[code])
        text = (
            f"'{name}': {some(told)} in {plural(len(rows), 'cell')}, far from all other numbers ({most:g} at most), "
            f"{like_code(told)}; where that means not measured, add it to missing in [table] of a dictionary"
        )
        findings.note("odd", text, rows, name)


def _told(numbers: NDArray[np.float64]) -> list[str]:
    return list(dict.fromkeys(f"{v:.0f}" for v in numbers))


def like_code(told: list[str]) -> str:
    """What is said of such numbers."""
    return "looks like a code" if len(told) == 1 else "look like codes"


def _has_mark(text: str, decimal: Mark) -> bool:
    return decimal in text


def _row(cells: Cells, values: list[int]) -> str:
    return f"row {cells.where(values[:1])[0]}"


def _quotable(text: str) -> str:
    return text.strip()[:40].replace("\\", "\\\\").replace('"', '\\"')
