"""Cachexia at the edges of what can be asked for: nobody fails, no mass is negative, energy is conserved."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import leukinetics as lk
from leukinetics import biology
from leukinetics.engine.run_in import RunIn

YEAR = 365.25
REST = RunIn(limit=20_000.0, tolerance=1e-5, window=30.0)
MASSES = ["fat", "lean", "muscle", "glycogen", "body_weight", "lean_mass"]
READ = [*MASSES, "tumour", "survival", "alive", "appetite", "facit_fatigue", "grip_strength", "energy_intake"]
#: Amount, every so many days, and for how long each is given.
DOSES = {
    "chemotherapy": (200.0, 21.0, 0.0),
    "dexamethasone": (100.0, 1.0, 0.0),
    "nutritional_supplement": (4000.0, 1.0, 0.0),
    "aerobic_exercise": (5.0, 1.0, 5 / 24),
    "resistance_exercise": (5.0, 1.0, 5 / 24),
    "canakinumab": (1000.0, 7.0, 0.0),
}


@cache
def _assembly(condition: str, drugs: tuple[str, ...] = ()) -> biology.Assembly:
    return biology.assemble(condition, list(drugs))


def _people(condition: str, n: int, seed: int) -> pd.DataFrame:
    """People with what no trial would take, independently of each other."""
    rng = np.random.default_rng(seed)
    of = {
        "bmi": [14, 16, 20, 26, 35, 60], "age": [18 * YEAR, 40 * YEAR, 65 * YEAR, 95 * YEAR], "sex": [0, 1],
        "luck_death": [1e-6, 0.01, 0.5, 0.99], "expected_course": [0, 1], "systemic_therapy": [0, 1, 3],
        "intercurrent_size": [0, 0.5, 5], "intake_fixed": [0, 0, 0, 1], "intake_level": [0.1, 0.5, 2],
        "anabolic_resistance": [0.1, 0.6, 0.9],
    }  # fmt: skip
    people = {name: rng.choice(np.array(values, dtype=float), n) for name, values in of.items()}
    people["weight"] = people["bmi"] * rng.uniform(1.45, 2.0, n) ** 2
    for name in ("luck_intercurrent", "luck_oedema"):
        people[name] = rng.random(n)
    usual = {
        "hunger_block_half": 2.0, "tumour_il1b": 5.5, "tumour_il1a": 18.0, "tumour_il6": 30.0, "tumour_gdf15": 20.0,
        "il1b_factor": 1.0, "tumour_aggressiveness": 1.0, "therapy_kill": 0.031, "hypermetabolism": 0.25,
        "hazard_base": 0.001,
    }  # fmt: skip
    for name, value in usual.items():
        people[name] = value * np.exp(rng.normal(0, 1.2, n))
    if condition != "healthy_body":
        people["tumour_burden"] = 0.15 * rng.choice(np.array([0.1, 1, 5, 20]), n)
        people["tumour_growth"] = 0.005 * rng.choice(np.array([0.3, 1, 4]), n)
        people["disease_duration"] = people["history_lead"] = rng.choice(np.array([0, YEAR]), n)
    return pd.DataFrame(people)


def _doses(assembly: biology.Assembly, days: float) -> list[dict[str, Any]] | None:
    rows = []
    for name, drug in assembly.drugs.items():
        amount, every, duration = DOSES[name]
        target = next(iter(drug.route_target.values()))
        rows.append(
            {"time": 0.0, "target": target, "amount": amount, "every": every, "count": int(days / every) + 1}
            | {"duration": duration}
        )
    return rows or None


@pytest.mark.parametrize(
    ("condition", "drugs"),
    [
        ("cachexia_pancreatic", ()),
        ("cachexia_gi", ("nutritional_supplement",)),
        ("cachexia_nsclc", ("chemotherapy", "aerobic_exercise", "resistance_exercise")),
        ("healthy_body", ("chemotherapy", "nutritional_supplement")),
        ("healthy_body", ("aerobic_exercise",)),
        pytest.param("cachexia_pancreatic", ("dexamethasone", "aerobic_exercise"), marks=pytest.mark.slow),
        pytest.param("cachexia_nsclc", ("canakinumab", "nutritional_supplement"), marks=pytest.mark.slow),
    ],
)
def test_three_years_of_extremes_fail_nobody(condition: str, drugs: tuple[str, ...]) -> None:
    days = 3 * YEAR
    made = _assembly(condition, drugs)
    people = _people(condition, 30, len(drugs))
    found = made.model.simulate(np.linspace(0, days, 60), people, _doses(made, days), outputs=READ, run_in=REST)
    assert (found["status"] == 0).all()
    for name in READ:
        values = found[name].to_numpy()
        assert np.isfinite(values).all(), name
        assert (values > 0).all() if name in MASSES else (values > -1e-9).all(), name
    alive = found["alive"].to_numpy()
    assert (np.diff(alive, axis=1) <= 0).all() and (alive[:, -1] == 0).any()
    gone = alive[:, -2] == 0
    for name in ("fat", "lean", "body_weight"):
        assert np.allclose(found[name].to_numpy()[gone, -1], found[name].to_numpy()[gone, -2], rtol=1e-9), name
    assert (found["survival"].to_numpy()[alive == 0] == 0).all()


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    bmi=st.floats(14, 60), stature=st.floats(1.45, 2.0), age=st.floats(18, 95), sex=st.sampled_from([0.0, 1.0]),
    burden=st.floats(0.005, 3.0), aggressiveness=st.floats(0.2, 5.0), fixed=st.sampled_from([0.0, 1.0]),
    level=st.floats(0.1, 3.0), therapy=st.floats(0.0, 3.0), expected=st.sampled_from([0.0, 1.0]),
    luck=st.floats(0.0, 1.0),
)  # fmt: skip
def test_energy_and_masses_of_anybody(
    bmi: float, stature: float, age: float, sex: float, burden: float, aggressiveness: float, fixed: float,
    level: float, therapy: float, expected: float, luck: float,
) -> None:  # fmt: skip
    """What was eaten and not spent is in the stores, up to the end of life; tissue is never used up."""
    person = {
        "bmi": bmi, "weight": bmi * stature**2, "age": age * YEAR, "sex": sex, "tumour_burden": burden,
        "tumour_aggressiveness": aggressiveness, "intake_fixed": fixed, "intake_level": level, "luck_oedema": luck,
        "systemic_therapy": therapy, "expected_course": expected, "luck_intercurrent": luck, "luck_death": 1e-6,
        "disease_duration": 0.0,
    }  # fmt: skip
    times = np.concatenate([np.linspace(0.001, 3, 1500), np.linspace(3, 200, 2000)[1:]])  # the beginning is quick
    outputs = ["energy_intake", "energy_expenditure", "fat", "lean", "glycogen", "muscle", "alive", "body_weight"]
    found = _assembly("cachexia_gi").model.simulate(
        times, pd.DataFrame([person]), outputs=outputs, run_in=REST, rtol=1e-8
    )
    assert int(found["status"][0]) == 0
    intake, spent, fat, lean, glycogen, muscle, alive, weight = (found[name].to_numpy()[0] for name in outputs)
    for mass in (fat, lean, glycogen, muscle, weight):
        assert (mass > 0).all()
    living = alive > 0
    stored = (9440.7 * fat + 1816.4 * lean + 4206.5 * glycogen)[living]
    balance = (intake - spent)[living]
    gained = np.concatenate([[0.0], np.cumsum(np.diff(times[living]) * (balance[1:] + balance[:-1]) / 2)])
    turnover = np.trapezoid(np.abs(balance), times[living]) if living.sum() > 1 else 0.0
    assert np.abs(gained - (stored - stored[0])).max() <= 5e-4 * turnover + 1.0


@pytest.mark.parametrize(("level", "lives"), [(0.1, False), (0.75, True)])
def test_starvation_ends_life_and_a_diet_does_not(level: float, lives: bool) -> None:
    """Also in health, and in the expected course. A man of the usual fat who eats next to nothing lives for months."""
    fixed = pd.DataFrame([{"intake_fixed": 1.0, "intake_level": level, "expected_course": 1.0}])
    times = np.linspace(0, 400, 401)
    found = _assembly("healthy_body").model.simulate(times, fixed, outputs=["survival", "fat"], run_in=REST)
    survival = found["survival"].to_numpy()[0]
    assert survival[30] == 1 and bool(survival[-1] == 1) is lives
    if not lives:
        assert 40 < times[np.argmin(survival)] < 150


def test_fat_follows_its_regression_where_there_are_data() -> None:
    """The bend at a least and a most share of fat moves nobody between them."""
    people = pd.DataFrame(
        [{"bmi": b, "weight": b * 1.7**2, "sex": s, "age": 50 * YEAR} for b in (19.0, 24.0, 35.0) for s in (0.0, 1.0)]
    )
    fat = _assembly("healthy_body").model.simulate([0.0], people, outputs=["fat"], run_in=REST)["fat"].to_numpy()[:, 0]
    men, women = 0.3731 * np.log(people["bmi"]) - 1.0394, 0.3996 * np.log(people["bmi"]) - 1.0201
    share = np.where(people["sex"] == 1, women, men) + 0.0014 * 50
    assert np.allclose(fat / people["weight"], share, rtol=1e-3)


def test_no_trial_meets_the_dead() -> None:
    protocol = {
        "trial": {"name": "met", "condition": "cachexia_pancreatic", "duration": "1 week", "patients_per_arm": 150},
        "arm": [{"name": "none"}],
        "endpoint": [{"id": "alive", "observable": "survival", "kind": "value", "at": "0 d"}],
    }  # fmt: skip
    result = lk.run_trial(protocol)
    gone = {r["reason"]: r["n"] for r in result.summary["flow"]["not_met"]}
    assert gone["did not live until time 0"] > 0
    (arm,) = result.summary["arms"]
    assert arm["endpoints"]["alive"]["estimate"] == 1.0
