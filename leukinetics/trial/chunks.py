"""A trial in pieces: people are screened in blocks and treated in chunks, so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.trial import tables
from leukinetics.trial.allocation import allocation, arms_of
from leukinetics.trial.enrol import Enrolled, enrol, require_all
from leukinetics.trial.journal import Journal
from leukinetics.trial.observe import observe
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.screen import Screened
from leukinetics.trial.selection import PopulationSelection, selections
from leukinetics.trial.store import observation_file

if TYPE_CHECKING:
    import pandas as pd

#: Told of what is done: how much, of how much, and what it is.
Progress = Callable[[int, int, str], None]

MEMORY = 100e6  # bytes that a chunk may take, more or less
#: Bytes of a sample while it is simulated, measured, and put into a table.
PER_SAMPLE = 200
#: Patients of a chunk at most: what a kill can lose.
MOST = 1000


def silent(done: int, total: int, what: str) -> None:
    """A :data:`Progress` that nobody hears."""


@dataclass(frozen=True)
class Conducted:
    """What the patients of a trial did and gave; tables as :mod:`leukinetics.trial.tables` makes them."""

    enrolled: Enrolled
    selection: PopulationSelection | None
    population: pd.DataFrame
    screening: pd.DataFrame
    endpoints: pd.DataFrame
    conduct: pd.DataFrame
    failures: pd.DataFrame


def chunk_size(prepared: Prepared, chunk: Any = None) -> int:
    """Patients in a chunk: ``chunk``, or as many as fit in :data:`MEMORY`. ProtocolError for what is no such number."""
    if chunk is not None:
        if isinstance(chunk, bool) or not isinstance(chunk, (int, np.integer)) or chunk < 1:
            raise ProtocolError(f"A chunk is a whole number of patients, at least 1, not {chunk!r:.40}.")
        return int(chunk)
    samples = len(prepared.times) * len(prepared.observables)
    rows = len(arms_of(prepared, 0, 1)[0])  # of one patient
    return int(np.clip(MEMORY / (PER_SAMPLE * samples * rows), 1, MOST))


def conduct(
    prepared: Prepared,
    typical: Mapping[str, float],
    chunk: int,
    journal: Journal,
    threads: int | None = None,
    progress: Progress = silent,
) -> Conducted:
    """Screen and treat everybody, ``chunk`` patients at a time; what the journal has is not computed again.

    Raises ProtocolError where too few people are eligible.
    """

    def block(first: int, stop: int, compute: Callable[[], Screened]) -> Screened:
        kept = journal.tables(f"block-{first:09d}-{stop:09d}", lambda: {"people": _as_table(compute())})
        return _as_screened(kept["people"])

    chosen = selections(prepared, [prepared.typical(typical)], threads)
    enrolled = enrol(
        prepared,
        [typical],
        threads,
        chosen,
        block=chunk * prepared.arms,
        blocks=block,
        progress=lambda done, total: progress(done, total, "screening"),
    )
    require_all(prepared, enrolled)
    names = [arm.name for arm in prepared.protocol.arm]
    parts = []
    progress(0, prepared.needed, "treating")
    for number, first in enumerate(range(0, prepared.needed, chunk)):
        stop = min(first + chunk, prepared.needed)
        places, arms = arms_of(prepared, first, stop)

        def treat(
            number: int = number, places: np.ndarray = places, arms: np.ndarray = arms
        ) -> dict[str, pd.DataFrame]:
            columns = {name: values[0, places] for name, values in enrolled.columns.items()}
            found = observe(prepared, columns, enrolled.people[0, places], arms, threads)
            for arm in np.unique(arms):
                journal.observed(number, int(arm), names[arm], tables.observations(found, int(arm)))
            return tables.chunk_tables(found)

        beside = [observation_file(arm, names[arm], number) for arm in np.unique(arms)]
        parts.append(journal.tables(f"chunk-{number:05d}", treat, beside))
        progress(stop, prepared.needed, "treating")
    whole = {name: tables.stacked([part[name] for part in parts]) for name in parts[0]}
    parallel = prepared.protocol.trial.design == "parallel"
    return Conducted(
        enrolled,
        chosen[0] if chosen else None,
        tables.population(prepared, enrolled, allocation(prepared) if parallel else None, whole["baseline"]),
        tables.screening(prepared, enrolled),
        tables.in_order(whole["endpoints"], prepared),
        tables.by_arm(whole["conduct"], prepared),
        tables.by_arm(whole["failures"], prepared),
    )


def _as_table(block: Screened) -> pd.DataFrame:
    """A block of one candidate as a table."""
    import pandas as pd

    own = {"_eligible": block.eligible[0], "_failed": block.failed[0], "_reason": block.reason[0]}
    return pd.DataFrame({"_patient": block.people, **own, **{name: v[0] for name, v in block.columns.items()}})


def _as_screened(table: pd.DataFrame) -> Screened:
    columns = {str(name): table[name].to_numpy()[None, :] for name in table.columns}
    people = columns.pop("_patient")[0]
    return Screened(people, columns.pop("_eligible"), columns.pop("_failed"), columns.pop("_reason"), columns)
