"""What the model speaks of: molecules, cells, drugs, diseases, with their identifiers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.tables import Row, read_tsv
from leukinetics.errors import suggest

COLUMNS = (
    "id", "name", "kind", "molar_mass", "ncbi_gene", "uniprot", "mesh", "mondo", "chebi", "other", "made_of",
    "source", "note",
)  # fmt: skip
KINDS = ("protein", "gene", "chemical", "drug", "disease", "cell", "variant", "complex", "behaviour")
_COLLECTIONS = {
    "ncbi_gene": ("ncbigene:", re.compile(r"\d+")),
    "uniprot": ("uniprot:", re.compile(r"[A-Z0-9]{6,10}")),
    "mesh": ("mesh:", re.compile(r"[CD]\d{6,9}")),
    "mondo": ("mondo:", re.compile(r"\d{7}")),
    "chebi": ("CHEBI:", re.compile(r"\d+")),
}
_OTHER = re.compile(r"[A-Za-z][\w.]*:\S+")


@dataclass(frozen=True)
class Entity:
    """One row of ``entities.tsv``: ``molar_mass`` in g/mol or None, ``identifiers`` such as ``uniprot:P05231``."""

    id: str
    name: str
    kind: str
    molar_mass: float | None
    identifiers: tuple[str, ...]
    made_of: tuple[str, ...]
    source: str
    note: str
    place: Place

    @property
    def uris(self) -> list[str]:
        """MIRIAM URIs at identifiers.org."""
        return [f"https://identifiers.org/{identifier}" for identifier in self.identifiers]


def read_entities(text: str, file: str, problems: Problems) -> dict[str, Entity]:
    """Entities by id; whatever is wrong with a row becomes a problem."""
    found: dict[str, Entity] = {}
    for row in read_tsv(text, file, COLUMNS, problems):
        if row["id"] in found:
            problems.add(row.place, f"the entity '{row['id']}' is also in {found[row['id']].place}.")
            continue
        found[row["id"]] = _entity(row, problems)
    for entity in found.values():
        for part in entity.made_of:
            if part not in found:
                problems.add(
                    entity.place, f"'{entity.id}' is made of '{part}', which is no entity.", suggest(part, found)
                )
    return found


def _entity(row: Row, problems: Problems) -> Entity:
    if row["kind"] not in KINDS:
        problems.add(row.place, f"the kind of '{row['id']}' is '{row['kind']}', not one of {', '.join(KINDS)}.")
    mass: float | None = None
    if row["molar_mass"]:
        try:
            mass = float(row["molar_mass"])
        except ValueError:
            mass = math.nan
        if not (mass > 0 and math.isfinite(mass)):
            problems.add(row.place, f"the molar mass of '{row['id']}' is '{row['molar_mass']}', not a number in g/mol.")
            mass = None
    return Entity(
        row["id"],
        row["name"],
        row["kind"],
        mass,
        tuple(_identifiers(row, problems)),
        tuple(row["made_of"].split()),
        row["source"],
        row["note"],
        row.place,
    )


def _identifiers(row: Row, problems: Problems) -> Iterable[str]:
    for column, (prefix, pattern) in _COLLECTIONS.items():
        for cell in re.split(r"[\s,;]+", row[column]):
            if not cell:
                continue
            bare = re.sub(r"^[A-Za-z]+:", "", cell)
            if not pattern.fullmatch(bare):
                problems.add(row.place, f"'{cell}' of '{row['id']}' does not look like an identifier of {column}.")
            else:
                yield prefix + bare
    yield from (cell for cell in re.split(r"[\s,;]+", row["other"]) if _OTHER.fullmatch(cell))


def composition(entity: str, entities: Mapping[str, Entity]) -> Counter[str]:
    """The entities that one of ``entity`` is made of, each with its number (itself, if it is no complex)."""
    made_of = entities[entity].made_of if entity in entities else ()
    if not made_of:
        return Counter([entity])
    total: Counter[str] = Counter()
    for part in made_of:
        total += composition(part, entities) if part != entity else Counter([part])
    return total
