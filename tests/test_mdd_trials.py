"""Virtual trials in depression as a whole: nobody fails, and arms do not touch each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leukinetics.trial import Outcome, prepare, run_candidates

CONDITIONS = (
    "mdd", "mood_healthy", "mood_rheumatoid_arthritis", "mood_sle", "mood_hepatitis_c", "mood_endotoxaemia",
    "mood_ms_rr",
)  # fmt: skip


def dose(drug: str, amount: str, route: str, every: str, **more: Any) -> dict[str, Any]:
    return {"drug": drug, "amount": amount, "route": route, "every": every, **more}


ESCITALOPRAM = dose("escitalopram", "10 mg", "po", "1 d")
CELECOXIB = dose("celecoxib", "200 mg", "po", "12 h")
TOCILIZUMAB = dose("tocilizumab", "8 mg/kg", "iv", "4 weeks", duration="1 h")
INTERFERON = dose("interferon_alpha", "0.0115 mg", "sc", "56 h")
THREE = [ESCITALOPRAM, CELECOXIB, TOCILIZUMAB]
ALL = [
    *THREE,
    dose("infliximab", "5 mg/kg", "iv", "2 weeks", count=3, duration="2 h"),
    dose("minocycline", "100 mg", "po", "12 h"),
    dose("canakinumab", "150 mg", "sc", "4 weeks"),
    dose("vortioxetine", "10 mg", "po", "1 d"),
    dose("anifrolumab", "300 mg", "iv", "4 weeks", duration="30 min"),
    dose("adalimumab", "40 mg", "sc", "2 weeks"),
    dose("sarilumab", "200 mg", "sc", "2 weeks"),
    dose("sirukumab", "50 mg", "sc", "4 weeks"),
]


def run(arms: dict[str, list[dict[str, Any]]], condition: str = "mdd", patients: int = 40, **more: Any) -> Outcome:
    duration = more.pop("duration", "12 weeks")
    protocol = {
        "trial": {
            "name": "x", "condition": condition, "duration": duration, "patients_per_arm": patients, "seed": 5,
            "design": "twins",
        },
        "arm": [{"name": name, "dose": doses} for name, doses in arms.items()],
        "endpoint": [
            {"id": name, "observable": name, "kind": "value", "at": duration} for name in ("hamd17", "madrs", "crp")
        ],
    }  # fmt: skip
    return run_candidates(prepare(protocol | more), [{}])


def fine(outcome: Outcome) -> None:
    assert outcome.ok.all()
    for name, most in (("hamd17", 52), ("madrs", 60), ("crp", np.inf)):
        numbers = outcome.endpoints[name].numbers
        assert np.isfinite(numbers).all()
        assert 0 <= numbers.min() <= numbers.max() <= most


def test_eleven_drugs_at_once_and_arms_that_do_not_touch_each_other() -> None:
    """Order of arms and of doses changes no bit; equal arms are equal to the bit."""
    arms = {"none": [], "three": THREE, "all": ALL, "again": THREE, "turned": THREE[::-1]}
    participation = {"trial_participation": {"value": 1}}
    found = run(arms, parameter=participation)
    fine(found)
    hamd = found.endpoints["hamd17"].numbers[0]
    assert np.array_equal(hamd[1], hamd[3])
    assert np.array_equal(hamd[1], hamd[4])
    turned = run(dict(reversed(arms.items())), parameter=participation)
    assert np.array_equal(turned.endpoints["hamd17"].numbers[0][::-1], hamd)


@pytest.mark.parametrize(
    "who",
    [
        {"population": {"bmi": {"value": 45, "unit": "kg/m^2"}}},
        {"eligibility": {"crp": ">= 20 mg/L"}, "patients": 20},
        {"population": {"trauma": {"value": 1}}},
    ],
)
def test_extreme_patients(who: dict[str, Any]) -> None:
    fine(run({"none": [], "three": THREE}, **who))


@pytest.mark.slow
@pytest.mark.parametrize("condition", CONDITIONS)
def test_interferon_alpha_in_every_condition_that_has_mood(condition: str) -> None:
    """Interferon depresses on average, in every condition; three drugs on top of it fail nobody."""
    found = run({"none": [], "interferon": [INTERFERON], "and three": [INTERFERON, *THREE]}, condition)
    fine(found)
    none, interferon, _ = found.endpoints["hamd17"].numbers[0]
    assert interferon.mean() > none.mean() + 1
