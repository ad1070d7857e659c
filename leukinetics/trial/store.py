"""Files of a trial's folder; each appears whole, on the disk, or not at all.

Tables are Parquet (zstd) with the unit of a column, where it has one, in its field's metadata (``unit``).
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.engine.stream import naming, replacing

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COMPRESSION = "zstd"
OBSERVATIONS = "observations"
#: The folder of the trials of ``[[also]]`` in that of the trial.
ALSO = "also"
TABLES = ("population", "screening", "endpoints", "conduct", "failures")
SUMMARY, PROVENANCE, PROTOCOL = "summary.json", "provenance.json", "protocol.toml"
_UNITS = {"time": "day", "left": "day", "exposure": "day"}


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file that is whole and on the disk once its name exists. DataError where that cannot be done."""
    with naming(path), replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    _settle(path.parent)


def write_text(path: Path, text: str) -> None:
    """The same of text."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, data: object) -> None:
    """The same of what JSON can say; a number that is none is an error."""
    write_text(path, as_json(data))


def as_json(data: object) -> str:
    """JSON as all files have it."""
    return json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def write_table(path: Path, table: pa.Table | pd.DataFrame, units: Mapping[str, str] | None = None) -> None:
    """The same of a table; the index of a DataFrame is left out."""
    write_bytes(path, as_parquet(table, units))


def as_parquet(table: pa.Table | pd.DataFrame, units: Mapping[str, str] | None = None) -> bytes:
    """A table as the bytes of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not isinstance(table, pa.Table):
        table = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
    said = _UNITS | dict(units or {})
    fields = []
    for field in table.schema:
        if field.type in (pa.null(), pa.large_string()):  # a column of a table without rows is of no type
            field = field.with_type(pa.string())
        unit = "day" if field.name.startswith("rule.") else said.get(field.name)
        fields.append(field.with_metadata({"unit": unit}) if unit is not None else field)
    sink = io.BytesIO()
    pq.write_table(table.cast(pa.schema(fields)), sink, compression=COMPRESSION)
    return sink.getvalue()


def pack(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Several tables as the bytes of one file (a zip of Parquet files)."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as file:
        for name, table in tables.items():
            file.writestr(zipfile.ZipInfo(name), as_parquet(table))
    return sink.getvalue()


def unpack(data: bytes) -> dict[str, pd.DataFrame]:
    """The tables of :func:`pack`. ValueError where the bytes are not whole."""
    import pandas as pd

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            return {name: pd.read_parquet(io.BytesIO(file.read(name))) for name in file.namelist()}
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise ValueError(str(error)) from error


def observation_file(arm: int, name: str, chunk: int) -> str:
    """The file of one arm and chunk, such as "02-150-mg-00007.parquet"."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "arm"
    return f"{arm:02d}-{slug}-{chunk:05d}.parquet"


def read_json(path: Path) -> Any:
    """What a JSON file holds. ValueError where it holds none, OSError where it cannot be read."""
    return json.loads(path.read_text(encoding="utf-8"))


def _settle(folder: Path) -> None:
    """Make the names in a folder last, where the system lets one."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some file systems know no such thing for folders; the file itself is safe
        pass
    finally:
        os.close(handle)
