"""The formulary: what a drug file may say, where its numbers come from, and the exposures it gives."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

BIOLOGY = Path(__file__).parent.parent / "leukinetics" / "biology"
FILES = sorted((BIOLOGY / "drugs").glob("*.toml"))
DRUGS = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in FILES}

EXPECTED = {
    *("canakinumab", "anakinra", "bermekimab", "tocilizumab", "sarilumab", "siltuximab", "sirukumab", "clazakizumab"),
    *("ziltivekimab", "infliximab", "adalimumab", "etanercept", "anifrolumab", "minocycline", "celecoxib"),
    *(
        "vortioxetine",
        "escitalopram",
        "interferon_beta",
        "interferon_alpha",
        "natalizumab",
        "ocrelizumab",
        "fingolimod",
    ),
    *("ponsegromab", "anamorelin", "lps", "rhil6", "rhil1b", "hydrocortisone", "tolebrutinib", "trkb_agonist"),
    *("rhbdnf", "rhhbegf", "il1ra_shuttle", "il1b_shuttle"),
    *("aerobic_exercise", "resistance_exercise", "energy_restriction", "typhoid_vaccine"),
    *("mc4r_antagonist", "olanzapine", "dexamethasone", "nutritional_supplement", "chemotherapy"),
}

KEYS = {"id", "name", "entity", "modality", "pk", "binding", "distribution", "supplies", "regimen"}
PK_KEYS = {"structure", "input", "elimination", "note", "parameters", "covariate", "enzyme", "correlation"}
MODALITIES = {"antibody", "fusion_protein", "protein", "small_molecule", "behaviour"}
MODES = {"neutralises", "blocks", "inhibits", "agonist"}
KINDS = {"measured", "derived", "calibrated", "assumed"}
COVARIATES = {"weight", "height", "bmi", "age", "sex", "albumin_covariate", "clcr", "crp_covariate"}
FORMS = {"power", "exponential", "linear"}
VOLUMES = {"none": (), "one_compartment": ("V",), "two_compartment": ("V1", "Q", "V2")}
LOSSES = {"linear": ("CL",), "michaelis_menten": ("Vm", "Km"), "time_dependent": ("CL_t", "halflife_CL_t")}
REFERENCE = re.compile(r"databook:[a-z0-9_]+|doi:10\.\d{4,}/\S+|PMID:\d+|PMCID:PMC\d+")
HELD_OUT = ("mabp1", "cantos", "rescue", "silt_mcd", "pons_w", "raison", "opera")


def numbers(drug: dict) -> Iterator[tuple[str, dict]]:
    """Every number of a drug file that stands for biology, with its name."""
    yield from drug["pk"].get("parameters", {}).items()
    for covariate in drug["pk"].get("covariate", []):
        yield f"{covariate['parameter']} on {covariate['covariate']}", covariate["coefficient"]
    for enzyme in drug["pk"].get("enzyme", []):
        yield f"share of {enzyme['activity']} in CL", enzyme["fraction"]
    for binding in drug.get("binding", []):
        yield f"{constant(binding)} at {binding['target']}", binding[constant(binding)]
    yield from drug.get("distribution", {}).items()


def constant(binding: dict) -> str:
    names = [key for key in ("KD", "EC50", "IC50") if key in binding]
    assert len(names) == 1, f"one of KD, EC50, IC50 is expected at {binding['target']}"
    return names[0]


def test_every_drug_has_its_file() -> None:
    assert set(DRUGS) == EXPECTED


@pytest.mark.parametrize("name", DRUGS)
class TestDrugFile:
    def test_names_only_what_a_drug_file_may_name(self, name: str) -> None:
        drug = DRUGS[name]
        assert drug["id"] == name
        assert drug["name"] and drug["entity"]
        assert drug["modality"] in MODALITIES
        assert set(drug) <= KEYS, "a drug names pharmacokinetics, binding, distribution and regimens, nothing else"
        assert set(drug["pk"]) <= PK_KEYS
        assert set(drug.get("distribution", {})) <= {"csf_ratio", "csf_rate"}
        assert ("binding" in drug) != ("supplies" in drug), "a drug binds a target or is a substance of the model"

    def test_has_the_parameters_of_its_structure(self, name: str) -> None:
        pk = DRUGS[name]["pk"]
        parameters = pk.get("parameters", {})
        needed = [*VOLUMES[pk["structure"]], *(p for loss in pk["elimination"] for p in LOSSES[loss])]
        for route in pk["input"]:
            if route not in ("iv", "intrathecal", "session", "diet"):  # which have no depot
                needed += [p if p in parameters else f"{p}_{route}" for p in ("ka", "F")]
        assert set(needed) == set(parameters), "the parameters are those of the structure, no more and no fewer"

    def test_numbers_have_unit_kind_and_source(self, name: str) -> None:
        for label, number in numbers(DRUGS[name]):
            assert isinstance(number["value"], int | float) and np.isfinite(number["value"]), label
            assert number["unit"], label
            assert number["kind"] in KINDS, label
            assert number["source"].strip(), label
            for width in ("spread", "uncertainty"):
                assert re.fullmatch(r"(ln|logit|sd) \d+(\.\d+)?|", number.get(width, "")), f"{width} of {label}"
            if number["kind"] == "assumed":
                assert number["source"] == "assumed", f"{label}: an assumed number has no source but a reason"
                assert number["note"] and number["uncertainty"], f"{label}: an assumption says why and how unsure it is"
            else:
                assert number["source"] != "assumed", label
            if number["kind"] == "calibrated":
                assert number["prior"] > 0 and number["uncertainty"], label

    def test_references_are_well_formed(self, name: str) -> None:
        drug = DRUGS[name]
        sources = [number["source"] for _, number in numbers(drug)]
        sources += [entry["source"] for key in ("regimen",) for entry in drug[key]]
        sources += [entry["source"] for entry in drug["pk"].get("correlation", [])]
        for source in sources:
            assert source.strip()
            for part in source.split("; "):
                if re.match(r"(databook|doi|PMID|PMCID)\b", part):
                    assert REFERENCE.fullmatch(part), part
            assert not any(row in source for row in HELD_OUT), f"{source} is kept for validation"

    def test_binds_known_targets_at_known_sites(self, name: str) -> None:
        with (BIOLOGY / "targets.tsv").open(encoding="utf-8", newline="") as stream:
            known = {(row["target"], row["site"]) for row in csv.DictReader(stream, delimiter="\t")}
        drug = DRUGS[name]
        for binding in drug.get("binding", []):
            assert set(binding) <= {"target", "mode", "sites", "tissue_source", constant(binding)}
            assert binding["mode"] in MODES
            assert binding[constant(binding)]["value"] > 0
            for site in binding["sites"]:
                assert (binding["target"], site) in known
            if "csf" in binding["sites"]:
                assert 0 < drug["distribution"]["csf_ratio"]["value"] <= 1
            if "tissue" in binding["sites"] and drug["pk"]["structure"] == "one_compartment":
                assert binding["tissue_source"] == "central", "one compartment has no peripheral concentration"

    def test_covariates_and_correlations_are_usable(self, name: str) -> None:
        pk = DRUGS[name]["pk"]
        for covariate in pk.get("covariate", []):
            assert covariate["parameter"] in pk["parameters"]
            assert covariate["covariate"] in COVARIATES
            assert covariate["form"] in FORMS
            assert covariate["reference"]["unit"]
        names = sorted({entry[side] for entry in pk.get("correlation", []) for side in ("a", "b")})
        matrix = np.eye(len(names))
        for entry in pk.get("correlation", []):
            assert pk["parameters"][entry["a"]]["spread"] and pk["parameters"][entry["b"]]["spread"]
            i, j = names.index(entry["a"]), names.index(entry["b"])
            matrix[i, j] = matrix[j, i] = entry["rho"]
        assert not names or np.linalg.eigvalsh(matrix).min() > 0

    def test_regimens_use_its_routes(self, name: str) -> None:
        drug = DRUGS[name]
        assert drug["regimen"]
        for regimen in drug["regimen"]:
            assert regimen["name"]
            assert regimen["route"] in drug["pk"]["input"]
            assert regimen["amount"]["value"] > 0 and regimen["amount"]["unit"]
