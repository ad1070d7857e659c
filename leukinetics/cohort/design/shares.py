"""Power of comparisons of two shares: in how many people of two groups a marker is detected.

Exact: the probabilities of all tables that a test calls significant are summed. Fisher's test, conditional on the
margin; the unconditional test of Suissa and Shuster (J R Stat Soc A 1985;148:317-27), whose critical value of the
pooled z statistic keeps the level for every share that the groups may have in common; and, for many people, the normal
approximation of the pooled z test (statsmodels). Own code for the exact ones: scipy has the tests of single tables, and
no power.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FISHER, UNCONDITIONAL, NORMAL = "fisher", "unconditional", "normal"
#: Shares in common at which the level of the unconditional test is looked at.
GRID = 200
#: Tables (of both groups) from which on the normal approximation takes over: some 1,000 people in each group.
MOST_TABLES = 1_000_000
#: Sizes beyond the smallest that must reach the target, too: exact power goes up and down.
BEYOND = 5


def power(p1: float, n1: int, p2: float, n2: int, alpha: float = 0.05, test: str = FISHER) -> float:
    """The probability that the two-sided ``test`` of ``n1`` and ``n2`` people finds a difference of the shares."""
    if test == NORMAL or (n1 + 1) * (n2 + 1) > MOST_TABLES:
        return normal(p1, n1, p2, n2, alpha)
    from scipy.stats import binom

    region = fisher_region(n1, n2, alpha) if test == FISHER else unconditional_region(n1, n2, alpha)
    first, second = binom.pmf(np.arange(n1 + 1), n1, p1), binom.pmf(np.arange(n2 + 1), n2, p2)
    return min(float(first @ region @ second), 1.0)


def normal(p1: float, n1: float, p2: float, n2: float, alpha: float) -> float:
    """The normal approximation of the pooled z test."""
    from statsmodels.stats.proportion import power_proportions_2indep

    found = power_proportions_2indep(p1 - p2, p2, n1, ratio=n2 / n1, alpha=alpha, return_results=False)
    return float(found)


@lru_cache(maxsize=64)
def fisher_region(n1: int, n2: int, alpha: float) -> NDArray[np.bool_]:
    """The tables (n1 + 1, n2 + 1) of which Fisher's exact p value, two-sided by probabilities, is at most ``alpha``."""
    from scipy.special import gammaln

    def choose(n: int, k: NDArray[np.int64]) -> Array:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    found = np.zeros((n1 + 1, n2 + 1), dtype=bool)
    for m in range(n1 + n2 + 1):
        k = np.arange(max(0, m - n2), min(n1, m) + 1)
        log = choose(n1, k) + choose(n2, m - k)
        p = np.exp(log - log.max())
        p /= p.sum()
        order = np.argsort(p, kind="stable")
        below = np.cumsum(p[order])
        # As extreme: all tables that are no more probable, up to rounding.
        last = np.searchsorted(p[order], p * (1 + 1e-7), side="right") - 1
        found[k, m - k] = below[last] <= alpha
    return found


@lru_cache(maxsize=64)
def unconditional_region(n1: int, n2: int, alpha: float) -> NDArray[np.bool_]:
    """The tables (n1 + 1, n2 + 1) at or beyond the critical value of |z| that keeps the level everywhere."""
    from scipy.stats import binom

    x, y = np.arange(n1 + 1)[:, None] / n1, np.arange(n2 + 1)[None] / n2
    pooled = (n1 * x + n2 * y) / (n1 + n2)
    variance = pooled * (1 - pooled) * (1 / n1 + 1 / n2)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(variance > 0, np.abs(x - y) / np.sqrt(variance), 0.0).ravel()
    z = np.round(z, 9)
    order = np.argsort(-z, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(z[order]) != 0, True))  # ties are taken together
    size = np.zeros(len(ends))
    for share in (np.arange(GRID) + 0.5) / (2 * GRID):  # symmetric: a share and its complement have the same level
        for p in (share, 1 - share):
            joint = np.outer(binom.pmf(np.arange(n1 + 1), n1, p), binom.pmf(np.arange(n2 + 1), n2, p)).ravel()
            size = np.maximum(size, np.cumsum(joint[order])[ends])
    kept = np.flatnonzero((size <= alpha) & (z[order][ends] > 0))
    found = np.zeros(z.shape, dtype=bool)
    if len(kept):
        found[order[: ends[kept[-1]] + 1]] = True
    return found.reshape(n1 + 1, n2 + 1)


def size(
    p1: float, p2: float, target: float, alpha: float = 0.05, ratio: float = 1.0, test: str = FISHER, most: int = 20_000
) -> tuple[int, int] | None:
    """The smallest groups (n1, n2 = ``ratio`` n1) whose power reaches ``target``, and keeps it in the next five sizes;
    None where ``most`` people in the first do not. DataError where the shares are the same."""
    if p1 == p2:
        raise DataError(f"Both shares are {p1:g}; there is no difference to be found.")

    def second(n: int) -> int:
        return max(math.ceil(ratio * n - 1e-9), 1)

    def enough(n: int) -> bool:
        return all(power(p1, k, p2, second(k), alpha, test) >= target for k in range(n, n + BEYOND + 1))

    if normal(p1, most, p2, second(most), alpha) < target:
        return None
    low, high = 1, most
    while high - low > 1:  # where the normal approximation reaches it
        middle = (low + high) // 2
        low, high = (low, middle) if normal(p1, middle, p2, second(middle), alpha) >= target else (middle, high)
    n = high
    if test == NORMAL or (n + 1) * (second(n) + 1) > MOST_TABLES:
        return n, second(n)
    step = max(n // 10, 1)
    while not enough(n):
        n += step
    while n > 2 and step:
        if n - step >= 2 and enough(n - step):
            n -= step
        else:
            step //= 2
    return n, second(n)


def detected(mean: float, sd: float, limit: float) -> float:
    """The share of lognormal levels (mean and SD of the logarithm) at or above a limit."""
    from scipy.special import ndtr

    return float(ndtr((mean - math.log(limit)) / sd)) if limit > 0 else 1.0
