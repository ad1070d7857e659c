"""Power of studies of diagnosis: areas under ROC curves.

Variance of an area A from n1 people with and n0 without the disease, k = n0/n1:

- Hanley and McNeil (Radiology 1982;143:29-36, doi:10.1148/radiology.143.1.7063747), of exponential levels:
  [A(1 - A) + (n1 - 1)(A/(2 - A) - A²) + (n0 - 1)(2A²/(1 + A) - A²)] / (n1 n0);
- Obuchowski and McClish (Stat Med 1997;16:1529-42), of ratings, a fifth larger than that of normal levels: V/n1,
  V = 0.0099 exp(-a²/2) [5a² + 8 + (a² + 8)/k] with a = 1.414 Phi^-1(A).

By the latter an area is tested against 1/2 with the variance 0.0792 (1 + 1/k)/n1 of no difference; other hypotheses
have the variance at their area. Two areas in the same people are correlated. Own code: no library here has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from leukinetics.errors import DataError

HANLEY, OBUCHOWSKI = "hanley_mcneil", "obuchowski"


def variance(area: float, n1: float, n0: float, method: str = HANLEY) -> float:
    """Of the estimate of an area."""
    from scipy.special import ndtri

    if method == HANLEY:
        one, two = area / (2 - area), 2 * area**2 / (1 + area)
        return (area * (1 - area) + (n1 - 1) * (one - area**2) + (n0 - 1) * (two - area**2)) / (n1 * n0)
    a = 1.414 * float(ndtri(area))
    return 0.0099 * math.exp(-(a**2) / 2) * (5 * a**2 + 8 + (a**2 + 8) * n1 / n0) / n1


def power(
    area: float, n1: float, n0: float, against: float = 0.5, alpha: float = 0.05, method: str = HANLEY,
    sides: int = 2,
) -> float:  # fmt: skip
    """Power of the test that an area is ``against``."""
    from scipy.special import ndtr, ndtri

    critical = float(ndtri(1 - alpha / sides))
    equal = against == 0.5 and method == OBUCHOWSKI
    null = 0.0792 * (1 + n1 / n0) / n1 if equal else variance(against, n1, n0, method)
    own = variance(area, n1, n0, method)
    return float(ndtr((abs(area - against) - critical * math.sqrt(null)) / math.sqrt(own)))


def power_of_two(
    area: float, other: float, correlation: float, n1: float, n0: float, alpha: float = 0.05, method: str = HANLEY
) -> float:
    """Power of the test that two markers of the same people, whose estimated areas have a ``correlation``, have one
    area (Hanley and McNeil, Radiology 1983;148:839-43)."""
    from scipy.special import ndtr, ndtri

    def of(a: float, b: float) -> float:
        v, w = variance(a, n1, n0, method), variance(b, n1, n0, method)
        return v + w - 2 * correlation * math.sqrt(v * w)

    middle = (area + other) / 2
    critical = float(ndtri(1 - alpha / 2))
    null, own = of(middle, middle), of(area, other)
    return float(ndtr((abs(area - other) - critical * math.sqrt(null)) / math.sqrt(own)))


def half_width(area: float, n1: float, n0: float, alpha: float = 0.05, method: str = HANLEY) -> float:
    """Half the width of the interval of an area."""
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2)) * math.sqrt(variance(area, n1, n0, method))


def smallest(reaches: Callable[[int], bool], most: int = 1_000_000) -> int | None:
    """The smallest number from 2 on at which something that stays true is true; None where it is not at ``most``."""
    if not reaches(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def area_at(shift: float, sd: float, mean: float, limit: float) -> float:
    """The area under the curve of lognormal levels with means of the logarithm ``mean`` and ``mean + shift`` and one
    ``sd``, when all below the ``limit`` are tied: a half of the pairs of which both are."""
    from scipy.special import ndtr

    if not sd > 0:
        raise DataError(f"The SD of the logarithm is {sd:g}; give one above 0.")
    if limit <= 0:
        return float(ndtr(shift / (sd * math.sqrt(2))))
    c = (math.log(limit) - mean) / sd
    d = shift / sd
    low = max(c, d - 10)
    nodes, w = np.polynomial.legendre.leggauss(200)
    high = max(d + 10, c + 10)
    z = low + (high - low) * (nodes + 1) / 2
    density = np.exp(-0.5 * (z - d) ** 2) / math.sqrt(2 * math.pi)
    above = float((w * density * ndtr(z)).sum()) * (high - low) / 2
    return above + 0.5 * float(ndtr(c - d) * ndtr(c))
