"""The assembled model as SBML: sound, unit-clean, annotated, and simulated alike by libRoadRunner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from biology_folder import write_folder

import leukinetics as lk
from leukinetics import biology


def check(sbml: str) -> list[str]:
    """What libSBML says of errors and of units (modelling practice apart)."""
    import libsbml

    document = libsbml.readSBMLFromString(sbml)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    document.checkConsistency()
    errors = [document.getError(i) for i in range(document.getNumErrors())]
    return [f"{e.getErrorId()} line {e.getLine()} {e.getMessage()[-300:]}" for e in errors]


def model_of(sbml: str) -> Any:
    import libsbml

    document = libsbml.readSBMLFromString(sbml)
    return document, document.getModel()


@pytest.mark.parametrize("drugs", [[], ["mab"], ["mab", "rhil6"]])
def test_no_errors_and_no_unit_warnings(tmp_path: Path, drugs: list[str]) -> None:
    assembly = biology.assemble("castleman", drugs=drugs, root=write_folder(tmp_path))
    assert check(assembly.sbml) == []


def test_the_unit_check_would_notice(tmp_path: Path) -> None:
    sbml = biology.assemble("castleman", drugs=["mab"], root=write_folder(tmp_path)).sbml
    wrong = sbml.replace('id="crp_loss" name="', 'id="crp_loss" name="', 1)
    start = sbml.index('id="crp_loss"')
    wrong = sbml[:start] + sbml[start:].replace('units="per_day"', 'units="day"', 1)
    assert wrong != sbml
    assert any("units" in message for message in check(wrong))


def test_zero_takes_the_unit_of_its_place(tmp_path: Path) -> None:
    extra = """\
        // Zeros.
        low := max(il6_free - il6_base, 0);
        part := piecewise(crp_loss, il6_free > 0, 0);
        flat := 0 + exp(0) + 0^2;
        """
    assembly = biology.assemble(root=write_folder(tmp_path, {"modules/zeros.ant": extra}))
    assert check(assembly.sbml) == []
    assert [assembly.unit(name) for name in ("low", "part")] == ["pmol/L", "1/day"]


def test_every_symbol_has_a_unit_and_readouts_the_clinicians(tmp_path: Path) -> None:
    assembly = biology.assemble("castleman", drugs=["mab"], root=write_folder(tmp_path))
    model = assembly.model
    assert [name for name in model.observables if not model.system.units[name]] == []
    units = model.system.units
    assert units["crp"] == "mg/L"
    assert units["il6"] == "pg/mL"
    assert units["il6_plasma"] == "pmol/L"
    assert units["mab"] == "mg/L"
    assert units["csf_flow"] == "1/day"
    assert model.system.time_unit == "day"


def test_identifiers_and_sources_are_annotated(tmp_path: Path) -> None:
    import libsbml

    assembly = biology.assemble("castleman", drugs=["mab"], root=write_folder(tmp_path))
    document, model = model_of(assembly.sbml)
    assert (document.getLevel(), document.getVersion()) == (3, 2)

    def uris(element: Any, qualifier: int) -> set[str]:
        terms = [element.getCVTerm(i) for i in range(element.getNumCVTerms())]
        return {
            t.getResourceURI(i)
            for t in terms
            if t.getBiologicalQualifierType() == qualifier
            for i in range(t.getNumResources())
        }

    species = model.getSpecies("il6_plasma")
    assert species.getName() == "plasma interleukin-6"
    assert uris(species, libsbml.BQB_IS) == {
        "https://identifiers.org/ncbigene:3569",
        "https://identifiers.org/uniprot:P05231",
        "https://identifiers.org/mesh:D015850",
    }
    base = model.getParameter("il6_base")
    assert "https://identifiers.org/uniprot:P05231" in uris(base, libsbml.BQB_IS_PROPERTY_OF)
    assert uris(base, libsbml.BQB_IS_DESCRIBED_BY) == {
        "https://identifiers.org/doi:10.1000/xyz123",
        "https://identifiers.org/pubmed:1234567",
    }
    assert uris(model, libsbml.BQB_HAS_PROPERTY) == {
        "https://identifiers.org/mesh:D005871",
        "https://identifiers.org/mondo:0015564",
    }


def test_libroadrunner_simulates_the_export_alike(tmp_path: Path) -> None:
    assembly = biology.assemble("castleman", drugs=["mab", "rhil6"], root=write_folder(tmp_path))
    path = tmp_path / "castleman.xml"
    assembly.write_sbml(path)
    exported = lk.load_model(path)
    doses = [
        {"time": 1.0, "target": "mab_depot", "amount": 150.0},
        {"time": 3.0, "target": "il6_plasma", "amount": 5.0},
    ]
    patients = {"weight": [70.0, 110.0], "il6_base": [0.1, 0.3], "mab_CL": [0.2, 0.1]}
    options: dict[str, Any] = {"doses": doses, "parameters": patients, "rtol": 1e-8, "atol": 1e-10}
    names = ["crp", "il6", "mab", "mab_csf", "memory"]
    times = np.linspace(0, 60, 13)
    ours = exported.simulate(times, outputs=names, backend="compiled", **options)
    theirs = exported.simulate(times, outputs=names, backend="roadrunner", **options)
    for name in names:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-8)


@pytest.mark.slow
def test_packaged_model_is_sound_and_libroadrunner_simulates_it_alike(tmp_path: Path) -> None:
    """A condition that drifts to its level, and two antibodies that wear off."""
    assembly = biology.assemble("metabolic_inflammation", drugs=["canakinumab", "tocilizumab"])
    assert check(assembly.sbml) == []
    path = tmp_path / "model.xml"
    assembly.write_sbml(path)
    model = lk.load_model(path)
    doses = [
        {"time": 0.0, "target": "canakinumab_depot", "amount": 150.0},
        {"time": 20.0, "target": "tocilizumab_central", "amount": 500.0},
    ]
    names = ["crp", "il6", "tnf", "cortisol", "haemoglobin", "canakinumab", "tocilizumab", "il1b_total", "sil6r"]
    times = [0.0, 0.25, 1.0, 5.0, 20.0, 60.0, 100.0]
    options: dict[str, Any] = {"outputs": names, "doses": doses, "rtol": 1e-8, "atol": 1e-12}
    ours = model.simulate(times, backend="compiled", **options)
    theirs = model.simulate(times, backend="roadrunner", **options)
    assert (ours["status"] == 0).all() and (theirs["status"] == 0).all()
    for name in names:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-8, err_msg=name)
