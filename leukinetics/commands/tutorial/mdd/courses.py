"""Courses of small trials: the two clocks of inflammation and mood, and two patients that differ in CRP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import leukinetics as lk

if TYPE_CHECKING:
    import pandas as pd

#: Dimensions of symptoms, in the order in which they are drawn.
SYMPTOMS = ("fatigue", "psychomotor", "cognition", "anxiety", "anhedonia", "mood")
BLOOD = ("il6", "kynurenine", "tryptophan", "quinolinic_acid_csf", "kynurenic_acid_csf")
#: An episode begins at as many points of HAMD-17.
EPISODE = 15.0
HOURS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 36, 48, 60, 72)
WEEKS = (*range(1, 13), 14, 16, 18, 20, 22, 24)


def clocks() -> dict[str, Any]:
    """Endotoxin and interferon alpha: means of people by arm and time.

    Of each ``time`` (hours; weeks), and by arm lists of each readout: geometric means relative to time 0 of blood and
    cerebrospinal fluid, means of the others. Of interferon also ``episodes``, the share of people that have had 15
    points of HAMD-17 or more by then; and by symptom ``half``, the week at which half of what week 24 has is reached.
    """
    endotoxin = _trial(
        "mood_endotoxaemia", 60, "72 h", [f"{h} h" for h in HOURS], ("il6", "temperature", "sickness", "hamd17"),
        {"saline": [], "endotoxin": [{"drug": "lps", "amount": "0.8 ng/kg", "route": "iv"}]},
    )  # fmt: skip
    interferon = _trial(
        "mood_hepatitis_c", 300, "24 weeks", [f"{w} weeks" for w in WEEKS],
        (*BLOOD, "sickness", "hamd17", *SYMPTOMS),
        {"untreated": [], "interferon alpha": [
            {"drug": "interferon_alpha", "amount": "0.0115 mg", "route": "sc", "every": "56 h"}
        ]},
        {"hamd17": "< 8"},
    )  # fmt: skip
    found = {"endotoxin": _means(endotoxin, 24.0), "interferon": _means(interferon, 1 / 7)}
    points = _wide(interferon[interferon["arm"] == "interferon alpha"], "hamd17")
    came = (points >= EPISODE).cummax(axis=1).mean()
    found["interferon"]["episodes"] = _short(came)
    treated, untreated = (found["interferon"]["arms"][arm] for arm in ("interferon alpha", "untreated"))
    rises = {s: [a - b for a, b in zip(treated[s], untreated[s], strict=True)] for s in SYMPTOMS}
    found["interferon"]["rises"] = {s: [float(f"{v:.3g}") for v in rise] for s, rise in rises.items()}
    found["interferon"]["half"] = {s: _half(found["interferon"]["time"], rise) for s, rise in rises.items()}
    return found


#: Of patients of about these CRPs (mg/L): the range of each, and how they are called.
CRPS = {"0.5": (0.35, 0.7), "5": (3.5, 7.0)}
ESCITALOPRAM = {"drug": "escitalopram", "amount": "10 mg", "route": "po", "every": "1 d"}
TOCILIZUMAB = {
    "drug": "tocilizumab", "amount": "8 mg/kg", "cap": "800 mg", "route": "iv", "duration": "1 h", "every": "4 weeks",
}  # fmt: skip
PATIENT = ("hamd17", "crp", "il6", "bdnf", "serotonin", "tspo", "quinolinic_acid_csf")


def patients() -> dict[str, Any]:
    """By CRP: one patient on placebo, escitalopram, tocilizumab and both, and the group that he or she is of.

    ``course``: HAMD-17 by arm over ``time`` (weeks) of the patient whose effects are nearest to the group's means;
    ``before``: that patient's levels at time 0; ``effects``: the group's mean difference from placebo at 12 weeks with
    its standard error, of ``n`` patients.
    """
    import numpy as np

    arms = {
        "placebo": [], "escitalopram": [ESCITALOPRAM], "tocilizumab": [TOCILIZUMAB],
        "both": [ESCITALOPRAM, TOCILIZUMAB],
    }  # fmt: skip
    table = _trial(
        "mdd", 800, "12 weeks", [f"{w} weeks" for w in range(1, 13)], PATIENT, arms, {"hamd17": ">= 18"},
        {"trial_participation": {"value": 1}},
    )  # fmt: skip
    first = table[(table["arm"] == "placebo") & (table["time"] == 0)]
    before = first.pivot(index="patient", columns="name", values="value")
    points = {arm: _wide(part, "hamd17") for arm, part in table.groupby("arm", sort=False)}
    found: dict[str, Any] = {"time": [round(float(t) / 7, 3) for t in points["placebo"].columns], "groups": {}}
    for name, (low, high) in CRPS.items():
        who = before.index[(before["crp"] >= low) & (before["crp"] < high)]
        ends = {arm: rows.loc[who].iloc[:, -1] for arm, rows in points.items()}
        changes = np.array([rows.loc[who].iloc[:, -1] - rows.loc[who].iloc[:, 0] for rows in points.values()])
        effects = changes[1:] - changes[0]
        told = np.concatenate([changes[:1], effects])
        far = np.abs(told - told.mean(axis=1, keepdims=True)) / np.maximum(told.std(axis=1, keepdims=True), 1e-9)
        one = who[int(np.argmin(far.max(axis=0)))]
        found["groups"][name] = {
            "low": low, "high": high, "n": len(who),
            "course": {arm: _short(rows.loc[one]) for arm, rows in points.items()},
            "before": {str(k): float(f"{v:.3g}") for k, v in before.loc[one].items()},
            "effects": {
                arm: {"mean": float(f"{e.mean():.3g}"), "se": float(f"{e.std(ddof=1) / len(e) ** 0.5:.2g}")}
                for arm, e in zip(list(ends)[1:], effects, strict=True)
            },
        }  # fmt: skip
    return found


def _trial(
    condition: str, people: int, duration: str, visits: Sequence[str], read: Sequence[str],
    arms: Mapping[str, list[dict[str, Any]]], eligibility: Mapping[str, str] | None = None,
    parameter: Mapping[str, Any] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """True values of twins: the observations of a trial."""
    protocol = {
        "trial": {"name": condition, "condition": condition, "duration": duration, "patients_per_arm": people,
                  "seed": 6, "design": "twins"},
        "parameter": dict(parameter or {}),
        "eligibility": dict(eligibility or {}),
        "arm": [{"name": name, "dose": doses} for name, doses in arms.items()],
        "schedule": {"visits": ["0 h", *visits], "measure": list(read), "noise": False},
        "endpoint": [{"id": "end", "observable": read[-1], "kind": "value", "at": duration}],
    }  # fmt: skip
    return lk.run_trial(protocol).observations


def _means(table: pd.DataFrame, per_day: float) -> dict[str, Any]:
    import numpy as np

    times = np.sort(table["time"].unique())
    arms: dict[str, dict[str, list[float]]] = {}
    for (arm, name), part in table.groupby(["arm", "name"], sort=False):
        rows = _wide(part, str(name))
        if name in BLOOD:
            levels = np.exp(np.log(rows).mean())
            arms.setdefault(str(arm), {})[str(name)] = _short(levels / levels.iloc[0])
        else:
            arms.setdefault(str(arm), {})[str(name)] = _short(rows.mean())
    return {"time": [round(float(t) * per_day, 3) for t in times], "arms": arms}


def _wide(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Patients by time."""
    return table[table["name"] == name].pivot(index="patient", columns="time", values="value")


def _half(times: Sequence[float], rise: Sequence[float]) -> float | None:
    """The time at which half of the last value is first reached."""
    goal = rise[-1] / 2
    for i in range(1, len(rise)):
        if rise[i] >= goal > rise[i - 1]:
            share = (goal - rise[i - 1]) / (rise[i] - rise[i - 1])
            return float(f"{times[i - 1] + share * (times[i] - times[i - 1]):.2g}")
    return None


def _short(values: Any, digits: int = 4) -> list[float]:
    return [float(f"{v:.{digits}g}") for v in values]
