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
#: A relative change of the medians below which people differ more than the course changes, by the kind of an endpoint.
STEADY = {"percent_change": 0.1, "change": 0.2}
NORMAL = 1.96
_SINCE = " since onset"
_COLUMNS = """count(*) AS n, avg(blq::INT) AS below, max(unit) AS unit, max(CASE WHEN blq THEN value END) AS lim,
    quantile_cont(value, [0.05, 0.25, 0.5, 0.75, 0.95]) AS q, avg(value) AS mean, stddev_samp(value) AS sd,
    bool_and(abs(2 * value - round(2 * value)) < 1e-6) AS stepped"""
#: What is drawn of a patient's value v with the baseline b.
_DRAWN = {"": "s.value", "counted": "s.value - b.value", "percent": "100 * (s.value - b.value) / b.value"}


@dataclass(frozen=True)
class Course:
    """One observable. ``table``: arm, time (days), n, below (the share below the limit of quantification), q05, q25,
    q50, q75, q95; a value below the limit counts as the limit. ``limit``: the limit that values were below, if any.

    ``drawn``: the same columns, of what a figure shows of it, which is called ``label`` and has the unit
    ``drawn_unit``: the change, or percent change, where it is small and an endpoint is that; of a number since the
    disease began the number since time 0; and of ``counts`` and scores in half points, whose median jumps, the mean
    (q50) with its interval of 95 %.
    """

    name: str
    unit: str
    limit: float | None
    table: pd.DataFrame
    drawn: pd.DataFrame
    label: str
    drawn_unit: str
    counts: bool = False


def courses(trial: Finished) -> list[Course]:
    """The course of every observable that was kept at two times or more, in the order of the protocol, but for what
    makes patients leave, such as death: those who stay have none of it. Samples of patients who had left are not among
    them. DataError where the files are damaged."""
    import duckdb

    files = sorted((trial.folder / "observations").glob("*.parquet"))
    if not files:
        return []
    with duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        try:
            source = connection.read_parquet([str(f) for f in files])
            source.create_view("source")
            text = "SELECT name FROM source GROUP BY name HAVING count(DISTINCT time) > 1"
            names = [str(r[0]) for r in connection.sql(text).fetchall() if not _leaves(trial, str(r[0]))]
            return [_course(connection, trial, name) for name in sorted(names, key=lambda n: _place(trial, n))]
        except duckdb.Error as error:
            raise DataError(
                f"'{trial.folder / 'observations'}' cannot be read: {str(error).splitlines()[0]}; run the trial again."
            ) from error


def _course(connection: object, trial: Finished, name: str) -> Course:
    rows = _read(connection, name, "")
    limit, unit = rows["lim"].max(), str(rows["unit"].iloc[0]) if len(rows) else ""
    counts = bool(rows["stepped"].all()) and unit == "dimensionless" and name not in trial.assembly.drugs
    label = trial.label(name)
    table = rows.drop(columns=["unit", "lim", "mean", "sd", "stepped"])
    drawn, drawn_unit = rows, unit
    if label.endswith(_SINCE):
        drawn, label = _read(connection, name, "counted"), f"{label.removesuffix(_SINCE)} since the start"
    elif _is_steady(trial, name, "percent_change", rows):
        drawn, label, drawn_unit = _read(connection, name, "percent"), f"{label}, change", "%"
    elif _is_steady(trial, name, "change", rows):
        drawn, label = _read(connection, name, "counted"), f"{label}, change"
    if counts:
        half = NORMAL * drawn["sd"].fillna(0.0) / drawn["n"] ** 0.5
        for q, side in (("q05", -1), ("q25", -1), ("q50", 0), ("q75", 1), ("q95", 1)):
            drawn[q] = drawn["mean"] + side * half
        label += ", mean"
    known = float(limit) if limit == limit else None
    return Course(name, unit, known, table, drawn[list(table.columns)], label, drawn_unit, counts)


def _read(connection: object, name: str, drawn: str) -> pd.DataFrame:
    """What is known of an observable (of what is drawn of it) at each time in each arm."""
    import duckdb

    assert isinstance(connection, duckdb.DuckDBPyConnection)
    samples = "SELECT * FROM source WHERE name = $name AND isfinite(value)"
    if drawn:
        first = f"SELECT arm, patient, value FROM ({samples}) WHERE time = 0"
        columns = f"s.arm, s.time, s.blq, s.unit, {_DRAWN[drawn]} AS value"
        samples = f"SELECT {columns} FROM ({samples}) s JOIN ({first}) b ON s.arm = b.arm AND s.patient = b.patient"
    text = f"SELECT arm, time, {_COLUMNS} FROM ({samples}) WHERE isfinite(value) GROUP BY arm, time ORDER BY arm, time"
    rows = connection.execute(text, {"name": name}).df()
    times = rows["time"].unique()
    if len(times) > MOST_TIMES:
        times.sort()
        rows = rows[rows["time"].isin(times[:: -(-len(times) // MOST_TIMES)])].reset_index(drop=True)
    for i, q in enumerate(QUANTILES):
        rows[f"q{round(100 * q):02d}"] = [v[i] for v in rows["q"]]
    return rows.drop(columns=["q"])


def _leaves(trial: Finished, name: str) -> bool:
    """Whether who has it leaves the trial, and it was not asked for besides."""
    schedule = trial.protocol.schedule.measure if trial.protocol.schedule else []
    return name not in schedule and any(r.leaves and r.observable == name for r in trial.protocol.rule)


def _is_steady(trial: Finished, name: str, kind: str, rows: pd.DataFrame) -> bool:
    """Whether an endpoint is a change of a ``kind`` of the observable, whose medians hardly change."""
    if all(e.observable != name or e.kind != kind for e in trial.protocol.endpoint):
        return False
    first = rows[rows["time"] == 0].set_index("arm")["q50"]
    change = rows["q50"] / rows["arm"].map(first) - 1
    return bool((first > 0).all() and len(first) and change.abs().max() < STEADY[kind])


def _place(trial: Finished, name: str) -> tuple[int, str]:
    schedule = trial.protocol.schedule.measure if trial.protocol.schedule else []
    order = [e.observable for e in trial.protocol.endpoint if e.id == trial.primary.id] + list(schedule)
    order += [e.observable for e in trial.protocol.endpoint]
    return (order.index(name) if name in order else len(order), name)
