"""Screening: people come in the order of their numbers until enough of them are eligible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.trial.prepare import SCREENING, Prepared
from leukinetics.trial.screen import Screened, Selection, screen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: People screened at most for each one enrolled: a trial that enrols fewer than 1 in 100 is a mistake.
MOST_PER_PATIENT = 100

#: Hands out the block of people ``first .. stop - 1``: computed, or found where it was kept.
Blocks = Callable[[int, int, Callable[[], Screened]], Screened]


@dataclass
class Enrolled:
    """Who takes part, and who was looked at.

    ``people`` (candidates, needed): numbers, -1 where the cap was reached before; ``columns`` (candidates, needed):
    their table, NaN there, with "screening.<observable>". ``screened``, ``failed`` (candidates,).
    ``reason`` (candidates, people looked at): see :class:`leukinetics.trial.screen.Screened`; ``readings`` the same
    shape: what was measured at screening, by observable.
    """

    people: NDArray[np.int64]
    columns: dict[str, Array]
    screened: NDArray[np.int64]
    failed: NDArray[np.int64]
    reason: NDArray[np.int8]
    readings: dict[str, Array]


def enrol(
    prepared: Prepared,
    candidates: Sequence[Mapping[str, float]],
    threads: int | None = None,
    selections: Sequence[Selection] | None = None,
    *,
    block: int | None = None,
    blocks: Blocks | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Enrolled:
    """Screen until every candidate has the patients it needs, or the cap is reached.

    ``block``: people looked at together at most, which changes no number; ``blocks`` keeps what was computed;
    ``progress`` is told how many patients were found and how many are needed.
    """
    typical = [prepared.typical(c) for c in candidates]
    need, most = prepared.needed, prepared.needed * MOST_PER_PATIENT
    most = most if prepared.available is None else min(most, prepared.available)
    people = np.full((len(typical), need), -1, dtype=np.int64)
    columns: dict[str, Array] = {}
    count = np.zeros(len(typical), dtype=np.int64)
    done: list[Screened] = []
    seen = 0
    while seen < most and (not seen or count.min(initial=need) < need):
        stop = min(_next(prepared, seen, int(count.min(initial=need))), most)
        if block is not None:
            stop = min(stop, seen + block)
        wanting = count < need

        def compute(first: int = seen, stop: int = stop, wanting: NDArray[np.bool_] = wanting) -> Screened:
            return screen(prepared, typical, np.arange(first, stop), wanting, threads, selections)

        part = compute() if blocks is None else blocks(seen, stop, compute)
        rank = count[:, None] + np.cumsum(part.eligible, axis=1)
        k, i = np.nonzero(part.eligible & (rank <= need))
        place = rank[k, i] - 1
        people[k, place] = part.people[i]
        for name, values in part.columns.items():
            columns.setdefault(name, np.full(people.shape, np.nan))[k, place] = values[k, i]
        done.append(_without_people(part))
        count += part.eligible.sum(axis=1)
        seen = stop
        if progress is not None:
            progress(min(int(count.min(initial=need)), need), need)
    screened = np.where(count >= need, people.max(axis=1, initial=-1) + 1, seen)
    before = np.arange(seen) < screened[:, None]
    failed = np.concatenate([part.failed for part in done], axis=1)
    return Enrolled(
        people,
        columns,
        screened,
        (failed & before).sum(axis=1),
        np.concatenate([part.reason for part in done], axis=1),
        {name: np.concatenate([part.columns[name] for part in done], axis=1) for name in done[0].columns},
    )


def require_all(prepared: Prepared, enrolled: Enrolled) -> None:
    """ProtocolError where a candidate did not get all its patients."""
    got = (enrolled.people >= 0).sum(axis=1)
    if (got < prepared.needed).any():
        k = int(np.argmin(got))
        criteria = ", ".join(
            f"{name} {b.sign} {b.value:.10g} {b.unit}".rstrip()
            for name, bounds in prepared.protocol.eligibility.items()
            for b in bounds
        )
        matched = ", selected to match the population" if prepared.targets else ""
        raise ProtocolError(
            f"eligibility: of {enrolled.screened[k]} people screened only {got[k]} of the {prepared.needed} needed "
            f"were eligible ({criteria or 'plausible'}{matched}); "
            + (
                "widen the criteria, or choose a population that meets them."
                if prepared.available is None
                else f"the population's table has {prepared.available} people; save a larger one."
            )
        )


def _without_people(part: Screened) -> Screened:
    """A block without the columns of those who may have been left out: measurements only."""
    kept = {name: values for name, values in part.columns.items() if name.startswith(f"{SCREENING}.")}
    return Screened(part.people, part.eligible, part.failed, part.reason, kept)


def _next(prepared: Prepared, seen: int, count: int) -> int:
    """How many people to have seen after the next round."""
    need = prepared.needed
    if not seen:
        # What cannot be known beforehand: two thirds eligible. Without criteria nobody is simulated at screening.
        return int(np.ceil(need * 1.5)) if prepared.screening or prepared.criteria else need + max(need // 20, 2)
    rate = max(count / seen, 1.0 / MOST_PER_PATIENT)
    return seen + max(int(np.ceil(1.2 * (need - count) / rate)), 8)
