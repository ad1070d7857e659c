"""The modules of multiple sclerosis: rest without disease, directions, drugs through their targets."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from leukinetics import biology
from leukinetics.patients.build import make_plan

YEAR = 365.25
EXPECTED = {"expected_course": 1.0, "age": 37 * YEAR}
STATES = ["autoreactive", "compartment_cells", "demyelinated", "myelin"]
READ = [
    "relapses",
    "gd_lesions",
    "t2_lesions",
    "nfl",
    "edss",
    "axons",
    "brain_volume",
    "microglia",
    "opc",
    "il6_csf",
    "lesion_volume",
]


@cache
def _assembly(condition: str, *drugs: str) -> biology.Assembly:
    return biology.assemble(condition, list(drugs))


def _course(condition: str = "ms_rr", drug: str = "", years: float = 2.0, **changes: float) -> dict[str, np.ndarray]:
    """Readouts at onset + 5 years and ``years`` later, the drug's usual regimen given in between."""
    assembly = _assembly(condition, *filter(None, [drug]))
    doses = None
    if drug:
        spec = assembly.drugs[drug]
        amount, _, _ = spec.regimens[-1 if drug == "ocrelizumab" else 0].amount.partition(" ")
        every = {"natalizumab": 28.0, "ocrelizumab": 168.0}.get(drug, 1.0)
        target = next(iter(spec.route_target.values()))
        doses = [
            {
                "time": 5 * YEAR,
                "target": target,
                "amount": float(amount),
                "every": every,
                "count": int(years * YEAR / every),
            }
        ]
    found = assembly.model.simulate(
        [5 * YEAR, (5 + years) * YEAR], pd.DataFrame([EXPECTED | changes]), doses, outputs=READ, max_steps=100_000
    )
    assert int(found["status"][0]) == 0
    return {name: found[name].to_numpy()[0] for name in READ}


def _fall(readout: str, treated: dict[str, np.ndarray], untreated: dict[str, np.ndarray]) -> float:
    """By how much less changes under treatment, as a share."""
    return 1 - float(np.diff(treated[readout])[0] / np.diff(untreated[readout])[0])


def test_without_disease_nothing_happens_but_ageing() -> None:
    times = np.array([0.0, 1.0, 10.0]) * YEAR
    quiet = {"autoimmunity": 0.0, "compartmentalisation": 0.0, "onset_relapse": 0.0, "age": 30 * YEAR}
    changes = pd.DataFrame([quiet | {"expected_course": 0.0}, quiet | {"expected_course": 1.0}])
    found = _assembly("ms_rr").model.simulate(
        times, changes, outputs=[*READ, *STATES[:2], "il6", "crp", "cortisol", "bdnf"]
    )
    for name in ("relapses", "gd_lesions", "t2_lesions", "edss", "autoreactive", "compartment_cells"):
        assert np.abs(found[name]).max() == 0, name
    for name in ("axons", "microglia", "il6_csf", "il6", "crp", "cortisol", "bdnf"):
        assert np.allclose(found[name], found[name][:, :1], rtol=1e-3), name
    assert np.allclose(found["brain_volume"][:, 2] / found["brain_volume"][:, 0], 0.98, atol=1e-4)  # 0.2 % a year


def test_nobody_is_ill_before_onset() -> None:
    people = pd.DataFrame(
        {"disease_duration": [2 * YEAR, 5 * YEAR], "luck_trigger": [0.3, 0.3], "history_lead": 5 * YEAR}
    )
    found = _assembly("ms_rr").model.simulate(
        np.array([0.0, 2.9, 5.0]) * YEAR, people, outputs=["autoreactive", "axons"]
    )
    late, early = (found["autoreactive"].to_numpy()[i] for i in (0, 1))
    assert late[1] == 0 < early[1]
    assert late[2] > 0
    assert found["axons"].to_numpy()[0, 1] == 1


def test_no_state_is_negative_under_chance() -> None:
    rng = np.random.default_rng(1)
    n = 40
    people = pd.DataFrame(
        {
            "luck_trigger": rng.random(n), "luck_relapse": rng.random(n), "autoimmunity": np.exp(rng.normal(0, 1, n)),
            "compartmentalisation": np.exp(rng.normal(0, 1, n)), "axon_vulnerability": np.exp(rng.normal(0, 1, n)),
        }
    )  # fmt: skip
    found = _assembly("ms_rr").model.simulate(np.linspace(0, 20, 41) * YEAR, people, outputs=[*READ, *STATES])
    assert (found["status"] == 0).all()
    for name in [*READ, *STATES]:
        assert float(found[name].min()) > -1e-5, name
    assert float(found["edss"].max()) <= 10
    relapses = found["relapses"].to_numpy()
    assert np.abs(relapses - np.rint(relapses)).max() < 1e-9  # whole within rounding between steps
    assert (np.diff(np.rint(relapses)) >= 0).all()


def test_expectation_is_the_mean_over_chance() -> None:
    rng = np.random.default_rng(2)
    n = 1500
    times = np.array([0.01, 1.0, 3.0]) * YEAR
    model = _assembly("ms_rr").model
    people = pd.DataFrame({"luck_trigger": rng.random(n), "luck_relapse": rng.random(n)})
    outputs = ["autoreactive", "t2_lesions", "relapses"]
    drawn = model.simulate(times, people, outputs=outputs)
    expected = model.simulate(times, pd.DataFrame([{"expected_course": 1.0}]), outputs=outputs)
    for name in outputs:
        values = drawn[name].to_numpy()
        error = values.std(axis=0, ddof=1) / np.sqrt(n)
        assert (np.abs(values.mean(axis=0) - expected[name].to_numpy()[0]) < 4 * error + 0.01).all(), name


def test_other_conditions_have_no_modules_of_the_disease() -> None:
    assert "myelin" not in _assembly("healthy").modules
    assert "nfl" not in set(_assembly("healthy").readouts["id"])
    assert {"myelin", "chance", "glia"} <= set(_assembly("ms_pp").modules)


@pytest.mark.parametrize(
    ("drug", "relapses", "axons"),
    [
        ("natalizumab", (0.4, 0.95), (0.1, 0.7)),
        ("ocrelizumab", (0.3, 0.95), (0.1, 0.8)),
        ("fingolimod", (0.3, 0.95), (0.1, 0.8)),
    ],
)
def test_drugs_of_the_blood_act_more_on_relapses_than_on_loss(drug, relapses, axons) -> None:  # type: ignore[no-untyped-def]
    untreated, treated = _course(), _course(drug=drug)
    assert relapses[0] < _fall("relapses", treated, untreated) < relapses[1]
    assert axons[0] < _fall("axons", treated, untreated) < axons[1]
    assert _fall("relapses", treated, untreated) > _fall("axons", treated, untreated)
    assert treated["nfl"][1] < untreated["nfl"][1]


def test_a_trkb_agonist_spares_axons_without_touching_relapses() -> None:
    untreated, treated = _course(), _course(drug="trkb_agonist")
    assert abs(_fall("relapses", treated, untreated)) < 0.05
    assert _fall("axons", treated, untreated) > 0.1
    off = {"protection_power": 0.0, "trophic_opc_power": 0.0, "trophic_axon_power": 0.0}
    assert _fall("axons", _course(drug="trkb_agonist", **off), _course(**off)) == pytest.approx(0, abs=1e-3)


def test_repair_that_fails_costs_axons() -> None:
    assert _fall("axons", _course(repair_capacity=0.2), _course()) < -0.1


@pytest.mark.parametrize(
    ("change", "readout", "sign"),
    [
        ({"autoimmunity": 2.0}, "relapses", 1),
        ({"compartmentalisation": 2.0}, "axons", -1),
        ({"il1b_factor": 2.0}, "t2_lesions", 1),
        ({"axon_vulnerability": 2.0}, "axons", -1),
        ({"age": 55 * YEAR}, "relapses", -1),
        ({"cord_involvement": 2.0}, "edss", 1),
    ],
)
def test_directions(change: dict[str, float], readout: str, sign: int) -> None:
    assert sign * (np.diff(_course(**change)[readout])[0] - np.diff(_course()[readout])[0]) > 0


def test_glutamate_kills_only_through_bare_axons() -> None:
    """Without demyelination the excitotoxic share of axon loss has to vanish."""
    bare = {"lesion_myelin": 0.0, "smouldering_myelin": 0.0}
    with_, without = _course(**bare), _course(**bare, excitotoxicity=0.0)
    assert np.allclose(with_["axons"], without["axons"], rtol=1e-6)
    assert _course(excitotoxicity=0.0)["axons"][1] > _course()["axons"][1]


@pytest.mark.parametrize("condition", ["ms_rr", "ms_sp", "ms_pp", "ms_cis"])
def test_nobody_falls_ill_as_a_small_child(condition: str) -> None:
    plan = make_plan(_assembly(condition))
    people = plan.columns(plan.normals(3, 3000))
    onset = (people["age"] - people["disease_duration"]) / YEAR
    good = plan.plausible(people)
    assert good.mean() > 0.97
    assert (onset[good] >= 10).all()
    assert (good == (onset >= 10)).all()


def test_cd20_antibody_also_takes_effector_cells_that_carry_cd20() -> None:
    without, with_ = (_course(drug="ocrelizumab", cd20_tcell_share=share)["gd_lesions"][1] for share in (0.0, 0.4))
    assert with_ == pytest.approx(0.6 * without, rel=0.02)
    assert _course(cd20_tcell_share=0.0)["gd_lesions"][1] == pytest.approx(_course()["gd_lesions"][1], rel=1e-6)


def test_the_memory_of_the_loop_is_a_parameter_of_its_own() -> None:
    """A burst decays with it, however fast cells contract that nothing keeps going."""
    times = np.array([1.0, 91.0, 181.0])
    alone = EXPECTED | {"autoimmunity": 1.0, "trigger_rate": 1e-9, "contraction_tnfr2": 0.0, "contraction_steroid": 0.0}
    for contraction in (0.02, 0.05):
        person = alone | {"primed_onset": 0.0, "priming_loss": 0.0, "autoreactive_contraction": contraction}
        table = _assembly("ms_rr").model.simulate(times, pd.DataFrame([person]), outputs=["autoreactive"])
        found = table["autoreactive"].to_numpy()[0]
        assert found[1:] / found[:-1] == pytest.approx(np.exp(-1), rel=0.02)


def test_either_ligand_of_il1_suffices_where_it_is_plentiful() -> None:
    """The response of T cells saturates: a knock-out of IL-1beta spares a patient, an animal with adjuvant hardly."""

    def kept(**setting: float) -> float:
        with_, without = (_course(**setting, il1b_factor=factor)["t2_lesions"] for factor in (1.0, 1e-9))
        return float(np.diff(without)[0] / np.diff(with_)[0])

    adjuvant = {"drive_nfkb": 5.0, "priming_loss": 0.02}
    assert kept() + 0.1 < kept(**adjuvant) > 0.7
    assert kept(**adjuvant, reactivation_il1_half=2.0) < kept(**adjuvant) - 0.1


def test_lesion_volume_settles_when_births_stop() -> None:
    untreated, treated = (_course(drug=drug)["lesion_volume"] for drug in ("", "natalizumab"))
    assert treated[1] < treated[0]
    assert untreated[1] > untreated[0]
    kept = _course(drug="natalizumab", lesion_residue=1.0)["lesion_volume"]
    assert kept[1] / kept[0] > treated[1] / treated[0]
