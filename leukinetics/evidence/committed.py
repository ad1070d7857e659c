"""The outcome of the last whole validation, kept in the package, so that reports can say how well the model predicts.

``leukinetics validate --write`` makes it again; it says of which models (by hash) it is.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "results" / "validation.json"
#: What is kept of each comparison; docs/validation.md has the rest.
KEPT = (
    "id", "target", "role", "readout", "unit", "scale", "bound", "predicted", "predicted_low", "predicted_high",
    "published", "z", "inside",
)  # fmt: skip


def committed_text(result: Mapping[str, Any]) -> str:
    """The file's text, of a result as ``validate --json`` writes it."""
    rows = [json.dumps({k: _short(r[k]) for k in KEPT}, ensure_ascii=False) for r in result["targets"]]
    titles = {s["id"]: s["title"] for s in result["studies"]}
    made = json.dumps(result["made"], ensure_ascii=False)
    head = f'{{"made": {made},\n"studies": {json.dumps(titles, ensure_ascii=False)},\n"targets": [\n'
    return head + ",\n".join(rows) + "\n]}\n"


@functools.cache
def committed() -> dict[str, Any]:
    """``made`` (how and of which models, as in ``validate --json``), ``studies`` (title by id), ``targets`` (rows)."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
