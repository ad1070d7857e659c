"""Times of a trial that lasts hours, in hours: the trial itself tells all times in days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from leukinetics.report.trial.folder import Finished

#: Days up to which a trial is one of hours.
SHORT = 4.0
_NUMBERS = (
    "estimate", "se", "ci_low", "ci_high", "median", "low", "high", "values", "sd_parameters", "sd_patients", "effect",
    "mu_star", "mu_star_ci", "mu", "sigma", "base",
)  # fmt: skip


def in_hours(trial: Finished) -> Finished:
    """The trial with endpoints that are times in hours, and rates per hour, where it lasts hours; else as it is."""
    if trial.protocol.trial.duration > SHORT:
        return trial
    factors = {e.id: _FACTORS[u] for e in trial.protocol.endpoint if (u := str(trial.unit(e.id))) in _FACTORS}
    return replace(trial, summary=_told(trial.summary, factors, None)) if factors else trial


_FACTORS = {"day": (24.0, "h"), "1/day": (1 / 24.0, "1/h")}


def _told(found: Any, factors: Mapping[str, tuple[float, str]], scale: tuple[float, str] | None) -> Any:
    """A nest of rows in other units; ``scale`` is that of the row's endpoint."""
    if isinstance(found, list):
        return [_told(f, factors, scale) for f in found]
    if not isinstance(found, Mapping):
        return found
    if "endpoint" in found:
        absolute = found.get("measure") in ("difference", "mean_difference", None)
        scale = factors.get(str(found["endpoint"])) if absolute else None
    made: dict[str, Any] = {}
    for key, value in found.items():
        if key in factors and isinstance(value, Mapping):  # an arm's numbers by endpoint
            made[key] = {**_told(value, factors, factors[key]), "unit": factors[key][1]}
        elif scale is not None and key in _NUMBERS:
            made[key] = _times(value, scale[0])
        else:
            made[key] = _told(value, factors, scale)
    return made


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, list):
        return [_times(v, factor) for v in value]
    return value * factor if isinstance(value, (int, float)) and not isinstance(value, bool) else value
