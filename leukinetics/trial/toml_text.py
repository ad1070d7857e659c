"""A mapping of plain values as TOML text: what the standard library reads but does not write."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from leukinetics.errors import ProtocolError


def toml_text(data: Mapping[str, Any]) -> str:
    """TOML of nested mappings, lists, texts, numbers and truth values; ProtocolError for anything else."""
    lines: list[str] = []
    _table(data, (), lines)
    return "\n".join(lines).strip() + "\n"


def _table(data: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    later: list[tuple[str, Any]] = []
    for key, value in data.items():
        if (isinstance(value, Mapping) and not path) or _is_tables(value):
            later.append((str(key), value))
        elif value is not None:
            lines.append(f"{_key(str(key))} = {_value(value, (*path, str(key)))}")
    for key, value in later:
        name = ".".join(_key(k) for k in (*path, key))
        for item in [value] if isinstance(value, Mapping) else value:
            lines += ["", f"[{name}]" if isinstance(value, Mapping) else f"[[{name}]]"]
            _table(item, (*path, key), lines)


def _is_tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(v, Mapping) for v in value)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else _text(key, (key,))


def _value(value: Any, path: tuple[str, ...]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(v, path) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(k))} = {_value(v, (*path, str(k)))}" for k, v in value.items()) + "}"
    raise ProtocolError(f"The protocol's '{'.'.join(path)}' is {value!r:.40}; expected text, a number or a table.")


def _text(text: str, path: tuple[str, ...]) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ProtocolError(f"The protocol's {path[-1]!a:.40} has characters that are none of any text.") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
