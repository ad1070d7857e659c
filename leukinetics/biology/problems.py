"""What is wrong with the model's data: a list with places, so that all of it can be mended at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from leukinetics.errors import ModelError


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands: a file (relative to the biology folder) and its line, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend. ``severity`` "error" prevents assembly, "warning" does not."""

    file: str
    line: int
    message: str
    suggestion: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.message}{self.suggestion}"


class Problems:
    """A collector that keeps the first of equal problems."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def add(self, place: Place, message: str, suggestion: str = "", severity: str = "error") -> None:
        """Record a problem; ``suggestion`` is as :func:`leukinetics.errors.suggest` returns it."""
        self._found.setdefault(Problem(place.file, place.line, message, suggestion, severity))

    def extend(self, others: Iterable[Problem]) -> None:
        """Record the problems of another list."""
        for problem in others:
            self._found.setdefault(problem)

    @property
    def sorted(self) -> list[Problem]:
        """All problems by file and line."""
        return sorted(self._found)

    @property
    def errors(self) -> list[Problem]:
        """Those that prevent assembly, by file and line."""
        return [p for p in self.sorted if p.severity == "error"]


class BiologyError(ModelError):
    """The model's data cannot be assembled; the message has one line per problem, ``problems`` the list."""

    def __init__(self, problems: Iterable[Problem], what: str = "The model's data") -> None:
        self.problems = list(problems)
        count = len(self.problems)
        head = f"{what} cannot be assembled: {count} problem{'' if count == 1 else 's'}."
        super().__init__("\n".join([head, *(f"  {p}" for p in self.problems)]))
