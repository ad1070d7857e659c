"""Tables of made-up trials for the tests of the statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from leukinetics.trial.protocol import Endpoint, Protocol

ARMS = ("placebo", "low", "high")


def endpoint(kind: str, **more: Any) -> Endpoint:
    """An endpoint named "e", read at day 28."""
    windowed = kind in ("average", "slope", "event_rate", "time_to_event", "time_to_return")
    timed = {"every": "7 d"} if windowed else {"at": "28 d"}
    if kind == "responder":
        timed["threshold"] = "< 2 mg/L"
    return Endpoint.model_validate({"id": "e", "observable": "crp", "kind": kind} | timed | more)


def protocol(
    endpoints: list[Endpoint], arms: tuple[str, ...] = ARMS, design: str = "parallel", **more: Any
) -> Protocol:
    """A protocol with these endpoints; ``more``: its other tables."""
    dose = {"drug": "canakinumab", "amount": "50 mg", "route": "sc"}
    return Protocol.model_validate(
        {
            "trial": {
                "name": "t", "condition": "healthy", "duration": "52 weeks", "patients_per_arm": 10, "design": design
            },
            "arm": [{"name": a} if a == "placebo" else {"name": a, "dose": [dose]} for a in arms],
            "endpoint": endpoints,
        }
        | more
    )  # fmt: skip


def table(arm: str, value: Any, baseline: Any = np.nan, first: int = 0, **more: Any) -> pd.DataFrame:
    """Rows of one arm in the endpoints' table; ``more`` replaces columns."""
    value = np.asarray(value, dtype=float)
    found = pd.DataFrame(
        {
            "patient": np.arange(first, first + len(value), dtype=np.int64),
            "arm": arm,
            "endpoint": "e",
            "time": 28.0,
            "value": value,
            "baseline": baseline,
            "unit": "mg/L",
            "censored": False,
            "exposure": np.nan,
            "missing": "",
        }
    )
    return found.assign(**more)


def stacked(*parts: pd.DataFrame) -> pd.DataFrame:
    """Tables one below the other."""
    return pd.concat(parts, ignore_index=True)
