"""The conditions and genotypes as data: allowed names, units, sources; nothing chosen from what is to be predicted."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from leukinetics.units import convert

BIOLOGY = Path(__file__).parents[1] / "leukinetics" / "biology"
CONDITIONS = {
    file.stem: tomllib.loads(file.read_text(encoding="utf-8"))
    for file in sorted((BIOLOGY / "conditions").glob("*.toml"))
}
DRIVES = [
    "drive_nfkb", "drive_nlrp3", "drive_il6_other", "il6_other_tnf", "drive_tnf_other", "drive_antigen", "drive_ifna",
    "drive_stress", "drive_glia", "renal_function", "drive_erythropoiesis_loss",
]  # fmt: skip
COVARIATES = {
    "age": "year", "sex": "dimensionless", "weight": "kg", "height": "cm", "bmi": "kg/m^2",
    "albumin_covariate": "g/L", "clcr": "mL/min", "crp_covariate": "mg/L", "disease_duration": "year",
}  # fmt: skip
CORE = [
    "healthy", "endotoxaemia", "il6_infusion", "rheumatoid_arthritis", "caps", "metabolic_inflammation", "post_mi",
    "ckd", "sle", "castleman", "ifn_alpha_therapy", "asthma", "psoriasis",
]  # fmt: skip
KINDS = {"measured", "derived", "calibrated", "assumed"}
SPREAD = r"(ln|logit|sd) \d+(\.\d+)?"
SOURCE = re.compile(r"databook:\w+|doi:10\.\d{4,}/\S+|PMID:\d+|NCT\d{8}|PMC\d+|\(\d{4}\)|\d{4};\d+")
# Figures of trials that the model must predict: they may stand as baselines of role validate only.
HELD_OUT = re.compile(r"drug_cantos_|drug_zilt_rescue_|drug_silt_mcd_crp|phys_lps04_|phys_il6_acth_iv|phys_il6_cort_iv")


def settings() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (condition, name, row)
        for condition, content in CONDITIONS.items()
        for part in ("set", "population")
        for name, row in content.get(part, {}).items()
    ]


def baselines() -> list[tuple[str, dict[str, Any]]]:
    return [(condition, row) for condition, content in CONDITIONS.items() for row in content.get("baseline", [])]


def test_the_conditions_of_the_core_are_here():
    assert set(CORE) <= CONDITIONS.keys()


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_says_what_it_is(name):
    content = CONDITIONS[name]
    assert content["id"] == name and content["title"] and content["note"] and content["sources"]
    assert content.keys() <= {
        "id", "title", "entity", "like", "extra", "sources", "note", "set", "population", "baseline", "history",
    }  # fmt: skip
    assert {"age", "sex", "weight", "bmi"} <= content["population"].keys()


@pytest.mark.parametrize(
    "name", [name for name, content in CONDITIONS.items() if content.keys() & {"extra", "history"}]
)
def test_a_disease_has_its_modules_and_one_with_a_history_its_duration(name):
    content = CONDITIONS[name]
    there = {p.stem for p in (BIOLOGY / "modules").glob("*/*.ant")} | {
        p.name for p in (BIOLOGY / "modules").iterdir() if p.is_dir()
    }
    assert set(content["extra"]) <= there
    if "history" in content:
        assert {"duration"} <= content["history"].keys() <= {"duration", "onset_age"}
        assert content["history"]["duration"] in content["population"]
    else:
        assert "ms" not in content["extra"]


@pytest.mark.parametrize("name", ["healthy", "endotoxaemia", "il6_infusion"])
def test_healthy_people_have_no_drive(name):
    assert not CONDITIONS[name].get("set")


def test_only_drives_are_set():
    for condition in CORE:
        assert CONDITIONS[condition].get("set", {}).keys() <= set(DRIVES), condition


@pytest.mark.parametrize(("condition", "name", "row"), settings())
def test_every_number_has_kind_and_source(condition, name, row):
    assert row["kind"] in KINDS
    if row["kind"] == "assumed":
        assert row["source"] and row["note"]  # the note gives the range, or what is assumed beside the source
    elif row["source"] == "definition":  # a switch: nothing to measure, and nothing uncertain
        assert row["kind"] == "derived" and row["note"] and row["value"] in (0, 1)
    elif row["kind"] == "calibrated":
        assert row["prior"] > 0 and re.fullmatch(SPREAD, row["uncertainty"]) and row["note"]
    elif row["source"] != "definition":
        assert SOURCE.search(row["source"]), row["source"]
    assert not HELD_OUT.search(f"{row['source']} {row.get('note', '')}")


@pytest.mark.parametrize(("condition", "name", "row"), settings())
def test_every_number_is_usable(condition, name, row):
    if name in COVARIATES:
        given = row.keys() & {"mean", "sd", "median", "ln", "value", "proportion"}
        assert given in ({"mean", "sd"}, {"median", "ln"}, {"value"}, {"proportion"})
        if "proportion" in row:
            assert 0 <= row["proportion"] <= 1
            return
        convert(1.0, row["unit"], COVARIATES[name])
        center = row.get("mean", row.get("median", row.get("value")))
        assert row.get("low", -math.inf) <= center <= row.get("high", math.inf)
        return
    assert row["unit"] == "dimensionless" or CONDITIONS[condition].get("extra")  # drives of the core have no unit
    assert row["value"] >= 0
    if row["source"] == "definition":
        assert not row.keys() & {"uncertainty", "spread"}
        return
    assert re.fullmatch(SPREAD, row["uncertainty"])
    assert "spread" not in row or re.fullmatch(SPREAD, row["spread"])
    for text in (row["uncertainty"], row.get("spread", "")):
        assert not text.startswith("ln") or row["value"] > 0
        assert not text.startswith("logit") or 0 < row["value"] < 1


@pytest.mark.parametrize(("condition", "row"), baselines())
def test_baselines_are_published_figures(condition, row):
    assert row.keys() <= {"readout", "value", "unit", "spread", "statistic", "role", "source", "note"}
    assert row["role"] in {"input", "calibrate", "validate"}
    assert row["value"] > 0 and SOURCE.search(row["source"])
    assert "spread" not in row or re.fullmatch(SPREAD, row["spread"])
    convert(1.0, row["unit"], row["unit"])
    assert (row["role"] == "validate") == bool(HELD_OUT.search(row["source"]))


def test_cantos_is_predicted_from_the_diabetes_trial():
    """The drives after a heart attack are those of the diabetes condition, as fitted there; none is fitted here."""
    here = CONDITIONS["post_mi"]
    assert here["like"] == "metabolic_inflammation" and "set" not in here
    assert all(row["role"] == "validate" for row in here["baseline"])


@pytest.mark.parametrize(
    ("condition", "production"), [("caps", 9.57), ("rheumatoid_arthritis", 8.06), ("asthma", 6.18), ("psoriasis", 7.19)]
)
def test_il1b_production_of_the_groups(condition, production):
    """Priors start from production relative to healthy volunteers (doi:10.2165/11599820-000000000-00000)."""
    drives = CONDITIONS[condition]["set"]
    tone = math.prod(drives[name]["prior"] for name in ("drive_nfkb", "drive_nlrp3") if name in drives)
    assert tone == pytest.approx(production / 4.5, rel=0.01)


GENOTYPE_COLUMNS = [
    "variant", "gene", "entity", "effect_allele", "frequency_EUR", "frequency_EAS", "frequency_AFR", "parameter",
    "effect_per_allele", "uncertainty", "kind", "source", "note",
]  # fmt: skip


@pytest.fixture(scope="module")
def genotypes() -> dict[str, dict[str, str]]:
    header, *lines = (BIOLOGY / "genotypes.tsv").read_text(encoding="utf-8").splitlines()
    assert header.split("\t") == GENOTYPE_COLUMNS
    rows = [dict(zip(GENOTYPE_COLUMNS, line.split("\t"), strict=True)) for line in lines]
    return {row["variant"]: row for row in rows}


def test_genotypes_act_on_production_and_shedding_only(genotypes):
    assert {name: row["parameter"] for name, row in genotypes.items()} == {
        "rs16944": "il1b_production",
        "rs1143627": "il1b_production",
        "rs1143634": "il1b_production",
        "rs2228145": "il6r_shedding",
        "rs1800795": "il6_factor",
    }


def test_genotypes_are_complete(genotypes):
    for row in genotypes.values():
        assert row["effect_allele"] in "ACGT" and row["kind"] in KINDS and row["note"]
        assert SOURCE.search(row["source"]) and re.fullmatch(SPREAD, row["uncertainty"])
        assert all(0 < float(row[f"frequency_{ancestry}"]) < 1 for ancestry in ("EUR", "EAS", "AFR"))
        assert math.isfinite(float(row["effect_per_allele"]))


def test_disputed_effects_stay_open(genotypes):
    """Where studies disagree on the direction, no effect and the reverse must be within two standard deviations."""
    for name in ("rs16944", "rs1143627", "rs1143634"):
        effect, width = float(genotypes[name]["effect_per_allele"]), float(genotypes[name]["uncertainty"].split()[1])
        assert abs(effect) < 2 * width


def test_the_promoter_haplotype_is_counted_once(genotypes):
    """rs16944 and rs1143627 go together: two alleles of both give the 28 to 52 % more that were seen in vivo."""
    both = sum(float(genotypes[name]["effect_per_allele"]) for name in ("rs16944", "rs1143627"))
    assert 1.28 < math.exp(2 * both) < 1.52


def test_il6r_variant_raises_shedding_by_half(genotypes):
    row = genotypes["rs2228145"]
    assert math.exp(float(row["effect_per_allele"])) == pytest.approx(1.5, abs=0.1)  # per allele, fitted
    assert row["kind"] == "calibrated" and float(row["frequency_EUR"]) == 0.39
