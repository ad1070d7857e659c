"""Sheets of Excel workbooks as rows of numbers and texts."""

from __future__ import annotations

import io
import warnings
import zipfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from leukinetics.cohort.table.grid import Value
from leukinetics.cohort.table.note import Findings, some
from leukinetics.errors import DataError

#: Merged cells and formulas looked at, so that a hostile workbook costs no more than its size.
_MERGED = 100_000


@dataclass(frozen=True)
class Sheet:
    """Rows of a sheet; ``merged``: (first row, last row, text) of cells that are merged into one, from 1."""

    name: str
    rows: list[list[Value]]
    merged: list[tuple[int, int, Value]]


def read_sheet(data: bytes, sheet: str | None, findings: Findings) -> Sheet:
    """A workbook's sheet: dates as ISO text, merged cells filled with their text.

    DataError where it is no workbook, or has several sheets that may be meant.
    """
    book = _open(data, findings)
    names = [s.title for s in book.worksheets]
    if sheet is not None and sheet not in names:
        raise DataError(f"The workbook '{findings.source}' has no sheet '{sheet:.60}'; it has {some(names)}.")
    if sheet is None:
        sheet = _only(book, names, findings)
    page = book[sheet]
    if page.sheet_state != "visible":
        findings.note("odd", f"The sheet '{sheet}' is hidden in the workbook.")
    rows = [[_value(c) for c in row] for row in page.iter_rows(values_only=True)]
    merged = _fill_merged(page, rows)
    _check_formulas(data, sheet, rows, findings)
    hidden = sum(1 for k, d in page.row_dimensions.items() if d.hidden and k <= len(rows))
    if hidden:
        findings.note(
            "odd", f"{hidden:,} rows are hidden in the workbook (by a filter?); they are read like all others."
        )
    return Sheet(sheet, rows, merged)


def _open(data: bytes, findings: Findings, values: bool = True) -> Any:
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that openpyxl leaves out
            return load_workbook(io.BytesIO(data), data_only=values)
    except Exception as error:  # openpyxl raises errors of many kinds on what is no workbook
        raise DataError(
            f"'{findings.source}' cannot be read as an Excel workbook; save it again as .xlsx, or as CSV in UTF-8."
        ) from error


def _only(book: Any, names: list[str], findings: Findings) -> str:
    full = [str(s.title) for s in book.worksheets if s.max_row > 1 and s.max_column > 1]
    if len(full) > 1:
        raise DataError(
            f"The workbook '{findings.source}' has {len(full)} sheets with tables: {some(full)}; say which one, with "
            '--sheet NAME, or sheet = "NAME" in [table] of a dictionary.'
        )
    if not full:
        raise DataError(f"The workbook '{findings.source}' has no sheet with a table in it.")
    if len(names) > 1:
        findings.note("decision", f"The sheet '{full[0]}' is read, the only one of {len(names)} with a table.")
    return full[0]


def _value(cell: Any) -> Value:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, (int, float)):
        return float(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return f"{cell}"
    return str(cell)


def _fill_merged(page: Any, rows: list[list[Value]]) -> list[tuple[int, int, Value]]:
    """Cells that are merged into one hold its text, each of them."""
    filled = []
    for area in list(page.merged_cells.ranges)[:_MERGED]:
        top, left = area.min_row - 1, area.min_col - 1
        if top >= len(rows) or left >= len(rows[top]) or rows[top][left] == "":
            continue
        value = rows[top][left]
        for r in range(top, min(area.max_row, len(rows))):
            for c in range(left, min(area.max_col, len(rows[r]))):
                rows[r][c] = value
        filled.append((area.min_row, area.max_row, value))
    return filled


def _check_formulas(data: bytes, sheet: str, rows: list[list[Value]], findings: Findings) -> None:
    """A problem for formulas that were never computed: they have no values in the file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [n for n in archive.namelist() if n.startswith("xl/worksheets/")]
        if not any(b"<f" in archive.read(n) for n in sheets):
            return
    page = _open(data, findings, values=False)[sheet]
    empty = [
        r
        for r, row in enumerate(page.iter_rows(values_only=True), start=1)
        for c, formula in enumerate(row)
        if isinstance(formula, str) and formula.startswith("=") and rows[r - 1][c] == ""
    ]
    if empty:
        findings.problem(
            "there are formulas whose results are not in the file; open and save it in a spreadsheet program first.",
            sorted(set(empty)),
        )
        findings.raise_if_any()
