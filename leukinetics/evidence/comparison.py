"""One readout, predicted and published.

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
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.evidence.readout import BASE, Z95, Among, Readout
from leukinetics.evidence.target import Target
from leukinetics.patients.criteria import Bound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FEWEST = 0.5  # share of draws or resamples that must have a prediction for an interval to be stated
_LARGEST = 700.0  # ln of a number that a double still holds


@dataclass(frozen=True)
class Comparison:
    """A readout's prediction and publication in ``unit``; None where there is no such number.

    ``inside``, ``z``: see the module. ``error``: why there is no prediction.
    """

    id: str
    target: str
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


def compare(target: Target, r: Readout, predicted: float, resampled: Array, drawn: Array) -> Comparison:
    """``resampled``: predictions of resamples of the patients; ``drawn``: at the fitted parameters, then one per draw
    (empty without draws), from fewer patients than ``predicted``, so only their differences are used."""
    p = r.on_scale(predicted)
    trial = _deviation(_on_scale(r, resampled))
    draws, below, above = _moved(_on_scale(r, drawn))
    total = math.sqrt(draws**2 + trial**2 + r.error**2)
    distance = r.distance(predicted)
    z = 0.0 if distance == 0.0 else distance / total if total > 0 else math.nan
    low, high = p - math.hypot(below, Z95 * trial), p + math.hypot(above, Z95 * trial)
    return _made(target, r, (predicted, _back(r, low), _back(r, high)), z, _missing(predicted))


def failed(target: Target, r: Readout, why: str) -> Comparison:
    """The comparison of a readout whose target could not be run."""
    return _made(target, r, (math.nan, math.nan, math.nan), math.nan, why)


def _made(target: Target, r: Readout, predicted: tuple[float, float, float], z: float, error: str | None) -> Comparison:
    low, high = r.published_interval
    return Comparison(
        id=target.key(r),
        target=target.id,
        role=r.role,
        source=target.source_of(r),
        readout=in_words(target, r),
        unit=r.unit,
        scale=r.scale,
        bound=r.bound,
        predicted=_number(predicted[0]),
        predicted_low=_number(predicted[1]),
        predicted_high=_number(predicted[2]),
        published=r.value,
        published_low=_number(low),
        published_high=_number(high),
        z=_number(z),
        inside=bool(abs(z) <= Z95),
        databook=r.databook,
        kind=r.kind,
        note=r.note,
        error=error,
    )


def _missing(predicted: float) -> str | None:
    if math.isnan(predicted):
        return "no virtual patient has a value"
    return "not reached within the protocol's window" if math.isinf(predicted) else None


def _on_scale(r: Readout, values: Array) -> Array:
    return np.array([r.on_scale(float(v)) for v in values])


def _deviation(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.std(ddof=1)) if len(finite) > max(FEWEST * len(values), 1) else math.nan


def _moved(values: Array) -> tuple[float, float, float]:
    """(robust SD of the draws around the first value, how far they reach below it, above it)."""
    if len(values) < 2:
        return 0.0, 0.0, 0.0
    moved = values[1:][np.isfinite(values[1:])] - values[0]
    if not np.isfinite(values[0]) or len(moved) < FEWEST * (len(values) - 1):
        return math.nan, math.nan, math.nan
    q = np.quantile(moved, [0.025, 0.16, 0.84, 0.975])
    return float(q[2] - q[1]) / 2.0, max(-float(q[0]), 0.0), max(float(q[3]), 0.0)


def _back(r: Readout, value: float) -> float:
    if not math.isfinite(value) or (r.scale == "ln" and value >= _LARGEST):
        return math.nan
    return r.possible(r.off_scale(value))


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def in_words(target: Target, r: Readout) -> str:
    """A readout in words: "crp (fold, 120 d), median, 5 mg to placebo"."""
    endpoints = {e["id"]: e for e in target.protocol["endpoint"]}

    def one(name: str) -> str:
        e = endpoints[name]
        when = e.get("at") or f"{e.get('from', '0 h')} to {e.get('to', 'end')}"
        kind = "" if e["kind"] == "value" else f"{e['kind'].replace('_', ' ')}, "
        return f"{e['observable']} ({kind}{when})"

    text = one(r.endpoint)
    for word, other in (("over", r.per), ("less", r.minus), ("and", r.endpoint2)):
        if other:
            text += f" {word} {one(other)}"
    if r.where:
        text += f" {_bounds(r.where)}"
    text += f", {r.statistic.replace('_', ' ')}, {r.arm}{_those(r.among, one)}"
    if r.reference:
        text += f" {_WORDS[r.measure or 'ratio']} {r.reference}{_those(r.reference_among, one)}"
    if r.variant != BASE:
        text += f"; {r.variant}"
    if r.reference_variant:
        other = "the first protocol" if r.reference_variant == BASE else r.reference_variant
        text += f" {_WORDS[r.variant_measure or 'ratio']} {other}"
    return text


_WORDS = {"ratio": "to", "difference": "less", "odds_ratio": "to (odds)", "smd": "less (in SDs)"}


def _those(among: Among | None, one: Callable[[str], str]) -> str:
    return "" if among is None else f" with {one(among.endpoint)} {_bounds(among.where)}"


def _bounds(criterion: list[Bound]) -> str:
    return " and ".join(f"{b.sign} {b.value:g} {b.unit}".rstrip() for b in criterion)
