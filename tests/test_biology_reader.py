"""Modules: statements read, errors found all at once, and proof that the files are Antimony."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from biology_folder import FILES, write_folder
from hypothesis import given
from hypothesis import strategies as st

from leukinetics import biology
from leukinetics.biology.formula import parse_formula
from leukinetics.biology.problems import Problems
from leukinetics.biology.reader import Module, Statement, read_module
from leukinetics.engine.sbml.antimony import antimony_to_sbml
from leukinetics.errors import ModelError


def read(text: str) -> tuple[Module, list[tuple[int, str]]]:
    """A module, and its problems as (line, message)."""
    problems = Problems()
    module = read_module("m", "modules/m.ant", dedent(text), problems)
    return module, [(p.line, p.message + p.suggestion) for p in problems.sorted]


def test_statements_of_every_kind() -> None:
    module, problems = read(
        """\
        // Head of the file,
        // second line.

        // Not the head.
        compartment plasma, csf;
        species a in plasma, b in csf; // @IL6 interleukin-6
        substanceOnly species depot in plasma;
        a = a_base; // no entity
        r := a + b;  /* over
        lines */
        x' = -k*x;
        J_1: 2 a + b -> depot; k*a; J_2: a -> ; a;
        J_3: -> b; k;
        function f(u, v)
          u/v;
        end
        """
    )
    assert problems == []
    assert module.header == "Head of the file,\nsecond line."
    found = [(s.kind, s.name, s.place.line) for s in module.statements]
    assert found == [
        ("compartment", "plasma", 5),
        ("compartment", "csf", 5),
        ("species", "a", 6),
        ("species", "b", 6),
        ("species", "depot", 7),
        ("initial", "a", 8),
        ("rule", "r", 9),
        ("rate", "x", 11),
        ("reaction", "J_1", 12),
        ("reaction", "J_2", 12),
        ("reaction", "J_3", 13),
    ]
    statements = {s.name: s for s in module.statements if s.kind != "initial"}
    assert statements["b"].entity == "IL6"
    assert statements["b"].description == "interleukin-6"
    assert statements["b"].compartment == "csf"
    assert statements["depot"].substance_only
    assert statements["J_1"].reactants == ((2.0, "a"), (1.0, "b"))
    assert statements["J_1"].products == ((1.0, "depot"),)
    assert statements["J_2"].products == ()
    assert str(statements["r"].formula) == "a + b"
    assert statements["J_3"].text == "J_3: -> b; k"
    assert [(f.name, f.parameters, str(f.body)) for f, _ in module.functions] == [("f", ("u", "v"), "u/v")]


def test_all_errors_come_at_once_and_the_rest_is_read() -> None:
    module, problems = read(
        """\
        compartmnt plasma;
        a = 1*+*2;
        b := a*;
        good = 2*k;
        species c plasma;
        J1: a -> b;
        after = k;
        J2: a * b -> ; k;
        forgotten = k
        next = k;
        function f(x)
          x*y;
        end
        long = k
          + m;
        open = k
        """
    )
    assert [line for line, _ in problems] == [1, 2, 3, 5, 6, 8, 9, 11, 14, 16]
    text = dict(problems)
    assert "Did you mean 'compartment'" in text[1]
    assert "'1*+*2' is no formula" in text[2] and "character" in text[2]
    assert "species name in compartment" in text[5]
    assert "'J1' has no rate" in text[6]
    assert "'a * b' in reaction 'J2'" in text[8]
    assert "';' is missing after 'forgotten = k'" in text[9]
    assert "uses 'y'" in text[11]
    assert "goes on over several lines" in text[14]
    assert "';' is missing after 'open = k'" in text[16]
    assert {s.name for s in module.statements} == {"good", "after", "forgotten", "next", "long", "open"}


def test_a_number_with_a_name_behind_it_is_a_slip() -> None:
    with pytest.raises(ModelError, match="no formula"):
        parse_formula("2 x + 1")


@pytest.mark.parametrize(
    "text",
    [
        "a + b*c",
        "(a + b)*c",
        "a - (b - c)",
        "a/(b*c)",
        "a/b/c",
        "-a^2",
        "(-a)^2",
        "a^-b",
        "a^(b^c)",
        "(a^b)^c",
        "hill(a, b, 2)",
        "piecewise(a, b < c, 0)",
        "max(a, 0)",
        "min(a, b, c)",
        "exp(-a/b)",
        "ln(a) + log10(b)",
        "sqrt(a)",
        "root(3, a)",
        "!(a > b) && c <= d || a == b",
        "1.5e-07*a",
        "abs(a - b)*time",
        "cos(2*a)",
    ],
)
def test_a_formula_written_and_read_again_is_the_same(text: str) -> None:
    tree = parse_formula(text)
    again = parse_formula(str(tree))
    assert _flat(again) == _flat(tree)


def _flat(node: object) -> object:
    return (node.op, node.value, [_flat(a) for a in node.args])  # type: ignore[attr-defined]


pieces = st.sampled_from(
    ["species", "compartment", "function f(x)", "end", " a", " b", ";", "\n", "//", "/*", "*/", "->", ":", ":=",
     "'", "=", "+", "(", ")", "2", "@IL6", "in", ",", "substanceOnly ", "^", "x"]
)  # fmt: skip


@given(st.lists(pieces, max_size=30).map("".join) | st.text(max_size=60))
def test_rubbish_is_reported_or_read(text: str) -> None:
    problems = Problems()
    module = read_module("m", "modules/m.ant", text, problems)
    lines = max(len(text.splitlines()), 1)
    assert all(1 <= p.line <= lines for p in problems)
    assert all(isinstance(s, Statement) and s.name for s in module.statements)


def test_small_modules_are_antimony() -> None:
    names = [name for name in FILES if name.startswith("modules/")]  # functions come first, as Antimony wants them
    text = "\n".join(dedent(FILES[name]) for name in names)
    parameters = [row.split("\t")[0] for row in FILES["parameters.tsv"].splitlines()[1:] if row.strip()]
    values = "\n".join(f"{name.strip()} = 1;" for name in parameters)
    sbml = antimony_to_sbml(f"{text}\n{values}\nil6_plasma_binding = 0;")
    assert 'id="il6_plasma"' in sbml


@pytest.mark.slow
def test_packaged_modules_are_antimony(tmp_path: Path) -> None:
    """Antimony reads all modules with the values of their parameters, and finds the same species and reactions."""
    import libsbml

    assembly = biology.assemble()
    folder = Path(biology.__file__).parent
    paths = sorted((folder / "modules").glob("*.ant"), key=lambda path: (path.stem != "functions", path))
    text = "\n".join(path.read_text() for path in paths)
    values = [f"{row.id} = {row.value!r};" for row in assembly.parameters.itertuples()]
    values += [f"{t.port} = 0;" for t in assembly.targets]
    theirs = libsbml.readSBMLFromString(antimony_to_sbml("\n".join([text, *values]))).getModel()
    ours = libsbml.readSBMLFromString(assembly.sbml).getModel()
    assert {s.getId() for s in theirs.getListOfSpecies()} == {s.getId() for s in ours.getListOfSpecies()}
    assert {r.getId() for r in theirs.getListOfReactions()} == {r.getId() for r in ours.getListOfReactions()}
    rates = {r.getVariable() for r in ours.getListOfRules() if r.isRate()}
    assert {r.getVariable() for r in theirs.getListOfRules() if r.isRate()} == rates


def test_the_test_folder_is_sound(tmp_path: Path) -> None:
    assert [str(p) for p in biology.check(write_folder(tmp_path))] == []
