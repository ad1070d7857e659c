"""What the answer leans on: the assumed parameters of the trial's model, the influential ones first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from leukinetics.report.trial.certainty import influence
from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.names import meaning
from leukinetics.report.trial.numbers import number, real, unit_text, with_unit

_SPREAD = re.compile(r"(ln|logit|sd)\s+(\S+)")
Z95 = 1.96


@dataclass(frozen=True)
class Assumed:
    """An assumed parameter: what it is in words (``meaning``), ``value`` as its table has it, ``range`` (95 % of what
    is thought possible) in words, and ``influence`` on the answer, None where that was not studied."""

    id: str
    meaning: str
    value: str
    range: str
    source: str
    note: str
    owner: str
    influence: float | None


def assumed(trial: Finished) -> list[Assumed]:
    """All parameters of kind "assumed" of the assembled model, by influence, then by name."""
    found = trial.part("sensitivity")
    # A parameter that a condition sets is "condition.parameter" there.
    known = {str(r.get("name")).rpartition(".")[2]: influence(r) for r in (found or {}).get("parameters") or []}
    table = trial.assembly.parameters
    rows = [_row(r, known) for r in table[table["kind"] == "assumed"].to_dict("records")]
    return sorted(rows, key=lambda a: (-(a.influence if a.influence is not None else -1.0), a.id))


def influential(rows: list[Assumed], share: float = 0.1) -> list[Assumed]:
    """Those with at least ``share`` of the influence of the most influential assumed one."""
    most = max((a.influence or 0.0 for a in rows), default=0.0)
    return [a for a in rows if most > 0 and (a.influence or 0.0) >= share * most]


def _row(row: dict[str, Any], known: dict[str, float]) -> Assumed:
    name = str(row["id"])
    value, unit = float(row["published_value"]), str(row["published_unit"])
    return Assumed(
        name,
        meaning(name, _words(row["note"])),
        with_unit(number(value), unit),
        _range(value, unit, str(row["uncertainty"] or "")),
        _words(row["source"]),
        _words(row["note"]),
        str(row["owner"]),
        known.get(name),
    )


def _range(value: float, unit: str, uncertainty: str) -> str:
    """95 % of what is thought possible, from a text such as "ln 0.5"."""
    import math

    found = _SPREAD.fullmatch(uncertainty.strip())
    width = real(float(found.group(2))) if found and found.group(2).replace(".", "", 1).isdigit() else None
    if found is None or width is None:
        return uncertainty or "kept fixed"
    if found.group(1) == "ln":
        factor = math.exp(Z95 * width)
        low, high = value / factor, value * factor
    elif found.group(1) == "logit" and 0 < value < 1:
        middle = math.log(value / (1 - value))
        low, high = (1 / (1 + math.exp(-(middle + s * Z95 * width))) for s in (-1, 1))
    elif found.group(1) == "sd":
        low, high = value - Z95 * width, value + Z95 * width
    else:
        return uncertainty
    return f"{number(low, 2)} to {number(high, 2)}{' ' + unit_text(unit) if unit_text(unit) else ''}"


def _words(text: object) -> str:
    return " ".join(str(text or "").split())
