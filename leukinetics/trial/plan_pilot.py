"""A small piece of a trial, run to see how many people are eligible, and how long it takes on this machine."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from leukinetics.trial.observe import Observed, observe
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.screen import Screened, screen
from leukinetics.trial.selection import selections
from leukinetics.trial.tables import observations

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

#: People screened; and patients simulated, after a few so that all that is compiled is ready.
PEOPLE, FEW, ROWS = 256, 8, 56


@dataclass(frozen=True)
class Pilot:
    """What was seen: ``people`` screened, ``share`` of them who may take part; ``rows`` of patients simulated, and the
    share of these that was ``solved``.

    ``ready``: seconds before anything can run (the population matched, the model compiled); ``per_screened``,
    ``per_row``: seconds for each person more; ``bytes_per_row`` of observations. ``columns``: of the patients' table.
    """

    people: int
    share: float
    rows: int
    solved: float
    ready: float
    per_screened: float
    per_row: float
    bytes_per_row: float
    columns: tuple[str, ...]


def run_pilot(prepared: Prepared, threads: int | None = None) -> Pilot:
    """Screen and treat a few of the trial's own people. ProtocolError where its population cannot be matched."""
    typical = [prepared.typical({})]
    count = PEOPLE if prepared.available is None else min(PEOPLE, prepared.available)
    matched, chosen = _timed(lambda: selections(prepared, typical, threads))

    def look(n: int) -> Screened:
        return screen(prepared, typical, np.arange(n), np.ones(1, dtype=bool), threads, chosen)

    first, _ = _timed(lambda: look(min(FEW, count)))
    screening, seen = _timed(lambda: look(count))
    eligible = np.flatnonzero(seen.eligible[0])
    # How long a treatment takes can be seen of others, too.
    people = eligible if len(eligible) else np.arange(count)
    compiled, _ = _timed(lambda: _treat(prepared, seen, people, FEW, threads))
    short, few = _timed(lambda: _treat(prepared, seen, people, FEW, threads))
    long, many = _timed(lambda: _treat(prepared, seen, people, ROWS, threads))
    return Pilot(
        people=count,
        share=len(eligible) / count,
        rows=ROWS,
        solved=float(many.ok.mean()),
        ready=matched + first + compiled,
        per_screened=screening / count,
        per_row=_more(short, long),
        bytes_per_row=max(_more(_bytes(few), _bytes(many)), 0.0),
        columns=tuple(seen.columns),
    )


def _more(few: float, many: float) -> float:
    """What a row more adds; at least half of its share of all, where the clock is too coarse for the difference."""
    return max((many - few) / (ROWS - FEW), 0.5 * many / ROWS)


def _treat(prepared: Prepared, seen: Screened, people: NDArray[np.int64], rows: int, threads: int | None) -> Observed:
    """So many rows of these people (again from the first where there are fewer), in the arms in turn."""
    chosen = people[np.arange(rows) // prepared.arms % len(people)]
    columns = {name: values[0, chosen] for name, values in seen.columns.items()}
    return observe(prepared, columns, seen.people[chosen], np.arange(rows) % prepared.arms, threads)


def _bytes(found: Observed) -> float:
    """Of the observations, as they would be written."""
    import pyarrow.parquet as pq

    total = 0
    for arm in np.unique(found.arms):
        written = io.BytesIO()
        pq.write_table(observations(found, int(arm)), written)
        total += written.tell()
    return float(total)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made
