"""What a module is made of: statements, functions and a header, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from leukinetics.biology.formula import Function, Node
from leukinetics.biology.problems import Place


@dataclass
class Statement:
    """One statement. ``kind``: compartment, species, initial, rule, rate, reaction or event.

    ``unit`` is the symbol's unit where the text cannot show it (statements that drugs emit). The formula of an event is
    its trigger; its ``parts`` are statements of the kinds delay, priority and assignment (of a new value to ``name``).
    """

    kind: str
    name: str
    place: Place
    text: str
    formula: Node | None = None
    compartment: str = ""
    substance_only: bool = False
    reactants: tuple[tuple[float, str], ...] = ()
    products: tuple[tuple[float, str], ...] = ()
    entity: str = ""
    description: str = ""
    unit: str = ""
    parts: tuple[Statement, ...] = ()
    initially: bool = True  # the trigger before the start (t0)
    persistent: bool = True  # whether a delayed event happens although its trigger has become false again
    values_at_trigger: bool = True  # whether the values of a delayed event are those at its trigger (fromTrigger)

    @property
    def formulas(self) -> Iterator[Node]:
        """All its formulas: its own and those of its parts."""
        for statement in (self, *self.parts):
            if statement.formula is not None:
                yield statement.formula

    @property
    def reads(self) -> list[str]:
        """The symbols that its formulas use, in order, each once."""
        return list(dict.fromkeys(name for formula in self.formulas for name in formula.names))

    @property
    def assignments(self) -> list[Statement]:
        """The new values of an event."""
        return [part for part in self.parts if part.kind == "assignment"]

    def part(self, kind: str) -> Statement | None:
        """The delay or the priority of an event, if it has one."""
        return next((part for part in self.parts if part.kind == kind), None)


@dataclass
class Module:
    """A module file: its statements, functions (with places) and header comment.

    ``unreadable``: names that statements define which could not be read; ``garbled``: all words of those statements.
    """

    name: str
    file: str
    statements: list[Statement] = field(default_factory=list)
    functions: list[tuple[Function, Place]] = field(default_factory=list)
    header: str = ""
    unreadable: set[str] = field(default_factory=set)
    garbled: set[str] = field(default_factory=set)

    @property
    def group(self) -> str:
        """The folder in ``modules/`` that the file is in; "" for a module of the core."""
        return self.file.partition("/")[2].rpartition("/")[0]

    @property
    def defines(self) -> set[str]:
        """Names that the statements declare or give a value to."""
        return {s.name for s in self.statements}
