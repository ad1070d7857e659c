"""Explain and export: what a name stands for, drawings, suggestions, SBML."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from leukinetics.biology.catalogue import Catalogue, read_catalogue
from leukinetics.biology.explain import explain
from leukinetics.biology.formula import parse_formula
from leukinetics.biology.influence import Influence, around, influences, value
from leukinetics.cli import app
from leukinetics.commands import explain as command
from leukinetics.errors import DataError
from leukinetics.report.network import arrange, box_width, draw_network


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue()


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments])


def test_every_name_can_be_explained(catalogue: Catalogue) -> None:
    for name in catalogue.names():
        entries = explain(catalogue, name)
        assert entries, name
        for entry in entries:
            assert entry.what
            assert entry.place.rpartition(":")[2].isdigit()
            file = catalogue.root / entry.place.rpartition(":")[0]
            assert file.is_file()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("canakinumab", ["drug: Canakinumab", "neutralises IL1B", "il1b_tissue_binding", "canakinumab_KD_il1b"]),
        ("crp", ["readout: C-reactive protein", "crp_plasma", "mg/L", "NCBI Gene 1401"]),
        ("IL1B", ["NCBI Gene 3553", "UniProt P01584", "rs16944", "molecular target", "canakinumab neutralises it"]),
        ("il6_plasma", ["J_il6_loss", "modules/il6.ant:", "At rest in health", "pmol/L", "il6_receptor_share"]),
        ("il6_il1_share", ["between patients:", "uncertainty of the typical value", "il6_production :="]),
        ("canakinumab_CL", ["parameter of canakinumab", "0.174", "drugs/canakinumab.toml:"]),
        ("rheumatoid_arthritis", ["condition: ", "drive_antigen", "Baselines to reach"]),
        ("rs16944", ["variant of IL1B", "il1b_production x exp("]),
        ("IL6R", ["molecular target (receptor)", "il6r_plasma_block", "tocilizumab blocks it"]),
        ("il6r_plasma_block", ["port of target IL6R in plasma", "il6r_free :="]),
        ("glia", ["module: Glia", "microglia_inflammatory", "tspo_signal"]),
        ("canakinumab_central", ["species (concentration) of canakinumab", "mg/L", "Acts through", "il1b_plasma_"]),
        ("c3.2", ["claim: ", "C3.2"]),
        (" crp ", ["readout: C-reactive protein"]),
        ("A1", ["claim: ", "A1.1", "doi:10.1080/14728222.2020.1709823"]),
        ("canakinumab_cantos", ["published target: CANTOS", "validate"]),
    ],
)  # fmt: skip
def test_what_is_said(name: str, expected: list[str]) -> None:
    result = asked(name)
    assert result.exit_code == 0, result.output
    for text in expected:
        assert text in result.stdout


def test_letters_of_another_case_are_understood() -> None:
    assert asked("CRP").stdout.startswith("CRP — ")
    assert asked("Canakinumab").stdout.startswith("canakinumab — drug")
    assert asked("a1").stdout.startswith("A1 — claim")


def test_an_unknown_name_gets_suggestions() -> None:
    result = asked("canakinumba")
    assert result.exit_code == 1
    assert "Did you mean 'canakinumab'" in result.stderr
    for name in ("qqqqqq", ""):
        assert asked(name).exit_code == 1
        assert f"called '{name}'. Names are those of drugs" in asked(name).stderr


def test_functions_are_explained(catalogue: Catalogue) -> None:
    for name in catalogue.functions:
        (entry,) = explain(catalogue, name)
        assert [s.heading for s in entry.sections] == ["Definition", "Used by"]


def test_conditions_that_set_a_parameter_are_listed(catalogue: Catalogue) -> None:
    entries = explain(catalogue, "drive_antigen")  # a parameter of the core, a rule where modules compute it
    table = next(s for entry in entries for s in entry.sections if s.heading == "Values in conditions")
    assert "rheumatoid_arthritis" in [row[0] for row in table.rows]


def test_the_calibration_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = tmp_path / "core_fit.json"
    row = {
        "key": "il6_il1_share", "value": 0.43, "unit": "dimensionless", "low": 0.3, "high": 0.5, "informed": False,
        "scale": "logit", "prior": 0.4, "prior_sd_on_scale": 0.5, "shift_in_prior_sd": 0.2, "contraction": 0.1,
    }  # fmt: skip
    fit.write_text(json.dumps({"parameters": [row]}))
    monkeypatch.setattr(command, "FITS", [fit])
    text = command.explain_name("il6_il1_share")
    assert "0.43 dimensionless, 95 % 0.3 to 0.5; the data say little about it" in text


# ---- the network --------------------------------------------------------------------------------------------------


def test_signs_of_influences(catalogue: Catalogue) -> None:
    values = {name: number for name, (number, _) in command.at_rest().items()}
    signs = {(e.source, e.target): e.sign for e in influences(catalogue, values)}
    assert signs["il1_signal", "il6_production"] == 1
    assert signs["il6_production", "il6_plasma"] == 1
    assert signs["il6r_free", "il6_plasma"] == -1  # clearance through the receptor
    assert signs["il1ra_plasma", "il1_occupancy"] == -1
    assert signs["il1b_tissue_binding", "il1b_tissue_unbound"] == -1
    assert signs["canakinumab", "il1b_tissue_binding"] == 1
    assert signs["rhil6", "il6_plasma"] == 1


def test_neighbours_are_found_by_distance() -> None:
    edges = [Influence("a", "b", 1), Influence("b", "c", 1), Influence("c", "d", 1), Influence("d", "b", -1)]
    assert around(edges, ("b",), 1, 9) == {"b": 0, "c": 1, "a": -1, "d": -1}
    assert around(edges, ("c",), 2, 9) == {"c": 0, "d": 1, "b": -1, "a": -2}
    assert around(edges, ("c",), 2, 2) == {"c": 0, "d": 1}


def test_numbers_of_formulas() -> None:
    values = {"x": 2.0, "y": 0.0}
    for text, expected in (
        ("x^3 - 1", 7.0),
        ("sqrt(4*x + 1)", 3.0),
        ("exp(y)/x", 0.5),
        ("-x", -2.0),
        ("time + x", 2.0),
    ):
        assert value(parse_formula(text), values) == pytest.approx(expected)
    for text in ("x/y", "unknown + 1", "ln(y)"):
        assert value(parse_formula(text), values) != value(parse_formula(text), values)  # no number


def test_boxes_do_not_overlap(catalogue: Catalogue) -> None:
    edges = influences(catalogue, {})
    for centre in (("il6_plasma",), ("il1_signal",), ("nfkb",), ("microglia_activity",)):
        layers = around(edges, centre, 2, command.MOST_NODES)
        places, width, height = arrange(layers, edges and [e for e in edges if {e.source, e.target} <= layers.keys()])
        boxes = [(x - box_width(n) / 2, x + box_width(n) / 2, y - 0.135, y + 0.135) for n, (x, y) in places.items()]
        assert len(boxes) == len(layers) > 5
        for i, a in enumerate(boxes):
            assert abs(a[0]) <= width / 2
            assert abs(a[2]) <= height / 2
            for b in boxes[:i]:
                assert a[1] < b[0] or b[1] < a[0] or a[3] < b[2] or b[3] < a[2]


@pytest.mark.parametrize("name", ["canakinumab", "crp", "IL1B", "drive_nfkb", "rs1143634", "IL6R", "psoriasis"])
def test_diagrams(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.svg"
    result = asked(name, "--diagram", str(path), "--steps", "1")
    assert result.exit_code == 0, result.output
    assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_a_png(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    draw_network(path, "a", {"a": 0, "b": 1}, [Influence("a", "b", -1)], {"a": "drug", "b": "species"}, ("a",))
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    result = asked("canakinumab", "--diagram", str(tmp_path / "a.gif"))
    assert result.exit_code == 1
    assert "must end in one of .svg, .png" in result.stderr
    with pytest.raises(DataError, match="no network around 'a'"):
        draw_network(tmp_path / "a.png", "a", {}, [], {}, ())
    assert not list(tmp_path.iterdir())


# ---- export -------------------------------------------------------------------------------------------------------


def test_an_exported_model_is_the_model(tmp_path: Path) -> None:
    import leukinetics as lk

    path = tmp_path / "model.xml"
    arguments = ["export", "rheumatoid_arthritis", "--drug", "tocilizumab", "--drug", "anakinra", "--out", str(path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "rheumatoid_arthritis with anakinra, tocilizumab" in result.stderr
    assert "tocilizumab_central" in lk.load_model(path).species


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["healty"], "Did you mean 'healthy'"),
        (["healthy", "--drug", "anakinraa"], "Did you mean 'anakinra'"),
    ],
)
def test_mistakes_of_exports(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["export", *arguments, "--out", str(tmp_path / "a.xml")])
    assert result.exit_code == 1
    assert message in result.stderr
    assert not list(tmp_path.iterdir())
    wrong = CliRunner().invoke(app, ["export", "healthy", "--out", str(tmp_path / "a.json")])
    assert "must end in .xml or .sbml" in wrong.stderr


def test_a_condition_like_another_shows_what_it_takes_over() -> None:
    said = CliRunner().invoke(app, ["explain", "post_mi"]).output
    assert "takes over the parameters of metabolic_inflammation" in said and "drive_nlrp3" in said
