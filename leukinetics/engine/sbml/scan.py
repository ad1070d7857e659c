"""A first look at SBML as plain XML, before libSBML parses it.

libSBML overflows its stack on very deep documents and reports malformed ones at length; this look costs a
few milliseconds and says what is wrong, with the line.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from leukinetics.errors import ModelError, UnsupportedModelError

_MAX_DEPTH = 500  # of elements; libSBML overflows its stack in much deeper documents
#: Required packages that are read (``comp`` by flattening) or that leave the mathematics alone.
_READABLE = frozenset({"comp", "layout", "render", "groups", "annot", "l3v2extendedmath"})
_PACKAGE = re.compile(r"/level3/version\d+/([a-z0-9_]+)/version\d+")
_URI = "http://www.sbml.org/sbml"
_NAMESPACES = {
    ("1", "1"): f"{_URI}/level1",
    ("1", "2"): f"{_URI}/level1",
    ("2", "1"): f"{_URI}/level2",
    **{("2", v): f"{_URI}/level2/version{v}" for v in "2345"},
    **{("3", v): f"{_URI}/level3/version{v}/core" for v in "12"},
}


def scan(sbml: str) -> None:
    """Check ``sbml`` for well-formedness, size of nesting and packages that change the mathematics.

    Raises ModelError and UnsupportedModelError, naming the line.
    """
    _Scan().parse(sbml)


class _Scan:
    def __init__(self) -> None:
        self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.EntityDeclHandler = self._entity

    def parse(self, sbml: str) -> None:
        try:
            self._parser.Parse(sbml.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise ModelError(f"The SBML is not well-formed XML: {reason}, line {error.lineno}.") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 1:
            self._root(name, attributes)
        if self._depth > _MAX_DEPTH:
            raise ModelError(f"{self._line}: elements are nested more than {_MAX_DEPTH} deep.")

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _entity(self, *_: object) -> None:
        raise ModelError(f"{self._line}: entity declarations are not allowed in SBML.")

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "sbml":
            raise ModelError(f"{self._line}: this is XML but not SBML; its first element is '{name}'.")
        self._check_level(name, attributes)
        for key, value in attributes.items():
            prefix, _, attribute = key.partition(":")
            if attribute != "required" or value not in ("true", "1"):
                continue
            uri = attributes.get(f"xmlns:{prefix}", "")
            package = _PACKAGE.search(uri)
            package_name = package[1] if package else prefix
            if package_name not in _READABLE:
                raise UnsupportedModelError(
                    f"{self._line}: the SBML package '{package_name}' changes the mathematics of the model "
                    "and is not supported."
                )

    def _check_level(self, name: str, attributes: dict[str, str]) -> None:
        """libSBML ends the whole process on some combinations that do not exist."""
        level, version = attributes.get("level", ""), attributes.get("version", "")
        prefix = name.rpartition(":")[0]
        found = attributes.get(f"xmlns:{prefix}" if prefix else "xmlns", "")
        expected = _NAMESPACES.get((level, version))
        if expected is None:
            raise ModelError(f"{self._line}: there is no SBML Level '{level}' Version '{version}'.")
        if found != expected:
            raise ModelError(
                f"{self._line}: SBML Level {level} Version {version} has the namespace '{expected}', "
                f"this file declares '{found}'."
            )

    @property
    def _line(self) -> str:
        return f"line {self._parser.CurrentLineNumber}"
