"""Reads targets: all that is wrong in any of their files is reported at once, with file and key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leukinetics.errors import DataError, ProtocolError, suggest
from leukinetics.evidence.readout import BASE, Among, Readout
from leukinetics.evidence.target import Target
from leukinetics.trial import read_protocol
from leukinetics.trial.checks.schema import unknown_key

FOLDER = Path(__file__).parent / "targets"


@dataclass(frozen=True)
class TargetProblem:
    """One thing to mend in a target file; ``key`` says where, such as ``readout 'crp_5', role``."""

    file: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.message}" if self.key else f"{self.file}: {self.message}"


class TargetError(DataError):
    """Targets that cannot be used; the message has one line per problem, ``problems`` the list."""

    def __init__(self, problems: Iterable[TargetProblem]) -> None:
        self.problems = list(problems)
        count = len(self.problems)
        head = f"The targets cannot be used: {count} problem{'' if count == 1 else 's'}."
        super().__init__("\n".join([head, *(f"  {p}" for p in self.problems)]))


def load_targets(folder: str | Path | None = None, ids: Iterable[str] | None = None) -> list[Target]:
    """The targets of a folder (default: the bundled ones), in the order of their files' names.

    ``ids``: only these. Raises TargetError with every problem of every file, DataError for an unknown id.
    """
    place = FOLDER if folder is None else Path(folder)
    if not place.is_dir():
        raise DataError(f"There is no folder of targets '{place}'.")
    found, problems = [], []
    for path in sorted(place.glob("*.toml")):
        target, wrong = read_target(path)
        problems += wrong
        if target is not None:
            found.append(target)
    seen: dict[str, Target] = {}
    for target in found:
        if target.id in seen:
            other = seen[target.id].file
            problems.append(TargetProblem(_name(target.file), "id", f"'{target.id}' is also that of {_name(other)}."))
        seen[target.id] = target
    if problems:
        raise TargetError(problems)
    names = [ids] if isinstance(ids, str) else ids
    return found if names is None else [_chosen(seen, name) for name in names]


def _chosen(targets: Mapping[str, Target], name: str) -> Target:
    if name not in targets:
        raise DataError(
            f"There is no target '{name}'.{suggest(name, targets) or ' They are ' + ', '.join(targets) + '.'}"
        )
    return targets[name]


def read_target(path: Path) -> tuple[Target | None, list[TargetProblem]]:
    """A target file, or what is wrong with it."""
    name = path.name
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return None, [TargetProblem(name, "", f"it cannot be read: {error.strerror or error}.")]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, [TargetProblem(name, "", f"it is not valid TOML: {error}.")]
    try:
        target = Target.model_validate(data)
    except ValidationError as error:
        return None, [_problem(name, e, data) for e in error.errors(include_url=False)]
    target._file = path
    return target, check_target(target, name)


def check_target(target: Target, file: str) -> list[TargetProblem]:
    """What does not fit together: names of arms, endpoints and variants, repeated ids, the protocol itself."""
    problems = []
    protocol = target.protocol
    names = {
        "arm": [str(a.get("name")) for a in protocol.get("arm", []) if isinstance(a, Mapping)],
        "endpoint": [str(e.get("id")) for e in protocol.get("endpoint", []) if isinstance(e, Mapping)],
        "variant": [BASE, *(v.name for v in target.variant)],
    }
    ids: set[str] = set()
    for readout in target.readout:
        where = f"readout '{readout.id}'"
        if readout.id in ids:
            problems.append(TargetProblem(file, f"{where}, id", "two readouts have this id; give each one its own."))
        ids.add(readout.id)
        for key, kind in _NAMES:
            value = getattr(readout, key)
            value = value.endpoint if isinstance(value, Among) else value
            if value and value not in names[kind]:
                near = suggest(value, names[kind])
                problems.append(TargetProblem(file, f"{where}, {key}", f"there is no {kind} '{value}'.{near}"))
    if not problems:
        problems += _protocols(target, file)
    return problems


_NAMES = (
    ("arm", "arm"),
    ("reference", "arm"),
    ("endpoint", "endpoint"),
    ("endpoint2", "endpoint"),
    ("per", "endpoint"),
    ("minus", "endpoint"),
    ("among", "endpoint"),
    ("reference_among", "endpoint"),
    ("variant", "variant"),
    ("reference_variant", "variant"),
)


def _protocols(target: Target, file: str) -> list[TargetProblem]:
    problems = []
    for variant in [BASE, *(v.name for v in target.variant)]:
        try:
            read_protocol(target.protocol_of(variant))
        except ProtocolError as error:
            key = "protocol" if variant == BASE else f"variant '{variant}', protocol"
            problems += [TargetProblem(file, key, line) for line in str(error).splitlines()]
    return problems


def _problem(file: str, error: Any, data: Any) -> TargetProblem:
    words: list[str] = []
    for step in error["loc"]:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
            name = (data.get("id") or data.get("name")) if isinstance(data, Mapping) else None
            words[-1] += f" '{name}'" if name else f" {step + 1}"
        else:
            data = data.get(step) if isinstance(data, Mapping) else None
            words.append(str(step))
    if error["type"] == "missing":
        return TargetProblem(file, ", ".join(words), "this key is missing; add it.")
    if error["type"] == "extra_forbidden":
        return TargetProblem(file, ", ".join(words[:-1]), unknown_key(Target, error["loc"]))
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    given = "" if error["type"] == "value_error" else f" (it is {error['input']!r:.40})"
    return TargetProblem(file, ", ".join(words), f"{text}{given}.")


def _name(path: Path | None) -> str:
    return path.name if path is not None else "?"


def readouts(targets: Iterable[Target], role: str | None = None) -> list[tuple[Target, Readout]]:
    """Every readout with its target, of one role or of all."""
    return [(t, r) for t in targets for r in t.readout if role is None or r.role == role]
