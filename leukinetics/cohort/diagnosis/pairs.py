"""Pairs of a case and a control: whose marker is higher, where values may be known only to lie below a limit.

Of a pair it is decided who is higher where the interval of one ends at or before that of the other begins: a value
below a limit is below all that is observed at or above it. Other pairs (both below a limit, or one below a limit that
is higher than the other's value) count a half, as ties do. Each pair is so judged at the higher of its two limits,
whence limits that differ between cases and controls do not by themselves make an area other than a half.

With c of a person's opponents certainly lower and d certainly higher, of n, the person's placement is 1/2 + (c - d)/2n;
placements of all cases have the mean AUC (DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837-45,
doi:10.2307/2531595; sorted as by Sun and Xu, IEEE Signal Process Lett 2014;21:1389-93). Own code: no library here has
DeLong's variance, or takes a limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Placements:
    """``case`` (cases,), ``control`` (controls,): for each person the share of the opponents over whom the pair speaks
    for the marker. ``undecided``: share of pairs in which nobody knows who is higher; ``tied``: of equal observed
    values."""

    case: Array
    control: Array
    undecided: float
    tied: float

    @property
    def area(self) -> float:
        """The area under the ROC curve; NaN without cases or controls."""
        return float(self.case.mean()) if len(self.case) and len(self.control) else float("nan")

    @property
    def variance(self) -> float:
        """DeLong's variance of the area; NaN of a group of one."""
        return float(covariance(self, self))


def placements(lower: Array, upper: Array, case: NDArray[np.bool_]) -> Placements:
    """Of people whose markers lie in [``lower``, ``upper``] (people,), none of them NaN."""
    low, high = (lower[case], upper[case]), (lower[~case], upper[~case])
    if not (len(low[0]) and len(high[0])):
        return Placements(np.full(len(low[0]), np.nan), np.full(len(high[0]), np.nan), 0.0, 0.0)
    above, beneath = _decided(*low, *high)
    n, m = len(high[0]), len(low[0])
    known = high[0][high[0] == high[1]]
    tied = int(_equal(np.where(low[0] == low[1], low[0], np.nan), known).sum())
    total = float(n) * m
    undecided = (total - float(above.sum()) - float(beneath.sum()) + tied) / total
    above_c, beneath_c = _decided(*high, *low)
    of_case = 0.5 + (above - beneath) / (2.0 * n)
    of_control = 0.5 + (beneath_c - above_c) / (2.0 * m)
    return Placements(of_case, of_control, max(undecided, 0.0), tied / total)


def covariance(one: Placements, other: Placements) -> float:
    """DeLong's covariance of the areas of two markers in the same people; NaN where cases or controls are fewer than
    two."""
    m, n = len(one.case), len(one.control)
    if m < 2 or n < 2:
        return float("nan")

    def shared(a: Array, b: Array) -> float:
        return float(((a - a.mean()) * (b - b.mean())).sum() / (len(a) - 1) / len(a))

    return shared(one.case, other.case) + shared(one.control, other.control)


def _decided(lower: Array, upper: Array, others_lower: Array, others_upper: Array) -> tuple[Array, Array]:
    """Of each person (how many others are lower or equal, how many are higher or equal) for certain."""
    least = np.searchsorted(np.sort(others_upper), lower, side="right")
    most = len(others_lower) - np.searchsorted(np.sort(others_lower), upper, side="left")
    return least.astype(float), most.astype(float)


def _equal(values: Array, known: Array) -> Array:
    """How many of ``known`` are equal to each of ``values``."""
    ordered = np.sort(known)
    values = values[~np.isnan(values)]
    left, right = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return (right - left).astype(float)
