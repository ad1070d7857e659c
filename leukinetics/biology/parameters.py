"""Parameters: the published number with unit, kind and source, and the same number in the model's units."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from leukinetics.biology.dimensions import Dimension, Unit, parse_unit, to_mass, to_moles
from leukinetics.biology.entities import Entity
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.tables import read_tsv
from leukinetics.errors import DataError, suggest

COLUMNS = ("id", "value", "unit", "spread", "uncertainty", "kind", "entity", "set_by", "source", "note")
KINDS = ("measured", "derived", "calibrated", "assumed")
SETTERS = ("condition", "patient", "genotype", "protocol")
FIELDS = ("value", "unit", "spread", "uncertainty", "kind", "prior", "source", "note")

_SPREAD = re.compile(r"(ln|logit|sd|uniform)\s+(\S+)")


@dataclass(frozen=True)
class Parameter:
    """A number of the model.

    ``value`` (and ``prior``, the centre of the prior of a calibrated one) are in the canonical unit of ``dimension``,
    ``published_value`` and ``published_unit`` as the source has them. ``spread`` (between patients) and
    ``uncertainty`` are texts such as ``ln 0.3``; the number of ``sd 5`` is in the canonical unit. ``owner`` is "core",
    the id of a drug, or "condition" for a number that the condition has set.
    """

    id: str
    value: float
    dimension: Dimension
    published_value: float
    published_unit: str
    spread: str
    uncertainty: str
    prior: float | None
    kind: str
    entity: str
    set_by: tuple[str, ...]
    source: str
    note: str
    place: Place
    owner: str = "core"

    def with_number(self, other: Parameter) -> Parameter:
        """This parameter with the number and the provenance of another, for example from a condition."""
        return replace(
            other,
            id=self.id,
            entity=self.entity,
            set_by=self.set_by,
            spread=other.spread or self.spread,
            uncertainty=other.uncertainty or self.uncertainty,
        )


def read_parameters(
    text: str, file: str, entities: Mapping[str, Entity], problems: Problems, unreadable: set[str]
) -> dict[str, Parameter]:
    """Parameters by id; whatever is wrong with a row becomes a problem.

    The ids of rows without a usable number are added to ``unreadable``.
    """
    found: dict[str, Parameter] = {}
    for row in read_tsv(text, file, COLUMNS, problems, optional=("prior",)):
        name = row["id"]
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            problems.add(row.place, f"'{name}' is no id; use letters, digits and '_'.")
            continue
        if name in found:
            problems.add(row.place, f"the parameter '{name}' is also in {found[name].place}.")
            continue
        setters = tuple(row["set_by"].split())
        for setter in setters:
            if setter not in SETTERS:
                problems.add(
                    row.place,
                    f"set_by of '{name}' has '{setter}', not one of {', '.join(SETTERS)}.",
                    suggest(setter, SETTERS),
                )
        entity = row["entity"]
        if entity and entity not in entities:
            problems.add(row.place, f"'{name}' names the unknown entity '{entity}'.", suggest(entity, entities))
            unreadable.add(name)  # its unit may hang on the entity
            continue
        made = make_parameter(
            name, row.cells, lambda *_, place=row.place: place, problems, entities.get(entity), setters
        )
        if made is None:
            unreadable.add(name)
        else:
            found[name] = made
    return found


def make_parameter(
    name: str,
    cells: Mapping[str, object],
    place: Callable[[str], Place],
    problems: Problems,
    entity: Entity | None = None,
    set_by: tuple[str, ...] = (),
    owner: str = "core",
    mass_of: Entity | None = None,
) -> Parameter | None:
    """A parameter from the cells of a row or a TOML table; None (and problems) if it has no usable number.

    Traces (units of ng and less) of an entity with a molar mass become pmol. ``mass_of``: everything in moles becomes
    a mass of that drug instead.
    """
    here = place("value")
    value = _number(cells.get("value", ""), f"the value of '{name}'", here, problems)
    unit = _unit(cells.get("unit", ""), name, place("unit"), problems)
    kind = str(cells.get("kind", "") or "")
    if not kind:
        problems.add(here, f"'{name}' has no kind; write one of {', '.join(KINDS)}.")
    elif kind not in KINDS:
        problems.add(
            place("kind"), f"the kind of '{name}' is '{kind}', not one of {', '.join(KINDS)}.", suggest(kind, KINDS)
        )
    source, note = str(cells.get("source", "") or ""), str(cells.get("note", "") or "")
    if not source:
        problems.add(
            here, f"'{name}' has no source; name a DOI, a PMID, a row of the data book, or say what was assumed."
        )
    prior = None
    if cells.get("prior", "") not in ("", None):
        prior = _number(cells["prior"], f"the prior of '{name}'", place("prior"), problems)
    if kind == "calibrated" and (prior is None or not cells.get("uncertainty")):
        problems.add(here, f"'{name}' is calibrated but has no prior centre ('prior') with a width ('uncertainty').")
    widths = {key: _spread(cells.get(key, ""), key, name, place(key), problems) for key in ("spread", "uncertainty")}
    if value is None or unit is None:
        return None
    dimension, factor = unit.dimension, unit.factor
    if mass_of is not None and dimension.power("pmol"):
        if mass_of.molar_mass is None:
            problems.add(
                place("unit"), f"'{name}' in {unit.text} needs the molar mass of '{mass_of.id}' in entities.tsv."
            )
            return None
        dimension, change = to_mass(dimension, mass_of.molar_mass)
        factor *= change
    elif mass_of is None and entity is not None and unit.is_trace:
        if entity.molar_mass is not None:
            dimension, change = to_moles(dimension, entity.molar_mass)
            factor *= change
        elif entity.kind in ("protein", "complex"):
            problems.add(
                place("unit"), f"'{name}' in {unit.text} needs the molar mass of '{entity.id}' in entities.tsv."
            )
            return None
    _check_widths(name, value, kind, widths, here, problems)
    return Parameter(
        id=name,
        value=value * factor,
        dimension=dimension,
        published_value=value,
        published_unit=unit.text,
        spread=_in_units(widths["spread"], factor),
        uncertainty=_in_units(widths["uncertainty"], factor),
        prior=None if prior is None else prior * factor,
        kind=kind,
        entity="" if entity is None else entity.id,
        set_by=set_by,
        source=source,
        note=note,
        place=here,
        owner=owner,
    )


def _number(cell: object, what: str, place: Place, problems: Problems) -> float | None:
    try:
        value = float(cell) if isinstance(cell, (int, float, str)) and not isinstance(cell, bool) else math.nan
    except (ValueError, OverflowError):
        value = math.nan
    if math.isfinite(value):
        return value
    problems.add(place, f"{what} is missing." if cell == "" else f"{what} is '{cell!s:.40}', not a number.")
    return None


def _unit(cell: object, name: str, place: Place, problems: Problems) -> Unit | None:
    if not cell:
        problems.add(place, f"'{name}' has no unit; write 'dimensionless' for a pure number.")
        return None
    try:
        return parse_unit(str(cell))
    except DataError as error:
        message, _, hint = str(error).partition(" Did you mean ")
        problems.add(place, f"the unit of '{name}': {message}", f" Did you mean {hint}" if hint else "")
        return None


def _spread(cell: object, key: str, name: str, place: Place, problems: Problems) -> tuple[str, float] | None:
    text = str(cell or "")
    if not text:
        return None
    found = _SPREAD.fullmatch(text)
    try:
        width = float(found[2]) if found else math.nan
    except ValueError:
        width = math.nan
    if found and width >= 0 and math.isfinite(width) and (key == "spread" or found[1] != "uniform"):
        return found[1], width
    more = ", 'sd 5' or 'uniform 0.5'" if key == "spread" else " or 'sd 5'"
    problems.add(place, f"the {key} of '{name}' is '{text}'; write 'ln 0.3', 'logit 0.5'{more}.")
    return None


def _check_widths(
    name: str, value: float, kind: str, widths: Mapping[str, tuple[str, float] | None], place: Place, problems: Problems
) -> None:
    for key, width in widths.items():
        if width is None:
            continue
        if (width[0] == "ln" and value < 0) or (width[0] == "logit" and not 0 <= value <= 1):
            fits = "a value below 0" if width[0] == "ln" else "a value outside 0 to 1"
            problems.add(
                place, f"the {key} of '{name}' is on the {width[0]} scale, which does not fit {fits} ({value:g})."
            )


def _in_units(width: tuple[str, float] | None, factor: float) -> str:
    if width is None:
        return ""
    scale, number = width
    return f"{scale} {number * factor if scale in ('sd', 'uniform') else number:.12g}"
