"""Thresholds and numbers of an endpoint in the units that they are asked for in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import LeukineticsError, ProtocolError
from leukinetics.patients.convert import convert
from leukinetics.patients.criteria import Bound
from leukinetics.trial.protocol import Endpoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def meets(endpoint: Endpoint, x: Array, b: Array, unit: str) -> NDArray[np.bool_]:
    """Where ``x`` meets all bounds of the threshold, those in % by its change from ``b``; not where there is none."""
    met = np.ones(np.broadcast_shapes(x.shape, b.shape), dtype=bool)
    for bound in endpoint.threshold or []:
        if is_of_change(bound):
            met &= bound.holds(100.0 * (x - b) / b, bound.value)
        else:
            met &= bound.holds(x, limit(endpoint, bound, unit))
    return met


def worse(endpoint: Endpoint, x: Array, b: Array, unit: str) -> NDArray[np.bool_]:
    """Where ``x`` is worse than the baseline ``b`` as one of the endpoint's ``worsening`` has it."""
    found = np.zeros(np.broadcast_shapes(x.shape, b.shape), dtype=bool)
    for one in endpoint.worsening:
        met = np.ones(found.shape, dtype=bool)
        for numbers, bounds in ((b, one.baseline), (x - b, one.change), (x, one.value)):
            for bound in bounds or []:
                if is_of_change(bound):
                    met &= bound.holds(100.0 * numbers / b, bound.value)
                else:
                    met &= bound.holds(numbers, limit(endpoint, bound, unit, "worsening"))
        found |= met
    return found


def is_of_change(bound: Bound) -> bool:
    """Whether a bound of a threshold is one of the change from baseline."""
    return bound.unit in ("%", "percent")


def limit(endpoint: Endpoint, bound: Bound, unit: str, key: str = "threshold") -> float:
    """The value of a criterion's bound in ``unit``. ProtocolError where it measures something else."""
    try:
        return bound.value_in(unit)
    except LeukineticsError as error:
        raise ProtocolError(f"endpoint '{endpoint.id}', {key}: {error}") from error


def unit_factor(endpoint: Endpoint, unit: str) -> tuple[float, str]:
    """(factor that takes numbers in ``unit`` to the unit that the endpoint asks for, that unit)."""
    if endpoint.unit is None or endpoint.unit == unit:
        return 1.0, unit
    if not unit or unit == "%":
        raise ProtocolError(f"endpoint '{endpoint.id}', unit: kind '{endpoint.kind}' has no unit to change.")
    try:
        return convert(1.0, unit, endpoint.unit), endpoint.unit
    except LeukineticsError as error:
        raise ProtocolError(f"endpoint '{endpoint.id}', unit: {error}") from error
