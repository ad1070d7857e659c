"""Screening: people come in the order of their numbers until enough of them are eligible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.screen import screen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: People screened at most for each one enrolled: a trial that enrols fewer than 1 in 100 is a mistake.
MOST_PER_PATIENT = 100


@dataclass
class Enrolled:
    """Who takes part. ``people`` (candidates, needed): numbers, -1 where the cap was reached before;
    ``screened``, ``failed`` (candidates,); ``columns`` (candidates, people seen)."""

    people: NDArray[np.int64]
    screened: NDArray[np.int64]
    failed: NDArray[np.int64]
    columns: dict[str, Array]


def enrol(prepared: Prepared, candidates: Sequence[Mapping[str, float]], threads: int | None = None) -> Enrolled:
    """Screen until every candidate has the patients it needs, or the cap is reached."""
    typical = [prepared.typical(c) for c in candidates]
    need, most = prepared.needed, prepared.needed * MOST_PER_PATIENT
    eligible = np.zeros((len(typical), 0), dtype=bool)
    failed = np.zeros((len(typical), 0), dtype=bool)
    while True:
        seen, count = eligible.shape[1], eligible.sum(axis=1).min(initial=need)
        if seen and (count >= need or seen >= most):
            break
        stop = min(_next(prepared, seen, int(count)), most)
        block = screen(prepared, typical, np.arange(seen, stop), eligible.sum(axis=1) < need, threads)
        eligible, failed = np.hstack([eligible, block.eligible]), np.hstack([failed, block.failed])
    rank = np.cumsum(eligible, axis=1)
    people = np.full((len(typical), need), -1, dtype=np.int64)
    k, i = np.nonzero(eligible & (rank <= need))
    people[k, rank[k, i] - 1] = i
    full = rank[:, -1] >= need
    screened = np.where(full, people.max(axis=1) + 1, eligible.shape[1])
    before = np.arange(eligible.shape[1]) < screened[:, None]
    columns = prepared.columns(np.arange(eligible.shape[1]), typical)
    return Enrolled(people, screened, (failed & before).sum(axis=1), columns)


def require_all(prepared: Prepared, enrolled: Enrolled) -> None:
    """ProtocolError where a candidate did not get all its patients."""
    got = (enrolled.people >= 0).sum(axis=1)
    if (got < prepared.needed).any():
        k = int(np.argmin(got))
        criteria = ", ".join(
            f"{name} {b.sign} {b.value:g} {b.unit}" for name, bs in prepared.criteria.items() for b in bs
        )
        raise ProtocolError(
            f"eligibility: of {enrolled.screened[k]} people screened only {got[k]} of the {prepared.needed} needed "
            f"were eligible ({criteria or 'plausible'}); widen the criteria, or choose a population that meets them."
        )


def _next(prepared: Prepared, seen: int, count: int) -> int:
    """How many people to have seen after the next round."""
    need = prepared.needed
    if not seen:
        # What cannot be known beforehand: two thirds eligible. Without criteria nobody is simulated at screening.
        return int(np.ceil(need * 1.5)) if prepared.criteria else need + max(need // 20, 2)
    rate = max(count / seen, 1.0 / MOST_PER_PATIENT)
    return seen + max(int(np.ceil(1.2 * (need - count) / rate)), 8)
