"""Reading a protocol from a TOML file or a mapping."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leukinetics.errors import ProtocolError
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.toml_text import toml_text


def read_protocol(protocol: str | Path | Mapping[str, Any] | Protocol) -> Protocol:
    """Read and check a trial's protocol.

    ``protocol``: the path of a TOML file, or its content as a mapping (a Protocol is handed back as it is).

    Raises
    ------
    ProtocolError
        If there is no such file or it is no TOML; or with one line per problem, each naming the key.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if isinstance(protocol, Mapping):
        return _check(protocol, "", toml_text(protocol))
    if not isinstance(protocol, (str, Path)):
        raise ProtocolError(f"{protocol!r:.40} is no protocol; give the path of a TOML file, or a mapping.")
    path = Path(protocol)
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        raise ProtocolError(f"The protocol '{path}' cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"The protocol '{path}' is not valid TOML: {error}.") from error
    return _check(data, f"{path}: ", text)


def _check(data: Mapping[str, Any], where: str, text: str) -> Protocol:
    try:
        protocol = Protocol.model_validate(dict(data))
    except ValidationError as error:
        problems = [f"{where}{_place(e['loc'], data)}{_message(e)}" for e in error.errors(include_url=False)]
        raise ProtocolError("\n".join(dict.fromkeys(problems))) from error
    protocol._text = text
    return protocol


def _place(loc: tuple[int | str, ...], data: Any) -> str:
    """Where in the file: ``arm 2 ('150 mg'), dose 1, amount: ``."""
    words: list[str] = []
    for step in loc:
        if isinstance(step, int):
            data = data[step] if isinstance(data, (list, tuple)) and step < len(data) else None
            name = (data.get("name") or data.get("id")) if isinstance(data, Mapping) else None
            words[-1] += f" {step + 1}" + (f" ('{name}')" if name else "")
        else:
            data = data.get(step) if isinstance(data, Mapping) else None
            words.append(step)
    return f"{', '.join(words)}: " if words else ""


def _message(error: Any) -> str:
    given = f" (it is {error['input']!r:.40})" if error["type"] not in ("missing", "value_error") else ""
    if error["type"] == "missing":
        return "this key is missing; add it."
    if error["type"] == "too_short":
        return "there must be at least one."
    text = str(error["msg"]).removeprefix("Value error, ")
    return text if text.endswith(("?", ".")) and not given else text.rstrip(".") + given + "."
