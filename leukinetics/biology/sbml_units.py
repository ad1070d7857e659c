"""Unit definitions of an SBML model, made as they are asked for."""

from __future__ import annotations

import math
import re
from typing import Any

from leukinetics.biology.dimensions import ATOMS, Dimension, Unit, parse_unit

#: canonical atom -> (SBML base unit, scale, multiplier)
_BASE = {
    "pmol": ("mole", -12, 1.0), "mg": ("gram", -3, 1.0), "kg": ("kilogram", 0, 1.0), "kcal": ("joule", 0, 4184.0),
    "IU": ("item", 0, 1.0), "degC": ("kelvin", 0, 1.0), "m": ("metre", 0, 1.0), "L": ("litre", 0, 1.0),
    "day": ("second", 0, 86400.0),
}  # fmt: skip
_Part = tuple[str, float, int, float]  # base unit, exponent, scale, multiplier


class UnitDefinitions:
    """Identifiers of units in one ``libsbml.Model``; a definition is added when first asked for."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: dict[str, str] = {"dimensionless": "dimensionless", "L": "litre"}

    @property
    def identifiers(self) -> set[str]:
        """All identifiers so far."""
        return set(self._known.values())

    def dimension(self, dimension: Dimension) -> str:
        """The identifier of a canonical unit."""
        return self._define(str(dimension), _canonical(dimension))

    def text(self, unit: str) -> str:
        """The identifier of a unit given as text."""
        return self._known.get(unit) or self.dimension(parse_unit(unit).dimension)

    def written(self, unit: Unit) -> str:
        """The identifier of a unit as written (pg/mL stays pg/mL)."""
        return (
            self._define(unit.text, _written(unit)) if unit.dimension.powers or unit.factor != 1.0 else "dimensionless"
        )

    def ratio(self, unit: Unit, dimension: Dimension) -> str:
        """The identifier of ``unit`` divided by the canonical unit of ``dimension``."""
        parts = _written(unit) + [(kind, -e, s, m) for kind, e, s, m in _canonical(dimension)]
        return self._define(f"({unit.text}) per ({dimension})", parts)

    def _define(self, text: str, parts: list[_Part]) -> str:
        if text in self._known:
            return self._known[text]
        name = _identifier(text)
        taken = set(self._known.values())
        while name in taken:
            name += "_"
        self._known[text] = name
        import libsbml

        definition = self._model.createUnitDefinition()
        definition.setId(name)
        definition.setName(text)
        for kind, exponent, scale, multiplier in parts or [("dimensionless", 1.0, 0, 1.0)]:
            unit = definition.createUnit()
            unit.setKind(libsbml.UnitKind_forName(kind))
            unit.setExponent(exponent)
            unit.setScale(scale)
            unit.setMultiplier(multiplier)
        return name


def _canonical(dimension: Dimension) -> list[_Part]:
    return [
        (_BASE[atom][0], float(power), _BASE[atom][1], _BASE[atom][2])
        for atom, power in zip(ATOMS, dimension.powers, strict=True)
        if power
    ]


def _written(unit: Unit) -> list[_Part]:
    parts: list[_Part] = []
    for _, exponent, dimension, factor in unit.parts:
        mine = _canonical(dimension) or ([("dimensionless", 1.0, 0, 1.0)] if factor != 1.0 else [])
        for i, (kind, power, scale, multiplier) in enumerate(mine):
            if i == 0 and factor != 1.0:
                scale, multiplier = _scaled(scale, multiplier, factor ** (1.0 / power))
            parts.append((kind, power * exponent, scale, multiplier))
    return parts


def _scaled(scale: int, multiplier: float, factor: float) -> tuple[int, float]:
    power = round(math.log10(factor))
    if math.isclose(factor, 10.0**power, rel_tol=1e-9):
        return scale + power, multiplier
    product = multiplier * factor
    whole = round(product)
    return scale, float(whole) if math.isclose(product, whole, rel_tol=1e-9) else product


def _identifier(text: str) -> str:
    """``pg/mL`` -> ``pg_per_mL``, ``1/day`` -> ``per_day``."""
    text = re.sub(r"^1/", "/", text)
    text = text.replace("/", "_per_").replace("^", "").replace("%", "percent").replace("*", "_")
    name = re.sub(r"_+", "_", re.sub(r"\W", "_", text)).strip("_")
    return name if re.match(r"[A-Za-z]", name) else f"unit_{name}"
