"""Figures of weighted people. ``x`` and ``w`` are (people,); weights need not sum to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Points at which the normal scores of a variable are kept; between them they are interpolated.
KNOTS = 401


def mean(x: Array, w: Array) -> float:
    """The weighted mean."""
    return float((w * x).sum() / w.sum())


def sd(x: Array, w: Array) -> float:
    """The weighted standard deviation (of a population, without a correction for its size)."""
    return float(np.sqrt((w * (x - mean(x, w)) ** 2).sum() / w.sum()))


def quantile(x: Array, w: Array, p: float) -> float:
    """Where the weighted distribution, a line through the middles of its steps, reaches ``p``."""
    order = np.argsort(x, kind="stable")
    middle = np.cumsum(w[order]) - 0.5 * w[order]
    return float(np.interp(p * w.sum(), middle, x[order]))


def ranks(x: Array, w: Array) -> Array:
    """Weighted middle ranks between 0 and 1; those who are equal share one."""
    values, place = np.unique(x, return_inverse=True)
    mass = np.bincount(place, weights=w, minlength=len(values))
    middle = (np.cumsum(mass) - 0.5 * mass) / w.sum()
    return np.asarray(middle[place])


def rank_correlation(a: Array, b: Array, w: Array) -> float:
    """Spearman's correlation of weighted people; NaN where one of the two is the same in all."""
    x, y = ranks(a, w), ranks(b, w)
    spread = sd(x, w) * sd(y, w)
    return mean((x - mean(x, w)) * (y - mean(y, w)), w) / spread if spread > 0 else float("nan")


def effective_size(w: Array) -> float:
    """Kish's effective sample size, (sum w)^2 / sum w^2: as many people of equal weight tell as much."""
    return float(w.sum() ** 2 / (w**2).sum()) if w.any() else 0.0


def scores(x: Array, w: Array) -> tuple[Array, Array]:
    """A variable's normal scores as a table (values, scores), for ``numpy.interp``."""
    values, first = np.unique(x, return_index=True)
    edge = 0.5 / len(x)
    score = ndtri(np.clip(ranks(x, w)[first], edge, 1.0 - edge))
    if len(values) > KNOTS:
        kept = np.unique(np.linspace(0, len(values) - 1, KNOTS).astype(int))
        values, score = values[kept], score[kept]
    return values, np.asarray(score)
