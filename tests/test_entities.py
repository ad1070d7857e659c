"""The table of entities: identifiers as the claims name them, well-formed, with masses and sources."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

BIOLOGY = Path(__file__).parents[1] / "leukinetics" / "biology"
COLUMNS = [
    "id", "name", "kind", "molar_mass", "ncbi_gene", "uniprot", "mesh", "mondo", "chebi", "other", "made_of",
    "source", "note",
]  # fmt: skip
KINDS = {"protein", "gene", "chemical", "drug", "disease", "cell", "variant", "complex", "behaviour"}
PATTERNS = {
    "ncbi_gene": r"\d+",
    # https://www.uniprot.org/help/accession_numbers
    "uniprot": r"[OPQ]\d[A-Z0-9]{3}\d|[A-NR-Z]\d(?:[A-Z][A-Z0-9]{2}\d){1,2}",
    "mesh": r"MESH:[CD]\d{6,9}",
    "mondo": r"MONDO:\d{7}",
    "chebi": r"CHEBI:\d+",
}

GENES = {
    "IL6": 3569, "IL1B": 3553, "IL18": 3606, "IL10": 3586, "TNF": 7124, "NFKB1": 4790, "CXCL8": 3576, "IL12B": 3593,
    "IL4": 3565, "IFNA1": 3439, "IFNG": 3458, "TSPO": 706, "IL13": 3596, "NLRP3": 114548, "IL23A": 51561, "CRP": 1401,
    "IL17A": 3605,
}  # fmt: skip
MESH = {
    "mdd": "D003865", "multiple_sclerosis": "D009103", "rheumatoid_arthritis": "D001172", "sle": "D008180",
    "obesity": "D009765", "type_2_diabetes": "D003924", "metabolic_syndrome": "D024821",
    "neuroinflammation": "D000090862", "fatigue": "D005221", "anhedonia": "D059445", "anxiety": "D001007",
    "cognitive_dysfunction": "D003072", "psychomotor_slowing": "D011596", "demyelination": "D003711",
    "quinolinic_acid": "D017378", "infliximab": "D000069285", "sarilumab": "C000592401", "glutamate": "D018698",
    "kynurenine": "D007737", "adalimumab": "D000068879", "tocilizumab": "C502936", "serotonin": "D012701",
    "dopamine": "D004298", "anifrolumab": "C582345", "tryptophan": "D014364", "minocycline": "D008911",
    "LPS": "D008070", "celecoxib": "D000068579", "vortioxetine": "D000078784", "canakinumab": "C541220",
}  # fmt: skip
VARIANTS = ("rs16944", "rs1143627", "rs1143634")
# Named in the claims without an identifier of their own.
FURTHER_GENES = [
    "IL1A", "IL1RN", "IL1R1", "IL1R2", "IL6R", "IL6ST", "BDNF", "NGF", "HBEGF", "CRH", "POMC", "NPY", "AGRP",
    "MC4R", "NR3C1", "IDO1", "TDO2", "KMO", "GDF15",
]  # fmt: skip
# Given as mass concentrations somewhere in the model, so that a molar mass is needed.
MEASURED = [
    "IL1A", "IL1B", "IL1RN", "IL1R2", "IL6", "IL6R", "IL6ST", "TNF", "IL10", "IL18", "IL18BP", "IFNA", "IFNG",
    "IL17A", "IL12", "IL23", "IL4", "IL13", "CXCL8", "CRP", "SAA1", "FGA", "HAMP", "HB", "ALB", "IgG", "CRH",
    "ACTH", "cortisol", "PGE2", "GDF15", "BDNF", "NGF", "HBEGF", "NPY", "tryptophan", "kynurenine",
    "quinolinic_acid", "kynurenic_acid", "serotonin", "dopamine", "glutamate",
]  # fmt: skip


def table(name: str) -> list[dict[str, str]]:
    header, *lines = (BIOLOGY / name).read_text(encoding="utf-8").splitlines()
    columns = header.split("\t")
    rows = [line.split("\t") for line in lines]
    assert all(len(row) == len(columns) for row in rows)
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def entities() -> dict[str, dict[str, str]]:
    rows = table("entities.tsv")
    assert list(rows[0]) == COLUMNS
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_identifiers_are_those_of_the_claims(entities):
    assert {name: entities[name]["ncbi_gene"] for name in GENES} == {name: str(gene) for name, gene in GENES.items()}
    assert {name: entities[name]["mesh"] for name in MESH} == {name: f"MESH:{number}" for name, number in MESH.items()}
    assert entities["mdd"]["mondo"] == "MONDO:0002009"
    assert all(entities[name]["kind"] == "variant" and name in entities[name]["other"] for name in VARIANTS)


@pytest.mark.parametrize("name", FURTHER_GENES)
def test_further_genes_have_identifiers(entities, name):
    assert entities[name]["ncbi_gene"] and entities[name]["uniprot"]


def test_identifiers_are_well_formed(entities):
    for row in entities.values():
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", row["id"])
        assert row["kind"] in KINDS and row["name"] and row["source"]
        for column, pattern in PATTERNS.items():
            assert not row[column] or re.fullmatch(pattern, row[column]), (row["id"], column, row[column])


@pytest.mark.parametrize("column", ["mesh", "mondo"])
def test_an_identifier_of_a_disease_is_used_once(entities, column):
    used = [row[column] for row in entities.values() if row["kind"] == "disease" and row[column]]
    assert len(used) == len(set(used))


def test_molar_masses_are_plausible(entities):
    """A unit slip (kDa for g/mol) would leave this range."""
    for row in entities.values():
        if row["molar_mass"]:
            low, high = {"chemical": (100, 1000)}.get(row["kind"], (250, 400_000))
            assert low < float(row["molar_mass"]) < high, row["id"]
            assert re.search(r"molar mass", row["source"]), row["id"]
    assert not [name for name in MEASURED if not entities[name]["molar_mass"]]


def test_drugs_of_known_mass_have_one(entities):
    unknown = {row["id"] for row in entities.values() if row["kind"] == "drug" and not row["molar_mass"]}
    assert unknown == {"lps", "typhoid_vaccine", "chemotherapy"}  # given as endotoxin activity, and as days of therapy


def test_complexes_are_made_of_entities(entities):
    for row in entities.values():
        assert row["kind"] == "complex" or not row["made_of"]
        assert set(row["made_of"].split()) <= entities.keys()


def test_tnf_is_the_trimer(entities):
    """The reading of 0.38 pmol/L as 19.8 pg/mL rests on 52 kDa (doi:10.1007/s10928-019-09652-5)."""
    assert 0.38e-12 * float(entities["TNF"]["molar_mass"]) * 1e9 == pytest.approx(19.8, rel=0.01)


def test_free_il18_of_health(entities):
    """64 pg/mL and 2.15 ng/mL with a KD of 400 pmol/L leave about 85 % free (doi:10.1006/cyto.2001.0914)."""
    il18 = 64e3 / float(entities["IL18"]["molar_mass"])  # pmol/L
    bp = 2.15e6 / float(entities["IL18BP"]["molar_mass"])
    b = il18 + bp + 400
    complexed = (b - (b * b - 4 * il18 * bp) ** 0.5) / 2
    assert 1 - complexed / il18 == pytest.approx(0.85, abs=0.05)


def test_all_that_the_model_cites_is_here(entities):
    cited = {
        name
        for module in (BIOLOGY / "modules").glob("*.ant")
        for name in re.findall(r"//\s*@(\w+)", module.read_text(encoding="utf-8"))
    }
    for file in [*(BIOLOGY / "drugs").glob("*.toml"), *(BIOLOGY / "conditions").glob("*.toml")]:
        cited.add(tomllib.loads(file.read_text(encoding="utf-8"))["entity"])
    cited |= {row["entity"] for row in table("genotypes.tsv")}
    assert not cited - entities.keys()
