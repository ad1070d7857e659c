"""A population as a Parquet file: who its people are, in which units, and with what they were made."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.stream import naming, replacing
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: The key of the schema's metadata, and of ``DataFrame.attrs``, that holds the provenance.
KEY = "leukinetics.population"
#: Rows named in a message.
_SHOWN = 5


def is_persons(column: str) -> bool:
    """Whether a column tells what a person is like; not the arm, nor what was measured of them."""
    return column not in ("arm", "patient") and not column.startswith(("screening.", "baseline."))


def save_population(table: pd.DataFrame, path: str | Path, provenance: Mapping[str, Any] | None = None) -> Path:
    """Write a population; the file appears whole or not at all.

    table : one row per person, the index their numbers (named "patient"); covariates, genotypes and parameters.
    provenance : "model_hash", "condition", "seed", "drugs", "typical" (typical values that replaced the model's),
        "units" (by name, also of columns that only other tables have) and more; default: what ``table.attrs`` has
        from :func:`load_population` or :func:`leukinetics.virtual_patients`.

    Raises DataError for a table without people, numbers that occur twice, or a place that cannot be written to.
    """
    path = Path(path)
    data = population_bytes(table, table.attrs.get(KEY, {}) if provenance is None else provenance)
    with replacing(path) as temporary, naming(path):
        temporary.write_bytes(data)
    return path


def population_bytes(table: pd.DataFrame, provenance: Mapping[str, Any]) -> bytes:
    """The content of the file that :func:`save_population` writes."""
    import pyarrow as pa
    from pyarrow import parquet

    numbered, units = _numbered(table, "The population"), provenance.get("units", {})
    ranges = {}
    for name, x in numbered.items():
        known = x[np.isfinite(x)] if x.dtype.kind in "fiub" else x[:0]
        if name != "patient" and len(known):
            ranges[str(name)] = [float(known.min()), float(known.max())]
    whole = pa.Table.from_pandas(numbered, preserve_index=False)
    fields = [f.with_metadata({"unit": units[f.name]}) if f.name in units else f for f in whole.schema]
    about = json.dumps({**provenance, "ranges": ranges}, sort_keys=True, allow_nan=False)
    sink = io.BytesIO()
    parquet.write_table(whole.cast(pa.schema(fields, metadata={KEY: about})), sink, compression="zstd")
    return sink.getvalue()


def load_population(path: str | Path) -> pd.DataFrame:
    """Read a population written by :func:`save_population`: one row per person, the index "patient".

    ``attrs["leukinetics.population"]`` holds its provenance, with "units" by column.

    Raises DataError where the file cannot be read, has no people, or has a column or a person twice.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        names = parquet.read_schema(path).names
        if twice := next((n for n in names if names.count(n) > 1), None):
            raise DataError(f"The population '{path}' has the column '{twice}' more than once; keep one of them.")
        whole = parquet.read_table(path, partitioning=None)
    except OSError as error:
        why = "there is no such file" if not Path(path).exists() else "it is no Parquet file"
        raise DataError(f"The population '{path}' cannot be read: {why}.") from error
    except pa.ArrowException as error:
        raise DataError(f"The population '{path}' cannot be read as a Parquet file: {error}.") from error
    if "patient" not in names:
        raise DataError(f"The population '{path}' has no column 'patient' with the people's numbers.")
    metadata = whole.schema.metadata or {}
    made_with = _provenance(metadata.get(KEY.encode()), path)
    table = _numbered(whole.to_pandas(), f"The population '{path}'").set_index("patient")
    table.attrs = {KEY: made_with}
    return table


def describe_population(table: pd.DataFrame) -> pd.DataFrame:
    """One row per numeric column: unit, n (people of whom it is known), median, q1, q3, minimum, maximum.

    Ages are in years; all else is in the unit of the table (empty where the table does not say).
    """
    import pandas as pd

    units = table.attrs.get(KEY, {}).get("units", {})
    rows = []
    for name, x in table.items():
        if x.dtype.kind not in "fiub":
            continue
        in_years = name == "age" and units.get("age") == "day"
        known = x.dropna().to_numpy(dtype=float) / (365.25 if in_years else 1.0)
        five = np.quantile(known, [0.5, 0.25, 0.75, 0.0, 1.0]) if len(known) else np.full(5, np.nan)
        rows.append((name, "year" if in_years else units.get(name, ""), len(known), *five))
    columns = ["column", "unit", "n", "median", "q1", "q3", "minimum", "maximum"]
    return pd.DataFrame(rows, columns=columns).set_index("column")


def check_numbers(table: pd.DataFrame, may_be_negative: frozenset[str] = frozenset()) -> None:
    """DataError for a column that is not of numbers, or has some that are missing, infinite or negative, with rows."""
    for name, x in table.items():
        if x.dtype.kind not in "fiub":
            wrong = [i for i, v in enumerate(x) if isinstance(v, bool) or not isinstance(v, (int, float))]
            raise DataError(f"the table's column '{name}' is not of numbers ({_rows(wrong, x)}).")
        values = x.to_numpy(dtype=float)
        for what, bad in (
            ("has no number", np.isnan(values)),
            ("is infinite", np.isinf(values)),
            ("is negative", (values < 0) & (str(name) not in may_be_negative)),
        ):
            if bad.any():
                raise DataError(f"the table's column '{name}' {what} in {_rows(list(np.flatnonzero(bad)), x)}.")


def _rows(places: list[int], x: pd.Series) -> str:
    """ "rows 3 (patient 17: -1.0), 8": from 1."""
    shown = [f"{i + 1} (patient {x.index[i]}: {x.iloc[i]!s:.20})" for i in places[:_SHOWN]]
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return f"row{'s' if len(places) > 1 else ''} {', '.join(shown)}{more}"


def _numbered(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """The table with the people's numbers as its first column "patient"; DataError where they cannot be told apart."""
    found = table if "patient" in table.columns else table.rename_axis(index="patient").reset_index()
    if not len(found):
        raise DataError(f"{what} has no people.")
    numbers = found["patient"]
    if numbers.dtype.kind not in "iu" or (numbers < 0).any():
        raise DataError(f"{what} has patient numbers that are no whole numbers of 0 or more.")
    if (twice := numbers.duplicated(keep=False)).any():
        first = numbers[twice].iloc[0]
        rows = ", ".join(str(i + 1) for i in np.flatnonzero(numbers == first)[:_SHOWN])
        raise DataError(f"{what} has patient {first} more than once (rows {rows}); keep each person once.")
    return found


def _provenance(text: bytes | None, path: str | Path) -> dict[str, Any]:
    try:
        found = json.loads(text) if text is not None else {}
    except ValueError as error:
        raise DataError(f"The population '{path}' has a provenance that cannot be read: {error}.") from error
    return dict(found)
