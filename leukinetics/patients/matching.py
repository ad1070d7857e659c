"""Selection of virtual patients so that those selected have the figures of a published population.

In the way of Allen et al. 2016 (doi:10.1002/psp4.12063) and Rieger et al. 2018 (doi:10.1016/j.pbiomolbio.2018.06.002):
many plausible patients are made, and each is accepted with a probability in proportion to how frequent such patients
are in the population relative to the plausible ones, so that none counts more than another. There the ratio of two
densities was estimated from neighbours; figures in publications are few, so here it is the ratio that meets them and
changes as little else as possible (:mod:`leukinetics.patients.tilting`). It is worked out on a pilot of other people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.patients.targets import Basis, Figure, Target, Values, completed
from leukinetics.patients.tilting import tilt
from leukinetics.patients.weighted import effective_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Features that depend on the weights (moments of skewed variables, normal scores) are settled by repetition.
ROUNDS = 12
_SETTLED = 1e-4


@dataclass(frozen=True)
class Matching:
    """Who is accepted, made by :func:`match`. ``weights``: of the pilot, at most 1 each."""

    targets: tuple[Target, ...]
    bases: tuple[Basis, ...]
    lam: Array
    cap: float  # of the exponent: ln of the weight that is accepted always
    weights: Array

    def acceptance(self, values: Values) -> Array:
        """The probability with which people (n,) are accepted; 0 for those of whom something is not known."""
        known = np.all([np.isfinite(values[v]) for t in self.targets for v in t.reads], axis=0)
        some = {v: np.asarray(x)[known] for v, x in values.items()}
        found = np.zeros(len(known))
        found[known] = np.exp(np.minimum(_features(self.bases, some) @ self.lam - self.cap, 0.0))
        return found

    def figures(self, values: Values, w: Array) -> list[tuple[Figure, float, bool]]:
        """Each published figure, that of people of weights ``w`` (n,), and whether this meets it."""
        return [
            (figure, *found)
            for target in self.targets
            for figure, found in zip(target.figures, target.reached(values, w), strict=True)
        ]

    @property
    def accepted(self) -> float:
        """The share of the pilot that is accepted."""
        return float(self.weights.mean())

    @property
    def effective_size(self) -> float:
        """Kish's effective size of the weighted pilot."""
        return effective_size(self.weights)


def match(targets: Sequence[Target], pilot: Values) -> Matching:
    """Find the probabilities with which people are accepted, from a pilot (people,) of whom all is known.

    Figures that contradict each other, or of which the pilot has nobody, are approached as far as the weights rest
    on enough people; :meth:`Matching.figures` tells which were met.
    """
    targets = tuple(completed(targets))
    n = len(next(iter(pilot.values())))
    w = np.full(n, 1.0 / n)
    bases: list[Basis] | None = None
    for _ in range(ROUNDS):
        bases = [t.basis(pilot, w, None if bases is None else bases[i]) for i, t in enumerate(targets)]
        features = _features(bases, pilot)
        lam, cap = tilt(features)
        accepted = np.exp(np.minimum(features @ lam - cap, 0.0))
        moved = float(np.abs(accepted / accepted.sum() - w).sum())
        w = accepted / accepted.sum()
        if moved < _SETTLED:
            break
    assert bases is not None  # ROUNDS >= 1
    return Matching(targets, tuple(bases), lam, cap, accepted)


def _features(bases: Sequence[Basis], values: Values) -> Array:
    return np.hstack([basis.features(values) for basis in bases])
