"""Protocols that are TOML files: read, checked, with the text they came from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import PrivateAttr, ValidationError

from leukinetics.errors import ProtocolError
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.checks.schema import report_entry
from leukinetics.trial.protocol import Part
from leukinetics.trial.toml_text import toml_text


class FromToml(Part):
    """A whole file. ``text`` is its TOML as it was read; ``beside`` the path of what it names."""

    _text: str = PrivateAttr("")
    _file: str = PrivateAttr("")

    @property
    def text(self) -> str:
        """The protocol as TOML."""
        return self._text

    def beside(self, name: str) -> Path:
        """The path of a file that is named in the protocol, relative to the protocol's folder."""
        return Path(self._file).parent / name if self._file else Path(name)


Kind = TypeVar("Kind", bound=FromToml)


def read_toml(kind: type[Kind], given: str | Path | Mapping[str, Any] | Kind, what: str) -> Kind:
    """Read and check a protocol: the path of a TOML file, or its content as a mapping; ``what`` it is, in words.

    ProtocolError where there is no such file, or with one line per problem, each naming the key and the line.
    """
    if isinstance(given, kind):
        return given
    if isinstance(given, Mapping):
        return _checked(kind, given, "", toml_text(given))
    path = str(given)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        raise ProtocolError(f"The {what} '{path}' cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ProtocolError(f"The {what} '{path}' is not valid TOML: {error}.") from error
    return _checked(kind, data, path, text)


def has_table(path: str | Path, name: str) -> bool:
    """Whether a file is TOML with a table of that name."""
    try:
        return name in tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False


def _checked(kind: type[Kind], data: Mapping[str, Any], file: str, text: str) -> Kind:
    problems = Problems(file, text, data)
    try:
        found = kind.model_validate(dict(data))
    except ValidationError as error:
        for entry in error.errors(include_url=False):
            report_entry(entry, problems, kind)
    problems.raise_if_any()
    found._text, found._file = text, file
    return found
