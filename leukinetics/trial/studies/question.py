"""What a study asks of a trial: which contrast, in which parts, and where its parts are kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Endpoint, Protocol
from leukinetics.trial.reference import reference_arm

#: Computes a part once and keeps it under its name: what is kept is plain (JSON).
Keep = Callable[[str, Callable[[], Any]], Any]
#: Told how many of how many parts are done, and of what.
Progress = Callable[[int, int, str], None]

#: Numbers (rows x samples) that one call of the engine may hand back: bounds the memory.
MOST_NUMBERS = 4_000_000
#: Rows (candidates x arms x patients) in a call, whatever they read.
MOST_ROWS = 40_000
_RATIOS = ("ratio", "rate_ratio", "hazard_ratio", "odds_ratio")


@dataclass(frozen=True)
class Contrast:
    """An endpoint, and the indices of an arm and of the arm that it is compared with."""

    endpoint: Endpoint
    arm: int
    reference: int


def compute_now(name: str, compute: Callable[[], Any]) -> Any:
    """A :data:`Keep` that keeps nothing."""
    return compute()


def remembering(keep: Keep) -> Keep:
    """A :data:`Keep` that also knows what it was asked for before."""
    known: dict[str, Any] = {}

    def remembered(name: str, compute: Callable[[], Any]) -> Any:
        if name not in known:
            known[name] = keep(name, compute)
        return known[name]

    return remembered


def say_nothing(done: int, total: int, what: str) -> None:
    """A :data:`Progress` that nobody hears."""


def contrast_of(protocol: Protocol, endpoint: str | None, arm: str | None) -> Contrast:
    """The contrast that a study asks for: by default of the first primary endpoint, else the first one, and of the
    last arm that is not its reference (arms are written with rising doses)."""
    wanted = endpoint or next(iter(protocol.analysis.primary), protocol.endpoint[0].id)
    found = next(e for e in protocol.endpoint if e.id == wanted)
    reference, arms = reference_arm(protocol, found), [a.name for a in protocol.arm]
    last = next(i for i in range(len(arms) - 1, -1, -1) if i != reference)
    return Contrast(found, last if arm is None else arms.index(arm), reference)


def batches(prepared: Prepared, candidates: int, most: int) -> Iterator[range]:
    """Candidates 0, 1, ... in parts of ``most`` or, for memory, fewer, that one call of the engine takes at a time and
    that are kept as a whole; numbers do not depend on them."""
    rows = prepared.n * sum(arm.ratio for arm in prepared.protocol.arm)
    samples = len(prepared.times) * len(prepared.observables)
    size = max(min(most, MOST_NUMBERS // (rows * samples), MOST_ROWS // rows), 1)
    for first in range(0, candidates, size):
        yield range(first, min(first + size, candidates))


def on_scale(measure: str, effect: float) -> float:
    """An effect on the scale on which errors are about normal: the logarithm of ratios. NaN where there is none."""
    if measure in _RATIOS:
        return math.log(effect) if effect > 0 else math.nan
    if measure == "percent_difference":
        return math.log1p(effect / 100.0) if effect > -100.0 else math.nan
    return effect


def steepness(measure: str, effect: float) -> float:
    """How much the effect itself changes with its number on that scale."""
    if measure in _RATIOS:
        return effect
    return 100.0 + effect if measure == "percent_difference" else 1.0


def standard_error(row: dict[str, Any], alpha: float) -> float:
    """The standard error, on the scale of :func:`on_scale`, that a contrast's interval implies; NaN without one."""
    if row["ci_low"] is None or row["ci_high"] is None:
        return math.nan
    low, high = on_scale(row["measure"], row["ci_low"]), on_scale(row["measure"], row["ci_high"])
    return (high - low) / (2.0 * NormalDist().inv_cdf(1.0 - alpha / 2.0))
