"""Fitted values into the tables they came from, with nothing else touched.

A file is edited as text, one number a parameter, and read again: unless exactly the intended numbers have
changed, nothing is written. Either all files are edited or none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leukinetics.calibration.parameters import Parameter
from leukinetics.engine.stream import replacing
from leukinetics.errors import DataError

_VALUE = re.compile(r"(?<![\w.-])(value\s*=\s*)([-+]?[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][-+]?[0-9]+)?)")
_HEADER = re.compile(r"\s*\[")
DIGITS = 6


def written(value: float) -> str:
    """A number as it is committed: six significant digits."""
    return f"{value:.{DIGITS}g}"


def write_back(parameters: Sequence[Parameter], values: Mapping[str, float]) -> list[Path]:
    """Put ``values`` (by key, published units) into the parameters' files; the files that changed.

    Raises DataError, with nothing written, where a row is no longer where it was read.
    """
    edits: dict[Path, list[tuple[Parameter, str]]] = {}
    for p in parameters:
        if p.key in values:
            if p.file is None:
                raise DataError(f"'{p.key}' does not come from a file, so its value cannot be written back.")
            edits.setdefault(p.file, []).append((p, written(values[p.key])))
    texts = {path: _edited(path, rows) for path, rows in edits.items()}
    changed = [path for path, text in texts.items() if text != _read(path)]
    for path in changed:
        with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
            file.write(texts[path])
    return changed


def _read(path: Path) -> str:
    with open(path, encoding="utf-8", newline="") as file:  # line ends as they are
        return file.read()


def _edited(path: Path, rows: list[tuple[Parameter, str]]) -> str:
    text = _read(path)
    lines = text.splitlines(keepends=True)
    edit = _edit_toml if path.suffix == ".toml" else _edit_tsv
    for parameter, number in rows:
        edit(path, lines, parameter, number)
    result = "".join(lines)
    if path.suffix == ".toml":
        before, after = _leaves(tomllib.loads(text)), _leaves(tomllib.loads(result))
        moved = [key for key in before if before[key] != after.get(key)]
        if set(before) != set(after) or len(moved) > len(rows) or any(key[-1] != "value" for key in moved):
            raise DataError(f"Writing the fitted values into '{path}' would change more than them; edit it by hand.")
    return result


def _edit_tsv(path: Path, lines: list[str], parameter: Parameter, number: str) -> None:
    header = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    columns = [cell.strip() for cell in header.rstrip("\r\n").split("\t")]
    line = lines[parameter.line - 1] if 0 < parameter.line <= len(lines) else ""
    body = line.rstrip("\r\n")
    cells = body.split("\t")
    name = cells[0].strip()
    column = next((columns.index(c) for c in ("value", "effect_per_allele") if c in columns), len(cells))
    if column >= len(cells) or name not in (parameter.id, *parameter.id.split(":")):
        raise _moved(path, parameter)
    cells[column] = number
    lines[parameter.line - 1] = "\t".join(cells) + line[len(body) :]


def _edit_toml(path: Path, lines: list[str], parameter: Parameter, number: str) -> None:
    for i in range(max(parameter.line - 1, 0), len(lines)):
        if i > parameter.line - 1 and _HEADER.match(lines[i]):
            break
        found = _VALUE.search(lines[i])
        if found and not lines[i].lstrip().startswith("#"):
            if float(found[2]) != parameter.value:
                break
            lines[i] = lines[i][: found.start(2)] + number + lines[i][found.end(2) :]
            return
    raise _moved(path, parameter)


def _moved(path: Path, parameter: Parameter) -> DataError:
    return DataError(
        f"'{path}', line {parameter.line}, no longer holds the value {parameter.value:g} of '{parameter.key}': "
        "the file has changed since the calibration began. Run it again."
    )


def _leaves(node: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if items is None:
        return {path: node}
    return {leaf: value for key, child in items for leaf, value in _leaves(child, (*path, key)).items()}
