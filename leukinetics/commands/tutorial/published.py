"""Published effects, ratios, beside those of the examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leukinetics.evidence import load_targets
from leukinetics.evidence.readout import Z95, Readout


class Row(NamedTuple):
    """An effect: a readout of a target, or the ratio of two, and an endpoint of an example."""

    study: str
    label: str
    target: str
    readouts: tuple[str, ...]
    example: str
    endpoint: str


def published(found: Mapping[str, Any], wanted: Sequence[Row]) -> list[dict[str, Any]]:
    """Each row with ``published`` and ``model`` as [ratio, low, high], and ``role``: fitted or predicted.

    Of a readout of two arms the errors of both are put together; of an endpoint whose contrast is no ratio the model's
    is that of the arms' means, without an interval.
    """
    targets = {t.id: t for t in load_targets(ids=sorted({row.target for row in wanted}))}
    rows = []
    for row in wanted:
        readouts = {r.id: r for r in targets[row.target].readout}
        mine = [readouts[name] for name in row.readouts]
        rows.append(
            {
                "study": row.study,
                "label": row.label,
                "role": "predicted" if mine[0].role == "validate" else "fitted",
                "published": _published(mine),
                "model": _model(found[row.example], row.endpoint),
            }
        )
    return rows


def _published(readouts: list[Readout]) -> list[float]:
    middle = readouts[0].value
    low, high = readouts[0].published_interval
    if len(readouts) > 1:
        middle /= readouts[1].value
        half = math.hypot(*(math.log(r.published_interval[1] / r.value) for r in readouts))
        low, high = middle * math.exp(-half), middle * math.exp(half)
    return [float(f"{v:.4g}") for v in (middle, low, high)]


def _model(found: Mapping[str, Any], endpoint: str) -> list[float | None]:
    contrast = next(c for c in found["contrasts"] if c["endpoint"] == endpoint)
    if contrast["measure"] in ("rate_ratio", "hazard_ratio"):
        return [contrast["estimate"], contrast["ci_low"], contrast["ci_high"]]
    arms = [found["arms"][contrast[k]][endpoint] for k in ("arm", "reference")]
    ratio = arms[0]["estimate"] / arms[1]["estimate"]
    # The delta method, with means of other patients in each arm.
    half = Z95 * math.hypot(*(a["se"] / a["estimate"] for a in arms)) if all("se" in a for a in arms) else math.nan
    if not math.isfinite(half):
        return [ratio, None, None]
    return [float(f"{v:.4g}") for v in (ratio, ratio * math.exp(-half), ratio * math.exp(half))]
