"""Where the keys of a TOML file stand: the standard library reads TOML but does not say on which line.

The text must be valid TOML (read it with :mod:`tomllib` first); values are skipped over, not understood.
"""

from __future__ import annotations

import bisect
import re
import tomllib
from collections.abc import Sequence

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}' r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every key, table and list entry: ``("arm", 1, "dose", 0, "route")`` -> 14."""
    scanner = _Scanner(text)
    scanner.read()
    return scanner.lines


def line_of(path: Sequence[str | int], lines: dict[Path, int]) -> int | None:
    """The line of a key, or of the nearest table that would hold it; None at the top of the file."""
    return next((lines[tuple(path[:n])] for n in range(len(path), 0, -1) if tuple(path[:n]) in lines), None)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}  # of the entries of arrays of tables
        self.ends = [found.start() for found in re.finditer("\n", text)]

    def read(self) -> None:
        table: Path = ()
        while self._skip() < len(self.text):
            if self.text.startswith("[[", self.at):
                table = self._header(2, several=True)
            elif self.text[self.at] == "[":
                table = self._header(1, several=False)
            else:
                self._pair(table)

    def _skip(self) -> int:
        """Past white space and comments."""
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _note(self, path: Path, at: int) -> None:
        self.lines.setdefault(path, bisect.bisect_left(self.ends, at) + 1)

    def _header(self, brackets: int, several: bool) -> Path:
        start = self.at
        self.at += brackets
        path: Path = ()
        keys = self._key()
        for n, key in enumerate(keys):
            path = (*path, key)
            self._note(path, start)
            last = n == len(keys) - 1
            if last and several:
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
                self._note(path, start)
        self._skip()
        self.at += brackets
        return path

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip()
            if found := _STRING.match(self.text, self.at):
                parts.append(str(tomllib.loads(f"x = {found.group()}")["x"]))
            elif not (found := _BARE.match(self.text, self.at)):
                raise ValueError("the text is not valid TOML")
            else:
                parts.append(found.group())
            self.at = found.end()
            self._skip()
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def _pair(self, table: Path) -> None:
        start, path = self.at, table
        for key in self._key():
            path = (*path, key)
            self._note(path, start)
        self.at += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip()
        if found := _STRING.match(self.text, self.at):
            self.at = found.end()
        elif self.text[self.at] == "[":
            self._list(path)
        elif self.text[self.at] == "{":
            self.at += 1
            while self._skip() < len(self.text) and self.text[self.at] != "}":
                self._pair(path)
                self._comma()
            self.at += 1
        elif found := _PLAIN.match(self.text, self.at):
            self.at = found.end()

    def _list(self, path: Path) -> None:
        self.at, n = self.at + 1, 0
        while self._skip() < len(self.text) and self.text[self.at] != "]":
            self._note((*path, n), self.at)
            self._value((*path, n))
            self._comma()
            n += 1
        self.at += 1

    def _comma(self) -> None:
        self._skip()
        self.at += self.text.startswith(",", self.at)
