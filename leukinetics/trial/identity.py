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
    "protocol_sha256": "the protocol",
    "model_hash": "the model",
    "assembly_hash": "the model's data",
    "parameters_sha256": "the table of parameters",
    "seed": "the seed",
    "patients_per_arm": "the number of patients per arm (--patients)",
    "chunk": "the chunk size (--chunk)",
    "sampling": "the sampling",
    "rtol": "the tolerance",
    "typical_sha256": "the typical values",
    "people_sha256": "the table of people",
}
_SHOWN = 12  # characters of a hash


def identity(prepared: Prepared, typical: Mapping[str, float], chunk: int) -> dict[str, Any]:
    """Hashes (SHA-256) of the protocol's text, the model and its parameters; version, seed and settings."""
    from leukinetics import __version__

    people = prepared.protocol.table
    return {
        "leukinetics": __version__,
        "protocol_sha256": _sha(prepared.protocol.text.encode()),
        "model_hash": prepared.assembly.model.hash,
        "assembly_hash": prepared.assembly.hash,
        "parameters_sha256": _sha(_table(prepared.assembly.parameters)),
        "seed": prepared.protocol.trial.seed,
        "patients_per_arm": prepared.n,
        "chunk": chunk,
        "sampling": prepared.sampling,
        "rtol": prepared.rtol,
        "typical_sha256": _sha(json.dumps(dict(typical), sort_keys=True).encode()) if typical else "",
        "people_sha256": "" if people is None else _sha(Path(people).read_bytes()),
    }


def check_same(begun: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """DataError that names everything in which a trial ``begun`` in a folder differs from what is to be run ``now``."""
    changed = [
        f"{_WORDS[key]} was {_short(begun.get(key))} and is {_short(value)}"
        for key, value in now.items()
        if begun.get(key) != value
    ]
    if changed:
        raise DataError(
            f"The trial in '{folder}' was begun with something else: {'; '.join(changed)}. Resume it with what it was "
            "begun with, name another folder, or replace it with --overwrite."
        )


def _short(value: Any) -> str:
    text = "none" if value in (None, "") else str(value)
    return text if len(text) <= 2 * _SHOWN else text[:_SHOWN]


def _table(table: pd.DataFrame) -> bytes:
    return str(table.to_csv(sep="\t", index=False)).encode()


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
