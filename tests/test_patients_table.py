"""Populations as tables: written, read, described, used again; correlations and genotypes of those drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_assembly import fake_assembly
from pyarrow import parquet
from scipy.stats import chisquare, kstest, spearmanr

import leukinetics as lk
from leukinetics import DataError, ProtocolError, biology, patients, trial
from leukinetics.patients.labels import covariate_table, in_clinical_units
from leukinetics.patients.population_table import KEY
from leukinetics.trial.made_with import population_provenance
from leukinetics.trial.virtual import people_of, virtual_patients

AGE = {"age": {"mean": 50, "sd": 12, "unit": "year"}}


def protocol(population: dict[str, Any] | None = None, **head: Any) -> dict[str, Any]:
    return {
        "trial": {"name": "x", "condition": "inflamed", "duration": "2 d", "patients_per_arm": 20, "seed": 5, **head},
        "population": population or {},
        "arm": [{"name": "iv", "dose": [{"drug": "mab", "amount": "100 mg", "route": "iv"}]}],
        "endpoint": [
            {"id": "crp", "observable": "crp", "kind": "value", "at": "2 d"},
            {"id": "mab", "observable": "mab", "kind": "value", "at": "2 d"},
        ],
    }


def prepared(population: dict[str, Any] | None = None, **head: Any) -> Any:
    return trial.prepare(protocol(population, **head), assembly=fake_assembly(**AGE), rtol=1e-8)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return patients.save_population(people_of(prepared(), {}), tmp_path / "people.parquet")


def reused(path: Path, **head: Any) -> Any:
    return prepared({"table": str(path)}, **head)


def changed(path: Path, edit: Any) -> Path:
    table = patients.load_population(path)
    made_with = table.attrs[KEY]
    return patients.save_population(edit(table), path.with_name("changed.parquet"), made_with)


def test_a_table_comes_back_with_units_and_provenance(saved: Path) -> None:
    table = patients.load_population(saved)
    pd.testing.assert_frame_equal(table, people_of(prepared(), {}))
    made_with = table.attrs[KEY]
    assert made_with["model_hash"] == fake_assembly().model.hash
    assert (made_with["condition"], made_with["seed"], made_with["units"]["age"]) == ("inflamed", 5, "day")
    schema = parquet.read_schema(saved)
    assert schema.field("mab_CL").metadata == {b"unit": b"L/day"}
    assert made_with["ranges"]["mab_CL"] == [table["mab_CL"].min(), table["mab_CL"].max()]
    assert pd.read_parquet(saved)["patient"].tolist() == list(range(20))


def test_the_same_people_in_another_trial_have_the_same_courses_bit_for_bit(saved: Path) -> None:
    first = trial.run(prepared())
    again = trial.run(reused(saved, seed=77))  # another seed: other noise, the same people
    pd.testing.assert_frame_equal(again.endpoints, first.endpoints, check_exact=True)
    own = [name for name in first.population if not name.startswith("baseline.")]
    pd.testing.assert_frame_equal(again.population[own], first.population[own])


def test_the_population_file_of_a_trial_is_such_a_table(tmp_path: Path) -> None:
    first = trial.run(prepared(), out=tmp_path / "first")
    patients.save_population(trial.run(prepared()).population, tmp_path / "of_a_result.parquet")
    patients.save_population(trial.open_trial(tmp_path / "first").population, tmp_path / "of_a_folder.parquet")
    for path in ("first/population.parquet", "of_a_result.parquet", "of_a_folder.parquet"):
        again = trial.run(reused(tmp_path / path, seed=9))
        pd.testing.assert_series_equal(again.endpoints["value"], first.endpoints["value"], check_exact=True)


def test_people_of_a_table_are_matched_and_left_out_as_others(saved: Path) -> None:
    patients.save_population(people_of(prepared(patients_per_arm=3000), {}), saved)
    ready = prepared({"table": str(saved), "match": [{"observable": "crp", "above": "> 3 mg/L", "share": 0.2}]})
    result = trial.run(ready, patients=200)
    assert result.summary["matching"]["targets"][0]["selected"] == pytest.approx(0.2, abs=0.11)
    assert result.summary["matching"]["pilot"] == 3000


def test_with_other_typical_values_people_keep_their_distance_from_them(saved: Path) -> None:
    ready, drawn = reused(saved), prepared()
    typical = {"inflamed.drive": 3.0, "share": 0.7, "KD": 0.2, "kloss": 0.5, "effect:rs1:crp_base": 0.6}
    people = np.arange(20)
    here, there = ready.columns(people, [{}, typical]), drawn.columns(people, [{}, typical])
    for name in there:
        assert here[name] == pytest.approx(np.broadcast_to(there[name], here[name].shape), rel=1e-12), name
    assert np.array_equal(here["drive"][0], drawn.columns(people, [{}])["drive"][0])


def test_too_few_people_are_told(saved: Path) -> None:
    with pytest.raises(ProtocolError, match=r"only 20 of the 21 needed .* the population's table has 20 people"):
        trial.run(reused(saved), patients=21)


def test_another_model_or_condition_is_refused_with_both_hashes(saved: Path) -> None:
    table = patients.load_population(saved)
    made_with = {**table.attrs[KEY], "model_hash": "f" * 64, "condition": "healthy"}
    patients.save_population(table, saved, made_with)
    ours = fake_assembly().model.hash[:12]
    with pytest.raises(ProtocolError, match=rf"people.parquet.*f{{12}} \(healthy.*{ours} \(inflamed\)"):
        reused(saved)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.drop(columns="drive"), "no column 'drive'"),
        (lambda t: t.drop(columns="rs1"), "no column 'rs1'"),
        (lambda t: t.assign(drvie=1.0), "column 'drvie' is unknown. Did you mean 'drive'"),
        (lambda t: t.assign(drive=np.where(t.index == 3, np.nan, 1.0)), r"no number in row 4 \(patient 3: nan"),
        (lambda t: t.assign(drive=np.inf), r"'drive' is infinite in rows 1 .* and 15 more"),
        (lambda t: t.assign(mab_CL=-0.5), r"'mab_CL' is negative in rows 1 \(patient 0: -0.5\)"),
        (lambda t: t.assign(mab_CL="much"), r"'mab_CL' is not of numbers \(rows 1 \(patient 0: much\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_its_rows(saved: Path, edit: Any, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        reused(changed(saved, edit))


def test_covariates_beside_a_table_contradict_it(saved: Path) -> None:
    with pytest.raises(ProtocolError, match="'age' cannot be stated as well"):
        prepared({"table": str(saved), **AGE})


def test_files_that_are_no_populations(tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    with pytest.raises(DataError, match="there is no such file"):
        patients.load_population(path)
    path.write_text("patient,age\n1,2\n")
    with pytest.raises(DataError, match="cannot be read as a Parquet file"):
        patients.load_population(path)
    pd.DataFrame({"age": [1.0]}).to_parquet(path)
    with pytest.raises(DataError, match="no column 'patient'"):
        patients.load_population(path)
    parquet.write_table(pa.Table.from_arrays([pa.array([1])] * 3, ["patient", "a", "a"]), path)
    with pytest.raises(DataError, match="column 'a' more than once"):
        patients.load_population(path)
    pd.DataFrame({"patient": [4, 7, 4], "age": 1.0}).to_parquet(path)
    with pytest.raises(DataError, match=r"patient 4 more than once \(rows 1, 3\)"):
        patients.load_population(path)
    pd.DataFrame({"patient": [0.5], "age": 1.0}).to_parquet(path)
    with pytest.raises(DataError, match="no whole numbers"):
        patients.load_population(path)
    pd.DataFrame({"patient": [0], "age": 1.0}).to_parquet(path)
    with pytest.raises(ProtocolError, match="does not say with which model"):
        reused(path)
    with pytest.raises(DataError, match="no people"):
        patients.save_population(pd.DataFrame({"age": []}), path, {})


def test_a_description_has_quartiles_in_units() -> None:
    found = patients.describe_population(people_of(prepared(patients_per_arm=500), {}))
    assert found.loc["age", "unit"] == "year"
    assert found.loc["age", "median"] == pytest.approx(50, abs=2)
    assert found.loc["age", ["q1", "q3"]].tolist() == pytest.approx([41.9, 58.1], abs=2.5)
    assert found.loc["mab_CL", "unit"] == "L/day"
    assert (found["n"] == 500).all()


def test_virtual_patients_are_those_of_a_trial_and_serve_trials_with_other_drugs(tmp_path: Path) -> None:
    people = lk.virtual_patients("healthy", 30, seed=4)
    with_drug = virtual_patients("healthy", 30, seed=4, drugs=["canakinumab"])
    shared = people.columns
    pd.testing.assert_frame_equal(with_drug[shared], people, check_names=True)
    lk.save_population(people, tmp_path / "people.parquet")
    written = {
        **protocol({"table": str(tmp_path / "people.parquet")}, condition="healthy"),
        "arm": [{"name": "a", "dose": [{"drug": "canakinumab", "amount": "150 mg", "route": "sc"}]}],
        "endpoint": [{"id": "crp", "observable": "crp", "kind": "value", "at": "2 d"}],
    }
    ready = trial.prepare(written)
    columns = ready.columns(np.arange(30), [{}])
    for name in with_drug.columns:  # as if they had been drawn with the drug's parameters
        assert np.array_equal(columns[name][0], with_drug[name]), name
    other = trial.prepare({**written, "population": {}, "trial": {**written["trial"], "condition": "ckd"}})
    lk.save_population(people_of(other, {}), tmp_path / "people.parquet")
    with pytest.raises(ProtocolError, match=r"\(ckd.*\(healthy\)"):
        trial.prepare(written)


def test_virtual_patients_are_matched() -> None:
    match = [{"observable": "crp", "above": "> 3 mg/L", "share": 0.27}]
    people = lk.virtual_patients("metabolic_inflammation", 400, seed=2, match=match)
    assert (people["screening.crp"] > 3).mean() == pytest.approx(0.27, abs=0.08)
    assert people.attrs[KEY]["matching"]["targets"][0]["reached"]
    with pytest.raises(ProtocolError, match="leave it out"):
        lk.virtual_patients("healthy", 3, population={"table": "x.parquet"})


def test_labels_and_clinical_units() -> None:
    ready = prepared()
    found = covariate_table(ready.plan)
    assert found["age"] == ("Age", "year", "continuous")
    assert found["rs1"].kind == "genotype"
    assert found["weight"] == ("Weight", "kg", "continuous")  # no covariate, but it varies and is the patient's own
    assert "mab_CL" not in found
    columns = ready.columns(np.arange(10), [{}])
    assert in_clinical_units(ready.plan, columns)["age"] == pytest.approx(columns["age"] / 365.25)
    plan = patients.make_plan(biology.assemble("healthy"))
    assert covariate_table(plan)["sex"] == ("Women", "", "binary")


def test_correlations_are_those_of_the_table_and_keep_every_distribution() -> None:
    """Rank correlation of a normal pair is 6/pi arcsin(rho/2); marginals are those without a correlation."""
    table = patients.sample(fake_assembly(), 20_000, 3)
    wanted = 6 / np.pi * np.arcsin(0.6 / 2)
    assert spearmanr(table["mab_CL"], table["mab_V"]).statistic == pytest.approx(wanted, abs=0.02)
    assert abs(spearmanr(table["mab_CL"], table["drive"]).statistic) < 0.03
    for name, typical, size in (("mab_CL", 0.1, 0.3), ("mab_V", 5.0, 0.2)):
        assert kstest(np.log(table[name] / typical) / size, "norm").pvalue > 1e-3


def test_linked_variants_and_genotype_frequencies_of_the_core() -> None:
    """Two variants of one haplotype travel together; each is in Hardy-Weinberg equilibrium."""
    assembly = biology.assemble("healthy")
    table = patients.sample(assembly, 20_000, 8)
    frequencies = assembly.genotypes.set_index("variant")["frequency_EUR"].to_dict()
    for name, p in frequencies.items():
        if name in table:
            expected = 20_000 * np.array([(1 - p) ** 2, 2 * p * (1 - p), p**2])
            counts = np.bincount(table[name].astype(int), minlength=3)
            often = expected > 5
            share = expected[often] / expected[often].sum()
            assert chisquare(counts[often], share * counts[often].sum()).pvalue > 1e-4
    linked = spearmanr(table["rs16944"], table["rs1143627"]).statistic
    assert linked > 0.75  # 0.95 between the normals behind them
    assert abs(spearmanr(table["rs16944"], table["rs2228145"]).statistic) < 0.03


def test_draws_of_what_is_uncertain_move_typical_values_and_not_the_people() -> None:
    assembly = biology.assemble("healthy")
    drawn = patients.draws(assembly, 3, 1)
    usual = patients.sample(assembly, 50, 8)
    plan = patients.make_plan(assembly)
    for _, row in drawn.iterrows():
        table = patients.sample(assembly, 50, 8, typical=row.to_dict())
        for name in plan.varying:
            spread, key = plan.parameters[name].spread, name
            if name in [n for v in plan.variants for n in v.effects] or spread is None or spread.scale != "ln":
                continue
            key = f"{plan.parameters[name].condition}.{name}" if plan.parameters[name].condition else name
            ratio = row.get(key, plan.parameters[name].value) / plan.parameters[name].value
            assert table[name].to_numpy() == pytest.approx(usual[name].to_numpy() * ratio, rel=1e-9)
        assert table["rs16944"].equals(usual["rs16944"])
        assert table["weight"].equals(usual["weight"])


def test_provenance_has_the_typical_values() -> None:
    found = population_provenance(prepared(), {"KD": 2.0})
    assert found["typical"] == {"KD": 2.0}
    assert found["drugs"] == ["mab", "pulse"]
