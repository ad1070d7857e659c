"""What published trials in cachexia found, beside what the model predicts of them."""

from __future__ import annotations

import re
from typing import Any

from leukinetics.evidence import load_targets, validate

#: The studies that are shown, with the number of a trial out of the readout's id: none of their figures was fitted.
STUDIES = {
    "cachexia_romana": "ROMANA {}",
    "cachexia_anamorelin_japan": "Anamorelin in Japan",
    "cachexia_bermekimab_1": "Bermekimab, phase 1",
    "cachexia_bermekimab_3": "Bermekimab, phase 3",
    "cachexia_canopy": "CANOPY-{}, canakinumab",
    "cachexia_olanzapine": "Olanzapine",
    "cachexia_parenteral": "Parenteral nutrition",
    "cachexia_ponsegromab_1b": "Ponsegromab, phase 1b",
    "cachexia_ponsegromab": "Ponsegromab, phase 2",
}
#: Names of readouts as a reader knows them.
NAMES = {"body_weight": "weight", "lean_mass": "lean mass", "grip_strength": "grip", "muscle_index": "muscle of CT"}


def predicted() -> list[dict[str, Any]]:
    """Each readout that is not fitted.

    ``study`` (its name; of ROMANA 1 and 2 the model's are the same), ``what`` (the readout in words), ``unit``,
    ``published`` and ``model`` as [value, low, high], and whether the model is ``inside`` of what the errors allow.
    """
    targets = load_targets(ids=list(STUDIES))
    return [
        {
            "study": STUDIES[c.target].format(c.id[-1]),
            "what": _words(c.readout),
            "unit": c.unit,
            "published": [_short(v) for v in (c.published, c.published_low, c.published_high)],
            "model": [_short(v) for v in (c.predicted, c.predicted_low, c.predicted_high)],
            "inside": c.inside,
        }
        for c in validate(targets=targets).comparisons
        if c.role == "validate"
    ]


def _words(readout: str) -> str:
    """A readout in words, without those whom it is of where they are the living."""
    text = re.sub(r" with survival \([^)]*\) >= 0\.5", "", readout)
    for name, words in NAMES.items():
        text = text.replace(name, words)
    return text


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
