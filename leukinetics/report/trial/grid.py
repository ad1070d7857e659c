"""A table of the report."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grid:
    """A table: ``head``, groups of rows under a title (empty: none), the columns that are text, and its CSV file."""

    caption: str
    head: list[str]
    groups: list[tuple[str, list[list[str]]]]
    words: set[int] = field(default_factory=lambda: {0})
    csv: str = ""
