"""Harrell's C: of pairs of people of whom it is known who had the event first, the share in whom that one's marker was
higher.

A pair counts if the shorter time ended with an event. Pairs in which nobody knows whose marker is higher (both below a
limit, or as in :mod:`leukinetics.cohort.diagnosis.pairs`) count a half. With h the sum over a person's pairs of what
they say and d their number, the person's influence on C is (h - C d)/D, D all pairs, and the variance of C the sum of
squares (the projection of a ratio of U-statistics). lifelines has C, but neither its variance nor limits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.sample import stream
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate, interval, nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.diagnosis.outcomes import Outcome
    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

#: More people than this have too many pairs: as many are drawn.
MOST = 5000
BLOCK = 500


@dataclass(frozen=True, eq=False)
class Concordance:
    """``said`` (people,): sum over a person's pairs of 1, a half or 0; ``pairs`` (people,): how many."""

    said: Array
    pairs: Array

    @property
    def value(self) -> float:
        """C; NaN without pairs."""
        total = float(self.pairs.sum())
        return float(self.said.sum()) / total if total else math.nan

    @property
    def influence(self) -> Array:
        """Of each person on C, (people,)."""
        # Both sums count each pair twice, once for each of the two.
        return np.asarray((self.said - self.value * self.pairs) / (self.pairs.sum() / 2))


def concordance(x: Censored, outcome: Outcome, *, alpha: float = 0.05, seed: int = 1) -> dict[str, Any]:
    """C of a marker for the time to an event: ``estimate``, ``ci_low``, ``ci_high``, ``se``, ``p_value`` (of a half),
    ``n``, ``events``, ``pairs``, ``analysis``, ``note``. DataError of an outcome of another kind."""
    if outcome.kind != "time_to_event":
        raise DataError(f"Harrell's C is of a time to an event; the outcome is of kind '{outcome.kind}'.")
    use = np.flatnonzero(x.measured & outcome.known)
    note = None
    if len(use) > MOST:
        note = f"{MOST} of {len(use)} people are drawn, since pairs are too many"
        use = np.sort(stream(seed, "concordance").choice(use, MOST, replace=False))
    mine, those = x.take(use), outcome.take(use)
    found = agreement(mine.lower, mine.upper, those)
    e = told_as(found.value, float((found.influence**2).sum()) if found.pairs.any() else math.nan, len(use), alpha)
    row = {"measure": "concordance", "estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high)}
    if not found.pairs.any():
        note = "there are no pairs of whom it is known who had the event first"
    return {
        **row, "p_value": number(e.p), "se": number(e.se), "n": len(use), "events": those.events,
        "pairs": int(found.pairs.sum() / 2), "analysis": "Harrell's C, interval on the logit scale", "note": note,
    }  # fmt: skip


def agreement(lower: Array, upper: Array, outcome: Outcome) -> Concordance:
    """Of markers within [``lower``, ``upper``] (people,), by blocks of people."""
    n, time, event = len(lower), outcome.value, outcome.event == 1
    said, pairs = np.zeros(n), np.zeros(n)
    for first in range(0, n, BLOCK):
        i = np.arange(first, min(first + BLOCK, n))
        # Of equal times the event comes before the end of follow-up.
        earlier = (time[i, None] < time) | ((time[i, None] == time) & ~event)
        usable = earlier & event[i, None]
        usable[np.arange(len(i)), i] = False
        vote = 0.5 + ((lower[i, None] >= upper).astype(float) - (lower >= upper[i, None])) / 2
        vote = np.where(usable, vote, 0.0)
        said[i] += vote.sum(axis=1)
        pairs[i] += usable.sum(axis=1)
        said += vote.sum(axis=0)
        pairs += usable.sum(axis=0)
    return Concordance(said, pairs)


def told_as(value: float, variance: float, n: int, alpha: float) -> Estimate:
    """A share of pairs with its interval on the logit scale."""
    if not (variance > 0 and 0 < value < 1):
        return nothing(n, value)
    slope = value * (1 - value)
    wide = interval(math.log(value / (1 - value)), math.sqrt(variance) / slope, n, alpha)
    back = wide.through(lambda v: 1 / (1 + math.exp(-v)), lambda _: slope)
    return Estimate(value, math.sqrt(variance), back.low, back.high, n, wide.p)
