"""Quantiles over time by arm, out of files too large to load: DuckDB reads one observable at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leukinetics.errors import DataError
from leukinetics.report.trial.folder import Finished

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_TIMES = 400  # that a course keeps, evenly chosen among more
_COLUMNS = "quantile_cont(value, [0.05, 0.25, 0.5, 0.75, 0.95]) AS q"


@dataclass(frozen=True)
class Course:
    """One observable. ``table``: arm, time (days), n, below (the share below the limit of quantification), q05, q25,
    q50, q75, q95; a value below the limit counts as the limit. ``limit``: the limit that values were below, if any."""

    name: str
    unit: str
    limit: float | None
    table: pd.DataFrame


def courses(trial: Finished) -> list[Course]:
    """The course of every observable that was kept, in the order of the protocol. Samples of patients who had left
    are not among them. DataError where the files are damaged."""
    import duckdb

    files = sorted((trial.folder / "observations").glob("*.parquet"))
    if not files:
        return []
    with duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        try:
            source = connection.read_parquet([str(f) for f in files])
            names = [str(r[0]) for r in connection.sql("SELECT DISTINCT name FROM source").fetchall()]
            return [_course(connection, source, name) for name in sorted(names, key=lambda n: _place(trial, n))]
        except duckdb.Error as error:
            raise DataError(
                f"'{trial.folder / 'observations'}' cannot be read: {str(error).splitlines()[0]}; run the trial again."
            ) from error


def _course(connection: object, source: object, name: str) -> Course:
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    rows = connection.execute(
        f"SELECT arm, time, count(*) AS n, avg(blq::INT) AS below, max(unit) AS unit, "
        f"max(CASE WHEN blq THEN value END) AS lim, {_COLUMNS} "
        "FROM source WHERE name = ? AND isfinite(value) GROUP BY arm, time ORDER BY arm, time",
        [name],
    ).df()
    times = rows["time"].unique()
    if len(times) > MOST_TIMES:
        times.sort()
        rows = rows[rows["time"].isin(times[:: -(-len(times) // MOST_TIMES)])].reset_index(drop=True)
    for i, q in enumerate(QUANTILES):
        rows[f"q{round(100 * q):02d}"] = [v[i] for v in rows["q"]]
    limit = rows["lim"].max()
    unit = str(rows["unit"].iloc[0]) if len(rows) else ""
    return Course(name, unit, float(limit) if limit == limit else None, rows.drop(columns=["q", "unit", "lim"]))


def _place(trial: Finished, name: str) -> tuple[int, str]:
    schedule = trial.protocol.schedule.measure if trial.protocol.schedule else []
    order = [e.observable for e in trial.protocol.endpoint if e.id == trial.primary.id] + list(schedule)
    order += [e.observable for e in trial.protocol.endpoint]
    return (order.index(name) if name in order else len(order), name)
