"""Writing results to one file chunk by chunk: memory holds one chunk, and a file is complete or absent.

Both formats are long tables: one row per patient and time, columns patient, time, one per output, status (a
name). In Parquet each column's unit is in its field's metadata (``unit``), and what made the numbers in the
schema's metadata under ``leukinetics`` (JSON). In CSV a missing value is an empty field.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.result import output_names
from leukinetics.engine.status import Status
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    import xarray as xr

VALUES_AT_ONCE = 4_000_000  # entries copied at a time (32 MB) while a chunk is written


def write_parquet(chunks: Iterable[xr.Dataset], path: str | Path) -> None:
    """Write Datasets (see ``to_dataset``) to one Parquet file. Raises DataError where that is impossible.

    The file appears at the end, whole. Whatever goes wrong before, ``chunks`` raising or Ctrl-C included,
    leaves what was there before.
    """
    import pyarrow.parquet as pq

    _write(chunks, Path(path), lambda target, schema: pq.ParquetWriter(target, schema), missing=False)


def write_csv(chunks: Iterable[xr.Dataset], path: str | Path) -> None:
    """The same as a CSV file, which has no place for units."""
    from pyarrow import csv

    _write(chunks, Path(path), lambda target, schema: csv.CSVWriter(target, schema), missing=True)


def check_writable(path: str | Path) -> None:
    """Raise DataError unless a file can be made at ``path``; leaves nothing behind."""
    path = Path(path)
    if path.is_dir():
        raise DataError(f"'{path}' is a folder; name a file to write to.")
    if path.exists() and not (path.is_file() and os.access(path, os.W_OK)):
        raise DataError(f"'{path}' cannot be overwritten; name another file to write to.")
    if not path.parent.is_dir():
        raise DataError(f"The folder '{path.parent}' does not exist; create it or name another file to write to.")
    with naming(path):
        trial = _temporary(path)
        trial.touch(exist_ok=False)
        trial.unlink()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Hand out a temporary file beside ``path`` that replaces it on success and vanishes on any failure."""
    path = Path(os.path.realpath(path))  # a link keeps pointing to its target
    temporary = _temporary(path)
    try:
        yield temporary
        with naming(path):
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write(
    chunks: Iterable[xr.Dataset], path: Path, open_writer: Callable[[Any, pa.Schema], Any], missing: bool
) -> None:
    check_writable(path)
    with replacing(path) as temporary:
        writer = None
        try:
            for chunk in chunks:  # errors in here are not errors of writing
                with naming(path):
                    for table in _tables(chunk, missing):
                        if writer is None:
                            writer = open_writer(temporary, table.schema)
                        writer.write_table(table)
        finally:
            if writer is not None:
                with naming(path):
                    writer.close()
        if writer is None:
            raise DataError(f"There is no result to write to '{path}'.")


def _tables(ds: xr.Dataset, missing: bool) -> Iterator[pa.Table]:
    """A Dataset as Arrow tables of a bounded number of rows; ``missing`` makes NaN an absent entry."""
    import pyarrow as pa

    outputs = output_names(ds)
    ids, times, status = (ds[name].to_numpy() for name in ("patient", "time", "status"))
    integer = ids.dtype.kind in "iu"
    fields = [pa.field("patient", pa.int64() if integer else pa.string())]
    for name in ("time", *outputs):
        fields.append(pa.field(name, pa.float64(), metadata={"unit": str(ds[name].attrs.get("units", ""))}))
    fields.append(pa.field("status", pa.string() if missing else pa.dictionary(pa.int8(), pa.string())))
    made_by = {key: v.item() if isinstance(v, np.generic) else v for key, v in ds.attrs.items()}
    schema = pa.schema(fields, metadata={"leukinetics": json.dumps(made_by, default=str)})
    status_names = pa.array([s.name for s in Status])

    step = max(1, VALUES_AT_ONCE // (len(times) * (len(outputs) + 1)))
    for start in range(0, len(ids), step):
        some = slice(start, start + step)
        n = len(ids[some])
        states = pa.DictionaryArray.from_arrays(np.repeat(status[some], len(times)).astype(np.int8), status_names)
        columns = [
            pa.array(np.repeat(ids[some], len(times)), type=fields[0].type),
            pa.array(np.tile(times, n)),
        ]
        for name in outputs:
            values = np.ascontiguousarray(ds[name].to_numpy()[some]).reshape(-1)
            columns.append(pa.array(values, from_pandas=missing))
        columns.append(states.cast(fields[-1].type))
        yield pa.Table.from_arrays(columns, schema=schema)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn an error of the operating system into a DataError that names the file."""
    try:
        yield
    except OSError as error:
        raise DataError(f"'{path}' cannot be written: {error.strerror or error}.") from error
