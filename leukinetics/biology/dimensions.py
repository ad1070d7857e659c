"""Units as exact vectors over the model's canonical atoms, with the factor of the written unit.

Canonical atoms: pmol (substance), mg (mass), kg (body mass, kept apart so that mg/kg stays mg/kg), kcal, IU, degC
(difference), m, L, day. Everything that counts (points, cells, fold, fraction) is dimensionless.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from fractions import Fraction

from leukinetics.errors import DataError
from leukinetics.units import convert

ATOMS = ("pmol", "mg", "kg", "kcal", "IU", "degC", "m", "L", "day")

_COUNTS = (
    "dimensionless", "fraction", "fold", "ratio", "point", "points", "score", "count", "counts", "cell", "cells",
    "allele", "alleles", "event", "events", "relapse", "relapses", "lesion", "lesions", "copies", "patients",
)  # fmt: skip
_PINT = {"degC": "delta_degree_Celsius", "m": "meter", "IU": "IU"}
_WORDS = {"d": "day", "days": "day", "wk": "week", "hr": "hour", "mo": "month", "yr": "year", "y": "year", "µg": "ug",
          "mcg": "ug", "μg": "ug", "l": "L", "ml": "mL", "dl": "dL", "ul": "uL", "µL": "uL", "μL": "uL"}  # fmt: skip
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([^\W\d]+|%)(\d?)|([*/·()])|(\^|\*\*)\s*(-?\d)(?!\d))")


@dataclass(frozen=True)
class Dimension:
    """Exponents of :data:`ATOMS`."""

    powers: tuple[Fraction, ...]

    def __mul__(self, other: Dimension) -> Dimension:
        return Dimension(tuple(a + b for a, b in zip(self.powers, other.powers, strict=True)))

    def __truediv__(self, other: Dimension) -> Dimension:
        return Dimension(tuple(a - b for a, b in zip(self.powers, other.powers, strict=True)))

    def __pow__(self, exponent: Fraction | int) -> Dimension:
        return Dimension(tuple(a * exponent for a in self.powers))

    def power(self, atom: str) -> Fraction:
        """The exponent of an atom."""
        return self.powers[ATOMS.index(atom)]

    def __str__(self) -> str:
        """As a unit: ``pmol/L/day``, ``1/day``, ``dimensionless``."""
        parts = [(atom, p) for atom, p in zip(ATOMS, self.powers, strict=True) if p]
        above = [_powered(atom, p) for atom, p in parts if p > 0]
        below = [_powered(atom, -p) for atom, p in parts if p < 0]
        return "/".join(["*".join(above) or "1", *below]) if parts else "dimensionless"


def _powered(atom: str, power: Fraction) -> str:
    if power == 1:
        return atom
    return f"{atom}^{power}" if power.denominator == 1 else f"{atom}^({power})"


NONE = Dimension((Fraction(0),) * len(ATOMS))


def atom(name: str) -> Dimension:
    """The dimension of one canonical atom."""
    return Dimension(tuple(Fraction(a == name) for a in ATOMS))


PMOL, MG, KG, LITRE, DAY, KCAL = (atom(name) for name in ("pmol", "mg", "kg", "L", "day", "kcal"))


@dataclass(frozen=True)
class Unit:
    """A written unit: ``value [text] * factor`` is in canonical units of ``dimension``.

    ``parts``: (atom's text, its exponent, its dimension, its factor) as written, numbers with the text of the number.
    """

    text: str
    dimension: Dimension
    factor: float
    parts: tuple[tuple[str, int, Dimension, float], ...] = ()

    @property
    def is_trace(self) -> bool:
        """Whether it counts a mass in ng or less, as units of cytokines and hormones do."""
        return any(text in ("ng", "pg", "fg") for text, *_ in self.parts)


@functools.cache
def parse_unit(text: str) -> Unit:
    """Read a unit such as ``pg/mL``, ``1/day``, ``mg/kg``, ``10^9/L``, ``%``, ``L/(pmol*day)``, ``kg/m2``.

    Raises DataError for what is no unit, or is one that the model has no canonical atom for.
    """
    tokens = _tokens(text)
    parts: list[tuple[str, int, Dimension, float]] = []
    position, signs, sign = 0, [1], 1
    expect = True  # a factor must come next
    while position < len(tokens):
        kind, value = tokens[position]
        position += 1
        if kind == "op" and value in "*/·" and not expect:
            sign = -1 if value == "/" else 1
            expect = True
        elif kind == "op" and value == "(" and expect:
            signs.append(signs[-1] * sign)
            sign = 1
        elif kind == "op" and value == ")" and not expect and len(signs) > 1:
            signs.pop()
        elif kind in ("number", "name") and expect:
            exponent = 1
            if position < len(tokens) and tokens[position][0] == "power":
                exponent = int(tokens[position][1])
                position += 1
            dimension, factor = (NONE, _count(value, text)) if kind == "number" else _atom(value, text)
            if kind == "name" or factor != 1.0:
                parts.append((value, exponent * sign * signs[-1], dimension, factor))
            expect, sign = False, 1
        else:
            raise DataError(_not_a_unit(text))
    if expect or len(signs) > 1:
        raise DataError(_not_a_unit(text))
    total, factor = NONE, 1.0
    for _, exponent, dimension, size in parts:
        total *= dimension**exponent
        factor *= float(size) ** exponent
    if not 1e-200 < factor < 1e200 or any(abs(power) > 9 for power in total.powers):
        raise DataError(_not_a_unit(text))
    return Unit(text, total, _round(factor), tuple(parts))


def _count(number: str, text: str) -> float:
    value = float(number)
    if not 0.0 < value < 1e30:
        raise DataError(_not_a_unit(text))
    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    text = text.strip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise DataError(_not_a_unit(text))
        number, name, digit, operator, _, power = found.groups()
        if number is not None:
            tokens.append(("number", number))
        elif name is not None:
            tokens.append(("name", name))
            if digit:  # m2
                tokens.append(("power", digit))
        elif operator is not None:
            tokens.append(("op", operator))
        else:
            tokens.append(("power", power))
        position = found.end()
    return tokens


def _not_a_unit(text: str) -> str:
    return f"'{text:.40}' is not a unit; write names joined by * and /, such as 'pg/mL', '1/day' or 'kg/m^2'."


@functools.cache
def _atom(name: str, whole: str) -> tuple[Dimension, float]:
    """(dimension, canonical units in one) of a unit's name."""
    name = _WORDS.get(name, name)
    if name in ATOMS:
        return atom(name), 1.0
    if name in _COUNTS:
        return NONE, 1.0
    if name == "%":
        return NONE, 0.01
    if name == "K":
        return atom("degC"), 1.0
    convert(1.0, name, name)  # an unknown name is reported with a suggestion
    for canonical, dimension in (
        *((a, atom(a)) for a in ATOMS if a != "kg"),
        ("pmol/L", PMOL / LITRE),
        ("dimensionless", NONE),
    ):
        try:
            return dimension, _round(convert(1.0, name, _PINT.get(canonical, canonical)))
        except DataError:
            continue
    raise DataError(
        f"'{name}' in '{whole}' measures something that the model has no unit for; it has {', '.join(ATOMS)}."
    )


def _round(factor: float) -> float:
    """The factor without the last bits that conversions leave: 1/24, not 0.041666666666670."""
    inverse = round(1.0 / factor)
    if inverse and abs(inverse * factor - 1.0) < 1e-12:
        return 1.0 / inverse
    return float(f"{factor:.13g}")


def to_moles(dimension: Dimension, molar_mass: float) -> tuple[Dimension, float]:
    """(dimension with every mg turned into pmol, factor) for a substance of ``molar_mass`` g/mol."""
    power = dimension.power("mg")
    return dimension / MG**power * PMOL**power, (1e9 / molar_mass) ** float(power)


def to_mass(dimension: Dimension, molar_mass: float) -> tuple[Dimension, float]:
    """(dimension with every pmol turned into mg, factor) for a substance of ``molar_mass`` g/mol."""
    power = dimension.power("pmol")
    return dimension / PMOL**power * MG**power, (molar_mass / 1e9) ** float(power)
