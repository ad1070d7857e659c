"""The grammar of spreads: how a quantity varies around its typical value.

===============  =====================================  ===============================================
text             value for a standard normal ``z``      meaning of the number
===============  =====================================  ===============================================
``ln 0.29``      ``typical * exp(0.29 z)``              SD of the natural logarithm
``logit 0.5``    ``expit(logit(typical) + 0.5 z)``      SD of the logit (typical strictly in 0 to 1)
``sd 5``         ``typical + 5 z``                      SD, in the unit of the value
``uniform 0.5``  ``typical + 0.5 (2 Phi(z) - 1)``       half the width, in the unit of the value
===============  =====================================  ===============================================

An empty text is no spread.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit, ndtr

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SCALES = ("ln", "logit", "sd", "uniform")
_PLAIN = ("sd", "uniform")  # in the unit of the value
_SPREAD = re.compile(r"(ln|logit|sd|uniform)\s+(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)")


@dataclass(frozen=True)
class Spread:
    """A scale (``ln``, ``logit``, ``sd`` or ``uniform``) and the size on it; that of the last two is in the unit of the
    values that it is applied to."""

    scale: str
    size: float

    def around(self, typical: ArrayLike, z: ArrayLike) -> NDArray[np.float64]:
        """The values at standard normals ``z`` (broadcast against ``typical``)."""
        center, z = np.asarray(typical, dtype=float), np.asarray(z, dtype=float)
        shift = self.size * z
        if self.scale == "ln":
            return np.asarray(center * np.exp(shift))
        if self.scale == "logit":
            return np.asarray(expit(logit(center) + shift))
        if self.scale == "uniform":
            return np.asarray(center + self.size * (2.0 * ndtr(z) - 1.0))
        return np.asarray(center + shift)

    def scaled(self, factor: float) -> Spread:
        """The same spread of values that are ``factor`` times as large (another unit)."""
        return Spread(self.scale, self.size * abs(factor)) if self.scale in _PLAIN else self


def parse_spread(text: Any, what: str) -> Spread | None:
    """Read a spread such as ``ln 0.29``; None where there is none. DataError that names ``what`` otherwise."""
    if text is None or (isinstance(text, float) and math.isnan(text)) or not str(text).strip():
        return None
    found = _SPREAD.fullmatch(str(text).strip())
    if not found:
        raise DataError(
            f"The spread '{text}' of {what} is not 'ln 0.3', 'logit 0.5', 'sd 5' or 'uniform 0.5'; write one of these."
        )
    spread = Spread(found.group(1), float(found.group(2)))
    return spread if spread.size > 0 else None


def check_typical(spread: Spread, typical: ArrayLike, what: str) -> None:
    """DataError where a typical value has no place on the spread's scale."""
    values = np.asarray(typical, dtype=float)
    if spread.scale == "ln" and not (values >= 0).all():
        raise DataError(f"{what} has a spread on the log scale, so its typical value must not be below 0.")
    if spread.scale == "logit" and not ((values > 0) & (values < 1)).all():
        raise DataError(f"{what} has a spread on the logit scale, so its typical value must lie between 0 and 1.")
