"""A finished trial as a database."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from leukinetics.errors import DataError
from leukinetics.trial.folder import is_finished
from leukinetics.trial.store import OBSERVATIONS, TABLES

if TYPE_CHECKING:
    import duckdb


def database(folder: str | Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the views population, screening, observations, endpoints, conduct and failures.

    They read the Parquet files of the finished trial in ``folder`` when they are asked, so observations need not fit
    into memory. DataError where there is no such trial.
    """
    import duckdb

    path = Path(folder)
    if not is_finished(path):
        raise DataError(f"'{path}' holds no finished trial.")
    files = {name: path / f"{name}.parquet" for name in TABLES}
    places = {name: glob.escape(str(file)) for name, file in files.items()}
    places["observations"] = f"{glob.escape(str(path / OBSERVATIONS))}/*.parquet"
    connection = duckdb.connect()
    for name, place in places.items():
        quoted = place.replace("'", "''")
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{quoted}')")
    return connection
