"""The number of patients that reaches a target power."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

_NORMAL = NormalDist()
SMALLEST = 2  # patients per arm
#: By how much of n the ends of the search may differ, of analyses that have no closed form.
ROUGH = 0.05


def size_for(
    power: Callable[[int], float], target: float, known: dict[int, float], tolerance: float = 0.0
) -> int | None:
    """The smallest n per arm whose ``power`` is at least ``target``; None where not even the largest known n has it.

    ``known``: power by n of the curve, made monotone. Between two sizes the normal quantile of power is about linear
    in the square root of n; the place where it meets the target is simulated, and becomes a new end, until the ends
    are neighbours or differ by ``tolerance`` of n.
    """
    curve: dict[int, float] = {}
    for n in sorted(known):
        curve[n] = max([known[n], *curve.values()])
    reached = [n for n, p in curve.items() if p >= target]
    if not reached:
        return None
    high = reached[0]
    low = max((n for n in curve if n < high), default=SMALLEST - 1)
    p_low, p_high = curve.get(low, 0.0), curve[high]
    step = 0
    while high - low > max(1.0, tolerance * high):
        # Every third step halves, so that a bad line costs little.
        guess = (low + high) // 2 if step % 3 == 2 else _between(low, high, p_low, p_high, target)
        n = min(max(guess, low + 1), high - 1)
        found = power(n)
        if found >= target:
            high, p_high = n, found
        else:
            low, p_low = n, found
        step += 1
    return high


def _between(low: int, high: int, p_low: float, p_high: float, target: float) -> int:
    a, b, wanted = (_NORMAL.inv_cdf(min(max(p, 1e-3), 1.0 - 1e-3)) for p in (p_low, p_high, target))
    share = (wanted - a) / (b - a) if b > a else 0.5
    return round((math.sqrt(low) + min(max(share, 0.0), 1.0) * (math.sqrt(high) - math.sqrt(low))) ** 2)
