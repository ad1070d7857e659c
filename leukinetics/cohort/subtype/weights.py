"""Weights of virtual patients given a patient's measurements: importance sampling from the population.

The virtual patients are draws from what is thought of people before anything is measured. Weighted by the likelihood
L of the measurements they are draws from what is thought after it, and an expectation is

    E[b | y] = sum w b,      w = L / sum L,

with the standard error sqrt(sum w² (b - E)²) and the effective number 1 / sum w² (Kong, Liu and Wong, J Am Stat Assoc
1994;89:278-88). With few effective patients the answer is that of a handful of people, whatever their number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """``w`` (n,), which sum to 1 (all 0 where nobody fits); ``log_evidence``: logarithm of the mean likelihood."""

    w: Array
    log_evidence: float

    @property
    def effective(self) -> float:
        """The number of equally weighted people who would tell as much."""
        square = float((self.w**2).sum())
        return 1.0 / square if square > 0 else 0.0

    def mean(self, values: Array) -> float:
        """The weighted mean."""
        return float(self.w @ values) if self.w.any() else math.nan

    def error(self, values: Array) -> float:
        """The standard error of the weighted mean."""
        return math.sqrt(float((self.w**2) @ (values - self.mean(values)) ** 2)) if self.w.any() else math.nan

    def variance(self, values: Array) -> float:
        """The weighted variance, with the part that the weights' own mean takes away given back."""
        left = 1.0 - float((self.w**2).sum())
        return float(self.w @ (values - self.mean(values)) ** 2) / left if left > 1e-12 and self.w.any() else math.nan

    def quantiles(self, values: Array, levels: Array, order: NDArray[np.intp] | None = None) -> Array:
        """Weighted quantiles: where the weights below, with half the weight there, reach each level; ``order``: that of
        the values, where it is known."""
        if not self.w.any():
            return np.full(len(levels), np.nan)
        order = np.argsort(values, kind="stable") if order is None else order
        x, w = values[order], self.w[order]
        return np.asarray(np.interp(levels, np.cumsum(w) - 0.5 * w, x))


def weights(log_likelihood: Array, prior: Array | None = None) -> Weights:
    """Weights from logarithms of likelihoods (n,); ``prior`` (n,): weights that people had before, equal by default."""
    x = np.asarray(log_likelihood, dtype=float)
    before = np.full(len(x), 1.0 / len(x)) if prior is None else prior / prior.sum()
    top = float(x.max(initial=-math.inf))
    if not math.isfinite(top):
        return Weights(np.zeros(len(x)), -math.inf)
    raw = np.exp(x - top) * before
    total = float(raw.sum())
    return Weights(raw / total, top + math.log(total)) if total > 0 else Weights(np.zeros(len(x)), -math.inf)
