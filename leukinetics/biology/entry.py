"""An explanation of a name as sections of plain lines and tables, and the lines that several of them share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leukinetics.biology.catalogue import Catalogue, participants, where
from leukinetics.biology.formula import parse_formula
from leukinetics.biology.statements import Statement
from leukinetics.biology.tables import Row

PARAMETER_COLUMNS = ("id", "value", "unit", "kind", "spread", "uncertainty", "source")
_IDENTIFIERS = {
    "ncbi_gene": "NCBI Gene",
    "uniprot": "UniProt",
    "mesh": "MeSH",
    "mondo": "MONDO",
    "chebi": "ChEBI",
    "other": "",
}


@dataclass
class Section:
    """Lines under a heading; ``columns`` and ``rows`` make a table after them."""

    heading: str
    lines: list[str] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lines or self.rows)


@dataclass
class Entry:
    """One thing that a name stands for. ``centre``: the model's symbols that it is about, for a diagram."""

    name: str
    what: str
    place: str = ""
    sections: list[Section] = field(default_factory=list)
    centre: tuple[str, ...] = ()

    def add(
        self,
        heading: str,
        lines: Iterable[str] = (),
        rows: Iterable[tuple[str, ...]] = (),
        columns: tuple[str, ...] = (),
    ) -> None:
        """Append a section, unless it is empty."""
        section = Section(heading, [line for line in lines if line], columns, list(rows))
        if section:
            self.sections.append(section)


def changed(statement: Statement) -> set[str]:
    """The species or variables that a statement gives a value or a change."""
    return participants(statement) if statement.kind in ("reaction", "event") else {statement.name}


def entity_line(catalogue: Catalogue, name: str) -> str:
    """An entity with its name, kind and identifiers."""
    row = catalogue.entity(name)
    if row is None:
        return name
    return f"{name}: {row['name']} ({row['kind']}){'; ' if identifiers(row) else ''}{identifiers(row)}"


def identifiers(row: Row) -> str:
    """``NCBI Gene 3553; UniProt P01584``."""
    found = [(label, row[column]) for column, label in _IDENTIFIERS.items() if row[column]]
    return "; ".join(value if value.upper().startswith(label.upper()) else f"{label} {value}" for label, value in found)


def symbol_line(catalogue: Catalogue, name: str) -> str:
    """A symbol with its description and place."""
    statements = [s for s in catalogue.statements if s.name == name]
    if not statements:
        return name
    description = next((s.description for s in statements if s.description), "")
    return f"{name}{': ' + description if description else ''}    ({where(statements[0].place)})"


def port_line(catalogue: Catalogue, port: str) -> str:
    """A port and what reads it."""
    users = [s.name for s in catalogue.reading(port)]
    return f"{port}, read by {', '.join(users)}" if users else f"{port}, which no module reads yet"


def drugs_on(catalogue: Catalogue, target: str, site: str | None = None) -> list[str]:
    """One line for each drug that binds a target (at a site)."""
    return [
        f"{drug} {b.get('mode', 'binds')} it, KD {quantity(b.get('KD') or b.get('IC50') or b.get('EC50') or {})}"
        for drug, document in catalogue.drugs.items()
        for b in document.content.get("binding", ())
        if b.get("target") == target and (site is None or site in b.get("sites", ()))
    ]


def baselines(catalogue: Catalogue, readout: str) -> list[str]:
    """Published baselines of a readout, one line each."""
    return [
        f"{c}: {quantity(b)} ({b.get('role', '')})  [{b.get('source', '')}]"
        for c, document in catalogue.conditions.items()
        for b in document.content.get("baseline", ())
        if b.get("readout") == readout
    ]


def genotype_line(row: Row) -> str:
    """The effect of a variant."""
    effect = f"{row['parameter']} x exp({row['effect_per_allele']} per allele {row['effect_allele']})"
    return f"{row['variant']}: {effect}, uncertainty {row['uncertainty'] or 'none'} ({row['kind']})  [{row['source']}]"


def parameter_rows(catalogue: Catalogue, names: Iterable[str]) -> list[tuple[str, ...]]:
    """Rows of :data:`PARAMETER_COLUMNS` for those names that are parameters."""
    rows = [row for name in names if (row := catalogue.parameter(name)) is not None]
    return [tuple(row[column] for column in PARAMETER_COLUMNS) for row in rows]


def number_row(name: str, value: Any) -> tuple[str, ...]:
    """The same row for a number of a drug or condition file."""
    if not isinstance(value, Mapping):
        return (name, str(value), *[""] * (len(PARAMETER_COLUMNS) - 2))
    return (name, *(str(value.get(column, "")) for column in PARAMETER_COLUMNS[1:]))


def quantity(value: Any) -> str:
    """``150 mg`` of a mapping with value and unit."""
    if not isinstance(value, Mapping):
        return str(value)
    unit = str(value.get("unit", ""))
    return f"{value.get('value', '')} {'' if unit == 'dimensionless' else unit}".strip()


def plain(value: Any) -> str:
    """Any value of a TOML file in a line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)).replace("_", " ") if isinstance(value, list) else str(value).replace("_", " ")


def listed(names: Iterable[str]) -> str:
    """Names joined by commas, each once."""
    return ", ".join(dict.fromkeys(names))


def words(expression: str) -> list[str]:
    """The symbols that an expression reads."""
    return parse_formula(expression).names


def all_ports(catalogue: Catalogue) -> set[str]:
    """The ports of all targets."""
    return {row["port"] for row in catalogue.tables["targets"]}
