"""The trials that a protocol's ``[[also]]`` asks for: each a protocol of its own, with its text."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leukinetics.errors import ProtocolError
from leukinetics.trial.prepare import Prepared, prepare
from leukinetics.trial.protocol import Also, Protocol
from leukinetics.trial.read import read_protocol
from leukinetics.trial.store import ALSO
from leukinetics.trial.toml_text import toml_text


@dataclass(frozen=True)
class Variant:
    """One of them: what it is called, its folder in that of the trial, and the trial made ready."""

    name: str
    folder: str
    prepared: Prepared


def variants(prepared: Prepared) -> list[Variant]:
    """The trials of ``[[also]]`` made ready to run, as many patients each; ProtocolError that names the first in which
    something is wrong."""
    found = []
    for i, also in enumerate(prepared.protocol.also):
        try:
            ready = prepare(
                variant(prepared.protocol, also), patients=prepared.n, sampling=prepared.sampling, rtol=prepared.rtol
            )
        except ProtocolError as error:
            raise ProtocolError(f"In also {i + 1} ('{also.name or also.condition}'): {error}") from error
        name = also.name or title(ready)
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "trial"
        found.append(Variant(name, f"{ALSO}/{i + 1:02d}-{slug}", ready))
    return found


def title(prepared: Prepared) -> str:
    """What the condition of a trial is called."""
    return str(getattr(prepared.assembly.condition, "title", "") or prepared.protocol.trial.condition)


def variant(protocol: Protocol, also: Also) -> Protocol:
    """The protocol of the same trial in another condition.

    Raises ProtocolError, where tables stand in place of the trial's and something is wrong with them.
    """
    if also.instead:
        told = _text(tomllib.loads(protocol.text), protocol.also.index(also), _name(protocol.trial.name, also))
        return read_protocol(tomllib.loads(told))
    head = protocol.trial.model_copy(update={"condition": also.condition, "name": _name(protocol.trial.name, also)})
    arms = [arm.model_copy(update={"background": [*arm.background, *also.background]}) for arm in protocol.arm]
    found = protocol.model_copy(
        update={
            "trial": head,
            "eligibility": {**protocol.eligibility, **also.eligibility},
            "arm": arms,
            "endpoint": [*protocol.endpoint, *also.endpoint],
            "also": [],
        }
    )
    found._file = ""
    if protocol.text:
        found._text = _text(tomllib.loads(protocol.text), protocol.also.index(also), head.name)
    return found


def _name(name: str, also: Also) -> str:
    return f"{name}: {also.name or also.condition}"[:200]


def _text(data: Mapping[str, Any], place: int, name: str) -> str:
    also = data["also"][place]
    arms = [
        {**arm, **({"background": [*arm.get("background", []), *also["background"]]} if "background" in also else {})}
        for arm in data["arm"]
    ]
    mine = {key: table for key, table in data.items() if key != "also"} | also.get("instead", {})
    mine["trial"] = {**data["trial"], "condition": also["condition"], "name": name}
    mine["eligibility"] = {**mine.get("eligibility", {}), **also.get("eligibility", {})}
    return toml_text({**mine, "arm": arms, "endpoint": [*mine["endpoint"], *also.get("endpoint", [])]})
