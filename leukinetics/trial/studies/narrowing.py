"""What would narrow an answer: how much of its spread over the draws goes with one thing that is not known.

Over draws d let y be the effect (its logarithm, of ratios) and x a parameter's typical value, or the effect on another
endpoint, which a measurement could tell. If x were known, the variance of y would shrink, on average over what x turns
out to be, by the share

    S(x) = Var(E[y | x]) / Var(y),

Sobol's first-order index; the interval would be about sqrt(1 - S) times as wide. Draws hold calibrated parameters
together, so S(x) has what x tells of the others, too, and shares need not sum to 1. S is estimated by a straight line
through the ranks, less what n draws give by chance:

    share = max(0, 1 - (1 - rho²) (n - 1)/(n - 2)),    rho: Spearman's correlation.

Dependence that is not monotonic is not seen. Its error: rho is about normal on Fisher's scale with the standard error
sqrt((1 + rho²/2)/(n - 3)) (Bonett and Wright 2000, doi:10.1007/BF02294183). Of hundreds of parameters some seem to
matter by chance: ``p_adjusted`` is the share of permutations of y in which the largest |rho| of all is as large as this
one (Westfall and Young's single step, so that the family-wise error holds whatever depends on what), ``visible`` the
smallest share that would have p_adjusted below 5 %.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.multiplicity import holm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Fewer draws tell nothing of single parameters.
FEWEST = 10
PERMUTATIONS = 2000
#: Parameters that are told of each contrast.
TOLD = 10
ALPHA = 0.05


def narrowing(
    effects: Sequence[float | None], parameters: Mapping[str, Sequence[float] | Array],
    others: Sequence[Mapping[str, Any]], noise: float | None, seed: int,
) -> dict[str, Any] | None:  # fmt: skip
    """What would narrow a contrast; None where fewer than 10 draws have an effect, or all have the same.

    ``effects`` (draws,): on the scale on which errors are normal. ``parameters``: typical values by name (draws,).
    ``others``: other things that a study would tell, each with its "effects" (draws,) and keys that are handed back.
    ``noise``: share of the variance over draws that is the patients' error, which no parameter explains.

    ``draws`` with an effect; ``tested`` parameters; ``noise``; ``visible``; ``together``: the share that those
    parameters with p_adjusted below 5 % explain in one regression on the ranks, adjusted for their number (None where
    there are none); ``parameters``, the ten with the largest |rho|, and ``measurements``, the others by |rho|: each
    with ``rho``, ``share``, ``share_low``, ``share_high`` (95 %) and ``p_adjusted``, within its own family.
    """
    y = np.array([math.nan if e is None else e for e in effects])
    use = np.isfinite(y)
    n = int(use.sum())
    if n < FEWEST or np.ptp(y[use]) == 0:
        return None
    x = {name: np.asarray(v, dtype=float)[use] for name, v in parameters.items()}
    x = {name: v for name, v in x.items() if np.ptp(v) > 0}
    ranked = _ranks(np.array(list(x.values())).reshape(len(x), n))
    target = _ranks(y[use][None])[0]
    rho, p, limit = _tested(ranked, target, seed)
    rows = [{"name": name, **_told(r, q, n)} for name, r, q in zip(x, rho, p, strict=True)]
    clear = np.flatnonzero(p < ALPHA)
    return {
        "draws": n,
        "tested": len(rows),
        "noise": None if noise is None else number(min(max(noise, 0.0), 1.0)),
        "visible": number(_share(limit, n)) if math.isfinite(limit) else None,
        "together": number(_together(ranked[clear], target)) if 0 < len(clear) < n - 2 else None,
        "parameters": sorted(rows, key=_weight)[:TOLD],
        "measurements": _measurements(others, y, seed),
    }


def _measurements(others: Sequence[Mapping[str, Any]], y: Array, seed: int) -> list[dict[str, Any]]:
    """Each of the others has its own draws with a number, so they are ranked and tested one at a time (Holm)."""
    rows, raw = [], []
    for other in others:
        z = np.array([math.nan if e is None else e for e in other["effects"]])
        use = np.isfinite(y) & np.isfinite(z)
        n = int(use.sum())
        if n < FEWEST or np.ptp(z[use]) == 0 or np.ptp(y[use]) == 0:
            continue
        rho, p, _ = _tested(_ranks(z[use][None]), _ranks(y[use][None])[0], seed)
        raw.append(p[0])
        rows.append({k: v for k, v in other.items() if k != "effects"} | _told(rho[0], p[0], n))
    rows = [row | {"p_adjusted": number(float(p))} for row, p in zip(rows, holm(raw), strict=True)]
    return sorted(rows, key=_weight)


def _ranks(x: Array) -> Array:
    """Ranks along the last axis, of mean 0 and length 1."""
    from scipy.stats import rankdata

    ranks = rankdata(x, axis=-1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    return np.asarray(ranks / np.sqrt((ranks**2).sum(axis=-1, keepdims=True)))


def _tested(x: Array, y: Array, seed: int) -> tuple[Array, Array, float]:
    """(rho, p adjusted for all rows of x, the |rho| from which on that is below 5 %) of ranks x (rows, draws), y."""
    rho = x @ y
    stream = int.from_bytes(hashlib.sha256(f"{seed}:narrowing".encode()).digest()[:8], "big")
    rng = np.random.default_rng(stream)
    shuffled = rng.permuted(np.tile(y, (PERMUTATIONS, 1)), axis=1)
    most = np.abs(x @ shuffled.T).max(axis=0, initial=0.0)
    # The permutation that is there counts as one of them; rounding must not part what is equal.
    p = (1 + (most[None] >= np.abs(rho)[:, None] - 1e-12).sum(axis=1)) / (PERMUTATIONS + 1)
    return np.asarray(rho), p, float(np.quantile(most, 1 - ALPHA)) if len(x) else math.nan


def _share(rho: float, n: int) -> float:
    return float(max(0.0, 1.0 - (1.0 - rho**2) * (n - 1) / (n - 2)))


def _told(rho: float, p: float, n: int) -> dict[str, Any]:
    z = math.atanh(min(max(rho, -1 + 1e-12), 1 - 1e-12))
    half = NormalDist().inv_cdf(0.975) * math.sqrt((1 + rho**2 / 2) / (n - 3))
    ends = sorted((math.tanh(z - half) ** 2, math.tanh(z + half) ** 2))
    return {
        "rho": number(rho),
        "share": number(_share(rho, n)),
        "share_low": number(0.0 if abs(z) < half else ends[0]),
        "share_high": number(ends[1]),
        "p_adjusted": number(p),
    }


def _weight(row: Mapping[str, Any]) -> tuple[float, str]:
    return -abs(float(row["rho"])), str(row.get("name", row.get("endpoint", "")))


def _together(x: Array, y: Array) -> float:
    """R² of the ranks y on the ranks x (rows, draws), adjusted for the number of rows."""
    k, n = x.shape
    fitted = x.T @ np.linalg.lstsq(x.T, y, rcond=None)[0]
    left = np.square(y - fitted).sum()
    explained: float = 1.0 - float(left) * (n - 1) / (n - k - 1)
    return max(0.0, explained)
