"""Virtual patients: whose numbers they are, their distributions, and what may be asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly
from scipy import stats

from leukinetics import DataError, biology, patients
from leukinetics.patients.counters import normals, uniforms
from leukinetics.patients.latent import latent_normals


def test_numbers_depend_on_seed_name_and_index_only() -> None:
    long = uniforms(7, "CL", 50)
    for first in range(9):  # every position within a counter of the generator
        assert np.array_equal(uniforms(7, "CL", 5, first), long[first : first + 5])
    assert not np.array_equal(uniforms(8, "CL", 50), long)
    assert not np.array_equal(uniforms(7, "CL2", 50), long)


def test_numbers_are_standard_normal() -> None:
    assert stats.kstest(normals(1, "x", 20_000), "norm").pvalue > 0.001
    assert abs(np.corrcoef(normals(1, "x", 20_000), normals(1, "y", 20_000))[0, 1]) < 0.03


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1"])
def test_a_seed_must_be_a_whole_number(seed: object) -> None:
    with pytest.raises(DataError, match="seed"):
        uniforms(seed, "x", 1)


def test_a_patient_is_the_same_in_any_chunk_and_company() -> None:
    assembly = fake_assembly(weight={"mean": 80, "sd": 12, "unit": "kg"})
    table = patients.sample(assembly, 40, 3)
    part = patients.sample(assembly, 7, 3, first=20)
    pd.testing.assert_frame_equal(part, table.loc[20:26])
    fewer = fake_assembly()
    fewer.parameters = fewer.parameters[fewer.parameters["id"].isin(["mab_CL", "mab_V", "crp_base"])]
    fewer.genotypes = fewer.genotypes.iloc[:0]
    alone = patients.sample(fewer, 40, 3)
    assert list(alone) == ["crp_base", "mab_CL", "mab_V"]
    pd.testing.assert_frame_equal(alone[["mab_CL", "mab_V"]], table[["mab_CL", "mab_V"]])


def test_spread_correlation_and_allele_frequency_are_those_of_the_tables() -> None:
    table = patients.sample(fake_assembly(), 20_000, 1, population={"genotype": {"rs1": 0}})
    assert np.log(table["mab_CL"]).mean() == pytest.approx(np.log(0.1), abs=0.01)
    assert np.log(table["mab_CL"]).std() == pytest.approx(0.3, abs=0.01)
    assert np.log(table["mab_CL"]).corr(np.log(table["mab_V"])) == pytest.approx(0.6, abs=0.02)
    logit = np.log(table["share"] / (1 - table["share"]))
    assert (logit.mean(), logit.std()) == (pytest.approx(0, abs=0.02), pytest.approx(0.5, abs=0.02))
    counts = patients.sample(fake_assembly(), 20_000, 1)["rs1"].value_counts(normalize=True)
    assert [counts[k] for k in (0, 1, 2)] == pytest.approx([0.36, 0.48, 0.16], abs=0.015)


def test_a_variant_acts_on_its_parameter_per_allele() -> None:
    base, two = (patients.sample(fake_assembly(), 5, 1, population={"genotype": {"rs1": n}}) for n in (0, 2))
    assert (two["crp_base"] / base["crp_base"]).to_numpy() == pytest.approx(np.exp(0.4))
    asian = patients.sample(fake_assembly(), 5000, 1, population={"ancestry": "EAS"})
    assert asian["rs1"].mean() == pytest.approx(0.2, abs=0.03)
    with pytest.raises(DataError, match=r"no frequency of 'rs1' for the ancestry AFR"):
        patients.sample(fake_assembly(), 5, 1, population={"ancestry": "AFR"})
    with pytest.raises(DataError, match="Did you mean 'rs1'"):
        patients.sample(fake_assembly(), 5, 1, population={"genotype": {"rs11": 0}})
    with pytest.raises(DataError, match="0, 1 or 2"):
        patients.sample(fake_assembly(), 5, 1, population={"genotype": {"rs1": 3}})


def test_weight_follows_from_height_and_body_mass_index() -> None:
    height = {"mean": 172, "sd": 8, "unit": "cm"}
    both = patients.sample(fake_assembly(height=height, bmi={"mean": 30, "sd": 4, "unit": "kg/m^2"}), 50, 1)
    assert both["weight"].to_numpy() == pytest.approx((both["bmi"] * (both["height"] / 100) ** 2).to_numpy())
    other = patients.sample(fake_assembly(height=height, weight={"mean": 80, "sd": 9, "unit": "kg"}), 50, 1)
    assert other["bmi"].to_numpy() == pytest.approx((other["weight"] / (other["height"] / 100) ** 2).to_numpy())
    population = {"weight": {"mean": 80, "sd": 9, "unit": "kg"}, "bmi": {"mean": 28, "sd": 3, "unit": "kg/m^2"}}
    pair = patients.sample(fake_assembly(**population), 5000, 1)
    assert pair["weight"].corr(pair["bmi"]) == pytest.approx(0.85, abs=0.02)


def test_units_of_a_population_are_converted() -> None:
    table = patients.sample(fake_assembly(age={"value": 50, "unit": "year"}), 2, 1)
    assert table["age"].to_numpy() == pytest.approx(50 * 365.25)
    pounds = patients.sample(fake_assembly(), 2, 1, population={"weight": {"value": 200, "unit": "lb"}})
    assert pounds["weight"].to_numpy() == pytest.approx(90.718474)


def test_typical_values_replace_the_tables() -> None:
    plain = patients.sample(fake_assembly(), 5, 1)
    other = patients.sample(fake_assembly(), 5, 1, typical={"crp_base": 4.0, "KD": 0.5, "inflamed.drive": 3.0})
    assert (other["crp_base"] / plain["crp_base"]).to_numpy() == pytest.approx(2.0)
    assert (other["drive"] / plain["drive"]).to_numpy() == pytest.approx(1.5)
    assert (other["KD"] == 0.5).all()
    assert "KD" not in plain
    steeper = patients.sample(fake_assembly(), 5, 1, typical={"effect:rs1:crp_base": 0.0})
    assert (plain["crp_base"] / steeper["crp_base"]).to_numpy() == pytest.approx(np.exp(0.2 * plain["rs1"].to_numpy()))


def test_a_typical_value_of_another_name_is_refused() -> None:
    with pytest.raises(DataError, match="Did you mean 'crp_base'"):
        patients.sample(fake_assembly(), 5, 1, typical={"crp_bas": 4.0})
    with pytest.raises(DataError, match=r"name its typical value 'inflamed\.drive'"):
        patients.sample(fake_assembly(), 5, 1, typical={"drive": 4.0})
    for value in (float("nan"), "4", None, [4.0]):
        with pytest.raises(DataError, match="finite"):
            patients.sample(fake_assembly(), 5, 1, typical={"KD": value})  # type: ignore[dict-item]
    with pytest.raises(DataError, match="'share' has a spread on the logit scale"):
        patients.sample(fake_assembly(), 5, 1, typical={"share": 1.5})


def test_numbers_of_patients_and_assemblies_are_checked() -> None:
    for n in (-1, 2.5, "3", True):
        with pytest.raises(DataError, match="whole number of 0 or more"):
            patients.sample(fake_assembly(), n, 1)  # type: ignore[arg-type]
        with pytest.raises(DataError, match="whole number of 0 or more"):
            patients.draws(fake_assembly(), n, 1)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="first patient's number is -1"):
        patients.sample(fake_assembly(), 5, 1, first=-1)
    with pytest.raises(DataError, match="'inflamed' is no assembled model"):
        patients.sample("inflamed", 5, 1)
    with pytest.raises(DataError, match="give a mapping"):
        patients.sample(fake_assembly(), 5, 1, population=["weight"])  # type: ignore[arg-type]
    assert len(patients.sample(fake_assembly(), 0, 1)) == len(patients.draws(fake_assembly(), 0, 1)) == 0


def test_the_typical_patient() -> None:
    row = patients.typical(fake_assembly(weight={"mean": 80, "sd": 12, "unit": "kg"})).iloc[0]
    assert (row["weight"], row["crp_base"], row["share"], row["rs1"]) == (80.0, 2.0, 0.5, 0.0)


def test_a_sobol_design_settles_with_few_patients() -> None:
    table = patients.sample(fake_assembly(), 64, 1, population={"genotype": {"rs1": 0}}, design="sobol")
    assert np.log(table["crp_base"]).mean() == pytest.approx(np.log(2.0), abs=0.02)
    assert np.log(table["crp_base"]).std() == pytest.approx(0.5, abs=0.03)
    part = patients.sample(fake_assembly(), 10, 1, population={"genotype": {"rs1": 0}}, design="sobol", first=30)
    pd.testing.assert_frame_equal(part, table.loc[30:39])
    with pytest.raises(DataError, match="random or sobol"):
        patients.sample(fake_assembly(), 4, 1, design="grid")


def test_correlations_that_contradict_each_other_are_refused() -> None:
    pairs = [("a", "b", 0.9), ("b", "c", 0.9), ("a", "c", -0.9)]
    with pytest.raises(DataError, match="contradict"):
        latent_normals(["a", "b", "c"], pairs, 1, 3)
    with pytest.raises(DataError, match="between -1 and 1"):
        latent_normals(["a", "b"], [("a", "b", 1.5)], 1, 3)


def test_draws_of_typical_values() -> None:
    assembly = fake_assembly()
    table = patients.draws(assembly, 4000, 1)
    assert np.log(table["KD"]).std() == pytest.approx(0.5, abs=0.02)
    assert np.log(table["inflamed.drive"]).mean() == pytest.approx(np.log(2), abs=0.02)
    assert table["effect:rs1:crp_base"].std() == pytest.approx(0.1, abs=0.005)
    assert "weight" not in table
    pd.testing.assert_frame_equal(patients.draws(assembly, 10, 1), table.iloc[:10])
    patients.sample(assembly, 2, 1, typical=table.iloc[0].to_dict())


def test_draws_take_calibrated_parameters_together_from_the_posterior(tmp_path: Path) -> None:
    path = tmp_path / "draws.tsv"
    path.write_text("KD\tinflamed.drive\teffect:rs1:crp_base\tother\n1000\t1\t0.1\t5\n2000\t2\t0.2\t5\n")
    table = patients.draws(fake_assembly(), 50, 1, posterior=path)
    assert sorted(set(table["KD"])) == [1.0, 2.0]  # published in ug/L, used in mg/L
    assert (table["KD"] == table["inflamed.drive"]).all()
    assert table["effect:rs1:crp_base"].to_numpy() == pytest.approx(0.1 * table["KD"].to_numpy())
    path.write_text("KD\nmany\n")
    with pytest.raises(DataError, match="table of numbers"):
        patients.draws(fake_assembly(), 2, 1, posterior=path)


def test_implausible_patients_are_found() -> None:
    plan = patients.make_plan(
        fake_assembly(height={"mean": 172, "sd": 8, "unit": "cm"}, bmi={"value": 30, "unit": "kg/m2"})
    )
    columns = plan.columns(plan.normals(1, 6))
    assert plan.plausible(columns).all()
    columns["weight"] = np.array([[70.0, 2.0, 500.0, np.nan, 80.0, 90.0]])
    assert plan.plausible(columns)[0].tolist() == [True, False, False, False, True, True]


def test_draws_of_what_a_condition_switches_off() -> None:
    healthy, ill = (patients.draws(biology.assemble(c), 5, 1) for c in ("healthy_body", "cachexia_nsclc"))
    assert not [key for key in healthy if key.endswith("oedema_lean")]  # set to 0, uncertain on the logit scale
    assert ill["oedema_lean"].between(0, 1, inclusive="neither").all()
