"""Minimum-relative-entropy weights: people are weighted to meet figures, and as little else as possible changes.

Of all weights under which the features ``f`` have the mean 0, those nearest to equal weights (in relative entropy)
are ``w = exp(lambda . f)``; ``lambda`` minimises the convex ``ln mean exp(lambda . f)``. As in entropy balancing
(Hainmueller 2012, doi:10.1093/pan/mpr025).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.patients.weighted import effective_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: The penalty on lambda falls by these steps as long as enough people carry the weights. Figures that can be met are
#: met at the last one; of a figure that cannot, the penalty stays where it was, so that the others are still met.
PENALTIES = 10.0 ** np.arange(3.0, -6.5, -0.5)
#: Share of the people that the weights must be worth (Kish), else they would rest on a handful.
LEAST_SHARE = 0.02
_STEPS = 60
_CLOSE = 1e-11


def tilt(features: Array) -> Array:
    """The ``lambda`` (figures,) of ``features`` (people, figures); 0 for a feature that is the same in all."""
    n = len(features)
    spread = features.std(axis=0)
    used = spread > 1e-9 * np.maximum(np.abs(features).max(axis=0, initial=0.0), 1e-300)
    scaled = features[:, used] / spread[used]
    found, level = np.zeros(scaled.shape[1]), np.zeros(scaled.shape[1], dtype=int)
    moving = np.ones(scaled.shape[1], dtype=bool)
    while moving.any():
        trial = _newton(scaled, found, PENALTIES[level])
        if effective_size(_weights(scaled, trial)) >= LEAST_SHARE * n:
            found = trial
        else:
            level -= moving
            w = _weights(scaled, found)
            moving[np.argmax(np.where(moving, np.abs(w @ scaled) / w.sum(), -1.0))] = False
        moving &= level < len(PENALTIES) - 1
        level += moving
    lam = np.zeros(features.shape[1])
    lam[used] = found / spread[used]
    return lam


def _newton(f: Array, start: Array, penalty: Array) -> Array:
    """Minimise ln mean exp(f lambda) + sum penalty lambda^2/2 by Newton's method with backtracking."""
    lam, value = start, _objective(f, start, penalty)
    for _ in range(_STEPS):
        w = _weights(f, lam)
        p = w / w.sum()
        mean = p @ f
        gradient = mean + penalty * lam
        curvature = (f * p[:, None]).T @ f - np.outer(mean, mean) + np.diag(penalty)
        step = -np.linalg.solve(curvature, gradient)
        fall = float(gradient @ step)
        if fall > -_CLOSE:
            return lam
        size = 1.0
        while (new := _objective(f, lam + size * step, penalty)) > value + 1e-4 * size * fall:
            size *= 0.5
            if size < 1e-10:
                return lam
        lam, value = lam + size * step, new
    return lam


def _objective(f: Array, lam: Array, penalty: Array) -> float:
    exponent = f @ lam
    top = float(exponent.max(initial=-np.inf))
    return top + float(np.log(np.exp(exponent - top).mean())) + 0.5 * float(lam @ (penalty * lam))


def _weights(f: Array, lam: Array) -> Array:
    exponent = f @ lam
    return np.asarray(np.exp(exponent - exponent.max()))
