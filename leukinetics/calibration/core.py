"""A part of the model as a calibration problem: all its targets with readouts of role ``calibrate``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.calibration.collect import calibrated, uncertain
from leukinetics.calibration.parameters import Parameter, choose
from leukinetics.calibration.parts import CORE, PARTS, Part, drawn_before, part_named, part_of
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.readouts import Readout
from leukinetics.errors import DataError, suggest
from leukinetics.evidence import PreparedTarget, Target, load_targets, prepare_target
from leukinetics.evidence.baselines import baseline_targets
from leukinetics.evidence.readout import Readout as TargetReadout
from leukinetics.evidence.run import Assemblies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SOLVED = 0.75  # share of the patients that must have a solution for a prediction to count
AT_ONCE = 256  # candidates in a call of the engine: bounds the memory, and what an interruption loses


RESAMPLES = 100
#: Keys of a readout that came later: they enter the hash only where they are used, so that older ones keep theirs.
LATER = ("where", "among", "reference_among")


@dataclass(frozen=True)
class TargetModel:
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
    patients: int | None = None,
    threads: int | None = None,
    everything: bool = False,
) -> Problem:
    """The problem of ``leukinetics calibrate core``, see :func:`part_problem`."""
    return part_problem(CORE, targets, parameters, patients, threads, everything)


def part_problem(
    part: str,
    targets: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
    patients: int | None = None,
    threads: int | None = None,
    everything: bool = False,
) -> Problem:
    """The problem of ``leukinetics calibrate PART``.

    part : see :data:`leukinetics.calibration.parts.PARTS`.
    targets : ids, or None for all of the part with readouts of role ``calibrate``.
    parameters : names of calibrated parameters to fit, or None for all that these targets' models have and no part
        before has fitted; the others keep their values.
    patients : virtual patients in an arm, the same ones for every candidate; None for the part's own number.
    everything : behind the parameters to fit also those that are uncertain without being fitted.

    Raises DataError for unknown names, and what the model or the targets raise where they are not in order.
    """
    of = part_named(part)
    count = of.patients if patients is None else patients
    asked = _targets(of, targets)
    chosen = [t for t in asked if _fitted(t)]
    if targets is not None and len(chosen) < len(asked):
        other = next(t.id for t in asked if not _fitted(t))
        raise DataError(f"The target '{other}' has no readout of role 'calibrate': it can be validated against only.")
    if not chosen:
        raise DataError(f"No target of {of.title} has a readout of role 'calibrate'.")
    assemblies: Assemblies = {}
    prepared = tuple(
        prepare_target(t, role="calibrate", patients=_enough(of, t, count), sampling="sobol", assemblies=assemblies)
        for t in chosen
    )
    prepared = tuple(replace(t, readouts=kept) for t in prepared if (kept := _fitting(of, t)))
    earlier = drawn_before(of)
    fitted = choose([p for p in calibrated(assemblies.values()) if p.key not in earlier], parameters)
    asked_for = fitted
    if everything:
        fitted += tuple(p for p in uncertain(assemblies.values()) if p.key not in earlier)
    parts = [f"patients {count}", *sorted(a.hash for a in assemblies.values())]
    parts += [json.dumps(t.target.protocol_of(variant), default=str) for t in prepared for variant in t.trials]
    parts += [_content(r) for t in prepared for r in t.readouts]  # of role calibrate, no others
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    model = TargetModel(prepared, fitted, digest, threads)
    readouts = tuple(r for t in prepared for r in published(t))
    if of.chance:
        readouts = _with_chance(readouts, prepared, asked_for, threads)
    return Problem(fitted, readouts, model, of.numerics)


def _with_chance(
    readouts: Sequence[Readout], targets: Sequence[PreparedTarget], parameters: Sequence[Parameter], threads: int | None
) -> tuple[Readout, ...]:
    """The readouts with the sampling error of so few virtual patients beside their own, at the priors' centres.

    Where patients fall ill by chance the prediction is no smooth number but an estimate: its standard error (over
    bootstrapped patients) must not be fitted.
    """
    centre = {p.key: p.prior * p.to_internal for p in parameters}
    rng = np.random.default_rng(RESAMPLES)
    errors: list[float] = []
    for target in targets:
        ran = target.run([centre], threads)
        places = rng.integers(0, ran.patients, (RESAMPLES, ran.patients))
        drawn = np.array([ran.predicted(place)[0] for place in places])
        for j, readout in enumerate(target.readouts):
            on_scale = np.array([readout.on_scale(float(v)) for v in drawn[:, j]])
            there = on_scale[np.isfinite(on_scale)]
            errors.append(float(np.std(there)) if len(there) > RESAMPLES // 2 else 1.0)
    return tuple(replace(r, sigma=float(np.hypot(r.sigma, e))) for r, e in zip(readouts, errors, strict=True))


def _fitting(part: Part, target: PreparedTarget) -> list[TargetReadout]:
    return [r for r in target.readouts if f"{target.target.id}.{r.id}" not in part.left_out]


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


def _targets(part: Part, ids: Sequence[str] | None) -> list[Target]:
    """The part's studies, and the published baselines of its conditions that no study reads."""
    studies = load_targets()
    found = {t.id: t for t in [*studies, *baseline_targets(studies)]}
    for name in ids or ():
        if name not in found:
            near = suggest(name, found) or f" They are {', '.join(found)}."
            raise DataError(f"There is no target '{name}'.{near}")
    if ids is None:
        return [t for t in found.values() if part_of(t) == part.id]
    for name in ids:
        if (other := PARTS[part_of(found[name])]) != part:
            raise DataError(
                f"The target '{name}' is one of {other.title}, not of {part.title}: 'leukinetics calibrate {other.id}' "
                "fits to it."
            )
    return [found[name] for name in ids]


def _content(readout: TargetReadout) -> str:
    """A readout as text, for the hash."""
    return readout.model_dump_json(exclude={key for key in LATER if getattr(readout, key) is None})


def _enough(part: Part, target: Target, patients: int) -> int:
    """More patients where a readout is the tail of a distribution or its spread."""
    asked = {r.statistic for r in target.readout if r.role == "calibrate"}
    if "p99" in asked:
        return max(patients, 256)
    standardised = any("smd" in (r.measure, r.variant_measure) for r in target.readout if r.role == "calibrate")
    spread = standardised or bool(asked - {"median", "mean", "geometric_mean"})
    return max(patients, part.many) if spread else patients


def _fitted(target: Target) -> bool:
    return any(r.role == "calibrate" for r in target.readout)
