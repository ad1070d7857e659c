"""Columns of a table that a user handed over: numbers, labels, names.

Rows are counted from 1 in messages ("row 4 of 100"), entries of a plain list in Python's way (``times[3]``).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

SHOWN = 3  # offending entries shown in a message


def read_numbers(
    column: pd.Series,
    what: str,
    ids: pd.Index | None = None,
    *,
    indexed: bool = False,
    single: bool = False,
    missing: float | None = None,
    rows: NDArray[np.int64] | None = None,
    total: int = 0,
) -> NDArray[np.float64]:
    """Return a column as finite float64 numbers; text, missing and infinite entries raise DataError.

    ``what`` begins the message; ``ids`` are labels to name rows with; ``indexed`` names entries as
    ``what[i]``; ``single`` says that the column is one number; ``missing`` stands in for missing entries,
    which are an error otherwise; ``rows`` and ``total`` give the place of a part of a table in all of it.
    """
    found, wrong = _to_float(column)
    if missing is not None:
        found = np.where(is_missing(column), missing, found)
    bad = np.flatnonzero(wrong | ~np.isfinite(found))
    if not len(bad):
        return found
    shown = []
    for i in bad[:SHOWN]:
        label = f" (patient {show(ids[i])})" if ids is not None else ""
        row = i if rows is None else rows[i]
        where = f"{what}[{i}]" if indexed else f"row {row + 1} of {total or len(column)}{label}"
        entry = show(column.iloc[i])
        shown.append(entry if single else f"{where} is {entry}")
    raise DataError(
        f"{'' if indexed else what + (' is ' if single else ': ')}{some(shown, len(bad))}; "
        + ("it must be a finite number." if single else "expected finite numbers, so correct or remove ")
        + ("" if single else "this entry." if len(bad) == 1 else f"these {len(bad)} entries.")
    )


def read_labels(labels: Any, what: str) -> pd.Index:
    """Return patient labels as an index of whole numbers or of text; anything else raises DataError."""
    import pandas as pd

    try:
        index: Any = pd.Index(labels)
        kind = pd.api.types.infer_dtype(index, skipna=False)
        if isinstance(index, pd.MultiIndex):
            kind = "several levels"
        elif kind == "categorical":
            index = pd.Index(index.to_numpy())
            kind = pd.api.types.infer_dtype(index, skipna=False)
        if kind == "integer":
            return pd.Index(np.asarray(index, dtype=np.int64), name="patient")
        if kind == "floating":
            whole: NDArray[np.float64] = index.to_numpy(dtype=np.float64)
            if np.all(np.isfinite(whole)) and np.all(whole == np.floor(whole)) and np.all(np.abs(whole) < 2**53):
                return pd.Index(whole.astype(np.int64), name="patient")
        if kind in ("string", "empty"):
            text: pd.Index = index.rename("patient")
            return text
    except (TypeError, ValueError, OverflowError):
        kind = "mixed"
    raise DataError(
        f"The patient labels in {what} are {kind}; they must all be whole numbers or all text, none missing."
    )


def as_frame(table: Any, what: str) -> pd.DataFrame:
    """Return a pandas or Arrow table as a DataFrame with unique text column names; else DataError."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        if not hasattr(table, "__arrow_c_stream__"):
            raise DataError(f"{what} must be a table such as a pandas.DataFrame, not {show(table)}.")
        import pyarrow as pa

        try:
            table = pa.table(table)
            check_names(table.column_names, what)
            table = table.to_pandas()
        except (pa.ArrowException, TypeError, ValueError, NotImplementedError) as error:
            raise DataError(f"{what} could not be read as an Arrow table: {_first_line(error)}.") from error
    if isinstance(table.columns, pd.MultiIndex):
        raise DataError(f"{what} has column names of several levels; give each column one name.")
    check_names(list(table.columns), what)
    frame: pd.DataFrame = table
    return frame


def check_names(names: Iterable[Any], what: str) -> None:
    """Raise DataError unless all column names are text and no two are equal."""
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            raise DataError(f"{what} has a column named {show(name)}; column names must be text.")
        if name in seen:
            raise DataError(f"{what} has two columns named '{name}'; keep one of them.")
        seen.add(name)


def read_series(value: Any, what: str) -> Any:
    """Return a list or 1-d array as a Series, a scalar as it is; DataError for two dimensions and more."""
    import pandas as pd

    if isinstance(value, pd.Series):
        return value.reset_index(drop=True)
    try:
        if isinstance(value, (list, tuple, range)):
            return pd.Series(list(value), dtype=None if len(value) else float)
        if not hasattr(value, "__array__"):
            return value
        array = np.asarray(value)
        if array.ndim == 1:
            return pd.Series(array)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{what} could not be read as numbers: {_first_line(error)}.") from error
    if array.ndim > 1:
        raise DataError(f"{what} has {array.ndim} dimensions, shape {array.shape}; give a 1-d array.")
    return array.item()


def is_missing(column: pd.Series) -> NDArray[np.bool_]:
    """Where a column has no entry, (rows,)."""
    import pandas as pd

    try:
        return column.isna().to_numpy(dtype=bool)
    except ArithmeticError:  # pandas stumbles over a signalling Decimal NaN
        kept = [None if isinstance(v, Decimal) and v.is_nan() else v for v in column]
        return pd.Series(kept, dtype=object).isna().to_numpy(dtype=bool)


def _to_float(column: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(numbers with NaN where there is none, mask of the entries that are neither a number nor missing)."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(column.to_numpy())
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(column), dtype=bool)
    found = np.full(len(column), np.nan)
    wrong = ~is_missing(column)
    if column.dtype == object:
        for i, entry in enumerate(column):  # only objects: tables of numbers never come here
            if isinstance(entry, (int, float, Decimal, np.integer, np.floating, np.bool_)):
                try:
                    found[i] = float(entry)
                    wrong[i] = False
                except (OverflowError, ValueError):  # an integer beyond the range of floats, a signalling NaN
                    pass
    return found, wrong


def show(value: Any) -> str:
    """A short, single-line picture of any value."""
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
        return "missing (NaN)"
    if isinstance(value, (str, int, float, bool, np.generic)):
        text = repr(value.item() if isinstance(value, np.generic) else value)
    else:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."


def some(entries: Iterable[str], total: int = 0) -> str:
    """The first few entries as a list in words, with the number of the others."""
    shown = list(entries)
    total = max(total, len(shown))
    more = f" and {total - min(SHOWN, len(shown))} more" if total > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
