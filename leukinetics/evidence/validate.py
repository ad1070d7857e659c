"""Holds the model against published results: every target, predicted with its interval and published with its own.

What the numbers of a comparison mean is said in :mod:`leukinetics.evidence.comparison`.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError, LeukineticsError
from leukinetics.evidence.baselines import baseline_targets
from leukinetics.evidence.comparison import Comparison, compare, failed
from leukinetics.evidence.load import load_targets
from leukinetics.evidence.run import Assemblies, Ran, prepare_target
from leukinetics.evidence.target import Target
from leukinetics.patients.counters import check_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NOT_SIMULATED = Path(__file__).parent / "not_simulated.toml"
ROLES = ("calibrate", "validate", "input")
RESAMPLES = 100
DRAWS = 30
DRAW_PATIENTS = 48
Say = Callable[[str], None]


@dataclass
class Validation:
    """All comparisons, the studies they belong to, and what made them."""

    comparisons: list[Comparison]
    targets: list[Target]
    assumed: list[dict[str, str]]
    made: dict[str, Any]

    def of(self, role: str) -> list[Comparison]:
        """Those of a role."""
        return [c for c in self.comparisons if c.role == role]

    def as_dict(self) -> dict[str, Any]:
        """``targets`` (one entry per comparison), ``summary`` by role, ``studies``, ``not_simulated``, ``assumed``
        (parameters of the models, of kind assumed), ``made``."""
        return {
            "targets": [asdict(c) for c in self.comparisons],
            "summary": {
                role: {"readouts": len(self.of(role)), "inside": sum(c.inside for c in self.of(role))} for role in ROLES
            },
            "studies": [
                {k: getattr(t, k) for k in ("id", "title", "source", "population", "note")} for t in self.targets
            ],
            "not_simulated": not_simulated(),
            "assumed": self.assumed,
            "made": self.made,
        }

    def as_json(self) -> str:
        """:meth:`as_dict` as text."""
        return json.dumps(self.as_dict(), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def validate(
    n_draws: int = DRAWS,
    targets: Iterable[Target] | None = None,
    *,
    patients: int | None = None,
    draw_patients: int = DRAW_PATIENTS,
    seed: int = 1,
    threads: int | None = None,
    say: Say = lambda _: None,
) -> Validation:
    """Run targets and compare; ``targets`` None: the bundled ones and the conditions' baselines.

    ``n_draws`` sets of typical values (0: no interval from the parameters) with ``draw_patients`` per arm;
    ``patients`` per arm replaces the protocols' number for the prediction itself. A target that cannot be run is
    reported in its comparisons' ``error``.
    """
    check_count("The number of draws", n_draws)
    chosen = [t for t in all_targets() if t.published] if targets is None else list(targets)
    for target in chosen:
        if not isinstance(target, Target):
            raise DataError(f"{target!r:.40} is no target; load_targets(ids=...) loads them by name.")
    kept: Assemblies = {}
    found: list[Comparison] = []
    for i, target in enumerate(chosen):
        say(f"{i + 1} of {len(chosen)}: {target.id}")
        try:
            made = prepare_target(target, patients=patients, sampling="sobol", assemblies=kept)
            ran = made.run([{}], threads)
            predicted, resampled = ran.predicted()[0], _resampled(ran, seed)
            drawn = _drawn(target, n_draws, draw_patients, seed, threads, kept)
        except LeukineticsError as error:
            found += [failed(target, r, str(error)) for r in target.readout]
            continue
        for j, r in enumerate(made.readouts):
            found.append(compare(target, r, float(predicted[j]), resampled[:, j], drawn[:, j]))
    return Validation(found, chosen, _assumed(kept), _made(chosen, n_draws, draw_patients, seed, kept))


def all_targets() -> list[Target]:
    """The bundled targets and the published baselines of the conditions."""
    bundled = load_targets()
    return [*bundled, *baseline_targets(bundled)]


def not_simulated() -> list[dict[str, Any]]:
    """Published rows that no target simulates, with the reason: ``[{"why", "rows"}]``."""
    return list(tomllib.loads(NOT_SIMULATED.read_text(encoding="utf-8"))["reason"])


def targets_hash(targets: Iterable[Target]) -> str:
    """sha256 of all that targets say."""
    digest = hashlib.sha256()
    for target in targets:
        digest.update(target.model_dump_json().encode())
    return digest.hexdigest()


def _resampled(ran: Ran, seed: int) -> Array:
    """Predictions of resamples of the virtual patients, (resamples, readouts)."""
    n = ran.patients
    places = np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))
    return np.stack([ran.predicted(chosen)[0] for chosen in places])


def _drawn(target: Target, n: int, few: int, seed: int, threads: int | None, kept: Assemblies) -> Array:
    """Predictions (1 + draws, readouts), or none without draws; the first row is at the fitted parameters."""
    from leukinetics.patients import draws

    if n == 0:
        return np.empty((0, len(target.readout)))
    made = prepare_target(target, patients=few, sampling="sobol", assemblies=kept)
    table = draws(next(iter(made.trials.values())).assembly, n, seed)
    candidates = [{str(k): float(v) for k, v in row.items()} for row in table.to_dict("records")]
    return made.predict([{}, *candidates], threads)


def _assumed(kept: Assemblies) -> list[dict[str, str]]:
    """Parameters of kind assumed in any of the models, by name."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for assembly in kept.values():
        table = assembly.parameters
        for row in table[table["kind"] == "assumed"].to_dict("records"):
            key = (str(row["id"]), str(row["file"]))
            found[key] = {
                "id": key[0],
                "value": f"{float(row['published_value']):g}",
                "unit": str(row["published_unit"]),
                "uncertainty": str(row["uncertainty"] or ""),
                "note": str(row["note"] or ""),
                "file": key[1],
            }
    return [found[key] for key in sorted(found)]


def _made(targets: list[Target], draws: int, few: int, seed: int, kept: Assemblies) -> dict[str, Any]:
    from leukinetics import __version__

    assemblies = {f"{condition} + {', '.join(drugs) or 'no drug'}": a.hash for (condition, drugs), a in kept.items()}
    return {
        "leukinetics": __version__,
        "draws": draws,
        "draw_patients": few,
        "seed": seed,
        "targets_hash": targets_hash(targets),
        "assemblies": dict(sorted(assemblies.items())),
    }
