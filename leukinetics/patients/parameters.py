"""The rows of an assembled parameter table, as far as sampling needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukinetics.errors import DataError, suggest
from leukinetics.patients.convert import convert
from leukinetics.patients.spread import Spread, parse_spread


@dataclass(frozen=True)
class Parameter:
    """A parameter. ``value`` and ``spread`` in ``unit``, the one used inside; ``factor`` leads there from
    ``published_unit``. ``condition``: the condition sets it, so a typical value is named "condition.parameter"."""

    value: float
    unit: str
    published_unit: str
    factor: float
    spread: Spread | None
    set_by: frozenset[str]
    condition: str  # the condition that sets it, else ""


def read_parameters(table: Any) -> dict[str, Parameter]:
    """The rows of ``assembly.parameters`` by id. DataError for a spread that cannot be read."""
    columns = ("id", "value", "unit", "published_value", "published_unit", "spread", "set_by", "owner", "file")
    found = {}
    for name, value, unit, published, published_unit, spread, set_by, owner, file in zip(
        *(table[column] for column in columns), strict=True
    ):
        here, there = text(published_unit), text(unit)
        # The ratio also holds where the two differ by a molar mass.
        factor = float(value) / float(published) if published else convert(1.0, here, there)
        found[str(name)] = Parameter(
            value=float(value),
            unit=there,
            published_unit=here,
            factor=factor,
            spread=parse_spread(spread, f"the parameter '{name}'"),
            set_by=frozenset(set_by),
            condition=Path(text(file)).stem if owner == "condition" else "",
        )
    return found


def settable(name: str, rows: Mapping[str, Parameter], setters: Iterable[str]) -> Parameter:
    """The row of a parameter that ``setters`` may set; DataError otherwise."""
    wanted = set(setters)
    allowed = sorted(n for n, row in rows.items() if row.set_by & wanted)
    if name not in rows:
        raise DataError(f"There is no parameter '{name}' to set.{suggest(name, allowed)}")
    if not rows[name].set_by & wanted:
        raise DataError(
            f"The parameter '{name}' belongs to the model, so it must not be set here; "
            f"these may be: {', '.join(allowed) or 'none'}."
        )
    return rows[name]


def text(entry: Any) -> str:
    """A cell of a table as text; a missing one is empty."""
    return "" if entry is None or entry != entry else str(entry).strip()
