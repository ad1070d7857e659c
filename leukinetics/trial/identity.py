"""What decides the numbers of a trial: two runs with the same identity give the same files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.errors import DataError
from leukinetics.trial.prepare import Prepared

if TYPE_CHECKING:
    import pandas as pd

#: What each entry is called.
_WORDS = {
    "leukinetics": "the version of Leukinetics",
    "protocol": "the protocol",
    "model": "the model",
    "assembly": "the model's data",
    "parameters": "the table of parameters",
    "seed": "the seed",
    "patients_per_arm": "the number of patients per arm (--patients)",
    "chunk": "the chunk size (--chunk)",
    "sampling": "the sampling",
    "rtol": "the tolerance",
    "typical": "the typical values",
    "people": "the table of people",
}
_SHOWN = 12  # characters of a hash


def identity(prepared: Prepared, typical: Mapping[str, float], chunk: int) -> dict[str, Any]:
    """Hashes (SHA-256) of the protocol's text, the model and its parameters; version, seed and settings."""
    from leukinetics import __version__

    return {
        "leukinetics": __version__,
        "protocol": _sha(prepared.protocol.text),
        "model": prepared.assembly.model.hash,
        "assembly": prepared.assembly.hash,
        "parameters": _sha(_table(prepared.assembly.parameters)),
        "seed": prepared.protocol.trial.seed,
        "patients_per_arm": prepared.n,
        "chunk": chunk,
        "sampling": prepared.sampling,
        "rtol": prepared.rtol,
        "typical": _sha(json.dumps(dict(typical), sort_keys=True)) if typical else "",
    }


def check_same(begun: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """DataError that names everything in which a trial ``begun`` in a folder differs from what is to be run ``now``."""
    keys = list(dict.fromkeys([*now, *begun]))
    changed = [
        f"{_WORDS.get(key, key)} was {_short(begun.get(key))} and is {_short(now.get(key))}"
        for key in keys
        if begun.get(key) != now.get(key)
    ]
    if changed:
        raise DataError(
            f"The trial in '{folder}' was begun with something else: {'; '.join(changed)}. Resume it with what it was "
            "begun with, name another folder, or replace it with --overwrite."
        )


def _short(value: Any) -> str:
    text = "none" if value in (None, "") else str(value)
    return text if len(text) <= 2 * _SHOWN else text[:_SHOWN]


def _table(table: pd.DataFrame) -> str:
    return str(table.to_csv(sep="\t", index=False))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
