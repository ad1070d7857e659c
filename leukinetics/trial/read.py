"""Reading a protocol from a TOML file or a mapping."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukinetics.errors import ProtocolError
from leukinetics.trial.checks.consistency import check_consistency
from leukinetics.trial.checks.problems import Problems, problems_of
from leukinetics.trial.checks.schema import read_tables
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.toml_text import toml_text


@dataclass
class Reading:
    """A protocol as far as it can be read, and all that is wrong with it so far."""

    protocol: Protocol | None
    problems: Problems


def read_protocol(protocol: str | Path | Mapping[str, Any] | Protocol) -> Protocol:
    """Read and check a trial's protocol.

    ``protocol``: the path of a TOML file, or its content as a mapping (a Protocol is handed back as it is).

    Raises
    ------
    ProtocolError
        If there is no such file or it is no TOML; or with one line per problem, each naming the key, and in a file
        the line. Whether the model has what the protocol asks for is seen by :func:`leukinetics.trial.prepare`.
    """
    if isinstance(protocol, Protocol):
        return protocol
    reading = look_through(protocol)
    reading.problems.raise_if_any()
    assert reading.protocol is not None, "what is not read has problems"
    return reading.protocol


def look_through(protocol: str | Path | Mapping[str, Any] | Protocol) -> Reading:
    """Read a protocol and gather what is wrong with it. ProtocolError where there is no file, or no TOML in it."""
    if isinstance(protocol, Protocol):
        problems = problems_of(protocol)
        check_consistency(protocol, problems)
        return Reading(protocol, problems)
    if isinstance(protocol, Mapping):
        return _look(protocol, "", "")
    if not isinstance(protocol, (str, Path)):
        raise ProtocolError(f"{protocol!r:.40} is no protocol; give the path of a TOML file, or a mapping.")
    path = Path(protocol)
    try:
        text = path.read_text(encoding="utf-8-sig")
        data = tomllib.loads(text)
    except OSError as error:
        raise ProtocolError(f"The protocol '{path}' cannot be read: {error.strerror or error}.") from error
    except RecursionError:
        raise ProtocolError(f"The protocol '{path}' is not valid TOML: lists or tables are too deep.") from None
    except ValueError as error:  # of the text, of its encoding, or of the path
        raise ProtocolError(f"The protocol '{path}' is not valid TOML: {error}.") from error
    return _look(data, str(path), text)


def _look(data: Mapping[str, Any], file: str, text: str) -> Reading:
    problems = Problems(file, text, data)
    try:
        protocol = read_tables(data, problems)
        text = text or toml_text(data)
    except RecursionError:
        problems.add((), "lists or tables are too deep.")
        return Reading(None, problems)
    except UnicodeEncodeError:
        problems.add((), "there are characters in it that are none of any text.")
        return Reading(None, problems)
    except ProtocolError as error:
        problems.add((), str(error))
        return Reading(None, problems)
    if protocol is not None:
        protocol._text, protocol._file = text, file
        check_consistency(protocol, problems)
    return Reading(protocol, problems)
