"""The biology folder: its files, and everything in them that does not depend on condition or drugs."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from leukinetics.biology.entities import COLUMNS as ENTITY_COLUMNS
from leukinetics.biology.entities import Entity, read_entities
from leukinetics.biology.parameters import COLUMNS as PARAMETER_COLUMNS
from leukinetics.biology.parameters import Parameter, read_parameters
from leukinetics.biology.problems import Place, Problem, Problems
from leukinetics.biology.reader import read_module
from leukinetics.biology.records import (
    CORRELATIONS,
    GENOTYPES,
    READOUTS,
    TARGETS,
    Readout,
    Target,
    read_correlations,
    read_genotypes,
    read_readouts,
    read_targets,
)
from leukinetics.biology.statements import Module
from leukinetics.biology.tables import EMPTY, NO_COLUMN, Row, Toml, read_toml
from leukinetics.errors import ModelError

NEEDED = ("parameters.tsv", "entities.tsv")
NO_FILE = "there is no such file"

_KEPT = 4
_loaded: OrderedDict[str, Biology] = OrderedDict()


@dataclass
class Biology:
    """All that a biology folder says. ``signature`` is the hash of its files."""

    root: Path
    signature: str
    problems: Problems
    modules: dict[str, Module] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    readouts: dict[str, Readout] = field(default_factory=dict)
    targets: dict[tuple[str, str], Target] = field(default_factory=dict)
    genotypes: list[Row] = field(default_factory=list)
    correlations: list[Row] = field(default_factory=list)
    drugs: dict[str, Toml] = field(default_factory=dict)
    conditions: dict[str, Toml] = field(default_factory=dict)
    broken: dict[str, Problems] = field(default_factory=dict)  # drug and condition files that are no TOML
    unreadable: set[str] = field(default_factory=set)  # names whose definitions are there but cannot be read

    @property
    def headless(self) -> list[Problem]:
        """Tables that are missing or lack a column: nothing that refers to them can be judged."""
        return [p for p in self.problems.sorted if p.message.startswith((NO_COLUMN, NO_FILE, EMPTY))]


def load(root: str | Path | None = None) -> Biology:
    """Read a biology folder (the package's own by default); what is wrong in it is in ``problems``.

    Raises ModelError if there is no such folder.
    """
    folder = Path(str(files("leukinetics.biology"))) if root is None else Path(root)
    if not folder.is_dir():
        raise ModelError(f"There is no biology folder '{folder}'.")
    texts = _texts(folder)
    digest = hashlib.sha256(str(folder).encode())
    for name, text in texts.items():
        digest.update(f"\0{name}\0{text}".encode())
    signature = digest.hexdigest()
    if signature not in _loaded:
        _loaded[signature] = _read(folder, signature, texts)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    _loaded.move_to_end(signature)
    return _loaded[signature]


def _texts(folder: Path) -> dict[str, str]:
    paths = [
        *sorted(folder.glob("*.tsv")),
        *sorted(folder.glob("modules/**/*.ant")),
        *sorted(folder.glob("drugs/*.toml")),
        *sorted(folder.glob("conditions/*.toml")),
    ]
    texts = {}
    for path in paths:
        try:
            # Spreadsheets begin what they save with a byte order mark.
            texts[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            line, byte = error.object[: error.start].count(b"\n") + 1, error.object[error.start]
            raise ModelError(
                f"The file '{path}' cannot be read as UTF-8 text: line {line} has the byte 0x{byte:02x}; save it so."
            ) from error
        except OSError as error:
            raise ModelError(f"The file '{path}' cannot be read: {error.strerror or error}.") from error
    return texts


def _read(folder: Path, signature: str, texts: dict[str, str]) -> Biology:
    problems = Problems()
    made = Biology(folder, signature, problems)

    def table(file: str, columns: tuple[str, ...], read: Callable[[str], Any]) -> Any:
        """A missing table is an empty one, but a model without parameters or entities is none."""
        if file not in texts and file in NEEDED:
            problems.add(Place(file, 1), f"{NO_FILE} in '{folder}'; a biology folder needs it.")
        return read(texts.get(file, "\t".join(columns)))

    made.entities = table("entities.tsv", ENTITY_COLUMNS, lambda t: read_entities(t, "entities.tsv", problems))
    made.parameters = table(
        "parameters.tsv",
        PARAMETER_COLUMNS,
        lambda t: read_parameters(t, "parameters.tsv", made.entities, problems, made.unreadable),
    )
    made.readouts = table(
        "readouts.tsv",
        READOUTS,
        lambda t: read_readouts(t, "readouts.tsv", made.entities, problems, made.unreadable),
    )
    made.targets = table("targets.tsv", TARGETS, lambda t: read_targets(t, "targets.tsv", problems))
    made.genotypes = table(
        "genotypes.tsv",
        GENOTYPES,
        lambda t: read_genotypes(t, "genotypes.tsv", made, problems),
    )
    made.correlations = table(
        "correlations.tsv", CORRELATIONS, lambda t: read_correlations(t, "correlations.tsv", made, problems)
    )
    for file, text in texts.items():
        kind, _, name = file.rpartition("/")
        stem = name.rpartition(".")[0]
        if kind.partition("/")[0] == "modules":
            if stem in made.modules:
                problems.add(Place(file, 1), f"the module '{stem}' has the name of {made.modules[stem].file}.")
                continue
            made.modules[stem] = read_module(stem, file, text, problems)
            made.unreadable |= made.modules[stem].unreadable
        elif kind in ("drugs", "conditions"):
            _add_toml(made, made.drugs if kind == "drugs" else made.conditions, file, text, stem)
    return made


def _add_toml(made: Biology, into: dict[str, Toml], file: str, text: str, stem: str) -> None:
    """Add a drug or condition under its id (the file's name, if it gives none)."""
    own = Problems()
    document = read_toml(text, file, own)
    if document is None:
        made.broken[stem] = own
        return
    name = document.content.get("id", stem)
    if not isinstance(name, str):
        made.problems.add(Place(file, 1), "the id is not a text.")
        return
    if name in into:
        made.problems.add(document.place("id"), f"the id '{name}' is also in {into[name].place('id')}.")
        return
    into[name] = document
