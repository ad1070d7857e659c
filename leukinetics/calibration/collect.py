"""The calibrated parameters of assembled models: rows of kind ``calibrated`` in any of their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from leukinetics import biology
from leukinetics.calibration.parameters import Parameter
from leukinetics.calibration.scales import SCALES, parse_width

BIOLOGY = Path(biology.__file__).parent
GENOTYPES = BIOLOGY / "genotypes.tsv"


def calibrated(assemblies: Iterable[Any]) -> tuple[Parameter, ...]:
    """Every parameter of kind ``calibrated`` in any of the assemblies, once, in the order of their files.

    A condition's own value is a parameter of its own, named ``condition.parameter``; a variant's effect is named
    ``effect:variant:parameter``.
    """
    found: dict[str, Parameter] = {}
    for assembly in assemblies:
        made = [_parameter(r) for r in _rows(assembly.parameters)]
        for parameter in [*made, *(_effect(r) for r in _rows(assembly.genotypes))]:
            found.setdefault(parameter.key, parameter)
    return tuple(sorted(found.values(), key=lambda p: (p.condition or "", str(p.file), p.line)))


def uncertain(assemblies: Iterable[Any]) -> tuple[Parameter, ...]:
    """Every parameter that is uncertain but not calibrated, once: its prior is centred on its value.

    A condition that sets one to 0 (no tumour) leaves nothing uncertain about it, unless the uncertainty is an SD.
    """
    found: dict[str, Parameter] = {}
    for assembly in assemblies:
        for row in assembly.parameters.to_dict("records"):
            width = str(row["uncertainty"]).strip()
            if row["kind"] != "calibrated" and width and (row["value"] or width.startswith("sd")):
                parameter = _parameter(row | {"prior": row["value"]})
                found.setdefault(parameter.key, parameter)
    return tuple(found[key] for key in sorted(found))


def _rows(table: Any) -> list[dict[str, Any]]:
    return [row for row in table.to_dict("records") if row["kind"] == "calibrated"]


def _parameter(row: dict[str, Any]) -> Parameter:
    file = BIOLOGY / str(row["file"])
    scale, width = parse_width(str(row["uncertainty"]), f"'{row['id']}' in {file}, line {row['line']}")
    value, published = float(row["value"]), float(row["published_value"])
    factor = value / published if published else 1.0
    return Parameter(
        id=str(row["id"]),
        value=published,
        prior=float(row["prior"]) / factor,
        width=width / factor if scale.name == "sd" else width,
        scale=scale,
        unit=str(row["published_unit"]),
        condition=Path(str(row["file"])).stem if row["owner"] == "condition" else None,
        to_internal=factor,
        file=file,
        line=int(row["line"]),
    )


def _effect(row: dict[str, Any]) -> Parameter:
    """A variant's effect per allele, a difference of logarithms. Its prior is centred on no effect."""
    variant, parameter = str(row["variant"]), str(row["parameter"])
    _, width = parse_width(str(row["uncertainty"]), f"the effect of '{variant}' in {GENOTYPES}")
    return Parameter(
        id=f"effect:{variant}:{parameter}",
        value=float(row["effect_per_allele"]),
        prior=0.0,
        width=width,
        scale=SCALES["sd"],
        file=GENOTYPES,
        line=_line(variant, parameter),
    )


def _line(variant: str, parameter: str) -> int:
    """Where the table of genotypes has an effect: assembled tables do not say."""
    for number, line in enumerate(GENOTYPES.read_text(encoding="utf-8").splitlines(), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if cells[0] == variant and parameter in cells:
            return number
    return 0
