"""The results of a trial in several conditions, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leukinetics.trial.statistics.compare import number
from leukinetics.trial.studies.question import on_scale

#: Fewer draws in which both conditions have an effect tell nothing of how they differ.
LEAST_DRAWS = 2


def side_by_side(found: Sequence[tuple[str, str, str, Mapping[str, Any]]]) -> dict[str, Any]:
    """What ``also`` of summary.json holds, of (name, condition, folder, summary) of each trial, the trial itself first.

    ``conditions``: who took part, and patients per arm for the target power. ``contrasts``: the main one of each
    endpoint and arm, condition by condition; over the draws its ``median``, ``low`` and ``high``, and in ``apart`` how
    far it is from the first condition's, draw by draw: differences, of ratios quotients. The same draw has the same
    values of all parameters that two conditions share, so that this is told far better than either effect.
    """
    return {
        "conditions": [
            {
                "name": name,
                "condition": condition,
                "folder": folder,
                "patients": summary["patients"],
                "n_for_target": (summary["power"] or {}).get("n_for_target"),
            }
            for name, condition, folder, summary in found
        ],
        "contrasts": [row for place in range(len(found)) for row in _contrasts(found, place)],
    }


def _contrasts(found: Sequence[tuple[str, str, str, Mapping[str, Any]]], place: int) -> list[dict[str, Any]]:
    name, _, _, summary = found[place]
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for c in summary["contrasts"]:
        key = (c["endpoint"], c["arm"])
        if key in rows:  # the first of an endpoint and arm is the main one
            continue
        drawn = _drawn(summary, key)
        own = {k: c[k] for k in ("arm", "reference", "measure", "estimate", "ci_low", "ci_high", "p_value", "n")}
        rows[key] = {
            "condition": name, "endpoint": c["endpoint"], **own,
            **{k: drawn.get(k) for k in ("median", "low", "high")},
            "apart": _apart(drawn, _drawn(found[0][3], key)) if place else None,
        }  # fmt: skip
    return list(rows.values())


def _drawn(summary: Mapping[str, Any], key: tuple[str, str]) -> dict[str, Any]:
    rows = (summary["uncertainty"] or {}).get("contrasts", [])
    return next((r for r in rows if (r["endpoint"], r["arm"]) == key), {})


def _apart(one: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any] | None:
    """Median and 95 % interval over draws of the effect less the first condition's."""
    measure = one.get("measure")
    if measure is None or measure != first.get("measure"):
        return None
    pairs = [(a, b) for a, b in zip(one["values"], first["values"], strict=True) if a is not None and b is not None]
    apart = np.array([on_scale(measure, a) - on_scale(measure, b) for a, b in pairs])
    apart = apart[np.isfinite(apart)]
    if len(apart) < LEAST_DRAWS:
        return None
    low, median, high = (_back(measure, v) for v in np.quantile(apart, [0.025, 0.5, 0.975]))
    return {"median": number(median), "low": number(low), "high": number(high)}


def _back(measure: str, apart: float) -> float:
    """From the scale of :func:`on_scale`: a quotient of ratios, and percent of percent differences."""
    if on_scale(measure, 1.0) == 0.0:
        return math.exp(apart)
    return 100.0 * math.expm1(apart) if measure == "percent_difference" else apart
