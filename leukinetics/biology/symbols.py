"""The names of a composed model and what defines each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leukinetics.biology.formula import Function, Node
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.problems import Place
from leukinetics.biology.records import Readout
from leukinetics.biology.statements import Statement


@dataclass
class Symbol:
    """One name of the model.

    ``kind``: parameter, compartment, species, state (a variable with a rate rule), discrete (one that only events
    change), rule, constant (derived from parameters at the start), reaction, event or readout. ``owner``: a module, a
    drug, "condition", "targets" (ports), "readouts" or "core" (parameters). ``unit`` is given only where no formula
    shows it.
    """

    name: str
    kind: str
    place: Place
    owner: str
    entity: str = ""
    description: str = ""
    compartment: str = ""
    substance_only: bool = False
    parameter: Parameter | None = None
    readout: Readout | None = None
    reaction: Statement | None = None
    initial: Statement | None = None
    rule: Statement | None = None
    rate: Statement | None = None
    event: Statement | None = None
    unit: str = ""

    @property
    def statements(self) -> list[Statement]:
        """All that define it."""
        return [s for s in (self.reaction, self.event, self.initial, self.rule, self.rate) if s is not None]


@dataclass
class Composition:
    """A model that is complete but for its units.

    ``symbols`` in order of definition; ``used``: names in formulas; ``unknown``: those of them that nothing defines;
    ``garbled``: words of statements that could not be read, which may have defined or changed something.
    """

    symbols: dict[str, Symbol] = field(default_factory=dict)
    formulas: dict[int, Node] = field(default_factory=dict)  # id of a statement or readout -> expanded formula
    statements: list[Statement] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    garbled: set[str] = field(default_factory=set)

    def formula(self, item: Statement | Readout) -> Node:
        """The formula of a statement or readout, with user functions expanded."""
        return self.formulas[id(item)]

    def has_formula(self, item: Statement | Readout | None) -> bool:
        """Whether there is one that can be understood."""
        return item is not None and id(item) in self.formulas

    def events_on(self, name: str) -> list[tuple[Symbol, Statement]]:
        """Events that set ``name``, each with its assignment."""
        events = ((s, s.event) for s in self.of_kind("event") if s.event is not None)
        return [(symbol, a) for symbol, event in events for a in event.assignments if a.name == name]

    def of_kind(self, *kinds: str) -> list[Symbol]:
        """Symbols of some kinds, in order."""
        return [s for s in self.symbols.values() if s.kind in kinds]


def find_circle(reads: Mapping[str, list[str]]) -> list[str]:
    """The first circle ``[a, b, ..., a]`` among names that read each other; empty if there is none."""
    done: set[str] = set()
    for root in reads:
        path: list[tuple[str, list[str]]] = [] if root in done else [(root, list(reads[root]))]
        while path:
            name, rest = path[-1]
            if not rest:
                path.pop()
                done.add(name)
                continue
            following = rest.pop()
            names = [n for n, _ in path]
            if following in names:
                return [*names[names.index(following) :], following]
            if following in reads and following not in done:
                path.append((following, list(reads[following])))
    return []
