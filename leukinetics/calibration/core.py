"""The interleukin core as a calibration problem: all targets with readouts of role ``calibrate``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.calibration.collect import calibrated, uncertain
from leukinetics.calibration.parameters import Parameter, choose
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.readouts import Readout
from leukinetics.errors import DataError, suggest
from leukinetics.evidence import PreparedTarget, Target, load_targets, prepare_target
from leukinetics.evidence.baselines import baseline_targets
from leukinetics.evidence.run import Assemblies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PATIENTS = 16  # in an arm
SOLVED = 0.75  # share of the patients that must have a solution for a prediction to count
AT_ONCE = 256  # candidates in a call of the engine: bounds the memory, and what an interruption loses


@dataclass(frozen=True)
class CoreModel:
    """Predicts the readouts of prepared targets for many candidates at once (a ``Predictor``)."""

    targets: tuple[PreparedTarget, ...]
    parameters: tuple[Parameter, ...]
    hash: str
    threads: int | None = None

    def __call__(self, values: Floats) -> Floats:
        internal = values * np.array([p.to_internal for p in self.parameters])
        names = [p.key for p in self.parameters]
        candidates = [dict(zip(names, row.tolist(), strict=True)) for row in internal]
        parts = [candidates[i : i + AT_ONCE] for i in range(0, len(candidates), AT_ONCE)]
        return np.concatenate([self._predict(part) for part in parts])

    def _predict(self, candidates: list[dict[str, float]]) -> Floats:
        columns = []
        for target in self.targets:
            ran = target.run(candidates, self.threads)
            columns.append(np.where(ran.solved[:, None] >= SOLVED, ran.predicted(), np.nan))
        return np.concatenate(columns, axis=1)


def core_problem(
    targets: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
    patients: int = PATIENTS,
    threads: int | None = None,
    everything: bool = False,
) -> Problem:
    """The problem of ``leukinetics calibrate core``.

    targets : ids, or None for all with readouts of role ``calibrate``.
    parameters : names of calibrated parameters to fit, or None for all that these targets' models have; the others
        keep their values.
    patients : virtual patients in an arm, the same ones for every candidate.
    everything : behind the parameters to fit also those that are uncertain without being fitted.

    Raises DataError for unknown names, and what the model or the targets raise where they are not in order.
    """
    asked = _targets(targets)
    chosen = [t for t in asked if _fitted(t)]
    if targets is not None and len(chosen) < len(asked):
        other = next(t.id for t in asked if not _fitted(t))
        raise DataError(f"The target '{other}' has no readout of role 'calibrate': it can be validated against only.")
    if not chosen:
        raise DataError("No target has a readout of role 'calibrate'.")
    assemblies: Assemblies = {}
    prepared = tuple(
        prepare_target(t, role="calibrate", patients=_enough(t, patients), sampling="sobol", assemblies=assemblies)
        for t in chosen
    )
    fitted = choose(calibrated(assemblies.values()), parameters)
    if everything:
        fitted += uncertain(assemblies.values())
    parts = [f"patients {patients}", *sorted(a.hash for a in assemblies.values())]
    parts += [json.dumps(t.target.protocol_of(variant), default=str) for t in prepared for variant in t.trials]
    parts += [r.model_dump_json() for t in prepared for r in t.readouts]  # of role calibrate, no others
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    model = CoreModel(prepared, fitted, digest, threads)
    return Problem(fitted, tuple(r for t in prepared for r in published(t)), model)


def published(target: PreparedTarget) -> list[Readout]:
    """The figures of a prepared target as calibration sees them, in order."""
    return [
        Readout(
            key=f"{target.target.id}.{r.id}",
            published=r.value,
            sigma=r.sigma,
            scale=r.scale,
            role=r.role,
            bound=r.bound,
            unit=r.unit,
            source=r.databook or r.source or target.target.source,
        )
        for r in target.readouts
    ]


def _targets(ids: Sequence[str] | None) -> list[Target]:
    """The studies, and the published baselines of the conditions that no study reads."""
    studies = load_targets()
    found = {t.id: t for t in [*studies, *baseline_targets(studies)]}
    for name in ids or ():
        if name not in found:
            near = suggest(name, found) or f" They are {', '.join(found)}."
            raise DataError(f"There is no target '{name}'.{near}")
    return [found[name] for name in (found if ids is None else ids)]


def _enough(target: Target, patients: int) -> int:
    """More patients where a readout is the tail of a distribution or its spread."""
    asked = {r.statistic for r in target.readout if r.role == "calibrate"}
    if "p99" in asked:
        return max(patients, 256)
    return max(patients, 64) if asked - {"median", "mean", "geometric_mean"} else patients


def _fitted(target: Target) -> bool:
    return any(r.role == "calibrate" for r in target.readout)
