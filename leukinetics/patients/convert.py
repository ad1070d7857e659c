"""Units of what users write about patients, in terms of the units that the assembled model uses inside."""

from __future__ import annotations

import math
import re

from leukinetics import units
from leukinetics.errors import DataError

#: What tables write for a pure number, and clinical units of it that pint does not know.
_PURE = ("", "-", "1", "dimensionless", "fold", "fraction", "ratio", "points", "probability")


def convert(value: float, source: str, target: str, molar_mass: float | None = None) -> float:
    """Convert a number between units; mass and amount of substance through ``molar_mass`` (g/mol).

    Raises DataError for unknown units, or two that measure different things.
    """
    here, there = _spelled(source), _spelled(target)
    if here == there:
        return value
    if "delta_degC" in (here, there):  # a temperature or a difference of two: other scales would mix them up
        raise DataError(f"'{source}' is not converted to '{target}'; write temperatures in degC.")
    try:
        return units.convert(value, here, there)
    except DataError:
        for unit in (here, there):
            units.convert(1.0, unit, unit)  # one that is unknown is what is wrong, whatever the molar mass
        if molar_mass is None or not math.isfinite(molar_mass) or not re.search(r"[gM]|mol", here + there):
            raise
    for factor in (f"{here}*mol/g", f"{here}*g/mol"):  # from mass to substance, or from substance to mass
        weight = 1.0 / molar_mass if factor.endswith("mol/g") else molar_mass
        try:
            return units.convert(value * weight, factor, there)
        except DataError:
            continue
    raise DataError(
        f"'{source}' cannot be converted to '{target}', not even with a molar mass of {molar_mass:g} g/mol."
    )


def is_pure(unit: str) -> bool:
    """Whether a unit is that of pure numbers (fold, %)."""
    try:
        convert(1.0, unit, "dimensionless")
    except DataError:
        return False
    return True


def _spelled(unit: str) -> str:
    """A unit as ``leukinetics.units`` reads it: m2 as m^2, a pure number as dimensionless, degC as a difference."""
    text = str(unit).strip()
    if text.lower() in _PURE:
        return "dimensionless"
    text = re.sub(r"\b(c?m)([23])\b", r"\1^\2", text)
    return re.sub(r"\bdegC\b", "delta_degC", text)
