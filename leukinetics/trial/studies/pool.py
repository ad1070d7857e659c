"""Replicate trials out of a pool of simulated patients.

Each arm of a replicate trial is drawn from the pool with replacement, independently: the simulated patients are the
population. (Without replacement replicates of nearly the whole pool would all be the same trial, and their power 0 or
1.) In a pool of twins the two arms so hold different people, as they do in a trial. A patient brings the baseline
and whether the value is missing, so replicates lose what the pool has lost.

Patient ``i`` of replicate ``r`` depends on (seed, arm, r, i) alone: a larger replicate holds the smaller one, which
makes power rise evenly with size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from leukinetics.patients.counters import uniforms
from leukinetics.trial.statistics.replicates import Effects, Kind, effects
from leukinetics.trial.studies.logrank import log_rank

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Analyses that have no closed form are fitted to this many replicates at most.
FITTED = 200
_STRIDE = 2**32  # counters of a replicate
_NUMBERS = 2_000_000  # at a time

#: One contrast of two tables of patients; gives its p value.
Fit = Callable[["pd.DataFrame", "pd.DataFrame"], float]


@dataclass(frozen=True)
class Side:
    """The patients of one arm: values and baselines as the analysis takes them (n,), and their table.

    ``events``: of values that are times, whether they are those of events.
    """

    values: Array
    baseline: Array | None
    table: pd.DataFrame | None = None
    events: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def keep(self, chosen: NDArray[np.bool_]) -> Side:
        """Those who are ``chosen`` (n,)."""
        return Side(
            self.values[chosen],
            None if self.baseline is None else self.baseline[chosen],
            None if self.table is None else self.table[chosen],
            None if self.events is None else self.events[chosen],
        )


@dataclass(frozen=True)
class Pool:
    """Two arms, and their analysis: ``kind`` of :func:`effects`, "log_rank", or ``fit`` where there is no such form."""

    treated: Side
    control: Side
    kind: Kind | Literal["log_rank"] | None
    fit: Fit | None = None

    @property
    def enough(self) -> bool:
        """Whether both arms have two patients with a value to draw from."""
        return min(int(np.isfinite(side.values).sum()) for side in (self.treated, self.control)) >= 2

    def whole(self) -> Effects | None:
        """The contrast of the pool itself as a parallel trial; None where :func:`effects` has not its kind."""
        if self.kind in (None, "log_rank"):
            return None
        return self._effects(np.arange(len(self.treated))[None], np.arange(len(self.control))[None])

    def replicates(self, wanted: int) -> int:
        """How many replicates are made where ``wanted`` are asked for."""
        return wanted if self.kind is not None else min(wanted, FITTED)

    def p_values(self, n: int, replicates: int, seed: int) -> Array:
        """p value of each replicate trial of ``n`` patients per arm; NaN where one cannot be analysed."""
        size = max(_NUMBERS // n, 1)
        parts = [
            self._some(n, range(first, min(first + size, replicates)), seed) for first in range(0, replicates, size)
        ]
        return np.concatenate(parts)

    def _some(self, n: int, replicates: range, seed: int) -> Array:
        here = draw(seed, "treated", len(self.treated), n, replicates)
        there = draw(seed, "control", len(self.control), n, replicates)
        a, b = self.treated, self.control
        if a.events is not None and b.events is not None and self.kind == "log_rank":
            return log_rank(a.values[here], a.events[here], b.values[there], b.events[there])
        if self.kind is not None:
            return self._effects(here, there).p_value
        return np.array([self._fitted(a, b) for a, b in zip(here, there, strict=True)])

    def _effects(self, here: NDArray[np.int64], there: NDArray[np.int64]) -> Effects:
        a, b = self.treated, self.control
        of_a, of_b = (None if s.baseline is None else s.baseline[i] for s, i in ((a, here), (b, there)))
        assert self.kind is not None
        assert self.kind != "log_rank"
        return effects(self.kind, a.values[here], of_a, b.values[there], of_b)

    def _fitted(self, here: NDArray[np.int64], there: NDArray[np.int64]) -> float:
        assert self.fit is not None
        assert self.treated.table is not None
        assert self.control.table is not None
        # Who is drawn twice is two patients.
        a, b = (
            t.iloc[i].assign(patient=np.arange(len(i)) + first)
            for t, i, first in ((self.treated.table, here, 0), (self.control.table, there, len(here)))
        )
        return self.fit(a, b)


def draw(seed: int, arm: str, pool: int, n: int, replicates: range) -> NDArray[np.int64]:
    """Places in a pool of ``pool`` patients, (replicates, n)."""
    name = f"power:{arm}"
    return np.stack([(uniforms(seed, name, n, first=r * _STRIDE) * pool).astype(np.int64) for r in replicates])


def power_of(p_values: Any, alpha: float) -> float:
    """Share of replicates that are significant; one that cannot be analysed is not."""
    return float((np.asarray(p_values) < alpha).mean())
