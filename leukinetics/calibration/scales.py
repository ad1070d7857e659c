"""The scales on which parameters are fitted: ln for positive ones, logit for fractions, identity for the rest.

On its scale a parameter is unbounded and its prior is normal, so neither the optimiser nor the sampler
ever meets a wall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """A transformation: ``forward`` to the unbounded scale, ``back`` to the published one."""

    name: str
    forward: Callable[[Any], Any]
    back: Callable[[Any], Any]
    low: float = -np.inf  # open interval of values that have a place on the scale
    high: float = np.inf


def _same(value: Any) -> Any:
    return value


#: By the word that stands before the width in the tables: ``ln 0.3``, ``logit 0.5``, ``sd 5``.
SCALES = {
    "ln": Scale("ln", np.log, np.exp, low=0.0),
    "logit": Scale("logit", logit, expit, low=0.0, high=1.0),
    "sd": Scale("sd", _same, _same),
}


def parse_width(text: str, where: str) -> tuple[Scale, float]:
    """Read ``ln 0.3`` as a scale and a standard deviation on it. DataError that names ``where``."""
    word, _, number = text.strip().partition(" ")
    try:
        width = float(number)
    except ValueError:
        width = np.nan
    if word not in SCALES or not (np.isfinite(width) and width > 0):
        raise DataError(
            f"{where}: a calibrated parameter needs a prior width such as 'ln 0.5', 'logit 0.5' or 'sd 2', "
            f"but its uncertainty is '{text}'."
        )
    return SCALES[word], width


def check_inside(scale: Scale, value: float, where: str) -> None:
    """Raise DataError unless ``value`` lies inside the scale's open interval."""
    if not scale.low < value < scale.high:
        limits = "above 0" if scale.high == np.inf else "between 0 and 1"
        wanted = (
            "a finite number" if scale.low == -np.inf else f"{limits}, since its prior is on the {scale.name} scale"
        )
        raise DataError(f"{where} is {value:g}; expected {wanted}.")
