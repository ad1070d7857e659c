"""The modules of cachexia: rest in health, energy, directions, drugs through their targets, death."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

import leukinetics as lk
from leukinetics import biology
from leukinetics.engine.run_in import RunIn
from leukinetics.trial.amounts import parse_amount
from leukinetics.trial.times import days as in_days

YEAR = 365.25
REST = RunIn(limit=20_000.0, tolerance=1e-5, window=30.0)
EXPECTED = {"expected_course": 1.0, "disease_duration": 0.0, "age": 65 * YEAR}
READ = [
    "body_weight", "lean_mass", "fat_mass", "muscle_mass", "muscle_index", "energy_intake", "energy_expenditure",
    "appetite", "grip_strength", "tumour_size", "npy", "pomc", "mc4r", "survival", "gdf15", "facit_fatigue", "il6",
    "crp", "proteolysis", "cortisol", "igf1",
]  # fmt: skip
CONDITIONS = ["cachexia_nsclc", "cachexia_pancreatic", "cachexia_gi", "precachexia"]


@cache
def _assembly(condition: str, *drugs: str) -> biology.Assembly:
    return biology.assemble(condition, list(drugs))


def _at(
    days: float, condition: str = "cachexia_nsclc", drug: str = "", usual: float = 1.0, **changes: float
) -> dict[str, float]:
    """Readouts of the expected course so many days after the onset, from which on the drug's usual regimen is given."""
    assembly = _assembly(condition, *filter(None, [drug]))
    doses = None
    if drug:
        spec = assembly.drugs[drug]
        given = parse_amount(spec.regimens[0].amount)
        mass, per_kg = given.inside(spec.amount_unit, spec.molar_mass, "the test")
        mass *= usual * (75.0 if per_kg else 1.0)
        step = in_days(spec.regimens[0].every)
        target = next(iter(spec.route_target.values()))
        doses = [{"time": 0.0, "target": target, "amount": mass, "every": step, "count": int(days / step) + 1}]
    found = assembly.model.simulate([days], pd.DataFrame([EXPECTED | changes]), doses, outputs=READ, run_in=REST)
    assert int(found["status"][0]) == 0
    return {name: float(found[name].to_numpy()[0, 0]) for name in READ}


def test_without_a_tumour_all_kinds_of_people_rest() -> None:
    rng = np.random.default_rng(3)
    n = 12
    people = pd.DataFrame(
        {
            "weight": rng.normal(75, 12, n), "bmi": rng.normal(27, 4, n), "age": rng.normal(60, 12, n) * YEAR,
            "sex": rng.integers(0, 2, n).astype(float), "il1b_factor": np.exp(rng.normal(0, 0.5, n)),
        }
    )  # fmt: skip
    found = _assembly("healthy_body").model.simulate(np.array([0.0, 1, 10]) * YEAR, people, outputs=READ, run_in=REST)
    for name in READ:
        values = found[name].to_numpy()
        assert np.allclose(values[:, 1:], values[:, :1], rtol=1e-6, atol=1e-9), name
    assert np.allclose(found["body_weight"].to_numpy()[:, 2], people["weight"], rtol=1e-6)


@pytest.mark.parametrize("drug", ["anakinra", "canakinumab"])
def test_blocking_il1_in_health_does_nothing_to_the_body(drug: str) -> None:
    untreated, treated = _at(180.0, "healthy_body"), _at(180.0, "healthy_body", drug)
    for name in ("body_weight", "lean_mass", "energy_intake", "npy"):
        assert treated[name] == pytest.approx(untreated[name], rel=2e-3), name


@pytest.mark.parametrize("condition", CONDITIONS)
def test_energy_is_conserved(condition: str) -> None:
    times = np.linspace(0.001, 200, 4001)
    outputs = ["energy_intake", "energy_expenditure", "fat", "lean", "glycogen"]
    found = _assembly(condition).model.simulate(
        times, pd.DataFrame([EXPECTED]), outputs=outputs, run_in=REST, rtol=1e-8
    )
    intake, spent, fat, lean, glycogen = (found[name].to_numpy()[0] for name in outputs)
    stored = 9440.7 * fat + 1816.4 * lean + 4206.5 * glycogen
    gained = np.concatenate([[0.0], np.cumsum(np.diff(times) * ((intake - spent)[1:] + (intake - spent)[:-1]) / 2)])
    assert np.abs(gained - (stored - stored[0])).max() < 2e-4 * np.abs(stored - stored[0]).max()


def test_no_state_is_negative_in_a_population() -> None:
    rng = np.random.default_rng(1)
    n = 60
    people = pd.DataFrame(
        {
            "tumour_burden": 0.15 * np.exp(rng.normal(0, 0.6, n)), "tumour_il1a": 20 * np.exp(rng.normal(0, 1, n)),
            "tumour_il6": 40 * np.exp(rng.normal(0, 1, n)), "luck_death": rng.random(n),
            "luck_intercurrent": rng.random(n), "disease_duration": YEAR, "history_lead": YEAR,
            "weight": rng.normal(73, 12, n), "age": 65 * YEAR,
        }
    )  # fmt: skip
    times = np.linspace(0, 2.5, 60) * YEAR
    found = _assembly("cachexia_pancreatic").model.simulate(times, people, outputs=READ, run_in=REST)
    assert (found["status"] == 0).all()
    for name in READ:
        assert float(found[name].min()) > -1e-6, name
    survival = found["survival"].to_numpy()
    assert set(np.unique(survival)) == {0.0, 1.0} and (np.diff(survival, axis=1) <= 0).all()
    assert (survival[:, times < YEAR] == 1).all()  # nobody dies before time 0 of a trial
    weight = found["body_weight"].to_numpy()
    dead = survival[:, -2] == 0
    assert dead.sum() > 10 and np.allclose(weight[dead, -1], weight[dead, -2])  # everything stands still


def test_expectation_is_the_share_of_the_living() -> None:
    rng = np.random.default_rng(2)
    people = pd.DataFrame({"luck_death": rng.random(800), "disease_duration": 0.0, "intercurrent_size": 0.0})
    times = [30.0, 120.0, 240.0]
    drawn = _assembly("cachexia_nsclc").model.simulate(times, people, outputs=["survival"], run_in=REST)
    expected = _assembly("cachexia_nsclc").model.simulate(
        times, pd.DataFrame([{"expected_course": 1.0, "disease_duration": 0.0, "intercurrent_size": 0.0}]),
        outputs=["survival"], run_in=REST,
    )  # fmt: skip
    assert np.allclose(drawn["survival"].mean(axis=0), expected["survival"].to_numpy()[0], atol=0.06)


def test_other_conditions_have_no_modules_of_cachexia() -> None:
    assert "body" not in _assembly("healthy").modules
    assert "lean_mass" not in set(_assembly("healthy").readouts["id"])
    assert {"body", "appetite", "tumour"} <= set(_assembly("precachexia").modules)


@pytest.mark.parametrize(
    ("change", "readout", "sign"),
    [
        ({"tumour_il1a": 60.0}, "energy_intake", -1),
        ({"tumour_il1a": 60.0}, "npy", -1),
        ({"tumour_il1a": 60.0}, "pomc", 1),
        ({"tumour_il6": 100.0}, "muscle_mass", -1),
        ({"tumour_il6": 100.0}, "crp", 1),
        ({"tumour_gdf15": 60.0}, "body_weight", -1),
        ({"tumour_growth": 0.015}, "survival", -1),
        ({"tumour_aggressiveness": 2.0}, "il6", 1),
        ({"tumour_aggressiveness": 2.0}, "survival", -1),
        ({"systemic_therapy": 1.0}, "tumour_size", -1),
    ],
)
def test_directions(change: dict[str, float], readout: str, sign: int) -> None:
    assert sign * (_at(84.0, **change)[readout] - _at(84.0)[readout]) > 0


@pytest.mark.parametrize(
    ("drug", "readout", "sign"),
    [
        ("nutritional_supplement", "lean_mass", 1), ("nutritional_supplement", "fat_mass", 1),
        ("nutritional_supplement", "energy_intake", 1), ("resistance_exercise", "muscle_index", 1),
        ("aerobic_exercise", "fat_mass", -1), ("chemotherapy", "tumour_size", -1),
        ("dexamethasone", "crp", -1), ("dexamethasone", "cortisol", -1), ("dexamethasone", "proteolysis", 1),
    ],
)  # fmt: skip
def test_directions_of_doses(drug: str, readout: str, sign: int) -> None:
    assert sign * (_at(83.9, drug=drug)[readout] - _at(83.9)[readout]) > 0


def test_anabolic_resistance_costs_the_fed_lean_tissue() -> None:
    fed = [
        _at(84.0, drug="nutritional_supplement", usual=2.0, **c)["lean_mass"]
        for c in ({}, {"anabolic_resistance": 0.05})
    ]
    assert fed[0] < fed[1]


def test_cycles_of_chemotherapy_are_on_average_the_standard_therapy() -> None:
    assert _at(3.0, drug="chemotherapy")["appetite"] < 0.98 * _at(3.0)["appetite"]
    by_cycles, steady = _at(210.0, drug="chemotherapy"), _at(210.0, systemic_therapy=1.0)
    assert by_cycles["tumour_size"] == pytest.approx(steady["tumour_size"], rel=0.05)
    assert by_cycles["lean_mass"] == pytest.approx(steady["lean_mass"], rel=0.02)


def test_pair_feeding_raises_npy_and_the_tumour_lowers_it() -> None:
    fixed = {"intake_fixed": 1.0, "intake_level": 0.7}
    fed, pair_fed = _at(84.0, "healthy_body"), _at(84.0, "healthy_body", **fixed)
    tumour = _at(84.0, "cachexia_pancreatic", **fixed)
    assert fed["npy"] == pytest.approx(1.0)
    assert tumour["npy"] < fed["npy"] < pair_fed["npy"]
    assert tumour["energy_intake"] == pytest.approx(pair_fed["energy_intake"])


@pytest.mark.parametrize(
    ("drug", "readout", "least"),
    [
        ("canakinumab", "lean_mass", 0.005), ("anakinra", "lean_mass", 0.005), ("bermekimab", "lean_mass", 0.002),
        ("clazakizumab", "lean_mass", 0.005), ("ponsegromab", "body_weight", 0.005),
        ("anamorelin", "body_weight", 0.01), ("mc4r_antagonist", "body_weight", 0.01),
        ("olanzapine", "body_weight", 0.001),
    ],
)  # fmt: skip
def test_drugs_keep_mass_through_their_targets(drug: str, readout: str, least: float) -> None:
    assert _at(84.0, drug=drug)[readout] / _at(84.0)[readout] - 1 > least


def test_lost_fat_makes_less_interleukin_6() -> None:
    """In health, where nothing else has changed; without the core's slope of adiposity there is no such path."""
    fixed = {"intake_fixed": 1.0, "bmi": 32.0, "weight": 95.0}
    for slope, falls in (({}, True), ({"adiposity_slope": 0.0}, False)):
        fed, starved = (_at(180.0, "healthy_body", intake_level=x, **fixed, **slope) for x in (1.0, 0.6))
        assert starved["fat_mass"] < 0.8 * fed["fat_mass"]
        assert (starved["il6"] < 0.9 * fed["il6"]) is falls


def test_gdf15_antibody_needs_gdf15() -> None:
    cut = {"gdf15_anorexia": 1e-6}
    assert _at(84.0, drug="ponsegromab", **cut)["body_weight"] == pytest.approx(
        _at(84.0, **cut)["body_weight"], rel=1e-4
    )


def test_ghrelin_agonist_builds_lean_tissue_by_way_of_igf1() -> None:
    """The pituitary's port drives IGF-1, and IGF-1 water, lean tissue and expenditure; each goes when it is cut."""
    pituitary = {"ghrelin_gain": 1e-9}  # no appetite
    untreated, treated = (_at(84.0, "healthy_body", drug, **pituitary) for drug in ("", "anamorelin"))
    assert untreated["igf1"] == pytest.approx(130.0)
    assert 1.2 * untreated["igf1"] < treated["igf1"] < 2.0 * untreated["igf1"]
    assert treated["lean_mass"] > untreated["lean_mass"] + 0.5 and treated["fat_mass"] < untreated["fat_mass"]
    assert treated["energy_expenditure"] > untreated["energy_expenditure"]
    cut = _at(84.0, "healthy_body", "anamorelin", **pituitary, gh_ghrelin=0.0)
    for name in ("igf1", "lean_mass", "fat_mass", "body_weight"):
        assert cut[name] == pytest.approx(untreated[name], rel=1e-6), name
    dry = _at(84.0, "healthy_body", "anamorelin", **pituitary, igf1_fluid=1e-9)
    assert untreated["lean_mass"] < dry["lean_mass"] < treated["lean_mass"]
    assert dry["muscle_mass"] == pytest.approx(treated["muscle_mass"], rel=1e-6)  # water is no muscle


def test_inflammation_costs_what_igf1_builds() -> None:
    gained = [
        _at(84.0, drug="anamorelin", **c)["muscle_mass"]
        - _at(84.0, drug="anamorelin", **c, igf1_lean=1e-9)["muscle_mass"]
        for c in ({"anabolic_resistance": 0.05}, {"anabolic_resistance": 0.9})
    ]
    assert gained[0] > gained[1] > 0


def test_energy_is_conserved_while_igf1_is_raised() -> None:
    times = np.linspace(0.001, 120, 6001)
    outputs = ["energy_intake", "energy_expenditure", "fat", "lean", "glycogen"]
    doses = [{"time": 0.0, "target": "anamorelin_depot", "amount": 100.0, "every": 1.0, "count": 121}]
    found = _assembly("healthy_body", "anamorelin").model.simulate(
        times, pd.DataFrame([EXPECTED]), doses, outputs=outputs, run_in=REST, rtol=1e-8
    )
    intake, spent, fat, lean, glycogen = (found[name].to_numpy()[0] for name in outputs)
    stored = 9440.7 * fat + 1816.4 * lean + 4206.5 * glycogen
    gained = np.concatenate([[0.0], np.cumsum(np.diff(times) * ((intake - spent)[1:] + (intake - spent)[:-1]) / 2)])
    assert np.abs(gained - (stored - stored[0])).max() < 2e-3 * np.abs(stored - stored[0]).max()


def test_trials_read_the_present_weight() -> None:
    """The covariate is the weight before the illness; the observable of that name is what the scale shows."""
    protocol = {
        "trial": {"name": "weight", "condition": "cachexia_pancreatic", "duration": "8 weeks", "patients_per_arm": 4},
        "arm": [{"name": "untreated"}],
        "endpoint": [
            {"id": i, "observable": o, "kind": "change", "at": "8 weeks"}
            for i, o in (("a", "weight"), ("b", "body_weight"))
        ],
    }
    numbers = lk.run_trial(protocol, threads=1).summary["arms"][0]["endpoints"]
    assert numbers["a"]["estimate"] == numbers["b"]["estimate"] != 0
