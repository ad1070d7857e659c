"""The correlation of the logarithms of two analytes, either or both of which may be below a limit, by the likelihood.

Both are lognormal together; a row has the density of what is observed times the probability of what is only known to
lie in an interval, that of a rectangle by Owen's T function (Ann Math Stat 1956;27:1075-90; scipy). Means, spreads and
the correlation are estimated together; the interval is that of the likelihood's profile, Wald's (of Fisher's z) for
many rows. Own code: no library has it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.likelihood import LOG_ROOT_2PI, drop, ends, log_mass, logs_of, maximum, rows_of
from leukinetics.cohort.censored.lognormal import refused
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import NotFitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

ANALYSIS = "correlation of logarithms, censored bivariate lognormal by maximum likelihood"
#: More rows than this, and the interval is Wald's.
MANY = 3_000
#: Fisher's z of a correlation that is taken for 1.
FARTHEST = 6.0


def correlation(x: Censored, y: Censored, alpha: float = 0.05) -> Row:
    """``estimate`` (r), ``ci_low``, ``ci_high``, ``p_value`` (of 0; likelihood ratio), ``n``, ``n_below`` (of each),
    ``analysis``, ``note``, over rows in which both are measured. DataError where the rows do not match."""
    from scipy.special import fdtrc, ndtri

    if len(x) != len(y):
        raise DataError(f"A correlation needs as many rows of both; there are {len(x)} and {len(y)}.")
    use = x.measured & y.measured
    x, y = x.take(use), y.take(use)
    n = len(x)
    found: Row = {"measure": "r", **dict.fromkeys(("estimate", "ci_low", "ci_high", "p_value"))}
    found |= {"n": n, "n_below": [int(x.below.sum()), int(y.below.sum())], "analysis": ANALYSIS, "note": ""}
    for name, v in (("first", x), ("second", y)):
        if why := refused(v):
            return found | {"note": f"{why} (the {name} of the two)"}
    try:
        model = _Model(x, y)
        theta, value = model.highest(model.start())
    except NotFitted as error:
        return found | {"note": f"not estimated: {error}"}
    z = float(theta[4])
    if abs(z) > FARTHEST - 0.5:
        return found | {"note": "not estimated: what is observed of the two lies on one line"}
    known = n - sum(found["n_below"]) / 2
    df = max(known - 2, 1.0)
    ratio = max(2 * (value - model.apart), 0.0)
    found["p_value"] = number(float(fdtrc(1, df, df * math.expm1(ratio / (df + 2)))))
    found["estimate"] = number(math.tanh(z))
    se = model.se(theta)
    if not math.isfinite(se):
        return found | {"note": "no interval: the likelihood is flat"}
    if n > MANY:
        half = float(ndtri(1 - alpha / 2)) * se
        low, high, how = z - half, z + half, "Wald's interval of Fisher's z"
    else:
        fall = drop(alpha, known, 2)
        low, high = ends(lambda v: model.profile(v) - (value - fall), z, 2 * se, FARTHEST)
        how = "interval by the likelihood's profile"
    return found | {
        "ci_low": number(math.tanh(low)),
        "ci_high": number(math.tanh(high)),
        "analysis": f"{ANALYSIS}, {how}",
    }


class _Model:
    """The likelihood of (mean, mean, log sd, log sd, Fisher's z)."""

    def __init__(self, x: Censored, y: Censored) -> None:
        (xl, xu), (yl, yu) = logs_of(x), logs_of(y)
        a, b = x.observed, y.observed
        ones = np.ones((len(x), 1))
        self.tops = [maximum(rows_of(low, high, ones)) for low, high in ((xl, xu), (yl, yu))]
        self.apart = sum(t.value for t in self.tops)
        both = np.column_stack([xl[a & b], yl[a & b]])
        self.n = len(both)
        self.sums, self.products = both.sum(axis=0), both.T @ both
        # One observed, the other in an interval; and both in intervals, equal ones once.
        self.half = [
            (xl[a & ~b], yl[a & ~b], yu[a & ~b], 0),
            (yl[~a & b], xl[~a & b], xu[~a & b], 1),
        ]
        boxes = np.column_stack([xl, xu, yl, yu])[~a & ~b]
        self.boxes, count = np.unique(boxes, axis=0, return_counts=True)
        self.weight = count.astype(float)
        self.known: list[Array] = []

    def start(self) -> Array:
        """The two apart, with the correlation of rows in which both are observed, toned down."""
        means = [float(t.coefficients[0]) for t in self.tops]
        sds = [t.sd for t in self.tops]
        r = 0.0
        if self.n > 3:
            cov = self.products / self.n - np.outer(self.sums, self.sums) / self.n**2
            r = float(cov[0, 1] / math.sqrt(max(cov[0, 0] * cov[1, 1], 1e-300)))
        return np.array([*means, *np.log(sds), math.atanh(0.9 * max(min(r, 0.98), -0.98))])

    def value(self, theta: Array) -> float:
        """The log likelihood."""
        m, s = theta[:2], np.exp(theta[2:4])
        r = math.tanh(float(theta[4]))
        left = max(1 - r * r, 1e-14)
        total = -self.n * (2 * LOG_ROOT_2PI + float(theta[2] + theta[3]) + 0.5 * math.log(left))
        squares = (
            self.products - np.outer(self.sums, m) - np.outer(m, self.sums) + self.n * np.outer(m, m)
        ) / np.outer(s, s)
        total -= float(squares[0, 0] - 2 * r * squares[0, 1] + squares[1, 1]) / (2 * left)
        for seen, low, high, i in self.half:
            u = (seen - m[i]) / s[i]
            mean, sd = m[1 - i] + r * s[1 - i] * u, s[1 - i] * math.sqrt(left)
            total += float(
                (-LOG_ROOT_2PI - theta[2 + i] - 0.5 * u**2 + log_mass((low - mean) / sd, (high - mean) / sd)).sum()
            )
        if len(self.boxes):
            box = (self.boxes - np.repeat(m, 2)) / np.repeat(s, 2)
            area = rectangle(box[:, 0], box[:, 1], box[:, 2], box[:, 3], r)
            total += float(self.weight @ np.log(np.maximum(area, 1e-300)))
        return total

    def highest(self, start: Array) -> tuple[Array, float]:
        """The maximum over all five."""
        found = self._climb(start, np.arange(5))
        self.known = [found[0]]
        return found

    def profile(self, z: float) -> float:
        """The maximum over all but the correlation; sought from that of the nearest one known."""
        start = min(self.known, key=lambda theta: abs(theta[4] - z)).copy()
        start[4] = z
        theta, value = self._climb(start, np.arange(4))
        self.known.append(theta)
        return value

    def se(self, theta: Array) -> float:
        """Standard error of Fisher's z, by second differences."""
        h = 1e-3
        steps = h * np.eye(5)
        middle = self.value(theta)
        curve = np.empty((5, 5))
        for i in range(5):
            for j in range(i, 5):
                if i == j:
                    v = self.value(theta + steps[i]) - 2 * middle + self.value(theta - steps[i])
                else:
                    v = (
                        self.value(theta + steps[i] + steps[j]) - self.value(theta + steps[i] - steps[j])
                        - self.value(theta - steps[i] + steps[j]) + self.value(theta - steps[i] - steps[j])
                    ) / 4  # fmt: skip
                curve[i, j] = curve[j, i] = -v / h**2
        try:
            variance = float(np.linalg.inv(curve)[4, 4])
        except np.linalg.LinAlgError:
            return math.inf
        return math.sqrt(variance) if variance > 0 else math.inf

    def _climb(self, start: Array, free: NDArray[np.intp]) -> tuple[Array, float]:
        from scipy.optimize import minimize

        scale = np.array([self.tops[0].sd, self.tops[1].sd, 1.0, 1.0, 1.0])[free] * 0.1
        n = max(self.n + sum(len(h[0]) for h in self.half) + float(np.sum(self.weight)), 1.0)

        def away(v: Array) -> float:
            theta = start.copy()
            theta[free] += scale * v
            theta[4] = max(min(theta[4], FARTHEST), -FARTHEST)
            return -self.value(theta) / n

        found = minimize(away, np.zeros(len(free)), method="BFGS", options={"gtol": 1e-7, "maxiter": 200})
        theta = start.copy()
        theta[free] += scale * found.x
        theta[4] = max(min(theta[4], FARTHEST), -FARTHEST)
        return theta, -float(found.fun) * n


def rectangle(xl: Array, xu: Array, yl: Array, yu: Array, r: float) -> Array:
    """The probability of a rectangle under two standard normals with correlation ``r``."""
    return np.asarray(both_below(xu, yu, r) - both_below(xl, yu, r) - both_below(xu, yl, r) + both_below(xl, yl, r))


def both_below(h: Array, k: Array, r: float) -> Array:
    """P(X < h, Y < k) of two standard normals with correlation ``r``; ends may be infinite."""
    from scipy.special import ndtr, owens_t

    far = 39.0  # beyond it nothing is left in double precision
    h, k = np.clip(h, -far, far), np.clip(k, -far, far)
    root = math.sqrt(max(1 - r * r, 1e-14))
    h = np.where(h == 0, 1e-300, h)
    k = np.where(k == 0, 1e-300, k)
    with np.errstate(over="ignore", invalid="ignore"):
        by_h, by_k = (k / h - r) / root, (h / k - r) / root
    cross = np.where(h * k < 0, 0.5, 0.0)
    # The product of numbers this small is 0, but not their signs.
    cross = np.where((np.sign(h) * np.sign(k)) < 0, 0.5, cross)
    return np.asarray(0.5 * (ndtr(h) + ndtr(k)) - owens_t(h, by_h) - owens_t(k, by_k) - cross)
