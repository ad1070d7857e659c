"""Models that were read before, on disk: reading again skips libSBML and Antimony, whose loading takes longer.

An entry is JSON (nothing in it is executed) behind the SHA-256 of its text; one that does not match its sum, or
does not fit, is read anew. Its name is the hash of the model's text and of the reader's own code. A folder that
cannot be written is no error here: the model is just read every time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from leukinetics.engine.cache import cache_folder
from leukinetics.engine.expr import Graph
from leukinetics.engine.system import DoseTarget, Event, Input, OdeSystem, Quantity, State


def cached_system(text: str, name: str, read: Callable[[], OdeSystem]) -> OdeSystem:
    """The system that ``read()`` makes of ``text``, from the cache where it is there."""
    key = hashlib.sha256("\0".join((_reader_code(), name, text)).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    path = cache_folder() / f"{key}.json"
    try:
        checksum, body = path.read_text(encoding="utf-8").split("\n", 1)
        if checksum == hashlib.sha256(body.encode()).hexdigest():
            return from_json(body)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    system = read()
    body = to_json(system)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False, suffix=".part") as f:
            f.write(hashlib.sha256(body.encode()).hexdigest() + "\n" + body)
        os.replace(f.name, path)
    except OSError:
        pass
    return system


@cache
def _reader_code() -> str:
    """Hash of the code that makes a system of a text: another reader, another entry."""
    package = files("leukinetics.engine")
    sources = [p for p in (package / "sbml").iterdir() if p.name.endswith(".py")]
    sources += [package / "expr.py", package / "system.py", package / "system_cache.py"]
    digest = hashlib.sha256()
    for source in sorted(sources, key=lambda p: p.name):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def to_json(system: OdeSystem) -> str:
    """All of ``system`` as JSON text (with NaN and Infinity as Python writes them)."""
    g = system.graph
    content: dict[str, Any] = {
        f.name: getattr(system, f.name) for f in dataclasses.fields(system) if f.name not in ("graph", *_PARTS)
    }
    for part in _PARTS:
        value = getattr(system, part)
        rows = value.items() if isinstance(value, dict) else enumerate(value)
        content[part] = [[key, *(getattr(item, f.name) for f in dataclasses.fields(item))] for key, item in rows]
    content["graph"] = [g.ops, g.args, g.values]
    return json.dumps(content)


def from_json(text: str) -> OdeSystem:
    """The system that :func:`to_json` wrote.

    Raises
    ------
    ValueError, KeyError, TypeError
        If ``text`` is something else.
    """
    content = json.loads(text)
    ops, args, values = content.pop("graph")
    for part, (kind, named) in _PARTS.items():
        rows = content[part]
        items = [kind(*row[1:]) for row in rows]
        content[part] = dict(zip((row[0] for row in rows), items, strict=True)) if named else items
    content["events"] = [
        dataclasses.replace(e, assignments=tuple((target, value) for target, value in e.assignments))
        for e in content["events"]
    ]
    return OdeSystem(graph=Graph.restored(ops, [tuple(a) for a in args], values), **content)


#: Fields of OdeSystem that hold small records: their type, and whether they are looked up by name.
_PARTS: dict[str, tuple[type[Any], bool]] = {
    "inputs": (Input, True),
    "states": (State, False),
    "constants": (Quantity, False),
    "discretes": (Quantity, False),
    "events": (Event, False),
    "dose_targets": (DoseTarget, True),
}
