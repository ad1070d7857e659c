"""The files of a finished trial; each appears whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from leukinetics.trial.result import TrialResult


def write_trial(result: TrialResult, out: str | Path) -> Path:
    """Write protocol.toml, population.parquet, observations/*.parquet, endpoints.parquet, provenance.json and, last,
    summary.json into folder ``out``: where there is a summary the trial is complete. DataError if that cannot be done.
    """
    folder = Path(out)
    try:
        (folder / "observations").mkdir(parents=True, exist_ok=True)
        (folder / "summary.json").unlink(missing_ok=True)  # of an earlier run, which these files no longer match
        _write(folder / "protocol.toml", lambda p: p.write_text(result.protocol.text, encoding="utf-8"))
        _write(folder / "population.parquet", lambda p: result.population.to_parquet(p))
        _write(folder / "observations" / "part-00000.parquet", lambda p: result.observations.to_parquet(p, index=False))
        _write(folder / "endpoints.parquet", lambda p: result.endpoints.to_parquet(p, index=False))
        _write(folder / "provenance.json", lambda p: p.write_text(_json(result.provenance), encoding="utf-8"))
        _write(folder / "summary.json", lambda p: p.write_text(_json(result.summary), encoding="utf-8"))
    except OSError as error:
        raise DataError(f"The trial cannot be written to '{folder}': {error.strerror or error}.") from error
    return folder


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside ``path``, then move into place."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _json(data: object) -> str:
    return json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
