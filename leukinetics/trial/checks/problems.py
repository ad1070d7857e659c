"""All that is wrong with a protocol, gathered, so that its writer is told everything at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leukinetics.errors import ProtocolError, suggest
from leukinetics.trial.checks.lines import Path, key_lines, line_of
from leukinetics.trial.protocol import Protocol


class Problems:
    """The problems of one protocol.

    ``file``: its name as the user gave it, empty for a mapping, which has no lines; ``text``: the file's text;
    ``data``: the protocol as plain values, from which the names of arms and endpoints are taken; by default the text's.
    """

    def __init__(self, file: str = "", text: str = "", data: Mapping[str, Any] | None = None) -> None:
        self.file, self._text, self._data = file, text, data
        self._found: list[tuple[Path, str, str]] = []  # where, the key of a whole table's problem, what
        self._ignored: set[Path] = set()

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._sentences())

    def add(self, where: Sequence[str | int], text: str, *, key: str = "") -> None:
        """Note a problem at a key; or of a table as a whole, with the ``key`` on whose line it is seen."""
        if not self.ignores(where):
            self._found.append((tuple(where), key, text))

    def unknown(self, where: Sequence[str | int], what: str, name: str, known: Iterable[str]) -> None:
        """Note that there is no ``what`` of this ``name``, with the nearest one that there is."""
        known = list(dict.fromkeys(known))
        near = suggest(name, known)
        if not near and len(known) <= 20:
            near = f" There {'is' if len(known) == 1 else 'are'} {', '.join(known) or 'none'}."
        self.add(where, f"there is no {what} '{name:.60}'.{near}")

    def ignore(self, where: Sequence[str | int]) -> None:
        """Say no more about a part that has been found unusable."""
        self._ignored.add(tuple(where))

    def ignores(self, where: Sequence[str | int]) -> bool:
        """Whether a place lies in a part that is unusable."""
        path = tuple(where)
        return any(path[:n] in self._ignored for n in range(len(path) + 1))

    def whole(self, where: Sequence[str | int]) -> bool:
        """Whether nothing in a part is unusable, so that what is missing from it is missing indeed."""
        path = tuple(where)
        return not self.ignores(path) and not any(ignored[: len(path)] == path for ignored in self._ignored)

    def raise_if_any(self) -> None:
        """ProtocolError with one line per problem."""
        if self._found:
            raise ProtocolError(self.text())

    def text(self) -> str:
        """One line per problem; of a file in the order of its lines, below a line with their number."""
        found = self._sentences()
        if self.file and len(found) > 1:
            return "\n".join([f"{self.file} has {len(found)} problems:", *found])
        return "\n".join(found)

    def _sentences(self) -> list[str]:
        if not self.file:
            return list(dict.fromkeys(f"{self._place(p)}: {t}" if p else t for p, _, t in self._found))
        lines = key_lines(self._text)
        sentences = []
        for path, key, text in self._found:
            line = line_of((*path, key) if key else path, lines)
            parts = [self.file, *([f"line {line}"] if line else []), *([self._place(path)] if path else [])]
            sentences.append((line or 0, f"{', '.join(parts)}: {text}"))
        return list(dict.fromkeys(sentence for _, sentence in sorted(sentences, key=lambda s: s[0])))

    def _place(self, path: Path) -> str:
        """Words for a path: ``arm 2 ('150 mg'), dose 1, amount``."""
        words: list[str] = []
        data: Any = tomllib.loads(self._text) if self._data is None else self._data
        for step in path:
            if isinstance(step, int):
                data = data[step] if isinstance(data, (list, tuple)) and step < len(data) else None
                name = (data.get("name") or data.get("id")) if isinstance(data, Mapping) else None
                words[-1:] = [f"{words[-1] if words else 'entry'} {step + 1}" + (f" ('{name!s:.60}')" if name else "")]
            else:
                data = data.get(step) if isinstance(data, Mapping) else None
                words.append(str(step))
        return ", ".join(words)


def problems_of(protocol: Protocol) -> Problems:
    """An empty collection for a protocol that has been read."""
    return Problems(protocol._file, protocol.text)
