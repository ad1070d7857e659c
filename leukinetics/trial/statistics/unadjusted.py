"""A statistic of each arm, and its difference (of geometric means the ratio) between arms, without any model."""

from __future__ import annotations

import numpy as np

from leukinetics.trial.statistics.describe import contrast, estimate
from leukinetics.trial.statistics.estimates import Contrast, Estimate
from leukinetics.trial.statistics.rows import Rows

_HOW = {"mean": "t test (Welch)", "geometric_mean": "t test of logarithms (Welch)", "proportion": "normal theory"}
_HOW_PAIRED = {"mean": "paired t test", "geometric_mean": "paired t test of logarithms", "proportion": "paired t test"}


def arms_of(rows: Rows, name: str, seed: int, label: str, alpha: float) -> list[Estimate]:
    """The statistic of each arm."""
    return [estimate(rows.value[rows.arm == a], name, seed, label, alpha) for a in range(rows.arms)]


def unadjusted(
    rows: Rows, name: str, reference: int, paired: bool, seed: int, label: str, alpha: float
) -> dict[int, list[Contrast]]:
    """Contrasts of the statistic ``name`` with the ``reference`` arm; ``seed`` and ``label`` decide the bootstrap's
    resamples."""
    there = ~np.isnan(rows.value)
    contrasts = {}
    for a in range(rows.arms):
        if a == reference:
            continue
        if paired:
            i, j = rows.pairs(a, reference)
            n = int((there[i] & there[j]).sum())
        else:
            i, j = np.flatnonzero(rows.arm == a), np.flatnonzero(rows.arm == reference)
            n = int(there[i].sum() + there[j].sum())
        measure, found = contrast(
            rows.value[i], rows.value[j], name, paired=paired, seed=seed, label=label, alpha=alpha
        )
        how = (_HOW_PAIRED if paired else _HOW).get(name, "bootstrap of patients")
        found = Estimate(found.estimate, found.se, found.low, found.high, n, found.p)
        contrasts[a] = [Contrast(measure, found, f"{name.replace('_', ' ')}, {how}")]
    return contrasts
