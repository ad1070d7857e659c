"""Quantities as people write them: "300 mg", "4 weeks", "3 mg/L"."""

from __future__ import annotations

import functools
import math
import re
from typing import Any

from leukinetics.errors import DataError, suggest

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\d.,])")
# Names, products, quotients and small whole powers: nothing that a parser could spend long on.
_UNIT = re.compile(r"(?:1\s*/\s*)?[^\W\d][\w%°]*(?:\s*(?:\^|\*\*)\s*-?\d)?|%")
_JOIN = re.compile(r"\s*(?:(?<!\*)\*(?!\*)|[/·])\s*")


def parse_quantity(text: str) -> tuple[float, str]:
    """Split a quantity into its number and its unit: ``parse_quantity("3 mg/L") == (3.0, "mg/L")``.

    Raises DataError where there is no finite number or no known unit.
    """
    if not isinstance(text, str):
        raise DataError(f"{text!r:.40} is not a quantity; write a number and a unit as text, such as '300 mg'.")
    found = _NUMBER.match(text.strip())
    if not found:
        why = "has a comma in its number" if "," in text else "does not begin with a number"
        raise DataError(f"'{text:.40}' {why}; write a quantity such as '300 mg' or '2.5 mg'.")
    value, unit = float(found.group()), text.strip()[found.end() :].strip()
    if not math.isfinite(value):
        raise DataError(f"'{text:.40}' is too large a number.")
    if not unit:
        raise DataError(f"'{text:.40}' has no unit; write a quantity such as '{found.group():.20} mg'.")
    _parse(unit)
    return value, unit


def convert(value: float, source: str, target: str) -> float:
    """Convert a number from one unit to another: ``convert(2, "weeks", "days") == 14``.

    Raises DataError for an unknown unit, or two that measure different things (such as mg and nmol, which
    need a molar mass).
    """
    import pint

    here, there = _parse(source), _parse(target)
    try:
        return float(_registry().Quantity(value, here).to(there).magnitude)
    except pint.DimensionalityError as error:
        raise DataError(
            f"'{source}' ({error.dim1 or 'a pure number'}) cannot be converted to '{target}' "
            f"({error.dim2 or 'a pure number'}): they measure different things."
        ) from error


@functools.cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry()
    registry.define("international_unit = [activity] = IU = U")  # what one is depends on the substance
    registry.define("mcg = 1e-6 * gram")  # as prescriptions write it
    return registry


def _parse(unit: Any) -> Any:
    """The unit that a text names; DataError that suggests the nearest one."""
    import pint

    parts = _JOIN.split(unit.strip()) if isinstance(unit, str) else []
    if not parts or len(unit) > 80 or not all(_UNIT.fullmatch(p) or p == "1" for p in parts):
        raise DataError(f"'{unit!s:.40}' is not a unit; write names joined by * and /, such as 'mg/L' or 'kg/m^2'.")
    try:
        return _registry().parse_units(re.sub(r"·", "*", unit.strip()))
    except pint.UndefinedUnitError as error:
        unknown: Any = error.unit_names  # a name or several
        name = unknown if isinstance(unknown, str) else next(iter(unknown))
        raise DataError(f"'{name}' in '{unit}' is not a known unit.{suggest(name, _names())}") from error
    except Exception as error:  # pint's parser raises errors of many kinds on what is no unit
        raise DataError(f"'{unit}' is not a unit; write it like 'mg/L' or 'kg/m^2'.") from error


@functools.cache
def _names() -> tuple[str, ...]:
    usual = [prefix + base for base in ("g", "mol", "L", "M", "m", "IU") for prefix in ("", "k", "m", "u", "n", "p")]
    return (*usual, *(name for name in dir(_registry()) if not name.startswith("_")))
