"""Holds the model against published results: predicted with its interval, published with its own, the distance.

For a readout with scale f (identity or ln), published value y with standard error e, and prediction p at the fitted
parameters:

    sd_draws   half the distance between the 16th and 84th percentile of f over parameter draws
    sd_trial   bootstrap standard error of f(p) over the virtual patients
    sd_pred    sqrt(sd_draws^2 + sd_trial^2)
    z          (f(p) - f(y))/sqrt(sd_pred^2 + e^2)
    inside     |z| <= 1.96: the difference is one that the stated errors allow

The predicted interval is the 95 % one of the draws around p, widened by the virtual trial's size; the published one
is that of its source (a range where it prints a range). For a bound (a test of sign) e is 0 and z is 0 on the right
side. The model's own error, with which a calibration weighs, enters nowhere: a validation is not to excuse itself.
Draws use fewer patients than the prediction; their deviations are taken from the same few at the fitted parameters.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import LeukineticsError
from leukinetics.evidence.baselines import baseline_targets
from leukinetics.evidence.load import load_targets
from leukinetics.evidence.readout import Z95, Readout
from leukinetics.evidence.run import Assemblies, PreparedTarget, Ran, prepare_target
from leukinetics.evidence.target import Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

RESAMPLES = 100
FEWEST = 0.5  # share of draws that must have a prediction for an interval to be stated
Say = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """One readout, predicted and published, in ``unit``; None where there is no such number."""

    id: str
    target: str
    title: str
    role: str
    source: str
    readout: str
    unit: str
    scale: str
    bound: str | None
    predicted: float | None
    predicted_low: float | None
    predicted_high: float | None
    published: float
    published_low: float | None
    published_high: float | None
    z: float | None
    inside: bool
    databook: str
    kind: str
    note: str
    error: str | None = None

    @property
    def fitted(self) -> bool:
        """Whether a calibration may have used it."""
        return self.role == "calibrate"


@dataclass
class Validation:
    """All comparisons and what made them."""

    comparisons: list[Comparison]
    made: dict[str, Any] = field(default_factory=dict)

    def of(self, role: str) -> list[Comparison]:
        """Those of a role."""
        return [c for c in self.comparisons if c.role == role]

    def as_json(self) -> str:
        """JSON: ``{"targets": [...], "summary": {...}, "made": {...}}``."""
        summary = {
            role: {"readouts": len(self.of(role)), "inside": sum(c.inside for c in self.of(role))}
            for role in ("calibrate", "validate", "input")
        }
        rows = [asdict(c) for c in self.comparisons]
        return json.dumps({"targets": rows, "summary": summary, "made": self.made}, indent=1, allow_nan=False) + "\n"


def validate(
    n_draws: int = 30,
    targets: Iterable[Target] | None = None,
    *,
    patients: int | None = None,
    draw_patients: int = 48,
    seed: int = 1,
    threads: int | None = None,
    say: Say = lambda _: None,
) -> Validation:
    """Run targets and compare; ``targets`` None: the bundled ones and the conditions' baselines.

    ``n_draws`` sets of typical values (0: no interval from the parameters) with ``draw_patients`` per arm;
    ``patients`` per arm replaces the protocols' number for the prediction itself. A target that cannot be run is
    reported in its comparisons' ``error``.
    """
    chosen = [*load_targets(), *baseline_targets()] if targets is None else list(targets)
    kept: Assemblies = {}
    found: list[Comparison] = []
    for i, target in enumerate(chosen):
        say(f"{i + 1} of {len(chosen)}: {target.id}")
        try:
            found += _compare(target, n_draws, patients, draw_patients, seed, threads, kept)
        except LeukineticsError as error:
            found += [_failed(target, r, str(error)) for r in target.readout]
    made = {
        "draws": n_draws,
        "draw_patients": draw_patients,
        "seed": seed,
        "targets_hash": targets_hash(chosen),
        "assemblies": {f"{c} + {', '.join(d) or 'no drug'}": a.hash for (c, d), a in kept.items()},
    }
    return Validation(found, made)


def targets_hash(targets: Iterable[Target]) -> str:
    """sha256 of all that targets say."""
    digest = hashlib.sha256()
    for target in targets:
        digest.update(target.model_dump_json().encode())
    return digest.hexdigest()


def _compare(
    target: Target, n_draws: int, patients: int | None, few: int, seed: int, threads: int | None, kept: Assemblies
) -> list[Comparison]:
    made = prepare_target(target, patients=patients, sampling="sobol", assemblies=kept)
    ran = made.run([{}], threads)
    predicted = ran.predicted()[0]
    resampled = _resampled(ran, seed)
    drawn = _drawn(target, n_draws, few, seed, threads, kept) if n_draws else np.empty((0, len(predicted)))
    return [
        _comparison(target, r, float(predicted[j]), resampled[:, j], drawn[:, j]) for j, r in enumerate(made.readouts)
    ]


def _resampled(ran: Ran, seed: int) -> Array:
    """Predictions of resamples of the virtual patients, (resamples, readouts)."""
    n = ran.patients
    places = np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))
    return np.stack([ran.predicted(chosen)[0] for chosen in places])


def _drawn(target: Target, n: int, few: int, seed: int, threads: int | None, kept: Assemblies) -> Array:
    """Predictions (1 + draws, readouts); the first row is at the fitted parameters."""
    from leukinetics.patients import draws

    made: PreparedTarget = prepare_target(target, patients=few, sampling="sobol", assemblies=kept)
    assembly = next(iter(made.trials.values())).assembly
    table = draws(assembly, n, seed)
    candidates = [{str(k): float(v) for k, v in row.items()} for row in table.to_dict("records")]
    return made.predict([{}, *candidates], threads)


def _comparison(target: Target, r: Readout, predicted: float, resampled: Array, drawn: Array) -> Comparison:
    p = r.on_scale(predicted)
    trial = _spread(np.array([r.on_scale(float(v)) for v in resampled]))
    below = above = draws = 0.0
    if len(drawn):
        found = np.array([r.on_scale(float(v)) for v in drawn])
        moved = found[1:][np.isfinite(found[1:])] - found[0]
        if not np.isfinite(found[0]) or len(moved) < FEWEST * (len(found) - 1):
            draws = below = above = math.nan
        else:
            q = np.quantile(moved, [0.025, 0.16, 0.84, 0.975])
            draws, below, above = float(q[2] - q[1]) / 2.0, max(-float(q[0]), 0.0), max(float(q[3]), 0.0)
    spread = math.hypot(draws, trial)
    total = math.hypot(spread, r.error)
    distance = r.distance(predicted)
    z = 0.0 if distance == 0.0 else distance / total if total > 0 else math.nan
    low, high = p - math.hypot(below, Z95 * trial), p + math.hypot(above, Z95 * trial)
    published_low, published_high = r.published_interval
    return Comparison(
        id=target.key(r),
        target=target.id,
        title=target.title,
        role=r.role,
        source=target.source_of(r),
        readout=described(target, r),
        unit=r.unit,
        scale=r.scale,
        bound=r.bound,
        predicted=_number(predicted),
        predicted_low=_number(r.off_scale(low)) if math.isfinite(low) else None,
        predicted_high=_number(r.off_scale(high)) if math.isfinite(high) and high < 700 or r.scale == "linear" else None,
        published=r.value,
        published_low=_number(published_low),
        published_high=_number(published_high),
        z=_number(z),
        inside=bool(abs(z) <= Z95),
        databook=r.databook,
        kind=r.kind,
        note=r.note,
        error=None if math.isfinite(predicted) else "no virtual patient has a value",
    )


def _spread(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.std(ddof=1)) if len(finite) > RESAMPLES / 2 else math.nan


def _failed(target: Target, r: Readout, why: str) -> Comparison:
    low, high = r.published_interval
    return Comparison(
        target.key(r), target.id, target.title, r.role, target.source_of(r), described(target, r), r.unit, r.scale,
        r.bound, None, None, None, r.value, _number(low), _number(high), None, False, r.databook, r.kind, r.note, why,
    )  # fmt: skip


def described(target: Target, r: Readout) -> str:
    """A readout in words: "crp (fold, 120 d), median, 5 mg to placebo"."""
    endpoints = {e["id"]: e for e in target.protocol["endpoint"]}

    def one(name: str) -> str:
        e = endpoints[name]
        when = e.get("at") or f"{e.get('from', '0 h')} to {e.get('to', 'end')}"
        kind = "" if e["kind"] in ("value", "average") else f"{e['kind'].replace('_', ' ')}, "
        kind = "mean over, " if e["kind"] == "average" else kind
        return f"{e['observable']} ({kind}{when})"

    text = one(r.endpoint)
    for word, other in (("over", r.per), ("less", r.minus), ("and", r.endpoint2)):
        if other:
            text += f" {word} {one(other)}"
    text += f", {r.statistic.replace('_', ' ')}, {r.arm}"
    if r.reference:
        text += f" {'to' if r.measure == 'ratio' else 'less'} {r.reference}"
    if r.variant != "base":
        text += f"; {r.variant}"
    if r.reference_variant:
        other = "the first protocol" if r.reference_variant == "base" else r.reference_variant
        text += f" {'to' if r.variant_measure == 'ratio' else 'less'} {other}"
    return text


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
