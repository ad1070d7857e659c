"""Amounts of a drug: "150 mg", "8 mg/kg", "2 ng/kg"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from leukinetics.errors import LeukineticsError, ProtocolError
from leukinetics.patients.convert import convert
from leukinetics.units import parse_quantity

_PER_KG = re.compile(r"(.+?)\s*/\s*kg")


@dataclass(frozen=True)
class Amount:
    """An amount in ``unit``, per kilogram of body weight where ``per_kg``."""

    value: float
    unit: str
    per_kg: bool

    def inside(self, unit: str, molar_mass: float | None, what: str) -> tuple[float, bool]:
        """(the number in ``unit``, whether it is still to be multiplied by the body weight in kg).

        A ``unit`` that is itself per kg takes amounts per kg as they are. ProtocolError that names ``what``
        if the amount is no amount of this drug.
        """
        target, own = (unit, False) if not (found := _PER_KG.fullmatch(unit)) else (found.group(1), True)
        if own and not self.per_kg:
            raise ProtocolError(f"{what} is in '{self.unit}', but this drug is dosed in {unit}; give it per kg.")
        try:
            return convert(self.value, self.unit, target, molar_mass), self.per_kg and not own
        except LeukineticsError as error:
            reason = str(error).rstrip(".")
            such = "" if molar_mass is None else ", such as a mass"
            raise ProtocolError(f"{what}: {reason}; give what can be converted to {target}{such}.") from error


def parse_amount(text: Any) -> Amount:
    """Read an amount. ValueError with a sentence where it is none, or not above zero."""
    if isinstance(text, Amount):
        return text
    try:
        value, unit = parse_quantity(text)
    except LeukineticsError as error:
        raise ValueError(str(error)) from error
    if value <= 0:
        raise ValueError(f"'{text}' is no amount to give; it must be above 0 (an untreated arm has no doses).")
    found = _PER_KG.fullmatch(unit)
    return Amount(value, found.group(1) if found else unit, found is not None)
