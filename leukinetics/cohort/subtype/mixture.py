"""Classes of people that differ in their levels: mixtures of lognormal distributions on censored values.

A person belongs to class k with probability p_k; within it the logarithm of each marker is normal, the markers
independent. A measurement known to lie in an interval has the interval's probability. Maximum likelihood by expectation
and maximisation (Dempster, Laird and Rubin, J R Stat Soc B 1977;39:1-38), the moments of censored numbers being those
of the normal distribution on their interval, then by BFGS with the gradient that the same moments give. Own code:
neither scikit-learn's mixtures nor any other library here takes censored values; without any the fit is that of
``GaussianMixture(covariance_type="diag")``.

The likelihood of a class that sits on one value is infinite: no SD is less than :data:`NARROWEST` of the SD of all.
A class that lies below the limit has no level that the data tell, only a share: ``below`` says how much of it does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.subtype.censored_normal import truncated
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

#: The least SD of a class, relative to that of everybody.
NARROWEST = 0.05
#: Steps of expectation and maximisation before the quasi-Newton search; starting points, and how many of them, the
#: highest after these steps, are searched from.
STEPS, STARTS, POLISHED = 25, 6, 2
QUICK = 8
#: Largest slope of the log-likelihood per person at the maximum; of resamples.
TIGHT, LOOSE = 1e-6, 1e-4
#: People for each parameter, at least.
PER_PARAMETER = 5
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Marker:
    """One marker on the logarithm, distinct intervals apart: observed people ``seen`` with ``x``; others ``hidden``,
    each with the ``place`` of its interval among the distinct ends ``a`` < ``b``. People who miss it are in neither."""

    seen: NDArray[np.intp]
    x: Array
    hidden: NDArray[np.intp]
    place: NDArray[np.intp]
    a: Array
    b: Array


@dataclass(frozen=True, eq=False)
class Mixture:
    """Classes in the order of their mean level of the first marker, the lowest first.

    ``share`` (classes,), ``mean`` and ``sd`` of the logarithm (classes, markers); ``log_likelihood`` of densities of
    the logarithm; ``n`` people; ``equal``: a marker has one SD in all classes; ``bounded``: an SD is at the least that
    is allowed.
    """

    share: Array
    mean: Array
    sd: Array
    log_likelihood: float
    n: int
    equal: bool = False
    bounded: bool = False

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.share)

    @property
    def parameters(self) -> int:
        """How many numbers were fitted."""
        return self.classes - 1 + self.mean.size + (self.mean.shape[1] if self.equal else self.mean.size)

    @property
    def bic(self) -> float:
        """Schwarz's criterion, the smaller the better."""
        return -2 * self.log_likelihood + self.parameters * math.log(self.n)

    def below(self, limit: float, marker: int = 0) -> Array:
        """The share of each class that is below a limit."""
        from scipy.special import ndtr

        return np.asarray(ndtr((math.log(limit) - self.mean[:, marker]) / self.sd[:, marker]))

    def simulated(self, n: int, rng: np.random.Generator) -> Array:
        """Logarithms of ``n`` people (n, markers)."""
        who = rng.choice(self.classes, size=n, p=self.share)
        return np.asarray(self.mean[who] + self.sd[who] * rng.standard_normal((n, self.mean.shape[1])))


def prepared(markers: Sequence[Censored]) -> tuple[list[Marker], int]:
    """(the markers on the logarithm, people) of those who have any of them. DataError of no markers, or other rows."""
    if not markers:
        raise DataError("A mixture needs at least one marker.")
    if len({len(m) for m in markers}) != 1:
        raise DataError(f"The markers have {', '.join(str(len(m)) for m in markers)} rows; give each as many.")
    use = np.logical_or.reduce([m.measured for m in markers])
    found = [of_ends(*(np.asarray(v[use], dtype=float) for v in (m.lower, m.upper))) for m in markers]
    return found, int(use.sum())


def of_ends(lower: Array, upper: Array) -> Marker:
    """A marker known to lie in [lower, upper] (n,), on its own scale; NaN: missing."""
    with np.errstate(divide="ignore"):
        a, b = np.log(lower), np.log(upper)
    seen = np.flatnonzero(lower == upper)
    hidden = np.flatnonzero((lower < upper) & ~np.isnan(lower))
    ends, place = np.unique(np.stack([a[hidden], b[hidden]], axis=1), axis=0, return_inverse=True)
    return Marker(seen, a[seen], hidden, place.ravel(), ends[:, 0], ends[:, 1])


def fit(markers: Sequence[Censored], classes: int, *, equal: bool = False, seed: int = 1) -> Mixture:
    """The mixture of ``classes`` of the people who have any of ``markers`` measured.

    ``equal``: a marker has the same SD in all classes. DataError where there are fewer than five people for each
    parameter, or no more distinct values than classes.
    """
    known, n = prepared(markers)
    names = [m.name or f"marker {i + 1}" for i, m in enumerate(markers)]
    free = classes - 1 + (classes + (1 if equal else classes)) * len(known)
    if n < PER_PARAMETER * free:
        raise DataError(
            f"{classes} classes of {', '.join(names)} have {free} numbers to be fitted, which needs "
            f"{PER_PARAMETER * free} people; {n} have a measurement. Ask for fewer classes or markers."
        )
    for name, m in zip(names, known, strict=True):
        if len(np.unique(m.x)) <= classes:
            raise DataError(
                f"{name} has {len(np.unique(m.x))} distinct observed values of {len(m.x) + len(m.hidden)}; {classes} "
                f"classes need at least {classes + 1}. Ask for fewer classes, or leave the marker out."
            )
    return fitted(known, n, classes, equal=equal, seed=seed)


def fitted(known: Sequence[Marker], n: int, classes: int, *, equal: bool, seed: int, starts: int = STARTS) -> Mixture:
    """:func:`fit` of what was made ready, without its checks."""
    whole, least = _rough(known), least_sd(known)
    rng = np.random.default_rng([seed, classes])
    begun = [_start(known, n, classes, whole, k, rng) for k in range(1 if classes == 1 else starts)]
    return best_of(known, n, begun, least, equal)


def best_of(
    known: Sequence[Marker], n: int, starts: Sequence[Mixture], least: Array, equal: bool, *, quick: bool = False
) -> Mixture:
    """The highest maximum that is reached from several starting points, the most promising of them after a few steps;
    ``quick``: of resamples, by fewer steps from the first alone, and less exactly."""
    steps, polished, tolerance = (QUICK, 1, LOOSE) if quick else (STEPS, POLISHED, TIGHT)
    walked = []
    for here in starts:
        for _ in range(steps):
            here = _step(known, n, here, least, equal)
        walked.append(here)
    walked.sort(key=lambda m: -m.log_likelihood)
    reached = [_polished(known, n, m, least, equal, tolerance) for m in walked[:polished]]
    return _ordered(max(reached, key=lambda m: m.log_likelihood))


def least_sd(known: Sequence[Marker]) -> Array:
    """The least SD that a class may have, of each marker."""
    return NARROWEST * _rough(known)[1]


def membership(known: Sequence[Marker], n: int, m: Mixture) -> tuple[Array, Array]:
    """(probability of each class (n, classes), log-likelihood of each person (n,))."""
    with np.errstate(divide="ignore"):
        joint = np.tile(np.log(m.share), (n, 1))
    for j, marker in enumerate(known):
        mean, sd = m.mean[:, j], m.sd[:, j]
        z = (marker.x[:, None] - mean) / sd
        joint[marker.seen] += -0.5 * z * z - np.log(sd) - _HALF_LOG_2PI
        if len(marker.hidden):
            log = truncated((marker.a[:, None] - mean) / sd, (marker.b[:, None] - mean) / sd)[0]
            joint[marker.hidden] += log[marker.place]
    top = joint.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.log(np.exp(joint - top).sum(axis=1)) + top[:, 0]
    return np.exp(joint - total[:, None]), total


def posterior(markers: Sequence[Censored], m: Mixture) -> Array:
    """Probability of each class (rows, classes); NaN for people who have none of the markers."""
    known, n = prepared(markers)
    use = np.logical_or.reduce([c.measured for c in markers])
    found = np.full((len(use), m.classes), np.nan)
    found[use] = membership(known, n, m)[0]
    return found


def _moments(marker: Marker, r: Array, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
    """(weight, sum of z, sum of z²) of each class, z standardised by it; ``r`` (n, classes)."""
    z = (marker.x[:, None] - mean) / sd
    own = r[marker.seen]
    weight, first, second = own.sum(axis=0), (own * z).sum(axis=0), (own * z * z).sum(axis=0)
    if len(marker.hidden):
        _, one, two = truncated((marker.a[:, None] - mean) / sd, (marker.b[:, None] - mean) / sd)
        held = np.stack([np.bincount(marker.place, c, minlength=len(marker.a)) for c in r[marker.hidden].T], axis=1)
        weight = weight + held.sum(axis=0)
        first = first + (held * one).sum(axis=0)
        second = second + (held * two).sum(axis=0)
    return weight, first, second


def _step(known: Sequence[Marker], n: int, m: Mixture, least: Array, equal: bool) -> Mixture:
    r, log = membership(known, n, m)
    mean, sd = m.mean.copy(), m.sd.copy()
    for j, marker in enumerate(known):
        weight, first, second = _moments(marker, r, m.mean[:, j], m.sd[:, j])
        weight = np.maximum(weight, 1e-300)
        shift = first / weight
        mean[:, j] = m.mean[:, j] + m.sd[:, j] * shift
        square = m.sd[:, j] ** 2 * (second / weight - shift**2)
        if equal:
            square = np.full(m.classes, float(weight @ square / weight.sum()))
        sd[:, j] = np.maximum(np.sqrt(np.maximum(square, 0.0)), least[j])
    share = r.mean(axis=0)
    return Mixture(share / share.sum(), mean, sd, float(log.sum()), n, equal)


def _polished(known: Sequence[Marker], n: int, m: Mixture, least: Array, equal: bool, tolerance: float) -> Mixture:
    from scipy.optimize import minimize

    k, j = m.mean.shape

    def unpacked(theta: Array) -> Mixture:
        logits = np.append(theta[: k - 1], 0.0)
        share = np.exp(logits - logits.max())
        mean = theta[k - 1 : k - 1 + k * j].reshape(k, j)
        free = theta[k - 1 + k * j :]
        sd = least * (1.0 + np.exp(np.tile(free, (k, 1)) if equal else free.reshape(k, j)))
        return Mixture(share / share.sum(), mean, sd, math.nan, n)

    def objective(theta: Array) -> tuple[float, Array]:
        here = unpacked(theta)
        r, log = membership(known, n, here)
        by_mean, by_sd = np.empty((k, j)), np.empty((k, j))
        for i, marker in enumerate(known):
            weight, first, second = _moments(marker, r, here.mean[:, i], here.sd[:, i])
            by_mean[:, i] = first / here.sd[:, i]
            by_sd[:, i] = (second - weight) * (1.0 - least[i] / here.sd[:, i])
        of_sd = by_sd.sum(axis=0) if equal else by_sd.ravel()
        gradient = np.concatenate([(r.sum(axis=0) - n * here.share)[: k - 1], by_mean.ravel(), of_sd])
        return -float(log.sum()) / n, -gradient / n

    share = np.maximum(m.share, 1e-6)
    free = np.log(np.maximum((m.sd[:1] if equal else m.sd) / least - 1.0, 1e-3)).ravel()
    start = np.concatenate([np.log(share[:-1] / share[-1]), m.mean.ravel(), free])
    found = minimize(objective, start, jac=True, method="BFGS", options={"maxiter": 300, "gtol": tolerance})
    best = unpacked(np.asarray(found.x))
    at_end = bool((best.sd < 1.05 * least).any())
    return Mixture(best.share, best.mean, best.sd, -float(found.fun) * n, n, equal, at_end)


def _rough(known: Sequence[Marker]) -> tuple[Array, Array]:
    """(mean, SD) of each marker, those below their limit in place at the limit, half a unit of the logarithm lower."""
    means, sds = [], []
    for marker in known:
        x = np.concatenate([marker.x, _stand_in(marker)])
        means.append(float(x.mean()))
        sds.append(max(float(x.std()), 1e-6))
    return np.array(means), np.array(sds)


def _stand_in(marker: Marker) -> Array:
    """Of hidden people the middle of their interval; half a unit beyond its only end."""
    a, b = marker.a, marker.b
    with np.errstate(invalid="ignore"):
        middle = np.where(np.isinf(a), b - 0.5, np.where(np.isinf(b), a + 0.5, (a + b) / 2))
    return np.asarray(middle[marker.place])


def _start(
    known: Sequence[Marker], n: int, classes: int, whole: tuple[Array, Array], k: int, rng: np.random.Generator
) -> Mixture:
    """The first: equal parts along the mean of all markers; the second: a high class of few; others at random."""
    mean, sd = whole
    if classes == 1:
        return Mixture(np.ones(1), mean[None], sd[None], math.nan, n)
    level = np.zeros(n)
    for j, marker in enumerate(known):
        level[marker.seen] += (marker.x - mean[j]) / sd[j]
        level[marker.hidden] += (_stand_in(marker) - mean[j]) / sd[j]
    cuts: Array
    if k == 0:
        cuts = np.linspace(0.0, 1.0, classes + 1, dtype=np.float64)[1:-1]
    elif k == 1:
        cuts = 1.0 - 0.15 * np.arange(classes - 1, 0, -1, dtype=np.float64)
    else:
        cuts = np.sort(rng.uniform(0.05, 0.95, classes - 1)).astype(np.float64)
    part = np.searchsorted(np.quantile(level, cuts), level, side="right")
    share = np.bincount(part, minlength=classes) + 1.0
    centers, sizes = np.empty((classes, len(known))), np.empty((classes, len(known)))
    for j, marker in enumerate(known):
        x = np.full(n, np.nan)
        x[marker.seen], x[marker.hidden] = marker.x, _stand_in(marker)
        for c in range(classes):
            own = x[(part == c) & ~np.isnan(x)]
            centers[c, j] = own.mean() if len(own) else mean[j] + sd[j] * rng.standard_normal()
            sizes[c, j] = max(own.std() if len(own) > 1 else 0.0, 0.3 * sd[j])
    return Mixture(share / share.sum(), centers, sizes, math.nan, n)


def _ordered(m: Mixture) -> Mixture:
    order = np.argsort(m.mean[:, 0], kind="stable")
    return replace(m, share=m.share[order], mean=m.mean[order], sd=m.sd[order])
