"""What published studies of depression found, beside what the model predicts of them."""

from __future__ import annotations

from typing import Any

from leukinetics.evidence import load_targets, validate

#: The study that is shown: the model was fitted to none of its figures.
STUDY = "mdd_infliximab"


def predicted() -> list[dict[str, Any]]:
    """Each readout of the study: ``what`` (an arm's share of responders above 5 mg/L of CRP, or an effect in points
    above and below), ``published`` and ``model`` as [value, low, high] (of a sign the published value is 0 and
    ``bound`` says on which side of it), and whether the model is ``inside`` of what the errors allow."""
    target = load_targets(ids=[STUDY])[0]
    readouts = {target.key(r): r for r in target.readout}
    rows = []
    for c in validate(targets=[target]).comparisons:
        r = readouts[c.id]
        rows.append(
            {
                "id": r.id,
                "arm": r.arm,
                "among": "" if r.among is None else " and ".join(f"{b.sign} {b.value:g}" for b in r.among.where),
                "share": r.statistic in ("event_share", "proportion"),
                "bound": c.bound,
                "role": c.role,
                "published": [_short(v) for v in (c.published, c.published_low, c.published_high)],
                "model": [_short(v) for v in (c.predicted, c.predicted_low, c.predicted_high)],
                "inside": c.inside,
                "note": c.note,
            }
        )
    return rows


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
