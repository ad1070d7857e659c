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

from leukinetics.patients.moments import Moments, Shape
from leukinetics.patients.rank_correlation import Correlation
from leukinetics.patients.targets import Basis, Exceedance, Figure, Quantile, Target, Values
from leukinetics.patients.tilting import along, tilt
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
        found[known] = np.exp(np.minimum(along(_features(self.bases, some), self.lam) - self.cap, 0.0))
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
    shaped = {(t.variable.name, t.variable.how) for t in targets if isinstance(t, Shape)}
    steps = [isinstance(t, (Quantile, Exceedance)) and (t.variable.name, t.variable.how) in shaped for t in targets]
    fit = _Fit(pilot)
    if any(steps):  # first move whole distributions, then mend by steps what these have left
        fit.settle([t for t, step in zip(targets, steps, strict=True) if not step])
        fit.fixed = {t for t in targets if isinstance(t, Shape)}
    fit.settle(targets)
    bases = tuple(fit.bases[t] for t in targets)
    return Matching(targets, bases, fit.lam, fit.cap, fit.accepted)


class _Fit:
    """Features of targets, settled by repetition; of those that are ``fixed`` they stay."""

    def __init__(self, pilot: Values) -> None:
        self.pilot = pilot
        n = len(next(iter(pilot.values())))
        self.w = np.full(n, 1.0 / n)
        self.bases: dict[Target, Basis] = {}
        self.fixed: set[Target] = set()

    def settle(self, targets: Sequence[Target]) -> None:
        for _ in range(ROUNDS):
            for t in targets:
                if t not in self.fixed:
                    self.bases[t] = t.basis(self.pilot, self.w, self.bases.get(t))
            features = _features([self.bases[t] for t in targets], self.pilot)
            self.lam, self.cap = tilt(features)
            self.accepted = np.exp(np.minimum(along(features, self.lam) - self.cap, 0.0))
            new = self.accepted / self.accepted.sum()
            moved = float(np.abs(new - self.w).sum())
            self.w = new
            if moved < _SETTLED:
                break


def completed(targets: Sequence[Target]) -> list[Target]:
    """The targets, with shapes of variables of which quantiles or shares are published and no moments, and with
    correlations told of which of their variables nothing else is said."""
    said = {v.name for t in targets if not isinstance(t, Correlation) for v in t.reads}
    found: list[Target] = []
    for t in targets:
        if isinstance(t, Correlation):
            t = Correlation(t.a, t.b, t.rho, tuple(v for v in t.reads if v.name not in said), t.source)
        found.append(t)
    moments = {(t.variable.name, t.variable.how) for t in targets if isinstance(t, Moments)}
    parts = [t for t in targets if isinstance(t, (Quantile, Exceedance))]
    for v in dict.fromkeys(t.variable for t in parts):
        if (v.name, v.how) not in moments:
            own = [t for t in parts if t.variable == v]
            quantiles = tuple(t for t in own if isinstance(t, Quantile))
            found.append(Shape(v, quantiles, tuple(t for t in own if isinstance(t, Exceedance))))
            if quantiles:
                moments.add((v.name, v.how))
    return found


def _features(bases: Sequence[Basis], values: Values) -> Array:
    return np.hstack([basis.features(values) for basis in bases])
