"""Checks that drug and condition files share: known keys, choices, tables where tables must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leukinetics.biology.problems import Problems
from leukinetics.biology.tables import Toml
from leukinetics.errors import suggest

Key = str | int


class TomlChecks:
    """Reads parts of one document; what is wrong with them becomes a problem with its line."""

    def __init__(self, document: Toml, problems: Problems) -> None:
        self.document, self.problems = document, problems
        self.content = document.content

    def add(self, message: str, *path: Key, near: str = "", known: Iterable[str] = ()) -> None:
        """A problem at a key; suggests the names in ``known`` that resemble ``near``."""
        self.problems.add(self.document.place(*path), message, suggest(near, known) if near else "")

    def known(self, table: Mapping[str, Any], known: Sequence[str], *path: Key, what: str = "") -> None:
        """Every key of ``table`` must be one of ``known``; ``what`` is what has no such key."""
        for key in table:
            if key not in known:
                where = what or f"[{dotted(path)}]"
                self.add(f"'{key}' is unknown in {where}.", *path, key, near=key, known=known)

    def table(self, key: str) -> dict[str, Any]:
        """A table at the top of the document; empty if there is none."""
        value = self.content.get(key, {})
        if isinstance(value, dict):
            return value
        self.add(f"'{key}' must be a table, written [{key}].", key)
        return {}

    def named_tables(self, key: str) -> list[tuple[str, dict[str, Any]]]:
        """``[key.name]`` tables as (name, table)."""
        found = []
        for name, table in self.table(key).items():
            if isinstance(table, dict):
                found.append((name, table))
            else:
                self.add(f"'{name}' must be a table, written [{key}.{name}].", key, name)
        return found

    def tables(self, *path: str) -> list[dict[str, Any]]:
        """The tables of ``[[path]]``; empty if there are none."""
        value: Any = self.content
        for key in path:
            value = value.get(key, []) if isinstance(value, dict) else []
        if isinstance(value, list) and all(isinstance(v, dict) for v in value):
            return value
        self.add(f"'{dotted(path)}' must be tables, each written [[{dotted(path)}]].", *path)
        return []

    def choice(self, value: Any, known: tuple[str, ...], *path: Key) -> str:
        """``value`` if it is one of ``known``, else the first of them (and a problem)."""
        if value in known:
            return str(value)
        what = "is missing" if value is None else f"is '{value}'"
        self.add(f"'{dotted(path)}' {what}; it is one of {', '.join(known)}.", *path, near=str(value), known=known)
        return known[0]

    def choices(self, value: Any, known: tuple[str, ...], *path: Key) -> tuple[str, ...]:
        """A list out of ``known``; what is none of them is left out (and a problem)."""
        if not isinstance(value, list):
            self.add(f"'{dotted(path)}' must be a list out of {', '.join(known)}.", *path)
            return ()
        for v in value:
            self.choice(v, known, *path)
        return tuple(v for v in value if v in known)


def dotted(path: Iterable[Key]) -> str:
    """A path as TOML writes it, without the numbers of array entries."""
    return ".".join(key for key in path if isinstance(key, str))
