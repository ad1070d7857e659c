"""What published trials in cachexia found, beside what the model predicts of them."""

from __future__ import annotations

from typing import Any

from leukinetics.evidence import load_targets, validate

#: The studies that are shown: the model was fitted to none of their figures.
STUDIES = ("cachexia_romana", "cachexia_ponsegromab")


def predicted() -> list[dict[str, Any]]:
    """Each readout that is not fitted.

    ``study`` (its name; of ROMANA 1 and 2 the model's are the same), ``what`` (the readout in words), ``unit``,
    ``published`` and ``model`` as [value, low, high], and whether the model is ``inside`` of what the errors allow.
    """
    targets = load_targets(ids=list(STUDIES))
    return [
        {
            "study": f"ROMANA {c.id[-1]}" if c.target == "cachexia_romana" else "Ponsegromab, phase 2",
            "what": c.readout,
            "unit": c.unit,
            "published": [_short(v) for v in (c.published, c.published_low, c.published_high)],
            "model": [_short(v) for v in (c.predicted, c.predicted_low, c.predicted_high)],
            "inside": c.inside,
        }
        for c in validate(targets=targets).comparisons
        if c.role == "validate"
    ]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
