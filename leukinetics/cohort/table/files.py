"""Files of tables, by their ending: text (CSV, TSV), Excel, Parquet; and tables in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.table.dictionary import Format
from leukinetics.cohort.table.excel import read_sheet
from leukinetics.cohort.table.grid import Column, Grid, Value, encode, letter
from leukinetics.cohort.table.header import TOP, column_names, header_of, split_unit
from leukinetics.cohort.table.note import SHOWN, Findings, plural, some
from leukinetics.cohort.table.text_file import decoded, delimiter_of, rows_of
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_AT_ONCE = 50_000
TEXT, EXCEL, PARQUET = (".csv", ".tsv", ".txt"), (".xlsx", ".xlsm"), (".parquet",)
SUFFIXES = (*TEXT, *EXCEL, *PARQUET)


def is_table(path: str | Path) -> bool:
    """Whether a file is one of a table, by its ending."""
    return Path(path).suffix.lower() in (*SUFFIXES, ".xls", ".ods")


def open_grid(path: str | Path, given: Format, findings: Findings) -> tuple[Grid, Format]:
    """The cells of a file, and ``given`` with what was found out of its format. DataError where it cannot be read."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in (".xls", ".ods"):
        raise DataError(f"'{path}' is a workbook of a kind that is not read; save it as .xlsx or as CSV in UTF-8.")
    if suffix not in SUFFIXES:
        raise DataError(f"'{path}' is no table that can be read; expected a file ending in {', '.join(SUFFIXES)}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        why = "there is no such file" if not path.exists() else (error.strerror or str(error))
        raise DataError(f"The table '{path}' cannot be read: {why}.") from error
    kind = "excel" if data[:4] == b"PK\x03\x04" else "parquet" if data[:4] == b"PAR1" else "text"
    expected = "excel" if suffix in EXCEL else "parquet" if suffix in PARQUET else "text"
    if kind != expected:
        names = {"excel": "an Excel workbook (.xlsx)", "parquet": "a Parquet file (.parquet)", "text": "a text (.csv)"}
        what = names[kind] if data else "empty"
        raise DataError(
            f"'{path}' is {what}, not {names[expected]}; give it the ending of what it is, or save it again."
        )
    if kind == "parquet":
        return from_table(_parquet(path), path.name, findings), given
    if kind == "excel":
        sheet = read_sheet(data, given.sheet, findings)
        grid = _split(sheet.rows, given, findings)
        for first, last, value in sheet.merged:
            if last > grid.header_rows[-1]:
                text = f"Merged cells all count as '{value!s:.40}', which stands in them"
                findings.note("decision", text, range(first, last + 1))
        return grid, given.model_copy(update={"sheet": sheet.name, "header_rows": grid.header_rows})
    text, encoding = decoded(data, given.encoding, findings)
    prefer = "\t" if suffix == ".tsv" else None
    delimiter = given.delimiter or delimiter_of(text, findings, prefer)
    grid = _split(_without_sep(rows_of(text, delimiter, findings)), given, findings, delimiter)
    found = {"encoding": encoding, "delimiter": delimiter, "header_rows": grid.header_rows}
    return grid, given.model_copy(update=found)


def from_table(frame: pd.DataFrame, source: str, findings: Findings) -> Grid:
    """The cells of a DataFrame: its columns are named, its rows count from 1."""
    import pandas as pd

    names = column_names([[str(c) for c in frame.columns]], frame.shape[1], findings)
    columns = []
    for i, name in enumerate(names):
        codes, values = _factors(frame.iloc[:, i], name, findings)
        columns.append(Column(name, letter(i), *split_unit(name), codes, values))
    if not columns or not len(frame):
        raise DataError(f"The table '{source}' has {plural(len(columns), 'column')} and {plural(len(frame), 'row')}.")
    assert isinstance(frame, pd.DataFrame)
    return Grid(columns, np.arange(1, len(frame) + 1), source)


def _factors(x: Any, name: str, findings: Findings) -> tuple[NDArray[np.int64], list[Value]]:
    """(codes, values) of a column in memory; what is missing is an empty text."""
    import pandas as pd

    kind = x.dtype.kind
    if kind == "M" or isinstance(x.dtype, (pd.DatetimeTZDtype, pd.PeriodDtype)):
        x = x.astype(str).where(x.notna(), "")
    elif kind == "m":
        x = x.dt.total_seconds() / 86_400.0
    elif kind == "b" or x.dtype == "boolean":
        x = x.map({True: "TRUE", False: "FALSE"})
    elif kind in "iuf":
        x = pd.Series(x.to_numpy(dtype=float, na_value=np.nan))
    try:
        codes, found = pd.factorize(x, use_na_sentinel=True)
    except TypeError:  # lists and mappings cannot be told apart by their hashes
        raise DataError(
            f"The table '{findings.source}', column '{name:.60}' holds lists; expected one number or text in each cell."
        ) from None
    values: list[Value] = []
    for value in found:
        number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        values.append(_finite(float(value)) if number else str(value))
    codes = np.asarray(codes, dtype=np.int64)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(values), codes)
        values.append("")
    return codes, values


def _finite(value: float) -> Value:
    return value if np.isfinite(value) else str(value)


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(path, partitioning=None)
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
        return frame
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        reason = (str(error).splitlines() or ["unknown"])[0].rstrip(".")
        raise DataError(f"The table '{path}' cannot be read as a Parquet file: {reason}.") from error


def _without_sep(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows, of which a first one with "sep=;" is empty."""
    first = next(rows, None)
    if first is not None:
        yield [] if first and first[0].lower().startswith("sep=") else first
        yield from rows


def _split(rows: Iterable[Sequence[Value]], given: Format, findings: Findings, delimiter: str | None = None) -> Grid:
    """Header and columns of the rows of a file."""
    rows = iter(rows)
    top = list(islice(rows, max([TOP, *given.header_rows])))
    header = [k - 1 for k in given.header_rows] or header_of(top)
    if not header or header[-1] >= len(top):
        _no_header(top, given, findings)
    width = max(len(_trimmed(top[k])) for k in header)
    for k in range(header[0]):
        words = " ".join(str(c).strip() for c in top[k] if str(c).strip())
        if words:
            findings.note("dropped", f"Above the header stands '{words:.60}', which is not used", [k + 1])
    names = column_names([top[k] for k in header], width, findings)
    data = _Rows(chain(top[header[-1] + 1 :], rows), header[-1] + 2, width, set(given.skip_rows))
    codes, values = encode(data.chunks(), width)
    data.tell(findings, delimiter, width)
    findings.raise_if_any()
    columns = [
        Column(n, letter(i), *split_unit(n), c, v) for i, (n, c, v) in enumerate(zip(names, codes, values, strict=True))
    ]
    for column in columns:
        if column.name == f"column {column.letter}" and column.filled:
            findings.note("odd", f"The column {column.letter} has cells but no header; it is called '{column.name}'.")
    return Grid(
        [c for c in columns if c.name != f"column {c.letter}" or c.filled],
        np.array(data.numbers, dtype=np.int64),
        findings.source,
        [k + 1 for k in header],
    )


class _Rows:
    """The rows of samples, each as long as the header; what is wrong with others is told by :meth:`tell`."""

    def __init__(self, rows: Iterable[Sequence[Value]], first: int, width: int, skipped: set[int]) -> None:
        self.rows, self.first, self.width, self.skip = rows, first, width, skipped
        self.numbers: list[int] = []
        self.empty: list[int] = []
        self.short: list[int] = []
        self.long: list[tuple[int, int]] = []
        self.skipped: list[int] = []

    def chunks(self) -> Iterator[list[Sequence[Value]]]:
        """The rows, many at a time."""
        rows, first = iter(self.rows), self.first
        while chunk := list(islice(rows, _AT_ONCE)):
            usual = all(len(r) == self.width for r in chunk) and not any(
                isinstance(r[0], str) and not r[0].strip() for r in chunk
            )
            if usual and not any(first <= k < first + len(chunk) for k in self.skip):
                self.numbers.extend(range(first, first + len(chunk)))
            else:
                chunk = list(self._looked_at(chunk, first))
            first += _AT_ONCE
            if chunk:
                yield chunk

    def _looked_at(self, chunk: list[Sequence[Value]], first: int) -> Iterator[Sequence[Value]]:
        for number, row in enumerate(chunk, start=first):
            n, width = len(row), self.width
            if number in self.skip:
                self.skipped.append(number)
            elif _blank(row):
                self.empty.append(number)
            elif n > width and len(_trimmed(row)) > width:
                self.long.append((number, len(_trimmed(row))))
            else:
                if n < width:
                    self.short.append(number)
                self.numbers.append(number)
                yield row if n == width else [*row[:width], *[""] * (width - n)]

    def tell(self, findings: Findings, delimiter: str | None, width: int) -> None:
        """Notes and problems of rows that are not as long as the header."""
        if self.long:
            comma = delimiter == ","
            hint = " A decimal comma without quotation marks divides a number in two." if comma else ""
            findings.problem(
                f"the row has {self.long[0][1]} cells, the header {width}; mend the rows that are too long.{hint}",
                [k for k, _ in self.long],
            )
        if not self.numbers and not self.long:
            findings.problem("there is no row below the header; expected one per sample.")
        last = self.numbers[-1] if self.numbers else 0
        between = [k for k in self.empty if k < last]
        if between:
            findings.note("dropped", f"{plural(len(between), 'row')} between others {_is(between)} empty", between)
        if self.short:
            findings.note(
                "odd",
                f"{plural(len(self.short), 'row')} {_has(self.short)} fewer cells than the header ({width}); those "
                "that are missing at the end count as empty",
                self.short,
            )
        if self.skipped:
            findings.note("dropped", f"{plural(len(self.skipped), 'row')} left out, as skip_rows asks", self.skipped)
        lacking = sorted(self.skip - set(self.skipped))
        if lacking:
            findings.problem(f"skip_rows names row {lacking[0]}, which is no row below the header.")


def _no_header(top: list[Sequence[Value]], given: Format, findings: Findings) -> None:
    if given.header_rows:
        findings.problem(f"header_rows = {given.header_rows}, but the file has {plural(len(top), 'row')}.")
    elif not any(str(c).strip() for row in top for c in row):
        findings.problem("it is empty; expected a header and one row per sample.")
    else:
        shown = [c for row in top for c in row if str(c).strip()]
        findings.problem(
            f"no header was found (it begins with {some(shown[:SHOWN])}); expected names of columns in the first row. "
            "Where they are, name their row: header_rows = [1] in [table] of a dictionary."
        )
    findings.raise_if_any()


def _blank(row: Sequence[Value]) -> bool:
    return not any(c.strip() if isinstance(c, str) else True for c in row)


def _trimmed(row: Sequence[Value]) -> Sequence[Value]:
    end = len(row)
    while end and isinstance(cell := row[end - 1], str) and not cell.strip():
        end -= 1
    return row[:end]


def _is(rows: list[int]) -> str:
    return "is" if len(rows) == 1 else "are"


def _has(rows: list[int]) -> str:
    return "has" if len(rows) == 1 else "have"
