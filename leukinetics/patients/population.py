"""Who is treated: the distribution of one covariate, as a condition or a protocol states it.

================================================  ==========================================================
``{mean = 92, sd = 15, unit = "kg"}``             normal
``{median = 3.1, ln = 0.9, unit = "mg/L"}``       lognormal; ``ln`` is the SD of the natural logarithm
``{value = 34, unit = "kg/m^2"}``                 the same in everybody
``{proportion = 0.5}``                            1 with this probability, else 0
================================================  ==========================================================

``low`` and ``high`` truncate (the mean and SD are those before truncation). Covariates that people have keep to
what is possible (:data:`POSSIBLE`) also without them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from leukinetics.errors import DataError, suggest
from leukinetics.patients.convert import convert, is_pure

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEYS = ("mean", "sd", "median", "ln", "value", "proportion", "low", "high", "unit")
NOTES = ("source", "kind", "note", "spread")  # what a condition file says besides; `spread` as in parameters.tsv

#: Covariates outside of these bounds are mistakes, not people: (low, high, unit).
POSSIBLE: dict[str, tuple[float, float, str]] = {
    "age": (0.0, 110.0, "year"),
    "weight": (25.0, 300.0, "kg"),
    "height": (100.0, 230.0, "cm"),
    "bmi": (11.0, 90.0, "kg/m^2"),
    "albumin_covariate": (5.0, 65.0, "g/L"),
    "clcr": (3.0, 300.0, "mL/min"),
    "crp_covariate": (0.0, 1000.0, "mg/L"),
}


@dataclass(frozen=True)
class Distribution:
    """A covariate's distribution, in the unit that the patients' table uses."""

    kind: str  # normal, lognormal, constant, binary
    center: float
    size: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    def at(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values at standard normals ``z``."""
        if self.kind == "constant":
            return np.full(z.shape, self.center)
        if self.kind == "binary":
            return np.where(ndtr(z) < self.center, 1.0, 0.0)
        log = self.kind == "lognormal"
        below, above = (ndtr(self._standard(bound)) for bound in (self.low, self.high))
        if below > 0.0 or above < 1.0:
            z = ndtri(below + ndtr(z) * (above - below))
        center = math.log(self.center) if log else self.center
        values = center + self.size * z
        return np.clip(np.exp(values) if log else values, self.low, self.high)

    def scaled(self, factor: float) -> Distribution:
        """The same distribution in a unit in which numbers are ``factor`` times as large."""
        if self.kind == "binary":
            return self
        size = self.size if self.kind == "lognormal" else self.size * factor
        return Distribution(self.kind, self.center * factor, size, self.low * factor, self.high * factor)

    @property
    def typical(self) -> float:
        """The middle: mean, median, value; the more frequent of 0 and 1."""
        return float(self.center >= 0.5) if self.kind == "binary" else self.center

    def _standard(self, bound: float) -> float:
        if self.kind == "lognormal":
            bound = -math.inf if bound <= 0 else math.log(bound) if math.isfinite(bound) else bound
            return (bound - math.log(self.center)) / self.size
        return (bound - self.center) / self.size


def read_distribution(name: str, spec: Any, unit: str, molar_mass: float | None = None) -> Distribution:
    """Read what a condition or protocol says about covariate ``name``, in ``unit``. DataError if unusable."""
    what = f"The population's '{name}'"
    if isinstance(spec, (int, float)) and not isinstance(spec, bool):
        spec = {"value": spec}
    if not isinstance(spec, Mapping):
        raise DataError(f'{what} is {spec!r:.40}; write it like {{mean = 92, sd = 15, unit = "kg"}}.')
    for key in spec:
        if key not in KEYS + NOTES:
            raise DataError(f"{what} has the unknown key '{key}'; keys are {', '.join(KEYS)}.{suggest(key, KEYS)}")
    numbers = {key: _number(spec[key], f"'{key}' of the population's '{name}'") for key in KEYS[:-1] if key in spec}
    given = tuple(key for key in numbers if key not in ("low", "high"))
    if given == ("proportion",):
        if not 0 <= numbers["proportion"] <= 1:
            raise DataError(f"{what} has the proportion {numbers['proportion']:g}; it must lie between 0 and 1.")
        return Distribution("binary", numbers["proportion"])
    own = str(spec.get("unit", unit if is_pure(unit) else ""))
    if not own and not is_pure(unit):
        raise DataError(f'{what} has no unit; add one, such as unit = "{unit}".')

    def inside(value: float) -> float:
        try:
            return convert(value, own, unit, molar_mass)
        except DataError as error:
            raise DataError(f"{what}: {error}") from error

    low, high = _bounds(name, unit)
    low, high = (
        inside(numbers["low"]) if "low" in numbers else low,
        inside(numbers["high"]) if "high" in numbers else high,
    )
    if given == ("value",):
        found = Distribution("constant", inside(numbers["value"]))
    elif sorted(given) == ["mean", "sd"]:
        found = Distribution("normal", inside(numbers["mean"]), abs(inside(numbers["sd"]) - inside(0.0)), low, high)
    elif sorted(given) == ["ln", "median"]:
        found = Distribution("lognormal", inside(numbers["median"]), numbers["ln"], max(low, 0.0), high)
    else:
        raise DataError(
            f"{what} has {', '.join(given) or 'no numbers'}; give mean and sd, median and ln, value, or proportion."
        )
    if numbers.get("sd", 0.0) < 0 or numbers.get("ln", 0.0) < 0:
        raise DataError(f"{what} has a negative spread.")
    if found.kind == "lognormal" and found.center <= 0:
        raise DataError(f"{what} has the median {numbers['median']:g}; a lognormal one must be above 0.")
    if not low < high:
        raise DataError(f"{what} is limited to {low:g} to {high:g} {unit}; give low below high.")
    if name == "sex" and (found.kind != "constant" or found.center not in (0.0, 1.0)):
        raise DataError(f"{what} is 0 (man) or 1 (woman); give one of them, or {{proportion = 0.5}} of women.")
    if not low <= found.center <= high:
        raise DataError(f"{what} is centred at {found.center:g} {unit}, outside of {low:g} to {high:g} {unit}.")
    return found if found.kind == "constant" or found.size > 0 else Distribution("constant", found.center)


def impossible(name: str, values: NDArray[np.float64], unit: str) -> NDArray[np.bool_]:
    """Where values of a covariate are outside of what people have (:data:`POSSIBLE`), or no numbers."""
    low, high = _bounds(name, unit)
    return ~((values >= low) & (values <= high))


def _bounds(name: str, unit: str) -> tuple[float, float]:
    if name not in POSSIBLE:
        return -math.inf, math.inf
    low, high, own = POSSIBLE[name]
    return convert(low, own, unit), convert(high, own, unit)


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise DataError(f"{what} is {value!r:.40}; it must be a finite number.")
    return float(value)
