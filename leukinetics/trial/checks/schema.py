"""From a mapping to a protocol; where it is malformed, everything wrong with it and what is left of it.

What is left is checked like a whole protocol, so that one run tells of a misspelt key and of a missing drug. A part
that cannot be used is replaced by one that stands for nothing, and the problems ignore that part from then on.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from leukinetics.errors import suggest
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.protocol import Also, Arm, Dose, Endpoint, Match, Part, Protocol, Rule, Subgroup, Threshold
from leukinetics.trial.protocol.fields import APART, UNFIT

_ROUNDS = 6
_SHOWN = 40  # characters of what was found
_LENGTHS = {
    "string_too_short": "it must not be empty.",
    "string_too_long": "it has more than {max_length:,} characters; write it shorter.",
}
_NOTHING = "?"
_STANDS_FOR_NOTHING: dict[type[Part], dict[str, Any]] = {
    Arm: {"name": _NOTHING},
    Dose: {"drug": _NOTHING, "amount": "1 mg", "route": _NOTHING},
    Endpoint: {"id": _NOTHING, "observable": _NOTHING, "kind": "value", "at": 0},
    Rule: {"id": _NOTHING, "observable": _NOTHING, "when": "> 0", "at": [0], "action": "stop"},
    Match: {"observable": _NOTHING, "mean": 0.0},
    Subgroup: {"id": _NOTHING, "on": _NOTHING, "quantiles": 2},
    Threshold: {"biomarker": _NOTHING},
    Also: {"condition": _NOTHING},
}
_HEAD = {"name": _NOTHING, "condition": _NOTHING, "duration": "1 d", "patients_per_arm": 1}
_NEEDED: dict[str, Any] = {
    "trial": _HEAD,
    "arm": [_STANDS_FOR_NOTHING[Arm]],
    "endpoint": [_STANDS_FOR_NOTHING[Endpoint]],
}


def read_tables(data: Mapping[str, Any], problems: Problems) -> Protocol | None:
    """The protocol; where there are problems, which are added, what could be made of it: None if nothing."""
    left: Any = dict(data)
    for attempt in range(_ROUNDS):
        try:
            return Protocol.model_validate(left, context={APART: attempt > 0})
        except ValidationError as error:
            found: Any = error.errors(include_url=False, include_input=attempt == 0)
        if attempt == 0:
            for entry in found:
                report_entry(entry, problems)
            left = _plain(data)
        for entry in found:
            _mend(left, entry, problems)
    return None


def report_entry(entry: Any, problems: Problems, root: type[Part] = Protocol) -> None:
    """Add what pydantic says of one place of a file whose top is ``root``."""
    loc, kind = entry["loc"], entry["type"]
    if kind == UNFIT:
        problems.add(loc, entry["ctx"]["text"], key=entry["ctx"]["key"])
    elif kind == "extra_forbidden":
        problems.add(loc[:-1], unknown_key(root, loc), key=str(loc[-1]))
    else:
        problems.add(tuple(s for s in loc if s != "[key]"), _message(entry))


def unknown_key(root: type[Part], loc: tuple[Any, ...]) -> str:
    """A sentence about a key at ``loc`` that its table, in a file whose top is ``root``, does not know."""
    known, name = _innermost(loc[:-1], root)[0].known_keys(), str(loc[-1])
    return f"unknown key '{name:.60}'; known are {', '.join(known)}.{suggest(name, known)}"


def _message(entry: Any) -> str:
    if entry["type"] == "missing":
        return "this key is missing; add it."
    if entry["type"] == "too_short":
        return "there must be at least one."
    if entry["type"] in _LENGTHS:
        return _LENGTHS[entry["type"]].format(**entry["ctx"])
    given = "" if entry["type"] == "value_error" else f" (it is {shorten(repr(entry.get('input')))})"
    text = str(entry["msg"]).removeprefix("Value error, ")
    text = text.replace("a valid integer", "a whole number").replace("a valid string", "text")
    text = text.replace("valid dictionary or instance of ", "table, such as of ").replace("valid dictionary", "table")
    return text if text.endswith(("?", ".")) and not given else text.rstrip(".") + given + "."


def shorten(text: str) -> str:
    """The beginning of a text that may be long, and dots where it goes on."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _mend(left: Any, entry: Any, problems: Problems) -> None:
    """Take what an error is about out of ``left``, or put what stands for nothing in its place."""
    if entry["type"] == UNFIT:
        return  # each key is right on its own
    table, path = _innermost(entry["loc"])
    rest = entry["loc"][len(path) :]
    key = rest[0] if rest else None
    here = _at(left, path)
    if entry["type"] == "extra_forbidden" and isinstance(here, dict):
        here.pop(key, None)
        return
    if table is Protocol and not (len(rest) > 1 and _is_names(_field(table, key))):
        _replace(left, (key,), _NEEDED.get(str(key)), problems)
    elif isinstance(here, dict) and key is not None and path == ("trial",) and key in _HEAD:
        _replace(left, (*path, key), _HEAD[str(key)], problems)
    elif isinstance(here, dict) and key in here and not _field(table, key).is_required():
        inner = rest[:2] if _is_names(_field(table, key)) and len(rest) > 1 and rest[1] in here[key] else rest[:1]
        _replace(left, (*path, *inner), None, problems)
    elif table in _STANDS_FOR_NOTHING:
        nothing = dict(_STANDS_FOR_NOTHING[table])
        for name in ("name", "id"):
            if name in nothing and isinstance(here, dict) and isinstance(here.get(name), str) and here[name]:
                nothing[name] = here[name][:200]
        _replace(left, path, nothing, problems)
    else:
        _replace(left, path, _NEEDED.get(str(path[0])), problems)


def _replace(left: Any, path: tuple[Any, ...], value: Any, problems: Problems) -> None:
    problems.ignore(path)
    holder = _at(left, path[:-1])
    if value is None and isinstance(holder, dict):
        holder.pop(path[-1], None)
    elif isinstance(holder, dict) or (isinstance(holder, list) and isinstance(path[-1], int)):
        holder[path[-1]] = _plain(value)


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def _plain(value: Any) -> Any:
    """A copy that may be changed."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value


def _innermost(loc: tuple[Any, ...], root: type[Part] = Protocol) -> tuple[type[Part], tuple[Any, ...]]:
    """The innermost table that a place of the schema lies in, and the path of that table."""
    table = root
    found: tuple[type[Part], tuple[Any, ...]] = (root, ())
    inner: type[Part] | None = root
    listed = False
    for n, step in enumerate(loc):
        if isinstance(step, int) and listed:
            listed = False
            if inner is not None:
                found = (inner, tuple(loc[: n + 1]))
                table = inner
            continue
        if inner is None or not isinstance(step, str):
            break
        field = _fields(table).get(step)
        if field is None:
            break
        inner, listed = part_of(field.annotation)
        if inner is not None and not listed:
            found = (inner, tuple(loc[: n + 1]))
            table = inner
    return found


def _fields(table: type[Part]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in table.model_fields.items()}


def _field(table: type[Part], key: Any) -> FieldInfo:
    return _fields(table).get(str(key), FieldInfo(default=None))


def _is_names(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is dict


def part_of(annotation: Any) -> tuple[type[Part] | None, bool]:
    """(the table that a field holds, whether it holds a list of them)."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return part_of(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return next((p for a in get_args(annotation) if (p := part_of(a))[0]), (None, False))
    if origin is list:
        return part_of(get_args(annotation)[0])[0], True
    return (annotation, False) if isinstance(annotation, type) and issubclass(annotation, Part) else (None, False)
