"""Power of comparisons of two levels of which some are below the limit.

Lognormal levels of two groups with one SD of the logarithm, compared by the censored (Tobit) likelihood. By formula:
with the expected information of an observation that is censored where its logarithm is below c (z = (c - mean)/sd,
Q = 1 - Phi(z), phi and Phi the normal density and distribution)

    sd² I(mean, mean) = Q + z phi + phi²/Phi
    sd² I(mean, sd)   = (z² + 1) phi + z phi²/Phi
    sd² I(sd, sd)     = 2 Q + z (z² + 1) phi + z² phi²/Phi

the variance of the difference of the means, and Wald's test. By simulation: the likelihood-ratio test of simulated
studies, whose maxima are found for all of them at once in the parameters mean/sd and 1/sd, in which the likelihood is
concave (Olsen, Econometrica 1978;46:1211-5). Own code: no library here has either.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STEPS = 60


@dataclass(frozen=True)
class Levels:
    """Two groups: means ``one`` and ``other`` of the logarithm, its ``sd`` in both, and the ``limit`` (0: none)."""

    one: float
    other: float
    sd: float
    limit: float = 0.0

    @property
    def cut(self) -> float:
        """The logarithm of the limit."""
        return math.log(self.limit) if self.limit > 0 else -math.inf

    def below(self) -> tuple[float, float]:
        """The shares of the groups that are below the limit."""
        from scipy.special import ndtr

        return float(ndtr((self.cut - self.one) / self.sd)), float(ndtr((self.cut - self.other) / self.sd))


def information(z: float) -> Array:
    """The information (mean, sd) of one observation, times sd², where the limit is ``z`` SDs above the mean."""
    from scipy.special import log_ndtr, ndtr

    if z < -37:
        return np.diag([1.0, 2.0])
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    ratio = math.exp(-z * z - math.log(2 * math.pi) - float(log_ndtr(z)))  # phi²/Phi
    q = float(ndtr(-z))
    cross = (z * z + 1) * density + z * ratio
    return np.array([[q + z * density + ratio, cross], [cross, 2 * q + z * (z * z + 1) * density + z * z * ratio]])


def standard_error(levels: Levels, n1: float, n2: float) -> float:
    """Of the difference of the means of the logarithm; infinite where next to nobody is above the limit."""
    total = np.zeros((3, 3))
    for place, mean, n in ((0, levels.one, n1), (1, levels.other, n2)):
        own = n * information((levels.cut - mean) / levels.sd) / levels.sd**2
        which = np.ix_([place, 2], [place, 2])
        total[which] += own
    if np.linalg.cond(total) > 1e12:
        return math.inf
    cov = np.linalg.inv(total)
    return math.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])


def power(levels: Levels, n1: float, n2: float, alpha: float = 0.05) -> float:
    """By formula."""
    from scipy.special import ndtr, ndtri

    se = standard_error(levels, n1, n2)
    if math.isinf(se):
        return alpha
    shift, critical = abs(levels.one - levels.other) / se, float(ndtri(1 - alpha / 2))
    return float(ndtr(shift - critical) + ndtr(-shift - critical))


def size(levels: Levels, target: float, alpha: float = 0.05, ratio: float = 1.0, most: int = 1_000_000) -> int | None:
    """The smallest first group (the second is ``ratio`` times as large) whose power by formula reaches ``target``; None
    where ``most`` people do not. DataError where the levels are the same."""
    if levels.one == levels.other:
        raise DataError("Both levels are the same; there is no difference to be found.")
    if power(levels, most, ratio * most, alpha) < target:
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(levels, middle, ratio * middle, alpha) >= target else (middle, high)
    return high


@dataclass(frozen=True)
class Simulated:
    """Shares of simulated studies that were significant: the censored likelihood-ratio test, Wilcoxon's rank-sum test
    with all below the limit tied, and Student's t test with half the limit in place of them."""

    tobit: float
    ranks: float
    substituted: float
    replicates: int


def simulated(levels: Levels, n1: int, n2: int, replicates: int, alpha: float = 0.05, seed: int = 1) -> Simulated:
    """Power (of equal levels: the level of the test) by simulation."""
    from scipy.stats import chi2, mannwhitneyu, ttest_ind

    rng = np.random.default_rng([seed, n1, n2])
    one = rng.normal(levels.one, levels.sd, (replicates, n1))
    other = rng.normal(levels.other, levels.sd, (replicates, n2))
    statistic = likelihood_ratio(one, other, levels.cut)
    tied = [np.maximum(v, levels.cut) for v in (one, other)]
    half = [np.where(v < levels.cut, levels.cut - math.log(2), v) for v in (one, other)]
    flat = np.all(np.concatenate(tied, axis=1) == levels.cut, axis=1)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a group that is all below, whose p value is what it is
        ranks = mannwhitneyu(*[v[~flat] for v in tied], axis=1, method="asymptotic").pvalue
        t = ttest_ind(*[v[~flat] for v in half], axis=1).pvalue
    return Simulated(
        float((chi2.sf(statistic, 1) <= alpha).mean()),
        float((ranks <= alpha).sum()) / replicates,
        float((t <= alpha).sum()) / replicates,
        replicates,
    )


def likelihood_ratio(one: Array, other: Array, cut: float) -> Array:
    """2 (l1 - l0) of studies (replicates, people): own means against one, the SD in common. 0 where nobody is above."""
    groups = [_sums(v, cut) for v in (one, other)]
    both = _Sums(*(a + b for a, b in zip(groups[0].parts, groups[1].parts, strict=True)))
    free, same = _maximum(groups, cut), _maximum([both], cut)
    none = both.seen == 0
    return np.where(none, 0.0, np.maximum(2 * (free - same), 0.0))


@dataclass(frozen=True)
class _Sums:
    """Of each study, all that the likelihood needs of a group: how many are observed and censored, sum of z and z²."""

    seen: Array
    hidden: Array
    first: Array
    second: Array

    @property
    def parts(self) -> tuple[Array, Array, Array, Array]:
        return self.seen, self.hidden, self.first, self.second


def _sums(z: Array, cut: float) -> _Sums:
    seen = z >= cut
    own = np.where(seen, z, 0.0)
    return _Sums(
        seen.sum(axis=1).astype(float), (~seen).sum(axis=1).astype(float), own.sum(axis=1), (own**2).sum(axis=1)
    )


def _maximum(groups: list[_Sums], cut: float) -> Array:
    """The largest log-likelihood of each study, by Newton's steps in (mean/sd of each group, 1/sd)."""
    k = len(groups)
    n = sum(g.seen for g in groups)
    mean = np.stack([g.first / np.maximum(g.seen, 1) for g in groups])
    square = sum(g.second for g in groups) - sum(g.seen * m**2 for g, m in zip(groups, mean, strict=True))
    h = 1.0 / np.sqrt(np.maximum(square / np.maximum(n, 1), 1e-4))
    theta = np.concatenate([mean * h, h[None]]).T  # (studies, k + 1)
    value, gradient, hessian = _value(groups, theta, cut)
    for _ in range(STEPS):
        step = np.linalg.solve(hessian - 1e-10 * np.eye(k + 1), gradient[..., None])[..., 0]
        step = -step
        size = np.ones(len(theta))
        falls = theta[:, -1] + step[:, -1] <= 0
        size[falls] = np.minimum(0.5 * theta[falls, -1] / -step[falls, -1], 1.0)
        for _ in range(12):
            there = theta + size[:, None] * step
            new, new_gradient, new_hessian = _value(groups, there, cut)
            worse = new < value - 1e-12
            if not worse.any():
                break
            size = np.where(worse, size / 2, size)
        moved = np.where(worse[:, None], theta, there)
        gain = np.where(worse, 0.0, new - value)
        theta, value = moved, np.where(worse, value, new)
        gradient = np.where(worse[:, None], gradient, new_gradient)
        hessian = np.where(worse[:, None, None], hessian, new_hessian)
        if (gain < 1e-9).all():
            break
    return np.asarray(value)


def _value(groups: list[_Sums], theta: Array, cut: float) -> tuple[Array, Array, Array]:
    from scipy.special import log_ndtr

    k, h = len(groups), theta[:, -1]
    value = np.zeros(len(theta))
    gradient = np.zeros((len(theta), k + 1))
    hessian = np.zeros((len(theta), k + 1, k + 1))
    for g, s in enumerate(groups):
        a = theta[:, g]
        value += s.seen * np.log(h) - 0.5 * (h**2 * s.second - 2 * h * a * s.first + s.seen * a**2)
        gradient[:, g] += h * s.first - s.seen * a
        gradient[:, k] += s.seen / h - h * s.second + a * s.first
        hessian[:, g, g] -= s.seen
        hessian[:, k, k] -= s.seen / h**2 + s.second
        hessian[:, g, k] += s.first
        if math.isfinite(cut):
            u = h * cut - a
            log = log_ndtr(u)
            hazard = np.exp(-0.5 * u**2 - 0.5 * math.log(2 * math.pi) - log)
            bend = hazard * (u + hazard)
            value += s.hidden * log
            gradient[:, g] -= s.hidden * hazard
            gradient[:, k] += s.hidden * hazard * cut
            hessian[:, g, g] -= s.hidden * bend
            hessian[:, k, k] -= s.hidden * bend * cut**2
            hessian[:, g, k] += s.hidden * bend * cut
        hessian[:, k, g] = hessian[:, g, k]
    return value, gradient, hessian
