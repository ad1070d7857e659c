"""What would narrow a predicted benefit: another measurement of the patient, or a parameter of the model.

If a further measurement z were made, the variance of the benefit b would shrink, on average over what z turns out to
be, by the share Var(E[b | z]) / Var(b) (given what is known already). It is estimated over the weighted virtual
patients, each with one measurement drawn for it, as the share of the variance between bins of z that hold the same
weight, less what that many bins give by chance: 1 - (1 - R²)(n - 1)/(n - bins), n the effective number. A marker that
was measured already counts as measured once more, months apart.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.rows import Rows
from leukinetics.cohort.subtype.spread import DrawMean
from leukinetics.cohort.subtype.virtual import VirtualPatients
from leukinetics.cohort.subtype.weights import Weights
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.studies.narrowing import narrowing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

BINS = 8
#: Parameters that are told.
TOLD = 5


def measurements(
    virtual: VirtualPatients, rows: Rows, w: Weights, measured: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Each marker (``again``: one of those ``measured``) by the ``share`` of the variance of the benefit that measuring
    it would take away, and the SD that would be left, the most telling first."""
    benefit = rows.benefit
    sd = math.sqrt(w.variance(benefit))
    found = []
    for name in (*virtual.further, *virtual.markers):
        rng = np.random.default_rng([virtual.seed, 9, *name.encode()])
        seen = virtual.noise[name].sampled(rows.column(f"marker.{name}"), rng)
        share = explained(seen, benefit, w)
        left = number(sd * math.sqrt(1 - share)) if math.isfinite(share) else None
        found.append({"marker": name, "again": name in measured, "share": number(share), "sd_left": left})
    return sorted(found, key=lambda r: -(r["share"] or 0.0))


def explained(z: Array, b: Array, w: Weights) -> float:
    """The share of the weighted variance of ``b`` that lies between bins of ``z``, less what chance would give; from 0
    to 1, NaN where nothing varies."""
    order = np.argsort(z, kind="stable")
    place = np.minimum((BINS * (np.cumsum(w.w[order]) - 0.5 * w.w[order])).astype(int), BINS - 1)
    bins = np.empty(len(z), dtype=int)
    bins[order] = place
    _, first, same = np.unique(z, return_index=True, return_inverse=True)
    bins = bins[first][same]  # equal measurements are in one bin
    total = np.bincount(bins, weights=w.w, minlength=BINS)
    mean = w.mean(b)
    whole = float(w.w @ (b - mean) ** 2)
    used = total > 0
    k, n = int(used.sum()), w.effective
    if not whole > 1e-24 * mean**2 or n <= k + 1:
        return math.nan
    within = np.bincount(bins, weights=w.w * b, minlength=BINS)[used] / total[used]
    r2 = float(total[used] @ (within - mean) ** 2) / whole
    return min(max(1.0 - (1.0 - r2) * (n - 1) / (n - k), 0.0), 1.0)


def parameters(virtual: VirtualPatients, means: Mapping[int, DrawMean]) -> dict[str, Any] | None:
    """Which parameters of the model the answer goes with over the draws
    (:func:`leukinetics.trial.studies.narrowing.narrowing`); None of too few draws."""
    if not virtual.drawn or not means:
        return None
    n = len(next(iter(virtual.drawn.values())))
    effects = [means[k].mean if k in means else None for k in range(n)]
    found = narrowing(effects, virtual.drawn, [], None, virtual.seed)
    if found is None:
        return None
    rows = [virtual.origins[r["name"]] | r for r in found["parameters"][:TOLD]]
    return {k: found[k] for k in ("draws", "tested", "visible", "together")} | {"parameters": rows}
