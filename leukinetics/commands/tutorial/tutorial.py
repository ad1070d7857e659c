"""What a tutorial is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from leukinetics.report.trial.style import Picture

Results = Mapping[str, Any]
#: The names of all tutorials: packages beside this file.
NAMES = ("ms", "mdd", "cachexia", "cohorts")


@dataclass(frozen=True)
class Tutorial:
    """A tutorial: ``parts`` compute its results by name, each out of the examples' folder; ``derived`` ones follow from
    those of others; ``figures`` draws them, in the order of the page; ``template`` is the page (Jinja, Markdown)."""

    name: str
    parts: Mapping[str, Callable[[Path], Any]]
    derived: Mapping[str, Callable[[Results], Any]]
    figures: Callable[[Results], list[Picture]]
    template: Path

    @property
    def page(self) -> str:
        """The page's file in the repository."""
        return f"docs/tutorial-{self.name}.md"

    @property
    def folder(self) -> str:
        """The folder of its figures and results in the repository."""
        return f"docs/figures/{self.name}"

    @property
    def results(self) -> str:
        """The file of its results in the repository."""
        return f"{self.folder}/results.json"

    def compute(self, examples: Path, found: dict[str, Any], only: Sequence[str] = ()) -> Iterator[str]:
        """Put the results of each part into ``found``, as JSON has them, and tell its name when it is done.

        ``examples``: the folder of the examples. ``only``: parts to compute anew (all where there are none); what is
        derived of parts is always made again.
        """
        for name, part in self.parts.items():
            if not only or name in only:
                found[name] = part(examples)
                yield name
        for name, derive in self.derived.items():
            found[name] = derive(found)
            yield name


def tutorial(name: str) -> Tutorial:
    """The tutorial of a name."""
    found: Tutorial = import_module(f"leukinetics.commands.tutorial.{name}").TUTORIAL
    return found
