"""How probable a measurement is, given what is truly there: the assay's error and the variation within a person.

A sample of a person whose own mean is x reads, on the scale of the spread (ln or plain), x + s z with a standard normal
z and s² = within-person² + analytical², as :func:`leukinetics.assays.measure` makes it; counts are Poisson. A result
known to lie in [l, u] has the probability of that interval; one that is reported in steps that of its step; one that is
reported to the last digit the density. Errors of two readouts are taken as independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays import Assay
from leukinetics.errors import DataError
from leukinetics.patients.spread import Spread, parse_spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LOG, PLAIN, COUNT = "ln", "sd", "poisson"
#: True values at or below 0 have no logarithm; they are as good as this.
LEAST = 1e-300


@dataclass(frozen=True)
class Noise:
    """How a measurement scatters around a person's own mean: SD ``size`` on ``scale`` ("ln", "sd", "poisson").

    ``step``: what is reported are its multiples (0: any number), within ``floor`` and ``ceiling``.
    """

    scale: str
    size: float
    step: float = 0.0
    floor: float = -math.inf
    ceiling: float = math.inf

    def widened(self, factor: float) -> Noise:
        """The same with another SD."""
        return replace(self, size=self.size * factor)

    def sampled(self, true: Array, rng: np.random.Generator) -> Array:
        """One measurement of each of ``true`` (n,), without limits of quantification."""
        if self.scale == COUNT:
            return rng.poisson(np.maximum(true, 0.0)).astype(float)
        found = Spread(self.scale, self.size).around(true, rng.standard_normal(np.shape(true)))
        if self.step:
            found = np.rint(found / self.step) * self.step
        return np.clip(found, self.floor, self.ceiling)

    def log_probability(self, true: Array, lower: float, upper: float) -> Array:
        """Logarithm of the probability (density, where ``lower`` is ``upper`` and there are no steps) of a measurement
        in [``lower``, ``upper``] for each of the ``true`` values (n,); minus infinity where it cannot be."""
        if self.scale == COUNT:
            return self._counts(true, lower, upper)
        if lower == upper and self.step:
            lower, upper = lower - self.step / 2, upper + self.step / 2
            lower = -math.inf if lower <= self.floor else lower
            upper = math.inf if upper >= self.ceiling else upper
        if lower == upper and self.size == 0:
            raise DataError("A readout without any error tells one person from all others; give it a noise.")
        x = np.asarray(true, dtype=float)
        if self.scale == LOG:
            x, lower, upper = np.log(np.maximum(x, LEAST)), _log(lower), _log(upper)
        if lower == upper:
            z = (lower - x) / self.size
            return np.asarray(-0.5 * z * z - math.log(self.size) - 0.5 * math.log(2 * math.pi))
        return log_interval((lower - x) / self.size, (upper - x) / self.size)

    @staticmethod
    def _counts(true: Array, lower: float, upper: float) -> Array:
        from scipy.stats import poisson

        mean = np.maximum(np.asarray(true, dtype=float), 0.0)
        last = math.inf if math.isinf(upper) else math.floor(upper + 1e-9)
        if lower < upper and last == upper and math.isfinite(upper):
            last -= 1  # below the limit
        first = math.ceil(max(lower, 0.0) - 1e-9)
        if first > last:
            return np.full(mean.shape, -math.inf)
        with np.errstate(divide="ignore"):
            if first == last:
                return np.asarray(poisson.logpmf(first, mean))
            high = np.ones(mean.shape) if math.isinf(last) else poisson.cdf(last, mean)
            return np.asarray(np.log(np.maximum(high - poisson.cdf(first - 1, mean), 0.0)))


def noise_of(assay: Assay, spread: str = "") -> Noise:
    """The noise of an assay of single samples taken months apart; ``spread``, such as "ln 0.5", in place of the
    assay's SD. DataError where error and variation are on two scales, or nothing is known of either."""
    own = parse_spread(spread, f"the noise of '{assay.readout}'")
    parts = [own] if own is not None else [s for s in (assay.analytical, assay.within_person) if s is not None]
    shape = {"step": assay.step, "floor": assay.floor, "ceiling": assay.ceiling}
    if assay.counts and own is None:
        return Noise(COUNT, 0.0)
    if not parts and not assay.step:
        raise DataError(f"Nothing is known of the noise of '{assay.readout}'; give it one, such as \"ln 0.3\".")
    scales = {s.scale for s in parts}
    if len(scales) > 1 or not scales <= {LOG, PLAIN}:
        raise DataError(
            f"The noise of '{assay.readout}' is on the scales {', '.join(sorted(scales))}; give one, as \"ln 0.3\"."
        )
    return Noise(scales.pop() if scales else PLAIN, math.sqrt(sum(s.size**2 for s in parts)), **shape)


def impossible(noise: Noise, lower: float, upper: float) -> str:
    """Why nothing can be measured in [``lower``, ``upper``], as the rest of a sentence; empty where it can be."""
    if noise.scale in (LOG, COUNT) and lower < 0:
        return f"is {lower:g}, and nothing is below 0."
    if noise.scale == LOG and upper <= 0:
        return "is 0, and no level is; write '< limit' where it was not detected."
    if upper < noise.floor or lower > noise.ceiling:
        value = upper if upper < noise.floor else lower
        return f"is {value:g}, and it goes from {noise.floor:g} to {noise.ceiling:g}."
    return ""


def log_interval(a: Array, b: Array) -> Array:
    """ln(Phi(b) - Phi(a)) of ``a`` <= ``b``, exact far out in either tail."""
    from scipy.special import log_ndtr

    a, b = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    flip = a > 0  # both in the upper tail: the mirror image has the digits
    low, high = np.where(flip, -b, a), np.where(flip, -a, b)
    top, bottom = log_ndtr(high), log_ndtr(low)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = top + np.log1p(-np.exp(bottom - top))
    return np.asarray(np.where(np.isneginf(bottom), top, found))


def _log(x: float) -> float:
    return -math.inf if x <= 0 else math.log(x) if math.isfinite(x) else math.inf
