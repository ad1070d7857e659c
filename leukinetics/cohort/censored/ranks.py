"""What the order of rows is, where it can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.values import Censored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ranks = NDArray[np.int64]


def order_keys(x: Censored) -> tuple[Ranks, Ranks]:
    """(low, high): row i is above row j for certain where low[i] > high[j]. All rows are measured.

    Equal numbers are tied; a row below a limit is below a number equal to that limit, one above it is above it.
    """
    _, where = np.unique(np.concatenate([x.lower, x.upper]), return_inverse=True)
    places = 3 * np.asarray(where, dtype=np.int64)
    n, seen = len(x), x.observed
    return places[:n] + np.where(seen, 1, 2), places[n:] + np.where(seen, 1, 0)


def placed(x: Censored) -> tuple[Array, NDArray[np.bool_], list[str]]:
    """Numbers and whether each is known, of which the others are upper limits, and what was decided for it.

    Rows above a limit are put at it, above which there is nothing else to tell them from; rows between two limits
    are put at the middle (of logarithms) of these, which is right wherever the interval holds nobody else.
    """
    value = np.where(x.below, x.upper, x.lower)
    said = []
    if (above := x.above).any():
        said.append(f"{_rows(above)} above the upper limit put at it")
    if (between := x.between).any():
        value = np.where(between, np.sqrt(x.lower * np.where(between, x.upper, 1.0)), value)
        said.append(f"{_rows(between)} between two limits put at the middle")
    return value, ~x.below, said


def above_and_below(low: Ranks, high: Ranks) -> tuple[Array, Array]:
    """(how many rows each row is above for certain, how many it is below)."""
    n = len(low)
    above = np.searchsorted(np.sort(high), low, side="left")
    below = n - np.searchsorted(np.sort(low), high, side="right")
    return above.astype(float), below.astype(float)


def _rows(where: NDArray[np.bool_]) -> str:
    n = int(where.sum())
    return "1 row" if n == 1 else f"{n:,} rows"
