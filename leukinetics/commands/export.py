"""``leukinetics export``: an assembled model as SBML, for other simulators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leukinetics import biology
from leukinetics.engine.stream import check_writable, naming, replacing
from leukinetics.errors import DataError

SUFFIXES = (".xml", ".sbml")


def export(condition: str, drugs: Sequence[str], out: Path) -> str:
    """Write the model of a condition with drugs; returns a line about it. Raises DataError, ModelError."""
    if out.suffix.lower() not in SUFFIXES:
        raise DataError(f"--out '{out}' must end in {' or '.join(SUFFIXES)}: the model is written as SBML.")
    check_writable(out)
    assembly = biology.assemble(condition, drugs=drugs)
    with replacing(out) as temporary, naming(out):
        temporary.write_text(assembly.sbml, "utf-8")
    with_drugs = f" with {', '.join(assembly.drugs)}" if assembly.drugs else ""
    return f"{condition}{with_drugs}: {len(assembly.parameters)} parameters, hash {assembly.hash[:12]}, wrote {out}"
