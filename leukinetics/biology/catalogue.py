"""All of the model's data as it stands in the files, by name and with places: what ``explain`` looks things up in.

Nothing is checked here beyond what reading needs; that is :func:`leukinetics.biology.check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from leukinetics.biology.formula import Function
from leukinetics.biology.problems import BiologyError, Place, Problems
from leukinetics.biology.reader import read_module
from leukinetics.biology.statements import Module, Statement
from leukinetics.biology.tables import Row, Toml, read_toml, read_tsv

#: Tables with one row per identifier, and the column of the identifier.
TABLES = {"parameters": "id", "readouts": "id", "entities": "id", "genotypes": "variant", "targets": "target"}


@dataclass
class Catalogue:
    """The content of a biology folder. ``tables`` maps a table's name to its rows."""

    root: Path
    modules: list[Module] = field(default_factory=list)
    tables: dict[str, list[Row]] = field(default_factory=dict)
    drugs: dict[str, Toml] = field(default_factory=dict)
    conditions: dict[str, Toml] = field(default_factory=dict)

    @cached_property
    def statements(self) -> list[Statement]:
        """The statements of all modules."""
        return [s for module in self.modules for s in module.statements]

    @cached_property
    def functions(self) -> dict[str, Function]:
        """User functions by name."""
        return {f.name: f for module in self.modules for f, _ in module.functions}

    @cached_property
    def symbols(self) -> set[str]:
        """Names of compartments, species, variables and reactions."""
        return {s.name for s in self.statements}

    def rows(self, table: str, name: str) -> list[Row]:
        """Rows of a table whose identifier is ``name``."""
        return [row for row in self.tables[table] if row[TABLES[table]] == name]

    def parameter(self, name: str) -> Row | None:
        """The row of a parameter, if there is one."""
        return next(iter(self.rows("parameters", name)), None)

    def entity(self, name: str) -> Row | None:
        """The row of an entity, if there is one."""
        return next(iter(self.rows("entities", name)), None)

    def defining(self, name: str) -> list[Statement]:
        """Statements that declare ``name``, give it a value or change it."""
        return [s for s in self.statements if s.name == name or name in participants(s)]

    def reading(self, name: str) -> list[Statement]:
        """Statements whose formulas use ``name``."""
        return [s for s in self.statements if name in s.reads]

    def ports(self, target: str) -> dict[str, str]:
        """Site -> port of a target."""
        return {row["site"]: row["port"] for row in self.rows("targets", target)}

    def names(self) -> Iterator[str]:
        """Everything that has a name."""
        yield from (*sorted(self.symbols), *self.functions)
        for table, column in TABLES.items():
            yield from (row[column] for row in self.tables[table])
        yield from (row["port"] for row in self.tables["targets"])
        yield from (*self.drugs, *self.conditions, *(module.name for module in self.modules))


def participants(statement: Statement) -> set[str]:
    """Species that a reaction makes or takes; what an event sets."""
    return {name for _, name in (*statement.reactants, *statement.products)} | {s.name for s in statement.assignments}


def read_catalogue(root: Path | None = None) -> Catalogue:
    """Read a biology folder (default: the package's own). Raises BiologyError where a file cannot be read."""
    root = Path(__file__).parent if root is None else root
    problems = Problems()
    found = Catalogue(root)
    for path in sorted((root / "modules").glob("**/*.ant"), key=lambda p: (len(p.parts), p)):  # the core first
        file = path.relative_to(root).as_posix()
        found.modules.append(read_module(path.stem, file, path.read_text("utf-8-sig"), problems))
    for table in TABLES:
        path = root / f"{table}.tsv"
        text = path.read_text("utf-8-sig") if path.is_file() else ""
        header = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
        found.tables[table] = read_tsv(text, path.name, [c.strip() for c in header.split("\t")], problems)
    for folder, documents in (("drugs", found.drugs), ("conditions", found.conditions)):
        for path in sorted((root / folder).glob("*.toml")):
            document = read_toml(path.read_text("utf-8-sig"), f"{folder}/{path.name}", problems)
            if document is not None:
                documents[str(document.content.get("id", path.stem))] = document
    if problems.errors:
        raise BiologyError(problems.errors)
    return found


def where(place: Place) -> str:
    """A place as one word: ``modules/il6.ant:12``."""
    return f"{place.file}:{place.line}"
