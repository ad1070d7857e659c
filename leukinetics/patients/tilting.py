"""Minimum-relative-entropy weights: people are weighted to meet figures, and as little else as possible changes.

Of all weights under which the features ``f`` have the mean 0, those nearest to equal weights (in relative entropy)
are ``w = exp(lambda . f)``; ``lambda`` minimises the convex ``ln mean exp(lambda . f)``. As in entropy balancing
(Hainmueller 2012, doi:10.1093/pan/mpr025). Where moreover no weight may be above a bound, they are
``w = min(exp(lambda . f - c), 1)`` up to a factor; ``lambda`` minimises ``mean G(lambda . f - c)``, with ``G' = w``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.patients.weighted import effective_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: The penalty on lambda falls by these steps as long as enough people carry the weights. Figures that can be met are
#: met at the last one; of a figure that cannot, the penalty stays where it was, so that the others are still met.
PENALTIES = 10.0 ** np.arange(3.0, -5.0, -0.5)
#: Share of the people that the weights must be worth (Kish), else they would rest on a handful.
LEAST_SHARE = 0.02
#: The bound is the first of these quantiles of the weights with which at least so many are accepted: a few odd people
#: must not make all others rare.
CAPS, ENOUGH = (0.999, 0.99, 0.95), 0.05
_STEPS = 60
_CLOSE = 1e-11


def tilt(features: Array) -> tuple[Array, float]:
    """``lambda`` (figures,) and ``c`` of ``features`` (people, figures): weights are min(exp(lambda . f - c), 1).

    A feature that is the same in all has the lambda 0.
    """
    n = len(features)
    spread = features.std(axis=0)
    used = spread > 1e-9 * np.maximum(np.abs(features).max(axis=0, initial=0.0), 1e-300)
    scaled = features[:, used] / spread[used]
    found, level = np.zeros(scaled.shape[1]), np.zeros(scaled.shape[1], dtype=int)
    moving = np.ones(scaled.shape[1], dtype=bool)
    while moving.any():
        trial = _newton(_Tilted(scaled), found, PENALTIES[level])
        w = _Tilted(scaled).weights(trial)
        if effective_size(w) >= LEAST_SHARE * n:
            found = trial
        else:
            level -= moving
            w = _Tilted(scaled).weights(found)
            moving[np.argmax(np.where(moving, np.abs(_sums(scaled, w)) / w.sum(), -1.0))] = False
        moving &= level < len(PENALTIES) - 1
        level += moving
    w = _Tilted(scaled).weights(found)
    reached = _sums(scaled, w) / w.sum()  # 0 but for figures that cannot be met: these are to stay where they are
    bounded, cap = _bounded(scaled - reached, found)
    lam = np.zeros(features.shape[1])
    lam[used] = bounded / spread[used]
    return lam, cap + float(reached @ bounded)


def _bounded(f: Array, start: Array) -> tuple[Array, float]:
    """lambda and c of bounded weights under which the mean of ``f`` is 0, as it is under exp(f start)."""
    exponent = along(f, start)
    for share in CAPS:
        cap = float(np.quantile(exponent, share, method="higher"))
        accepted = float(np.exp(np.minimum(exponent - cap, 0.0)).mean())
        lam = _newton(_Bounded(f, cap, accepted), start, np.full(len(start), PENALTIES[-1]), start)
        if np.exp(np.minimum(along(f, lam) - cap, 0.0)).mean() >= ENOUGH:
            break
    return lam, cap


@dataclass(frozen=True)
class _Tilted:
    """ln mean exp(f lambda): its gradient is the weighted mean of f, its curvature their covariance."""

    f: Array

    def weights(self, lam: Array) -> Array:
        exponent = along(self.f, lam)
        return np.asarray(np.exp(exponent - exponent.max()))

    def value(self, lam: Array) -> float:
        exponent = along(self.f, lam)
        top = float(exponent.max())
        return top + float(np.log(np.exp(exponent - top).mean()))

    def slopes(self, lam: Array) -> tuple[Array, Array]:
        w = self.weights(lam)
        p = w / w.sum()
        mean = _sums(self.f, p)
        return mean, _products(self.f, p) - np.outer(mean, mean)


@dataclass(frozen=True)
class _Bounded:
    """mean G(f lambda - cap) per person accepted at first, G(t) = exp(t) below 0 and 1 + t above: its gradient is the
    mean of w f among those."""

    f: Array
    cap: float
    accepted: float

    def value(self, lam: Array) -> float:
        t = along(self.f, lam) - self.cap
        return float(np.where(t < 0, np.exp(np.minimum(t, 0.0)), 1.0 + t).mean()) / self.accepted

    def slopes(self, lam: Array) -> tuple[Array, Array]:
        t, total = along(self.f, lam) - self.cap, len(self.f) * self.accepted
        w = np.exp(np.minimum(t, 0.0))
        bent = np.where(t < 0, w, 0.0) / total
        return _sums(self.f, w) / total, _products(self.f, bent)


def _newton(goal: _Tilted | _Bounded, start: Array, penalty: Array, center: Array | float = 0.0) -> Array:
    """Minimise a convex goal + sum penalty (lambda - center)^2/2 by Newton's method with backtracking."""

    def whole(lam: Array) -> float:
        return goal.value(lam) + 0.5 * float((lam - center) @ (penalty * (lam - center)))

    lam, value = start, whole(start)
    for _ in range(_STEPS):
        slope, curvature = goal.slopes(lam)
        gradient = slope + penalty * (lam - center)
        step = -np.linalg.solve(curvature + np.diag(penalty), gradient)
        fall = float(gradient @ step)
        if fall > -_CLOSE:
            return lam
        size = 1.0
        while True:
            there = lam + size * step
            new = whole(there)
            if new <= value + 1e-4 * size * fall:
                break
            size *= 0.5
            if size < 1e-10:
                return lam
        lam, value = there, new
    return lam


# Without BLAS, whose threads cost more than they gain here, and could change the last digit.


def along(f: Array, lam: Array) -> Array:
    """f lambda, (people,)."""
    return np.asarray(np.einsum("ij,j->i", f, lam))


def _sums(f: Array, w: Array) -> Array:
    return np.asarray(np.einsum("ij,i->j", f, w))


def _products(f: Array, w: Array) -> Array:
    return np.asarray(np.einsum("ij,ik->jk", f * w[:, None], f))
