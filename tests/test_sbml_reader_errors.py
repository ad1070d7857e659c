"""Bad models: one typed error with a place, never a traceback from below and nothing printed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leukinetics.engine.sbml import read_model
from leukinetics.errors import ModelError, UnsupportedModelError

MODELS = Path(__file__).parent / "models"
PACKAGES = "http://www.sbml.org/sbml/level3/version1"
MATHML = 'xmlns="http://www.w3.org/1998/Math/MathML"'


def sbml(body: str, extra: str = "") -> str:
    return (
        f'<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"{extra}>\n'
        f'<model id="m">\n{body}\n</model></sbml>'
    )


def parameter_rule(kind: str, math: str) -> str:
    variable = "" if kind == "algebraicRule" else ' variable="p"'
    return sbml(
        '<listOfParameters><parameter id="p" value="1" constant="false"/></listOfParameters>\n'
        f"<listOfRules><{kind}{variable}><math {MATHML}>{math}</math></{kind}></listOfRules>"
    )


def reaction(inside: str, attributes: str = 'fast="false"') -> str:
    return sbml(
        '<listOfCompartments><compartment id="c" size="1" spatialDimensions="3" constant="true"/>'
        "</listOfCompartments>"
        '<listOfSpecies><species id="S" compartment="c" initialConcentration="1" boundaryCondition="false" '
        'hasOnlySubstanceUnits="false" constant="false"/></listOfSpecies>\n'
        f'<listOfReactions><reaction id="R" reversible="false" {attributes}><listOfReactants>'
        '<speciesReference species="S" stoichiometry="1" constant="true"/></listOfReactants>'
        f"{inside}</reaction></listOfReactions>"
    )


LAW = f"<kineticLaw><math {MATHML}><ci>S</ci></math></kineticLaw>"
DELAY = (
    '<apply><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay">delay</csymbol>'
    "<ci>p</ci><cn>1</cn></apply>"
)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (parameter_rule("algebraicRule", "<ci>p</ci>"), r"line 4: algebraic rules"),
        (parameter_rule("rateRule", DELAY), r"line 4, rate rule of 'p': the 'delay' function"),
        (reaction(LAW, 'fast="true"'), r"line 4: fast reactions .*'R'"),
        (reaction(""), r"line 4: reaction 'R' has no kinetic law"),
        (
            sbml("", f' xmlns:a="{PACKAGES}/arrays/version1" a:required="true"'),
            "line 1: the SBML package 'arrays'",
        ),
        (
            sbml("", f' xmlns:d="{PACKAGES}/distrib/version1" d:required="true"'),
            "line 1: the SBML package 'distrib'",
        ),
        (
            reaction("")
            .replace('version="1">', f'version="1" xmlns:fbc="{PACKAGES}/fbc/version2" fbc:required="false">')
            .replace('id="m"', 'id="m" fbc:strict="false"'),
            "constraint-based",
        ),
        (
            "compartment V; p = 1; V := p; species S in V; S = 1; S' = 1; at time > 1: p = 2",
            "rate rule of 'S': the species is in 'V'",
        ),
    ],
)  # fmt: skip
def test_unsupported(model: str, message: str) -> None:
    with pytest.raises(UnsupportedModelError, match=message):
        read_model(model)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("<sbml", "not well-formed XML.*line 1"),
        ("<html></html>", "not SBML.*'html'"),
        ("<sbml/>", "no SBML Level"),
        (sbml("").replace('version="1">', 'version="2">'), "namespace"),
        (sbml("<listOfParameters>"), "not well-formed"),
        (
            sbml('<listOfParameters><parameter id="1 2" constant="true"/></listOfParameters>'),
            "line 3, libSBML",
        ),
        (parameter_rule("rateRule", "<ci>q</ci>"), "q"),
        (parameter_rule("rateRule", "<apply><ci>f</ci><ci>p</ci></apply>"), "f"),
        (parameter_rule("assignmentRule", "<apply><plus/><ci>p</ci><cn>1</cn></apply>"), "p"),
        (parameter_rule("rateRule", "<apply><minus/>" * 600 + "<cn>1</cn>" + "</apply>" * 600), "nested"),
        ("<!DOCTYPE sbml [<!ENTITY a 'b'>]>" + sbml(""), "entity"),
        ("nosuchfile.xml", "no file 'nosuchfile.xml'"),
        ("garbage", "no file 'garbage'"),
        ("a = 1; S -> ; k*(", "Antimony text is not valid.*line 1"),
        ("a = 1\nb = = 2", "Antimony text is not valid.*line 2"),
        ("a := b; b := c; c := a; d = 2", "a|b|c"),
        ("S -> ; k*S; S = 1", "no value for parameter 'k'"),
        ("x' = -x; y = 1", "no value for parameter 'x'"),
        ("a = 1;\0", "binary"),
        (reaction(LAW).replace('initialConcentration="1"', ""), r"no value for species 'S' \(line 3\)"),
        (reaction(LAW).replace('<speciesReference species="S"', '<speciesReference species="Z"'), "Z"),
        (reaction(LAW).replace('compartment="c"', 'compartment="Z"'), "Z"),
        (7, "not int"),
        (None, "not NoneType"),
    ],
)
def test_bad_models(model: str, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        read_model(model)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1500
    assert capfd.readouterr() == ("", "")


def test_bad_files(tmp_path: Path) -> None:
    cases = {
        "empty.xml": b"",
        "binary.xml": bytes(range(256)) * 10,
        "text.xml": b"S -> ; k",
        "x.ant": b"\xff\xfe",
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        for path in (tmp_path / name, str(tmp_path / name)):
            with pytest.raises(ModelError):
                read_model(path)
    with pytest.raises(ModelError, match="directory"):
        read_model(tmp_path)
    with pytest.raises(ModelError, match="no file"):
        read_model(tmp_path / "none.xml")


def test_encodings_and_places(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n' + parameter_rule("rateRule", "<cn>1</cn>")
    text = text.replace('id="m"', 'id="m" name="Zürich"')
    (tmp_path / "latin model.xml").write_bytes(text.encode("latin-1"))
    (tmp_path / "wide.xml").write_bytes(text.replace("ISO-8859-1", "UTF-16").encode("utf-16"))
    for path in (tmp_path / "latin model.xml", str(tmp_path / "wide.xml")):
        assert "Zürich" in (read_model(path).sbml or "")
    (tmp_path / "part.ant").write_text("model part()\n x = 1; x' = -x\nend\n")
    (tmp_path / "whole.ant").write_text('import "part.ant"\nmodel *whole()\n A: part()\nend\n')
    system = read_model(tmp_path / "whole.ant")
    assert system.name == "whole" and len(system.states) == 1


def test_antimony_from_threads() -> None:
    names: dict[int, str] = {}

    def read(i: int) -> None:
        names[i] = read_model(f"model m{i}()\n x = {i}; x' = -x\nend").name

    threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names == {i: f"m{i}" for i in range(8)}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80))
def test_rubbish_text(text: str) -> None:
    attempt(text)
    attempt("<" + text)
    attempt(text + ";\n")


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(MODELS.iterdir())), st.integers(0, 10_000), st.integers(0, 12),
    st.text(alphabet="abkVS01<>/=\"';:-+*(){}.,&\n ", max_size=6),
)  # fmt: skip
def test_damaged_models(path: Path, at: int, removed: int, added: str) -> None:
    text = path.read_text()
    at %= len(text)
    attempt(text[:at] + added + text[at + removed :])


def attempt(text: str) -> None:
    try:
        read_model(text)
    except ModelError as error:
        assert str(error) and "Traceback" not in str(error)


def test_import_is_light() -> None:
    import subprocess
    import sys

    code = "import leukinetics.engine.sbml, sys; print(sorted({'libsbml', 'antimony'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
