"""Laws of the core model: health is at rest, nothing becomes negative, drug mass is conserved, units are clean."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import leukinetics as lk
from leukinetics import biology, patients

TEN_YEARS = 3652.5
#: Differences from health, of either sign.
SIGNED = {"fever"}


@pytest.fixture(scope="module")
def healthy() -> biology.Assembly:
    return biology.assemble("healthy")


def _states(assembly: biology.Assembly) -> list[str]:
    return [state.name for state in assembly.model.system.states]


def test_the_biology_has_no_problems() -> None:
    assert biology.check() == []


def test_health_is_at_rest_for_ten_years_whatever_the_typical_values(healthy: biology.Assembly) -> None:
    """Every draw of all uncertain values at once is a healthy person who stays as he is."""
    draws = patients.draws(healthy, 1000, seed=11)
    draws = draws[[c for c in draws.columns if c in healthy.model.inputs]]
    names = _states(healthy)
    result = healthy.model.simulate([0, 1, 30, 365.25, TEN_YEARS], parameters=draws, outputs=names, rtol=1e-8)
    assert (result.status == 0).all()
    for name in names:
        values = result[name].to_numpy()
        scale = np.abs(values[:, :1]) + 1e-6
        assert np.max(np.abs(values - values[:, :1]) / scale) < 1e-6, name


def _hostile(assembly: biology.Assembly, n: int) -> pd.DataFrame:
    """Random patients: every uncertain value, every spread and every drive at once."""
    rng = np.random.default_rng(5)
    draws = patients.draws(assembly, n, seed=12)
    table = draws[[c for c in draws.columns if c in assembly.model.inputs]].copy()
    for factor in ("il1b_factor", "il6_factor", "crp_factor", "tnf_factor", "il10_factor", "lps_factor"):
        table[factor] = rng.lognormal(0, 1, n)
    table["drive_nfkb"] = rng.lognormal(0, 0.7, n)
    table["drive_nlrp3"] = rng.lognormal(0, 1, n)
    table["drive_il6_other"] = rng.lognormal(0, 1.5, n)
    table["drive_tnf_other"] = rng.lognormal(0, 1, n)
    table["drive_antigen"] = rng.exponential(1, n)
    table["drive_ifna"] = rng.lognormal(2, 2, n)
    table["drive_glia"] = rng.exponential(2, n)
    table["drive_stress"] = rng.exponential(1, n)
    table["renal_function"] = rng.uniform(0.05, 1.2, n)
    table["bmi"] = rng.uniform(16, 50, n)
    table["il6r_shedding"] = rng.lognormal(0, 0.5, n)
    return table


def test_no_state_becomes_negative() -> None:
    """2,000 hostile patients with 4 ng/kg of endotoxin: every one is solved and no pool or level is below zero."""
    n = 2000
    assembly = biology.assemble("endotoxaemia", drugs=["lps"])
    target = assembly.drugs["lps"].route_target["iv"]
    doses = pd.DataFrame({"patient": np.arange(n), "time": 30.0, "target": target, "amount": 4e-6})
    names = [s for s in _states(assembly) if s not in SIGNED]
    times = np.concatenate([[0, 30], 30 + np.array([0.5, 1, 2, 3, 4, 6, 8, 12, 24, 48]) / 24, [60, 400]])
    result = assembly.model.simulate(times, parameters=_hostile(assembly, n), doses=doses, outputs=names, rtol=1e-5)
    assert (result.status == 0).all(), result.status.to_numpy()[result.status.to_numpy() != 0]
    for name in names:
        values = result[name].to_numpy()
        assert values.min() >= -1e-7 * max(1.0, np.nanmax(values)), name


def test_glial_states_are_shares_of_one() -> None:
    assembly = biology.assemble("healthy")
    n = 500
    names = [f"{cell}_{state}" for cell in ("microglia", "astrocyte") for state in ("inflammatory", "protective")]
    result = assembly.model.simulate([0, 10, 1000], parameters=_hostile(assembly, n), outputs=names, rtol=1e-6)
    for cell in ("microglia", "astrocyte"):
        total = result[f"{cell}_inflammatory"] + result[f"{cell}_protective"]
        assert float(total.max()) <= 1 + 1e-6
        assert float(total.min()) >= 0


def test_drug_mass_is_conserved_without_clearance() -> None:
    """With no clearance all of the absorbed dose is found in blood and tissue."""
    assembly = biology.assemble("healthy", drugs=["canakinumab"])
    target = assembly.drugs["canakinumab"].route_target["sc"]
    model = assembly.model
    amounts = [s for s in ("canakinumab_depot", "canakinumab_central", "canakinumab_peripheral") if s in model.species]
    doses = pd.DataFrame({"patient": [0], "time": [0.0], "target": [target], "amount": [150.0]})
    result = model.simulate(
        [0, 1, 10, 100, 1000],
        parameters=pd.DataFrame({"canakinumab_CL": [0.0], "canakinumab_F": [1.0]}),
        doses=doses,
        outputs=amounts,
        amounts=amounts,
        rtol=1e-9,
    )
    total = sum(result[name].to_numpy()[0] for name in amounts)
    np.testing.assert_allclose(total, 150.0, rtol=1e-6)


def test_il1b_leaves_as_much_as_is_made() -> None:
    """At rest under an antibody: production equals loss of free and of bound IL-1beta (mass balance of the target)."""
    assembly = biology.assemble("healthy", drugs=["canakinumab"])
    model = assembly.model
    out = ["il1b_production_total", "il1b_unbound", "il1b_plasma", "il1b_CL", "igg_CL"]
    doses = pd.DataFrame(
        {
            "patient": [0],
            "time": [0.0],
            "target": ["canakinumab_central"],
            "amount": [100.0],
            "every": [1.0],
            "count": [3000],
        }
    )
    result = model.simulate([3000], doses=doses, outputs=out, rtol=1e-8)
    made, free, total, clearance, complex_loss = (float(result[name].to_numpy()[0, 0]) for name in out)
    assert made == pytest.approx(clearance * free + complex_loss * (total - free), rel=1e-3)


@pytest.mark.parametrize("condition", ["healthy", "rheumatoid_arthritis", "castleman"])
def test_compiled_and_reference_agree(condition: str) -> None:
    """The same assembled model in libRoadRunner: all readouts, under drug."""
    assembly = biology.assemble(condition, drugs=["tocilizumab"])
    target = assembly.drugs["tocilizumab"].route_target["iv"]
    doses = pd.DataFrame({"patient": [0], "time": [1.0], "target": [target], "amount": [560.0]})
    outputs = [str(r) for r in assembly.readouts["id"]]
    times = [0, 0.5, 1, 2, 7, 28, 56]
    ours = assembly.model.simulate(times, doses=doses, outputs=outputs, rtol=1e-9, atol=1e-12)
    theirs = assembly.model.simulate(times, doses=doses, outputs=outputs, rtol=1e-9, atol=1e-12, backend="roadrunner")
    for name in outputs:
        a, b = ours[name].to_numpy(), theirs[name].to_numpy()
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-7 * float(np.abs(a).max() or 1), err_msg=name)


def test_exported_model_is_the_model(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assembly = biology.assemble("metabolic_inflammation", drugs=["canakinumab"])
    path = tmp_path / "model.xml"
    assembly.write_sbml(path)
    again = lk.load_model(path)
    a = assembly.model.simulate([0, 100], outputs=["crp", "il6"])
    b = again.simulate([0, 100], outputs=["crp", "il6"])
    for name in ("crp", "il6"):
        np.testing.assert_array_equal(a[name].to_numpy(), b[name].to_numpy())


@pytest.mark.parametrize(
    "drug, amount", [("canakinumab", 500.0), ("anakinra", 2000.0), ("tocilizumab", 2000.0), ("siltuximab", 5000.0)]
)
def test_full_blockade_leaves_nothing_negative(drug: str, amount: float) -> None:
    """A receptor or ligand blocked completely, in 300 uncertain healthy people."""
    assembly = biology.assemble("healthy", drugs=[drug])
    draws = patients.draws(assembly, 300, seed=13)
    draws = draws[[c for c in draws.columns if c in assembly.model.inputs]]
    n = len(draws)
    doses = pd.DataFrame(
        {"patient": np.arange(n), "time": 0.0, "target": f"{drug}_central", "amount": amount, "every": 1.0, "count": 60}
    )
    names = [s for s in _states(assembly) if s not in SIGNED]
    result = assembly.model.simulate([0, 1, 10, 60, 120], parameters=draws, doses=doses, outputs=names, rtol=1e-5)
    assert (result.status == 0).all()
    for name in names:
        values = result[name].to_numpy()
        assert values.min() >= -1e-7 * max(1.0, np.nanmax(values)), name
