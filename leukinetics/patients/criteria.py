"""Criteria such as ``>= 2 mg/L``, ``2 to 10 mg/L`` or ``< -50 %``: who may take part, who has responded."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leukinetics.errors import DataError, ProtocolError
from leukinetics.patients.convert import convert, is_pure
from leukinetics.units import parse_quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPARE = re.compile(r"(>=|<=|>|<|≥|≤)\s*(.+)")
_DASHED = re.compile(r"([\d.]+)\s*[-\u2013]\s*([\d.]+)\s*(.*)")
_RANGE = re.compile(r"(\S+)\s+to\s+(.+)")
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "≥": operator.ge,
    "<=": operator.le,
    "≤": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_BARE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Bound:
    """One comparison with ``value`` in ``unit`` (empty: a pure number)."""

    sign: str
    value: float
    unit: str

    def holds(self, values: NDArray[Any], limit: float | None = None) -> NDArray[Any]:
        """Where ``values`` meet it; ``limit`` is the bound's value in their unit. Not met where there is no value."""
        found: NDArray[Any] = _OPERATORS[self.sign](values, self.value if limit is None else limit)
        return found

    def value_in(self, unit: str) -> float:
        """``value`` in another unit. DataError where it measures something else, or lacks a unit that it needs."""
        if not self.unit and not (is_pure(unit) and convert(1.0, "", unit) == 1.0):
            raise DataError(f"{self.value:g} has no unit; write one that can be converted to '{unit}'.")
        return convert(self.value, self.unit, unit)


def parse_criterion(text: Any, what: str) -> list[Bound]:
    """The comparisons of a criterion, or of a list of criteria, that must all hold.

    A quantity alone is a lower bound. Raises ProtocolError that names ``what``.
    """
    if isinstance(text, (list, tuple)):
        return [bound for part in text for bound in parse_criterion(part, what)]
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = f">= {text}"
    stripped = str(text).strip()
    if found := _COMPARE.fullmatch(stripped):
        return [Bound(found.group(1), *_quantity(found.group(2), what))]
    if found := _RANGE.fullmatch(stripped):
        high, unit = _quantity(found.group(2), what)
        low, own = _quantity(found.group(1), what)
        if own not in ("", unit):
            raise ProtocolError(f"{what} is '{stripped}', in two units; write it in one, such as '2 to 10 mg/L'.")
        if low > high:
            raise ProtocolError(f"{what} is '{stripped}', from {low:g} to {high:g}; write the smaller number first.")
        return [Bound(">=", low, unit), Bound("<=", high, unit)]
    if found := _DASHED.fullmatch(stripped):
        low_to_high = f"{found[1]} to {found[2]} {found[3]}".rstrip()
        raise ProtocolError(f"{what} is '{stripped:.60}'; write such a range as '{low_to_high}'.")
    if stripped[:1].isdigit():
        return [Bound(">=", *_quantity(stripped, what))]
    raise ProtocolError(f"{what} is '{stripped:.60}'; write a criterion such as '>= 2 mg/L' or '2 to 10 mg/L'.")


def _quantity(text: str, what: str) -> tuple[float, str]:
    if _BARE.fullmatch(text.strip()):
        return float(text), ""
    try:
        return parse_quantity(text)
    except Exception as error:
        raise ProtocolError(f"{what}: {error}") from error
