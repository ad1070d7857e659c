"""How many pairs of rows have the same order in two measurements, where the order is certain; a million rows too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.censored.ranks import above_and_below

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ranks = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """``balance`` (rows,): for each row, pairs with another in the same order less those in the opposite one.
    ``total``: their sum, twice Kendall's S. ``x``, ``y``: ordered pairs (both ways) with a certain order in each.
    ``sd``: of ``total`` over all permutations of one of the measurements."""

    balance: Array
    total: float
    x: float
    y: float
    sd: float


def pairs_of(x: tuple[Ranks, Ranks], y: tuple[Ranks, Ranks]) -> Pairs:
    """From the (low, high) keys of two measurements (:func:`leukinetics.cohort.censored.ranks.order_keys`).

    The variance over permutations is Daniels' (Biometrika 1944;33:129-35), exact with ties and censoring.
    """
    n = len(x[0])
    same = _dominated((x[0], y[0]), (x[1], y[1]))
    opposite = _dominated((x[0], -y[1]), (x[1], -y[0]))
    balance = (same[0] + same[1] - opposite[0] - opposite[1]).astype(float)
    (above_x, below_x), (above_y, below_y) = above_and_below(*x), above_and_below(*y)
    squares = [float(((a - b) ** 2).sum()) for a, b in ((above_x, below_x), (above_y, below_y))]
    known = [float((a + b).sum()) for a, b in ((above_x, below_x), (above_y, below_y))]
    variance = 0.0
    if n > 2:
        variance = 4 * (squares[0] - known[0]) * (squares[1] - known[1]) / (n * (n - 1.0) * (n - 2))
        variance += 2 * known[0] * known[1] / (n * (n - 1.0))
    return Pairs(balance, float(balance.sum()), known[0], known[1], max(variance, 0.0) ** 0.5)


def _dominated(p: tuple[Ranks, Ranks], q: tuple[Ranks, Ranks]) -> tuple[Ranks, Ranks]:
    """(for each p, how many q are below it in both coordinates; for each q, how many p are above it in both).

    Points stand in the order of the second coordinate and are split by the bits of their place in the order of the
    first, the highest bit first: those that part at a bit are counted there.
    """
    n = len(p[0])
    m = 2 * n
    is_q = np.repeat([False, True], n)
    # Where coordinates are equal p comes first, so that it is not above q.
    place = np.empty(m, dtype=np.int64)
    place[np.lexsort((is_q, np.concatenate([p[0], q[0]])))] = np.arange(m)
    who = np.lexsort((is_q, np.concatenate([p[1], q[1]])))
    count = np.zeros(m, dtype=np.int64)
    index = np.arange(m)
    for bit in range(max(m - 1, 1).bit_length() - 1, -1, -1):
        start = (index >> (bit + 1)) << (bit + 1)
        right = ((place[who] >> bit) & 1).astype(bool)
        lower, upper = ~right & is_q[who], right & ~is_q[who]
        lower_before, upper_before = (np.concatenate([[0], np.cumsum(v)]) for v in (lower, upper))
        stop = np.minimum(start + (2 << bit), m)
        count[who[upper]] += (lower_before[index] - lower_before[start])[upper]
        count[who[lower]] += (upper_before[stop] - upper_before[index])[lower]
        left_before = np.concatenate([[0], np.cumsum(~right)])
        left = left_before[index] - left_before[start]
        to = np.where(right, start + (1 << bit) + (index - start - left), start + left)
        moved = np.empty_like(who)
        moved[to] = who
        who = moved
    return count[:n], count[n:]
