"""Drugs: what their files become, against exact solutions of the kinetics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from biology_folder import one_compartment, write_folder
from scipy.linalg import expm

from leukinetics import biology

TIMES = np.array([0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
TIGHT = {"rtol": 1e-9, "atol": 1e-12}


def run(
    assembly: biology.Assembly, drug: str, route: str, amount: float, names: list[str], **options: object
) -> dict[str, np.ndarray]:
    dose = [{"time": 0.0, "target": assembly.drugs[drug].route_target[route], "amount": amount}]
    found = assembly.model.simulate(TIMES, doses=dose, outputs=names, **TIGHT, **options)  # type: ignore[arg-type]
    assert (found["status"] == 0).all()
    return {name: found[name].to_numpy()[0] for name in names}


def pill(folder: Path, **tables: str) -> biology.Assembly:
    return biology.assemble(drugs=["pill"], root=write_folder(folder, {"drugs/pill.toml": one_compartment(**tables)}))


def test_oral_one_compartment_is_the_bateman_function(tmp_path: Path) -> None:
    assembly = pill(tmp_path, numbers="V = 20 L\nCL = 10 L/day\nka = 24 1/day\nF = 0.4 dimensionless")
    ka, k, volume = 24.0, 0.5, 20.0
    expected = 0.4 * 100 * ka / (volume * (ka - k)) * (np.exp(-k * TIMES) - np.exp(-ka * TIMES))
    found = run(assembly, "pill", "po", 100.0, ["pill", "pill_central"])
    np.testing.assert_allclose(found["pill"], expected, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(found["pill"], found["pill_central"])
    assert assembly.unit("pill") == "mg/L"


def test_intravenous_one_compartment(tmp_path: Path) -> None:
    found = run(pill(tmp_path), "pill", "iv", 100.0, ["pill"])
    np.testing.assert_allclose(found["pill"], 5.0 * np.exp(-0.5 * TIMES), rtol=1e-7)


def test_two_compartments_with_csf(tmp_path: Path) -> None:
    """The matrix exponential of depot, central and peripheral amounts and CSF."""
    assembly = biology.assemble(drugs=["mab"], root=write_folder(tmp_path))
    ka, cl, v1, q, v2, f, ratio, flow = 0.25, 0.2, 3.0, 0.4, 2.5, 0.7, 0.002, 500 / 150
    rates = np.array(
        [
            [-ka, 0, 0, 0],
            [f * ka, -(cl + q) / v1, q / v2, 0],
            [0, q / v1, -q / v2, 0],
            [0, flow * ratio / v1, 0, -flow],
        ]
    )
    amounts = np.array([expm(rates * t) @ [150.0, 0, 0, 0] for t in TIMES])
    found = run(assembly, "mab", "sc", 150.0, ["mab_depot", "mab", "mab_peripheral", "mab_csf"], amounts=["mab_depot"])
    np.testing.assert_allclose(found["mab_depot"], amounts[:, 0], rtol=1e-7)
    np.testing.assert_allclose(found["mab"], amounts[:, 1] / v1, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found["mab_peripheral"], amounts[:, 2] / v2, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found["mab_csf"], amounts[:, 3], rtol=1e-6, atol=1e-10)


def test_michaelis_menten_elimination_has_its_implicit_solution(tmp_path: Path) -> None:
    """Km ln(C/C0) + C - C0 = -Vm t/V."""
    assembly = pill(
        tmp_path,
        pk='structure = "one_compartment"\ninput = ["iv"]\nelimination = ["michaelis_menten"]',
        numbers="V = 20 L\nVm = 30 mg/day\nKm = 1000 nmol/L",
    )
    km = 1000 * 300 * 1e-6  # mg/L, by the molar mass of 300 g/mol
    c = run(assembly, "pill", "iv", 100.0, ["pill"])["pill"]
    seen = c > 1e-4
    np.testing.assert_allclose((km * np.log(c / 5.0) + c - 5.0)[seen], -30.0 / 20.0 * TIMES[seen], atol=1e-6)
    assert seen.sum() >= 6


def test_clearance_that_wears_off(tmp_path: Path) -> None:
    assembly = pill(
        tmp_path,
        pk='structure = "one_compartment"\ninput = ["iv"]\nelimination = ["linear", "time_dependent"]',
        numbers="V = 20 L\nCL = 10 L/day\nCL_t = 5 L/day\nhalflife_CL_t = 2 day",
    )
    rate = np.log(2) / 2
    expected = 5.0 * np.exp(-0.5 * TIMES - 0.25 * (1 - np.exp(-rate * TIMES)) / rate)
    np.testing.assert_allclose(run(assembly, "pill", "iv", 100.0, ["pill"])["pill"], expected, rtol=1e-7)


def test_routes_with_their_own_absorption(tmp_path: Path) -> None:
    assembly = pill(
        tmp_path,
        pk='structure = "one_compartment"\ninput = ["po", "sc"]\nelimination = ["linear"]',
        numbers="V = 20 L\nCL = 10 L/day\nka_po = 24 1/day\nka_sc = 2 1/day\nF_sc = 0.5 dimensionless",
    )
    assert assembly.drugs["pill"].route_target == {"po": "pill_depot_po", "sc": "pill_depot_sc"}
    for route, ka, f in (("po", 24.0, 1.0), ("sc", 2.0, 0.5)):
        expected = f * 100 * ka / (20 * (ka - 0.5)) * (np.exp(-0.5 * TIMES) - np.exp(-ka * TIMES))
        found = run(assembly, "pill", route, 100.0, ["pill"])["pill"]
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


CSF = """
    [distribution.csf_ratio]
    value = 0.01
    unit = "dimensionless"
    kind = "assumed"
    source = "own choice"
    """


def test_doses_into_the_csf_leave_it_for_plasma(tmp_path: Path) -> None:
    """The matrix exponential of the amounts in the depot of the nose, CSF and plasma; nothing is lost on the way."""
    assembly = biology.assemble(
        drugs=["pill"],
        root=write_folder(
            tmp_path,
            {
                "modules/csf.ant": (
                    "// Turnover of CSF.\ncompartment csf;\ncsf = csf_volume;\ncsf_flow = csf_production/csf_volume;\n"
                ),
                "drugs/pill.toml": one_compartment(
                    pk='structure = "one_compartment"\nelimination = ["linear"]\n'
                    'input = ["iv", "intrathecal", "intranasal"]',
                    numbers="V = 20 L\nCL = 10 L/day\nka = 24 1/day\nF = 0.3 dimensionless",
                    more=CSF,
                ),
            },
        ),
    )
    assert assembly.drugs["pill"].route_target == {
        "iv": "pill_central",
        "intrathecal": "pill_csf",
        "intranasal": "pill_depot",
    }
    ka, f, k, v, vcsf, flow, ratio = 24.0, 0.3, 0.5, 20.0, 0.15, 500 / 150, 0.01
    back = flow * ratio * vcsf / v
    rates = np.array([[-ka, 0, 0], [f * ka, -flow, back], [0, flow, -k - back]])
    for route, start in (("iv", [0, 0, 5.0]), ("intrathecal", [0, 5.0, 0]), ("intranasal", [5.0, 0, 0])):
        amounts = np.array([expm(rates * t) @ start for t in TIMES])
        found = run(assembly, "pill", route, 5.0, ["pill_csf", "pill"])
        np.testing.assert_allclose(found["pill_csf"], amounts[:, 1] / vcsf, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(found["pill"], amounts[:, 2] / v, rtol=1e-6, atol=1e-9)


def test_a_dose_into_the_csf_needs_its_ratio(tmp_path: Path) -> None:
    pk = 'structure = "one_compartment"\ninput = ["intrathecal"]\nelimination = ["linear"]'
    write_folder(tmp_path, {"drugs/pill.toml": one_compartment(pk=pk, numbers="V = 20 L\nCL = 10 L/day")})
    found = [str(p) for p in biology.check(root=tmp_path)]
    assert len(found) == 1
    assert "a dose by the route 'intrathecal' goes into the CSF, so it needs [distribution.csf_ratio]" in found[0]


@pytest.mark.parametrize(
    ("form", "covariate", "reference", "coefficient", "given", "factor"),
    [
        ("power", "weight", '70, unit = "kg"', '0.75, unit = "dimensionless"', {"weight": 100.0}, (100 / 70) ** 0.75),
        ("exponential", "weight", '70, unit = "kg"', '0.01, unit = "1/kg"', {"weight": 100.0}, np.exp(0.3)),
        ("linear", "sex", '0, unit = "dimensionless"', '-0.2, unit = "dimensionless"', {"sex": 1.0}, 0.8),
    ],
)
def test_covariates_change_the_patients_own_parameter(
    tmp_path: Path, form: str, covariate: str, reference: str, coefficient: str, given: dict[str, float], factor: float
) -> None:
    more = f"""\
        [[pk.covariate]]
        parameter = "CL"
        covariate = "{covariate}"
        form = "{form}"
        reference = {{value = {reference}}}
        coefficient = {{value = {coefficient}, kind = "assumed", source = "own choice"}}
        """
    assembly = pill(tmp_path, more=more)
    found = run(assembly, "pill", "iv", 100.0, ["pill"], parameters={k: [v] for k, v in given.items()})
    np.testing.assert_allclose(found["pill"], 5.0 * np.exp(-0.5 * factor * TIMES), rtol=1e-7)
    ids = set(assembly.parameters["id"])
    assert {f"pill_CL_{covariate}", f"pill_CL_{covariate}_ref", "pill_CL"} <= ids


def test_binding_adds_to_the_ports_of_its_sites(tmp_path: Path) -> None:
    """port = sum of C/KD; KD of 1 nmol/L is 0.145 mg/L of an antibody of 145 kDa."""
    more = """\
        [[binding]]
        target = "IL6"
        mode = "blocks"
        sites = ["plasma", "tissue"]
        [binding.KD]
        value = 2
        unit = "mg/L"
        kind = "assumed"
        source = "own choice"
        """
    write_folder(tmp_path, {"drugs/pill.toml": one_compartment(more=more)})
    assembly = biology.assemble(drugs=["pill", "mab"], root=tmp_path)
    names = ["il6_plasma_binding", "il6_tissue_binding", "il6_csf_binding", "pill", "mab", "mab_csf", "il6_free", "il6"]
    dose = [
        {"time": 0.0, "target": "mab_central", "amount": 3.0},
        {"time": 0.0, "target": "pill_central", "amount": 40.0},
    ]
    found = assembly.model.simulate(TIMES, doses=dose, outputs=[*names, "il6_plasma"], **TIGHT)
    v = {name: found[name].to_numpy()[0] for name in (*names, "il6_plasma")}
    assert v["il6_plasma_binding"][0] == pytest.approx(1.0 / 0.145 + 2.0 / 2.0)
    np.testing.assert_allclose(v["il6_plasma_binding"], v["mab"] / 0.145 + v["pill"] / 2.0, rtol=1e-12)
    np.testing.assert_allclose(v["il6_tissue_binding"], v["pill"] / 2.0, rtol=1e-12)
    np.testing.assert_allclose(v["il6_csf_binding"], v["mab_csf"] / 0.145, rtol=1e-12)
    np.testing.assert_allclose(v["il6_free"], v["il6_plasma"] / (1 + v["il6_plasma_binding"]), rtol=1e-12)
    np.testing.assert_allclose(v["il6"], v["il6_free"] * 20.0, rtol=1e-12)  # pmol/L of 20 kDa in pg/mL
    assert assembly.drugs["mab"].binds == {"il6_plasma_binding": "IL6", "il6_csf_binding": "IL6"}


def test_two_affinities_for_one_target(tmp_path: Path) -> None:
    affinity = """\
        [[binding]]
        target = "IL6"
        mode = "blocks"
        sites = ["{site}"]
        [binding.EC50]
        value = {value}
        unit = "mg/L"
        kind = "assumed"
        source = "own choice"
        """
    more = affinity.format(site="plasma", value=2) + affinity.format(site="tissue", value=4)
    assembly = pill(tmp_path, more=more)
    found = run(assembly, "pill", "iv", 80.0, ["il6_plasma_binding", "il6_tissue_binding"])
    assert found["il6_plasma_binding"][0] == pytest.approx(2.0)
    assert found["il6_tissue_binding"][0] == pytest.approx(1.0)


def test_without_drugs_a_port_is_zero(tmp_path: Path) -> None:
    assembly = biology.assemble(root=write_folder(tmp_path))
    assert "il6_plasma_binding" in assembly.model.observables
    assert "il6_plasma_binding" not in assembly.model.inputs
    found = assembly.model.simulate([0.0, 100.0], outputs=["il6_plasma_binding", "crp", "il6"])
    np.testing.assert_array_equal(found["il6_plasma_binding"], 0.0)
    np.testing.assert_allclose(found["crp"][0], 1.0, rtol=1e-9)  # healthy stays as it is
    np.testing.assert_allclose(found["il6"][0], 2.0, rtol=1e-9)


def test_a_supplied_species_gets_what_is_absorbed(tmp_path: Path) -> None:
    assembly = biology.assemble(drugs=["rhil6"], root=write_folder(tmp_path))
    spec = assembly.drugs["rhil6"]
    assert spec.route_target == {"sc": "rhil6_depot", "iv": "il6_plasma"}
    assert spec.amount_unit == "pmol"
    assert spec.molar_mass == 20000
    ka, k, base, volume = 2.4, 12.0, 0.1, 3.3
    expected = base + 0.6 * 10 * ka / (volume * (ka - k)) * (np.exp(-k * TIMES) - np.exp(-ka * TIMES))
    found = run(assembly, "rhil6", "sc", 10.0, ["il6_plasma"])["il6_plasma"]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    bolus = run(assembly, "rhil6", "iv", 10.0, ["il6_plasma"])["il6_plasma"]
    np.testing.assert_allclose(bolus, base + 10 / volume * np.exp(-k * TIMES), rtol=1e-7)


def test_the_drugs_parameters_carry_their_provenance(tmp_path: Path) -> None:
    assembly = biology.assemble(drugs=["mab"], root=write_folder(tmp_path))
    table = assembly.parameters.set_index("id")
    row = table.loc["mab_V2"]
    assert (row["value"], row["unit"], row["published_value"], row["published_unit"]) == (2.5, "L", 2500, "mL")
    assert (row["owner"], row["file"], row["source"]) == ("mab", "drugs/mab.toml", "doi:10.1000/mab")
    text = (tmp_path / "drugs" / "mab.toml").read_text().splitlines()
    assert text[row["line"] - 1] == "value = 2500"
    assert table.loc["mab_KD_il6", "value"] == pytest.approx(0.145)
    assert table.loc["mab_KD_il6", "unit"] == "mg/L"
    assert table.loc["mab_CL", "spread"] == "ln 0.3"
    pairs = {(r.a, r.b): r.rho for r in assembly.correlations.itertuples()}
    assert pairs == {("il6_base", "crp_base"): 0.4, ("mab_CL", "mab_V1"): 0.5}
    (regimen,) = assembly.drugs["mab"].regimens
    assert (regimen.amount, regimen.route, regimen.every) == ("150 mg", "sc", "8 week")
