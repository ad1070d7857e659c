"""What a trial hands back: tables of patients, observations and endpoints, and their summary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.errors import DataError
from leukinetics.patients import load_population
from leukinetics.trial.folder import is_finished
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.read import read_protocol
from leukinetics.trial.store import OBSERVATIONS, PROTOCOL, PROVENANCE, SUMMARY, read_json

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


class TrialResult:
    """A finished trial, in memory or in a folder, whose tables are then read when they are first asked for.

    protocol : the protocol. summary, provenance : what summary.json and provenance.json hold.
    folder : where its files are; None where it was not written. also : the trials of ``[[also]]``, by name.
    """

    def __init__(
        self,
        protocol: Protocol,
        summary: dict[str, Any],
        provenance: dict[str, Any],
        tables: Mapping[str, Callable[[], pd.DataFrame]],
        folder: Path | None = None,
        also: Mapping[str, TrialResult] | None = None,
    ) -> None:
        self.protocol = protocol
        self.summary = summary
        self.provenance = provenance
        self.folder = folder
        self.also = dict(also or {})
        self._tables = tables

    def __repr__(self) -> str:
        s = self.summary
        arms = ", ".join(f"'{a['name']}'" for a in s["arms"])
        people = s["patients"]
        return f"<TrialResult '{s['trial']}': {people['enrolled']} patients, {people['failed']} failed, arms {arms}>"

    @cached_property
    def population(self) -> pd.DataFrame:
        """One row per patient (index "patient"): ``arm`` in parallel designs, covariates, genotypes, parameters in the
        units used inside, "screening.<observable>" and "baseline.<observable>" as measured at screening and time 0."""
        return self._tables["population"]()

    @cached_property
    def screening(self) -> pd.DataFrame:
        """Everybody screened: patient, eligible, the first reason of not taking part ("" where eligible), and what was
        measured."""
        return self._tables["screening"]()

    @cached_property
    def observations(self) -> pd.DataFrame:
        """Long: patient, arm, time (days), name, value, unit, blq. Where ``blq`` the value is the limit of
        quantification that the sample was below. Observables of which nothing has noise are true values. Patients
        that could not be solved, and samples after a patient left, are not there."""
        return self._tables["observations"]()

    @cached_property
    def endpoints(self) -> pd.DataFrame:
        """Long, see :func:`leukinetics.trial.endpoints.endpoint_table`."""
        return self._tables["endpoints"]()

    @cached_property
    def conduct(self) -> pd.DataFrame:
        """patient, arm, left (day, NaN: never), given and missed (doses), and by rule the day on which it fired."""
        return self._tables["conduct"]()

    @cached_property
    def failures(self) -> pd.DataFrame:
        """patient, arm, status, advice of those that could not be solved."""
        return self._tables["failures"]()

    def database(self) -> duckdb.DuckDBPyConnection:
        """The trial's files as a database, see :func:`leukinetics.trial.database`. DataError where it has none."""
        from leukinetics.trial.database import database

        if self.folder is None:
            raise DataError("This trial is in memory only; run it with a folder, out=..., to have its database.")
        return database(self.folder)


def open_trial(folder: str | Path) -> TrialResult:
    """Open the folder of a finished trial. DataError where there is none, or a file of it cannot be read."""
    path = Path(folder)
    if not is_finished(path):
        raise DataError(f"'{path}' holds no finished trial.")
    try:
        summary, provenance = read_json(path / SUMMARY), read_json(path / PROVENANCE)
    except (OSError, ValueError) as error:
        raise DataError(f"The trial in '{path}' cannot be read: {error}.") from error
    also = {row["name"]: open_trial(path / row["folder"]) for row in folders_beside(summary)}
    return TrialResult(read_protocol(path / PROTOCOL), summary, provenance, stored(path), path, also)


def folders_beside(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a summary's ``also`` that have a folder below that of the trial: all but the trial's own."""
    return [row for row in (summary.get("also") or {}).get("conditions", []) if row["folder"]]


def stored(folder: Path) -> dict[str, Callable[[], pd.DataFrame]]:
    """Readers of the tables in a trial's folder."""
    return {
        "population": lambda: load_population(folder / "population.parquet"),
        "observations": lambda: _read(*sorted((folder / OBSERVATIONS).glob("*.parquet"))),
        **{name: lambda n=name: _read(folder / f"{n}.parquet") for name in _PLAIN},  # type: ignore[misc]
    }


_PLAIN = ("screening", "endpoints", "conduct", "failures")


def _read(*paths: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for path in paths:
        try:
            tables.append(pq.read_table(path))
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"'{path}' cannot be read: {error}.") from error
    found: pd.DataFrame = pa.concat_tables(tables).to_pandas(ignore_metadata=True)
    return found
