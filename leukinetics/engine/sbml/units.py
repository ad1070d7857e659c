"""Units as readable text ("mmol/L", "1/min"), composed from what the SBML declares.

libSBML can derive the units of every formula, but that costs more than reading the whole model; a quantity
here has the units that its declaration and the model's defaults give it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

_SYMBOLS = {
    "mole": "mol", "litre": "L", "liter": "L", "metre": "m", "meter": "m", "second": "s", "gram": "g",
    "kilogram": "kg", "item": "item", "dimensionless": "dimensionless", "kelvin": "K", "joule": "J",
    "newton": "N", "pascal": "Pa", "watt": "W", "volt": "V", "ampere": "A", "coulomb": "C", "hertz": "Hz",
    "becquerel": "Bq", "gray": "Gy", "sievert": "Sv", "katal": "kat", "farad": "F", "siemens": "S",
    "henry": "H", "ohm": "ohm", "weber": "Wb", "tesla": "T", "lumen": "lm", "lux": "lx", "candela": "cd",
    "radian": "rad", "steradian": "sr", "celsius": "degC",
}  # fmt: skip
_PREFIXES = {
    15: "P", 12: "T", 9: "G", 6: "M", 3: "k", 2: "h", 1: "da", 0: "", -1: "d", -2: "c", -3: "m", -6: "u",
    -9: "n", -12: "p", -15: "f", -18: "a",
}  # fmt: skip
_TIMES = {60.0: "min", 3600.0: "h", 86400.0: "day", 604800.0: "week", 31536000.0: "year"}
_LEVEL_2 = {"substance": "mole", "volume": "litre", "area": "metre^2", "length": "metre", "time": "second"}

#: symbol -> exponent; the key "" holds nothing. None: undefined.
Unit = dict[str, float] | None


class Units:
    """The unit texts of one ``libsbml.Model``. An undefined unit is the empty string."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._level = model.getLevel()
        self._defined = {d.getId(): d for d in model.getListOfUnitDefinitions()}
        self._known: dict[str, Unit] = {}

    @property
    def time(self) -> Unit:
        """The unit of time."""
        return self._named(self._default("Time", "time"))

    @property
    def extent(self) -> Unit:
        """The unit that reactions count in."""
        return self._named(self._default("Extent", "substance"))

    def parameter(self, parameter: Any) -> Unit:
        """The unit of a parameter."""
        return self._named(parameter.getUnits())

    def compartment(self, compartment: Any) -> Unit:
        """The unit of a compartment's size."""
        if compartment.getUnits():
            return self._named(compartment.getUnits())
        kind = {3.0: "volume", 2.0: "area", 1.0: "length"}.get(compartment.getSpatialDimensionsAsDouble())
        return None if kind is None else self._named(self._default(kind.capitalize(), kind))

    def amount(self, species: Any) -> Unit:
        """The unit of a species' amount."""
        own = species.getUnits() if self._level == 1 else species.getSubstanceUnits()
        return self._named(own or self._default("Substance", "substance"))

    def _default(self, attribute: str, level_2_name: str) -> str:
        if self._level > 2:
            return str(getattr(self._model, f"get{attribute}Units")())
        return level_2_name if level_2_name in self._defined else _LEVEL_2[level_2_name]

    def _named(self, name: str) -> Unit:
        if name not in self._known:
            self._known[name] = self._look_up(name)
        return self._known[name]

    def _look_up(self, name: str) -> Unit:
        if name in self._defined:
            import libsbml

            kind = libsbml.UnitKind_toString
            return _compose(
                (kind(u.getKind()), u.getExponentAsDouble(), u.getScale(), u.getMultiplier())
                for u in self._defined[name].getListOfUnits()
            )
        if self._level < 3 and name in _LEVEL_2:
            kind, _, power = _LEVEL_2[name].partition("^")
            return {_SYMBOLS[kind]: float(power or 1)}
        return {_SYMBOLS[name]: 1.0} if name in _SYMBOLS else None


def _compose(units: Iterable[tuple[str, float, int, float]]) -> Unit:
    result: dict[str, float] = {}
    for kind, exponent, scale, multiplier in units:
        symbol = _SYMBOLS.get(kind)
        if symbol is None or not math.isfinite(exponent * multiplier):
            return None
        symbol = _scaled(symbol, scale, multiplier)
        result[symbol] = result.get(symbol, 0.0) + exponent
    return result


def _scaled(symbol: str, scale: int, multiplier: float) -> str:
    factor = multiplier * 10.0**scale
    if symbol == "s" and factor in _TIMES:
        return _TIMES[factor]
    if symbol not in ("dimensionless", "item", "kg") and factor > 0.0:
        power = round(math.log10(factor))
        if power in _PREFIXES and math.isclose(factor, 10.0**power, rel_tol=1e-9):
            return _PREFIXES[power] + symbol
    return symbol if factor == 1.0 else f"{factor:g}*{symbol}"


def quotient(a: Unit, b: Unit) -> Unit:
    """``a / b``; undefined if either is."""
    if a is None or b is None:
        return None
    result = dict(a)
    for symbol, exponent in b.items():
        result[symbol] = result.get(symbol, 0.0) - exponent
    return result


def text(unit: Unit) -> str:
    """The unit in words: products with ``*``, then each divisor after its own ``/``."""
    if unit is None:
        return ""
    parts = {s: e for s, e in unit.items() if e != 0.0 and s != "dimensionless"}
    if not parts:
        return "dimensionless"
    above = [_power(s, e) for s, e in parts.items() if e > 0.0]
    below = [_power(s, -e) for s, e in parts.items() if e < 0.0]
    return "/".join(["*".join(above) or "1", *below])


def _power(symbol: str, exponent: float) -> str:
    base = f"({symbol})" if "*" in symbol else symbol
    return base if exponent == 1.0 else f"{base}^{exponent:g}"
