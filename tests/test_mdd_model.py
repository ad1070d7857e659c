"""The modules of mood: rest in health, no negative state, two clocks, drugs through their targets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd
import pytest

from leukinetics import biology, patients
from leukinetics.trial.prepare import RUN_IN

DAY = 1.0
SYMPTOMS = ["anhedonia", "fatigue", "anxiety", "psychomotor", "cognition"]
SIGNED = {"fever"}


@cache
def _assembly(condition: str, *drugs: str) -> biology.Assembly:
    return biology.assemble(condition, list(drugs))


def _states(assembly: biology.Assembly) -> list[str]:
    return [state.name for state in assembly.model.system.states]


def _settled(condition: str, read: list[str], **changes: float) -> dict[str, float]:
    found = _assembly(condition).model.simulate(
        [0.0], pd.DataFrame([changes or {"bmi": 24.0}]), outputs=read, run_in=RUN_IN
    )
    assert int(found["status"][0]) == 0
    return {name: float(found[name][0, 0]) for name in read}


def _course(
    times: list[float],
    read: list[str],
    doses: list[dict[str, float | str]],
    condition: str,
    *drugs: str,
    **changes: float,
) -> dict[str, np.ndarray]:
    people = pd.DataFrame([{"trial_participation": 0.0} | changes])
    found = _assembly(condition, *drugs).model.simulate(times, people, doses or None, outputs=read, run_in=RUN_IN)
    assert int(found["status"][0]) == 0
    return {name: found[name].to_numpy()[0] for name in read}


def _doses(
    condition: str, drug: str, route: str, amount: float, every: float, count: int
) -> list[dict[str, float | str]]:
    target = _assembly(condition, drug).drugs[drug].route_target[route]
    return [{"time": 0.001, "target": target, "amount": amount, "every": every, "count": count}]


def _drawn(assembly: biology.Assembly, n: int, seed: int) -> pd.DataFrame:
    draws = patients.draws(assembly, n, seed=seed)
    known: Mapping[str, object] = dict.fromkeys(assembly.model.inputs)
    return draws[[c for c in draws.columns if c in known]].copy()


def test_health_is_at_rest_for_ten_years_whatever_the_typical_values() -> None:
    assembly = _assembly("mood_healthy")
    names = _states(assembly)
    draws = _drawn(assembly, 300, 3)
    found = assembly.model.simulate([0, 1, 30, 365.25, 3652.5], parameters=draws, outputs=names, rtol=1e-8)
    assert (found.status == 0).all()
    for name in names:
        values = found[name].to_numpy()
        assert np.max(np.abs(values - values[:, :1]) / (np.abs(values[:, :1]) + 1e-6)) < 1e-6, name


@pytest.mark.parametrize("condition", ["mdd", "mood_rheumatoid_arthritis", "mood_sle"])
def test_no_state_becomes_negative(condition: str) -> None:
    """Hostile patients: every uncertain value, drives and traits at once, and a year of treatment."""
    n = 300
    rng = np.random.default_rng(4)
    assembly = _assembly(condition, "infliximab", "escitalopram", "minocycline")
    table = _drawn(assembly, n, 5)
    table["drive_nfkb"] = rng.lognormal(0, 0.7, n)
    if condition == "mdd":
        table["tissue_load"] = rng.lognormal(0, 1.5, n)
    else:
        table["drive_il6_other"] = rng.lognormal(0, 1.5, n)
        table["drive_tnf_other"] = rng.lognormal(0, 1, n)
    table["trait_load"] = rng.lognormal(1, 1.2, n)
    table["inflammation_sensitivity"] = rng.lognormal(0, 0.8, n)
    table["bmi"] = rng.uniform(16, 50, n)
    table["trial_participation"] = 1.0
    table["luck_placebo"] = rng.random(n)
    doses = [
        {"time": 10.0, "target": assembly.drugs[drug].route_target[route], "amount": amount, "every": every, "count": 9}
        for drug, route, amount, every in (
            ("infliximab", "iv", 700.0, 28.0), ("escitalopram", "po", 20.0, 1.0), ("minocycline", "po", 100.0, 0.5)
        )
    ]  # fmt: skip
    per_patient = pd.concat([pd.DataFrame({"patient": np.arange(n), **dose}) for dose in doses])
    names = [s for s in _states(assembly) if s not in SIGNED]
    found = assembly.model.simulate(
        [0, 10, 11, 30, 90, 365], table, per_patient, outputs=[*names, "hamd17", "madrs"], rtol=1e-5, max_steps=50_000
    )
    assert (found.status == 0).all()
    for name in names:
        values = found[name].to_numpy()
        assert values.min() >= -1e-7 * max(1.0, np.nanmax(values)), name
    assert float(found["hamd17"].min()) >= 0 and float(found["hamd17"].max()) <= 52
    assert float(found["madrs"].min()) >= 0 and float(found["madrs"].max()) <= 60


def test_two_clocks() -> None:
    """Endotoxin: sickness within hours and gone at a day, the state of depression hardly moved, CRP late."""
    times = [0.0, 3 / 24, 5 / 24, 1.0, 3.0]
    read = ["sickness", "fatigue", "depression", "crp", "kynurenine", "quinolinic_acid_csf"]
    found = _course(times, read, _doses("mood_endotoxaemia", "lps", "iv", 0.8e-6, 1.0, 1), "mood_endotoxaemia", "lps")
    assert found["sickness"][1] > 2
    assert found["fatigue"][1] > 1.5 * found["fatigue"][0]
    assert abs(found["sickness"][3] - 1) < 0.1
    assert np.abs(found["depression"] / found["depression"][0] - 1).max() < 0.05
    assert found["crp"][3] > 0.9 * found["crp"].max() > 5
    assert found["kynurenine"][2] > 1.03 * found["kynurenine"][0]
    assert found["quinolinic_acid_csf"][2] < 1.05 * found["quinolinic_acid_csf"][0]


def test_typhoid_vaccine_tires_without_fever_and_hardly_moves_mood() -> None:
    """Cytokines highest within 8 h, CRP at a day, no change of mood (doi:10.1016/j.bbi.2013.01.004)."""
    doses = _doses("mood_endotoxaemia", "typhoid_vaccine", "im", 0.5e-6, 1.0, 1)
    read = ["il6", "tnf", "fever", "fatigue", "mood", "crp"]
    found = _course([0.0, 6 / 24, 1.0, 2.0], read, doses, "mood_endotoxaemia", "typhoid_vaccine")
    rise = {name: values / values[0] for name, values in found.items() if name != "fever"}
    assert 2 < rise["il6"][1] < 3.5
    assert 1.1 < rise["tnf"][1] < rise["il6"][1]
    assert found["fever"].max() < 0.1
    assert rise["fatigue"][1] > 1.1 and rise["mood"][1] < 1.1
    assert rise["crp"].argmax() == 2
    assert abs(rise["fatigue"][2] - 1) < 0.05


def test_interferon_alpha_makes_the_syndrome_in_weeks_and_it_goes() -> None:
    doses = _doses("mood_hepatitis_c", "interferon_alpha", "sc", 605.0, 2.333, 36)
    read = ["depression", "fatigue", "tryptophan", "kynurenine", "quinolinic_acid_csf", "serotonin", "dopamine", "bdnf"]
    found = _course([0.0, 7.0, 84.0, 400.0], read, doses, "mood_hepatitis_c", "interferon_alpha")
    assert found["fatigue"][1] / found["fatigue"][0] > found["depression"][1] / found["depression"][0]
    for name, up in (
        ("tryptophan", 0),
        ("kynurenine", 1),
        ("quinolinic_acid_csf", 1),
        ("depression", 1),
        ("serotonin", 0),
    ):
        assert (found[name][2] > found[name][0]) == bool(up), name
    for name in ("dopamine", "bdnf"):
        assert found[name][2] < found[name][0], name
    for name in read:
        assert abs(found[name][3] / found[name][0] - 1) < 0.05, name


def test_the_scales_keep_their_published_relation() -> None:
    """Equal dimensions: HAMD-17 of 10, 20 and 30 is MADRS 13, 26 and 39 (PMID:29031182)."""
    table = _assembly("mdd").parameters.set_index("id")["value"]
    for points, madrs in ((10, 13), (20, 26), (30, 39)):
        state = table["hamd_half"] * points / (52 - points)
        assert abs(60 * state / (state + table["madrs_half"]) - madrs) < 1.6
    for scale, total in (("hamd", 52), ("madrs", 60)):
        parts = [table[f"{scale}_{name}"] for name in ("mood", *SYMPTOMS)]
        assert sum(parts) == total


def test_antidepressant_takes_weeks_and_needs_its_target() -> None:
    doses = _doses("mdd", "escitalopram", "po", 10.0, 1.0, 60)
    read = ["sert_occupancy", "serotonin", "hamd17", "bdnf"]
    times = [0.0, 7.0, 42.0]
    placebo = _course(times, read, [], "mdd", "escitalopram", trial_participation=1.0)
    drug = _course(times, read, doses, "mdd", "escitalopram", trial_participation=1.0)
    assert 0.6 < drug["sert_occupancy"][2] < 0.9
    assert drug["serotonin"][2] > 1.5 * placebo["serotonin"][2]
    gain = placebo["hamd17"] - drug["hamd17"]
    assert 0 < gain[1] < gain[2]
    assert placebo["hamd17"][2] < placebo["hamd17"][0] - 3
    without = _course(times, read, doses, "mdd", "escitalopram", trial_participation=1.0, escitalopram_KD_sert=1e12)
    assert np.allclose(without["hamd17"], placebo["hamd17"], rtol=1e-4)


def test_outside_of_a_trial_nobody_has_placebo_relief() -> None:
    found = _course([0.0, 84.0], ["hamd17"], [], "mdd", luck_placebo=0.01)
    assert abs(found["hamd17"][1] - found["hamd17"][0]) < 0.1


def test_crp_is_read_by_no_equation_of_mood() -> None:
    """CRP finds patients because it goes with their IL-6; making more of it changes nobody's mood."""
    one, other = (_settled("mdd", ["crp", "hamd17", "il6"], crp_factor=factor) for factor in (1.0, 10.0))
    assert other["crp"] > 5 * one["crp"]
    assert abs(other["hamd17"] - one["hamd17"]) < 1e-4


@pytest.mark.parametrize(
    "modifier",
    [
        {"bmi": 36.0}, {"tissue_load": 0.4}, {"drive_nlrp3": 1.6}, {"drive_nfkb": 1.3}, {"trauma": 1.0},
        {"gut_leak": 0.3}, {"il1b_factor": 1.4},
    ],
)  # fmt: skip
def test_modifiers_act_by_inflammation(modifier: dict[str, float]) -> None:
    """Obesity, metabolic syndrome, diabetes, infection, trauma, leaky gut and variants of IL1B."""
    read = ["neuroinflammation", "hamd17"]
    start = {"bmi": 26.0, "gut_leak": 0.0, "trauma": 0.0}
    base, raised = _settled("mdd", read, **start), _settled("mdd", read, **start | modifier)
    assert raised["neuroinflammation"] > 1.02 * base["neuroinflammation"]
    assert raised["hamd17"] > base["hamd17"]


def test_a_switch_has_two_states_in_some_people() -> None:
    read = ["depression"]
    low = _settled("mdd", read, episode=0.0, trait_load=5.0)["depression"]
    high = _settled("mdd", read, episode=1.0, trait_load=5.0)["depression"]
    assert high > 1.3 * low


def test_anti_tnf_in_health_makes_no_episode() -> None:
    doses = _doses("mood_healthy", "infliximab", "iv", 350.0, 28.0, 6)
    found = _course([0.0, 84.0, 168.0], ["hamd17"], doses, "mood_healthy", "infliximab")
    assert found["hamd17"].max() < 6


def test_the_modules_are_only_where_a_condition_asks_for_them() -> None:
    assert "mood" not in _assembly("healthy").modules
    assert "hamd17" not in set(_assembly("rheumatoid_arthritis").readouts["id"])
    both = set(_assembly("mood_ms_rr").modules)
    assert {"mood", "myelin", "neurotrophic"} <= both and not {"bdnf", "glutamate", "glial_drive"} & both
