"""The cut-offs of a marker at which everybody's side is known, and how many cases and controls are at or above each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cutpoints:
    """``cutoff`` (k,), ascending; ``case``, ``control`` (k + 1,): people from one cut-off up to the next, the first
    entry those below all of them."""

    cutoff: Array
    case: NDArray[np.int64]
    control: NDArray[np.int64]

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return int(self.case.sum())

    @property
    def controls(self) -> int:
        """How many controls there are."""
        return int(self.control.sum())

    def rates(self, higher: bool) -> tuple[Array, Array]:
        """(sensitivity, specificity) at each cut-off; positive is at or above it, or where not ``higher`` below it."""
        with np.errstate(invalid="ignore"):
            return rates(self.case, self.control, higher)


def rates(case: NDArray[np.int64], control: NDArray[np.int64], higher: bool) -> tuple[Array, Array]:
    """(sensitivity, specificity) of counts between cut-offs (..., k + 1) at each cut-off (..., k)."""
    below_case = np.cumsum(case, axis=-1)[..., :-1] / case.sum(axis=-1)[..., None]
    below_control = np.cumsum(control, axis=-1)[..., :-1] / control.sum(axis=-1)[..., None]
    return (1 - below_case, below_control) if higher else (below_case, 1 - below_control)


def cutpoints(x: Censored, case: NDArray[np.bool_]) -> Cutpoints:
    """Of measured rows; of cut-offs that part people alike the lowest is kept, of those that part nobody none. The
    first is the limit of detection (the highest, where limits differ), if anybody is below one."""
    lower, upper = np.sort(x.lower), np.sort(x.upper)
    known = np.sort(x.lower[x.observed])
    candidates = np.unique(np.concatenate([x.lower[x.lower > 0], x.upper[x.below], x.upper[x.between]]))

    equal = np.searchsorted(known, candidates, side="right") - np.searchsorted(known, candidates, side="left")
    begun = np.searchsorted(lower, candidates, side="left")
    ended = np.searchsorted(upper, candidates, side="right") - equal
    candidates = candidates[begun == ended]
    # Which cut-offs a person is at or above follows from the lower end, since nobody straddles one.
    place = np.searchsorted(candidates, x.lower, side="right")
    between = np.bincount(place, minlength=len(candidates) + 1)
    at_least = len(place) - np.cumsum(between)[:-1]
    cutoff = candidates[(between[:-1] > 0) & (at_least > 0)]
    place = np.searchsorted(cutoff, x.lower, side="right")
    counts = [np.bincount(place[which], minlength=len(cutoff) + 1) for which in (case, ~case)]
    return Cutpoints(cutoff, *counts)
