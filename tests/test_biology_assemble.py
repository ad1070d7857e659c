"""Assembly: units, conditions, readouts, patients, hash; and the packaged biology as a whole."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from biology_folder import FILES, one_compartment, write_folder

import leukinetics as lk
from leukinetics import biology
from leukinetics.biology.folder import load


def test_published_numbers_become_the_models_units(tmp_path: Path) -> None:
    table = biology.assemble(root=write_folder(tmp_path)).parameters.set_index("id")
    base = table.loc["il6_base"]
    assert base["value"] == pytest.approx(0.1, rel=1e-14)  # 2 pg/mL of 20 kDa
    assert (base["unit"], base["published_value"], base["published_unit"]) == ("pmol/L", 2.0, "pg/mL")
    assert (base["spread"], base["uncertainty"], base["kind"]) == ("ln 0.5", "ln 0.1", "measured")
    assert base["set_by"] == ("genotype",)
    assert (base["file"], base["line"]) == ("parameters.tsv", 6)
    loss = table.loc["il6_loss"]
    assert (loss["value"], loss["prior"], loss["unit"]) == (12.0, pytest.approx(14.4), "1/day")
    assert table.loc["csf_volume", "value"] == pytest.approx(0.15)
    assert table.loc["crp_base", "unit"] == "mg/L"
    assert table.loc["weight", "spread"] == "sd 12"


def test_a_condition_overrides_and_keeps_its_provenance(tmp_path: Path) -> None:
    write_folder(tmp_path)
    assembly = biology.assemble("castleman", root=tmp_path)
    row = assembly.parameters.set_index("id").loc["drive_il6"]
    assert (row["value"], row["owner"], row["source"]) == (5.0, "condition", "doi:10.1000/castleman")
    assert (row["file"], row["line"], row["spread"]) == ("conditions/castleman.toml", 5, "ln 0.8")
    loss = assembly.parameters.set_index("id").loc["il6_loss"]
    assert (loss["value"], loss["kind"], loss["uncertainty"]) == (24.0, "assumed", "ln 0.3")
    assert loss["set_by"] == ("genotype", "condition")
    assert assembly.model.inputs["drive_il6"].default == 5.0
    assert biology.assemble("healthy", root=tmp_path).model.inputs["drive_il6"].default == 1.0
    condition = assembly.condition
    assert condition is not None
    assert (condition.title, condition.entity) == ("Castleman disease", "castleman")
    assert condition.population["weight"]["mean"] == 72.0
    assert condition.baselines[0]["readout"] == "crp"


def test_patients_set_parameters_and_everything_follows(tmp_path: Path) -> None:
    assembly = biology.assemble(drugs=["mab"], root=write_folder(tmp_path))
    found = assembly.model.simulate(
        [0.0, 50.0],
        parameters={"weight": [70.0, 140.0], "il6_base": [0.1, 0.4]},
        outputs=["plasma", "il6", "crp", "mab_CL_i", "signal_ref"],
    )
    np.testing.assert_allclose(found["plasma"][:, 0], [3.3, 6.6])
    np.testing.assert_allclose(found["mab_CL_i"][:, 0], [0.2, 0.2 * 2**0.75])
    np.testing.assert_allclose(found["il6"][:, 1], [2.0, 8.0])  # steady for each patient
    np.testing.assert_allclose(found["crp"][:, 1], 1.0, rtol=1e-6)
    assert assembly.model.inputs["mab_CL_i"].kind == "parameter"


def test_readouts_are_in_their_units(tmp_path: Path) -> None:
    assembly = biology.assemble("castleman", drugs=["mab"], root=write_folder(tmp_path))
    table = assembly.readouts.set_index("id")
    assert list(table.index) == ["signal", "crp", "il6", "il6_bound", "mab"] or set(table.index) == {
        "signal", "crp", "il6", "il6_bound", "mab",
    }  # fmt: skip
    assert table.loc["il6", "unit"] == "pg/mL"
    assert table.loc["mab", "unit"] == "mg/L"
    dose = [{"time": 0.0, "target": "mab_central", "amount": 0.145 * 3}]  # port 1: half is bound
    found = assembly.model.simulate([0.0], doses=dose, outputs=["il6", "il6_plasma", "il6_bound"])
    assert float(found["il6_bound"][0, 0]) == pytest.approx(50.0)
    assert float(found["il6"][0, 0]) == pytest.approx(float(found["il6_plasma"][0, 0]) * 20 / 2)


def test_a_condition_may_restrict_the_modules(tmp_path: Path) -> None:
    write_folder(tmp_path, {"conditions/csf_only.toml": 'id = "csf_only"\nmodules = ["csf"]\n'})
    assembly = biology.assemble("csf_only", root=tmp_path)
    assert list(assembly.modules) == ["csf"]
    assert assembly.readouts.empty
    assert set(assembly.parameters["id"]) == {"csf_production", "csf_volume", "weight", "sex"}
    assert biology.check(tmp_path) == []


def test_modules_and_symbols_explain_themselves(tmp_path: Path) -> None:
    assembly = biology.assemble(drugs=["mab"], root=write_folder(tmp_path))
    assert assembly.modules["il6"] == "IL-6 and CRP in plasma.\nSecond line of the header."
    symbol = assembly.symbols["crp_plasma"]
    assert (symbol.kind, symbol.entity, symbol.owner, str(symbol.place)) == (
        "species", "CRP", "il6", "modules/il6.ant, line 11",
    )  # fmt: skip
    assert assembly.symbols["mab_central"].owner == "mab"
    assert assembly.entities["CRP"].uris[0] == "https://identifiers.org/ncbigene:1401"
    assert {t.port for t in assembly.targets} >= {"il6_plasma_binding"}
    genotypes = assembly.genotypes
    assert genotypes.loc[0, "effect_per_allele"] == 0.1 and genotypes.loc[0, "frequency_EUR"] == 0.4


# ---- hash and cache --------------------------------------------------------------------------------------


def test_the_hash_changes_with_numbers_and_not_with_words(tmp_path: Path) -> None:
    def of(name: str, **replaced: tuple[str, str]) -> str:
        return biology.assemble("castleman", drugs=["mab"], root=write_folder(tmp_path / name, **replaced)).hash

    same = of("same")
    assert of("again") == same
    assert of("note", parameters=("own choice	wide", "own choice	wide range")) == same
    assert of("said of people", castleman=("mean = 72.0\n", 'mean = 72.0\nnote = "both sexes"\n')) == same
    assert of("comment", il6=("// IL-6 and CRP", "// IL-6, CRP")) == same
    assert of("blank", il6=("plasma*crp_loss*crp_plasma", "plasma * crp_loss*crp_plasma")) == same
    different = [
        of("value", parameters=("0.876", "0.877")),
        of("unit", parameters=("0.876	1/day", "0.876	1/h")),
        of("spread", parameters=("ln 0.9", "ln 0.8")),
        of("formula", il6=("(1 + memory)", "(1 + 2*memory)")),
        of("mass", entities=("20000", "20001")),
        of("drug", mab=("value = 0.25", "value = 0.26")),
        of("condition", castleman=("value = 5", "value = 6")),
        of("population", castleman=("mean = 72.0", "mean = 73.0")),
        of("genotype", genotypes=("0.1\tsd", "0.2\tsd")),
        of("correlation", correlations=("0.4", "0.5")),
        of("readout", readouts=("100*(1", "200*(1")),
    ]
    assert len({same, *different}) == len(different) + 1


def test_the_hash_is_the_same_in_another_process(tmp_path: Path) -> None:
    write_folder(tmp_path)
    code = (
        "import sys; from leukinetics import biology;"
        "print(biology.assemble('castleman', drugs=['rhil6', 'mab'], root=sys.argv[1]).hash)"
    )
    there = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True)
    assert there.stdout.strip() == biology.assemble("castleman", drugs=["mab", "rhil6"], root=tmp_path).hash


def test_assembly_is_cached_until_a_file_changes(tmp_path: Path) -> None:
    write_folder(tmp_path)
    first = biology.assemble("castleman", drugs=["mab"], root=tmp_path)
    assert biology.assemble("castleman", drugs=["mab"], root=tmp_path) is first
    write_folder(tmp_path, parameters=("0.876", "0.9"))
    second = biology.assemble("castleman", drugs=["mab"], root=tmp_path)
    assert second is not first
    assert second.model.inputs["crp_loss"].default == 0.9


def test_import_is_quick_and_does_not_load_the_biology() -> None:
    code = "import sys, leukinetics; print([m for m in sys.modules if m.startswith('leukinetics.biology')])"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(found.stdout.replace("'", '"')) == []


def test_a_drug_leaves_the_core_as_it_is(tmp_path: Path) -> None:
    """A drug adds symbols and terms of ports, and changes no formula of the core."""
    write_folder(tmp_path, {"drugs/pill.toml": one_compartment()})
    alone = biology.assemble("castleman", root=tmp_path).symbols
    treated = biology.assemble("castleman", drugs=["mab", "pill", "rhil6"], root=tmp_path).symbols
    ports = {t.port for t in load(tmp_path).targets.values()}
    for name, symbol in alone.items():
        if name not in ports:
            assert [s.text for s in treated[name].statements] == [s.text for s in symbol.statements]


# ---- the packaged biology --------------------------------------------------------------------------------


def test_results_carry_the_readouts_own_units() -> None:
    made = biology.assemble("healthy", drugs=["canakinumab"])
    found = made.model.simulate([0.0], outputs=list(made.readouts["id"]))
    expected = dict(zip(made.readouts["id"], made.readouts["unit"], strict=True))
    assert {name: found[name].attrs["units"] for name in expected} == expected
    assert expected["temperature"] == "degC"


def test_the_packaged_biology_has_no_problem() -> None:
    assert [str(p) for p in biology.check()] == []


def test_every_packaged_condition_and_drug_assembles() -> None:
    packaged = load()
    for condition in packaged.conditions:
        assert biology.assemble(condition).sbml
    of_cachexia = {"chemotherapy", "nutritional_supplement", "resistance_exercise"}
    most = biology.assemble("mood_healthy", drugs=sorted(set(packaged.drugs) - of_cachexia))
    rest = biology.assemble("cachexia_nsclc", drugs=sorted(of_cachexia))
    assert set(most.drugs) | set(rest.drugs) == set(packaged.drugs)
    for assembly in (most, rest):
        for spec in assembly.drugs.values():
            for target in spec.route_target.values():
                assert target in assembly.model.system.dose_targets


def test_condition_gives_a_model() -> None:
    model = lk.condition("healthy", drugs=["canakinumab"])
    assert isinstance(model, lk.Model)
    assert "crp" in model.observables
    with pytest.raises(lk.ModelError, match="no condition 'healhty'"):
        lk.condition("healhty")


@pytest.mark.slow
def test_the_core_with_ten_drugs_is_read_within_seconds() -> None:
    """1.5 s on an idle core; the limit leaves room for a busy machine."""
    names = load().drugs
    drugs = [n for n in names if names[n].content["modality"] != "behaviour" and n != "chemotherapy"][:10]
    code = (
        "import sys, time; from leukinetics import biology; t = time.perf_counter();"
        "biology.assemble('healthy', drugs=sys.argv[1:]).model; print(time.perf_counter() - t)"
    )
    start = time.perf_counter()
    found = subprocess.run([sys.executable, "-c", code, *drugs], check=True, capture_output=True, text=True)
    assert float(found.stdout) < 6.0 and time.perf_counter() - start < 30.0


def test_every_file_of_the_test_folder_is_used() -> None:
    assert {name.split("/")[0] for name in FILES if "/" in name} == {"modules", "drugs", "conditions"}
