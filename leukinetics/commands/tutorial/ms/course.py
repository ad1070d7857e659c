"""One patient's disease, untreated and treated, and the same patient with other luck."""

from __future__ import annotations

from typing import Any

import numpy as np

import leukinetics as lk

YEAR = 365.25
YEARS, START = 15, 6  # of the disease; when natalizumab begins
AGE = 30.0
LUCKS = 40
READ = ("relapses", "gd_lesions", "edss", "axons", "brain_volume")
EVERY = 14.0  # days between samples


def course() -> dict[str, Any]:
    """One of 40 lucks of a typical patient, and all of them; times in years since the onset.

    ``patient``: readouts over time and times of relapses, untreated and with natalizumab from ``start`` on, of the
    luck whose relapses after ``start`` are nearest to the mean of all in both arms. ``lucks``: the untreated disability
    of all, with their relapses. ``expected``: that of the course without chance.
    """
    import pandas as pd

    model = lk.condition("ms_rr", drugs=["natalizumab"])
    times = np.arange(0.0, YEARS * YEAR, EVERY)
    drawn = np.random.default_rng(1).random((LUCKS, 2))
    people = pd.DataFrame({"luck_trigger": drawn[:, 0], "luck_relapse": drawn[:, 1], "age": AGE * YEAR})
    dose = {
        "time": START * YEAR, "target": "natalizumab_central", "amount": 300.0, "duration": 1 / 24, "every": 28.0,
        "count": round((YEARS - START) * YEAR / 28),
    }  # fmt: skip
    arms = {"untreated": None, "natalizumab": [dose]}
    found = {
        arm: model.simulate(times, parameters=people, doses=doses, outputs=list(READ), max_steps=200_000)
        for arm, doses in arms.items()
    }
    relapses = found["untreated"]["relapses"].to_numpy()[:, -1]
    begin = int(np.searchsorted(times, START * YEAR))
    after = np.array([f["relapses"].to_numpy()[:, -1] - f["relapses"].to_numpy()[:, begin] for f in found.values()])
    middle = int(np.argmin(np.abs(after - after.mean(axis=1, keepdims=True)).sum(axis=0)))
    typical = pd.DataFrame({"expected_course": [1.0], "age": [AGE * YEAR]})
    expected = model.simulate(times, parameters=typical, outputs=["relapses", "edss"], max_steps=200_000)
    return {
        "start": START,
        "years": YEARS,
        "age": AGE,
        "time": _short(times / YEAR),
        "patient": {arm: _one(times, {name: f[name].to_numpy()[middle] for name in READ}) for arm, f in found.items()},
        "lucks": {
            "relapses": np.round(relapses).astype(int).tolist(),
            "edss": [_short(row[::4], 3) for row in found["untreated"]["edss"].to_numpy()],
        },
        "expected": {"relapses": float(f"{expected['relapses'].to_numpy()[0, -1]:.3g}"),
                     "edss": _short(expected["edss"].to_numpy()[0][::4], 3)},
    }  # fmt: skip


def _one(times: Any, values: dict[str, Any]) -> dict[str, Any]:
    counts = np.round(values["relapses"])
    came = np.repeat(times[1:], np.maximum(np.diff(counts), 0).astype(int)) / YEAR
    volume = values["brain_volume"]
    return {
        "relapses": [0.0] * int(counts[0]) + _short(came),
        "gd_lesions": _short(values["gd_lesions"], 3),
        "edss": _short(values["edss"], 3),
        "axons": _short(100 * (values["axons"] - 1), 3),
        "brain_volume": _short(100 * (volume / volume[0] - 1), 3),
    }


def _short(values: Any, digits: int = 4) -> list[float]:
    return [float(f"{v:.{digits}g}") for v in values]
