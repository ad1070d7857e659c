"""The files of a finished trial; each appears whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from leukinetics.engine.stream import naming, replacing
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.trial.result import TrialResult


def check_folder(out: str | Path) -> None:
    """DataError unless a trial can be written to folder ``out``, which need not exist; leaves nothing behind."""
    folder = Path(out)
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not there.is_dir():
        raise DataError(f"The trial cannot be written to '{folder}': '{there}' is a file; name a folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise DataError(f"The trial cannot be written to '{folder}': '{there}' does not let you; name another folder.")


def write_trial(result: TrialResult, out: str | Path) -> Path:
    """Write protocol.toml, population.parquet, observations/*.parquet, endpoints.parquet, provenance.json and, last,
    summary.json into folder ``out``: where there is a summary the trial is complete. DataError if that cannot be done.
    """
    folder = Path(out)
    try:
        (folder / "observations").mkdir(parents=True, exist_ok=True)
        (folder / "summary.json").unlink(missing_ok=True)  # of an earlier run, which these files no longer match
    except OSError as error:
        raise DataError(f"The trial cannot be written to '{folder}': {error.strerror or error}.") from error
    _write_text(folder / "protocol.toml", result.protocol.text)
    _write_table(folder / "population.parquet", result.population.reset_index())
    _write_table(folder / "observations" / "part-00000.parquet", result.observations)
    _write_table(folder / "endpoints.parquet", result.endpoints)
    _write_text(folder / "provenance.json", _json(result.provenance))
    _write_text(folder / "summary.json", _json(result.summary))
    return folder


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary, naming(path):
        temporary.write_text(text, encoding="utf-8")


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as temporary, naming(path):
        table.to_parquet(temporary, index=False)


def _json(data: object) -> str:
    return json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
