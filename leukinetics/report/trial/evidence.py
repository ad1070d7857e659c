"""How the model did where a trial was published: the comparisons that bear on this trial's condition and drugs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leukinetics.report.trial.folder import Finished

ROLES = (("validate", "never used to choose a number of the model"), ("calibrate", "used to fit the model"))


@dataclass(frozen=True)
class Study:
    """A published study with its comparisons. ``shares``: "condition and drug", "condition" or "drug"."""

    id: str
    title: str
    source: str
    shares: str
    predicted: int
    predicted_inside: int
    fitted: int
    fitted_inside: int


@dataclass(frozen=True)
class Evidence:
    """Counts over all studies (readouts, inside) by role; the studies that bear on this trial; whether the validation
    was made with this very model (None: the pair of condition and drugs was not part of it)."""

    all: dict[str, tuple[int, int]]
    studies: list[Study]
    same_model: bool | None
    missed: list[dict[str, Any]]


def evidence(trial: Finished) -> Evidence:
    """What the committed validation says about models like this trial's."""
    from leukinetics.evidence.committed import committed
    from leukinetics.evidence.validate import all_targets

    kept = committed()
    rows = kept["targets"]
    by_target: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_target.setdefault(row["target"], []).append(row)
    condition, drugs = trial.protocol.trial.condition, set(trial.protocol.drugs)
    studies = []
    for target in all_targets():
        mine = by_target.get(target.id, [])
        here = target.protocol["trial"].get("condition") == condition
        there = bool(drugs & _drugs(target.protocol))
        if mine and (here or there):
            shares = "condition and drug" if here and there else "condition" if here else "drug"
            counts = [_count(mine, role) for role, _ in ROLES]
            if sum(c[0] for c in counts):
                studies.append(Study(target.id, target.title, target.source, shares, *counts[0], *counts[1]))
    studies.sort(key=lambda s: (("condition and drug", "drug", "condition").index(s.shares), s.id))
    chosen = {s.id for s in studies}
    missed = [r for r in rows if r["target"] in chosen and r["role"] == "validate" and not r["inside"]]
    return Evidence({role: _count(rows, role) for role, _ in ROLES}, studies, _same(trial, kept["made"]), missed)


def _count(rows: list[dict[str, Any]], role: str) -> tuple[int, int]:
    mine = [r for r in rows if r["role"] == role]
    return len(mine), sum(bool(r["inside"]) for r in mine)


def _drugs(protocol: dict[str, Any]) -> set[str]:
    doses = [d for arm in protocol["arm"] for key in ("dose", "background") for d in arm.get(key) or []]
    return {str(d.get("drug")) for d in doses}


def _same(trial: Finished, made: dict[str, Any]) -> bool | None:
    names = ", ".join(sorted(set(trial.protocol.drugs))) or "no drug"
    found = made["assemblies"].get(f"{trial.protocol.trial.condition} + {names}")
    return None if found is None else bool(found == trial.provenance.get("assembly_hash"))
