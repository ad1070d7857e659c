"""Events in modules: read, put together, checked for units, written, explained, and the same on both backends."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from biology_folder import FILES, write_folder

import leukinetics as lk
from leukinetics import biology
from leukinetics.biology.catalogue import read_catalogue
from leukinetics.biology.document import document
from leukinetics.biology.event_text import written
from leukinetics.biology.explain import explain
from leukinetics.biology.influence import influences
from leukinetics.biology.problems import Problems
from leukinetics.biology.reader import read_module
from leukinetics.biology.statements import Module

GERMS = """\
    // Germs at times that look random.
    next_germ = germ_gap*luck; // time of the next germ
    germ_luck = luck;
    germs = 0; // so many so far
    germ = 0; // what the last ones left
    germ' = -germ_loss*germ;
    E_germ: at (time >= next_germ), t0 = false, priority = 1: germs = germs + 1, germ = germ - ln(1 - germ_luck), \
next_germ = next_germ + germ_gap*germ_luck, germ_luck = rest(germ_luck);
    E_wash: at germ_wait after (germ > germ_high), t0 = false, persistent = false, fromTrigger = false: germ = germ/4;
    """
REST = """\
    // What is left of a product beyond its whole part.
    function rest(u)
      1664525*u + 1013904223/4294967296 - floor(1664525*u + 1013904223/4294967296)
    end
    """
ROWS = """\
luck	0.4	dimensionless			assumed			patient	own choice
germ_gap	11	day			assumed				own choice
germ_loss	0.2	1/day			assumed				own choice
germ_wait	6	h			assumed				own choice
germ_high	1.1	dimensionless			assumed				own choice
"""


def folder(tmp_path: Path, germs: str = GERMS, rows: str = ROWS) -> Path:
    """The test folder with a module that has events."""
    table = dedent(FILES["parameters.tsv"]).rstrip("\n") + "\n" + rows
    return write_folder(tmp_path, {"modules/germs.ant": germs, "modules/rest.ant": REST, "parameters.tsv": table})


def problems(tmp_path: Path, *lines: str, rows: str = ROWS) -> list[str]:
    """Problems with lines added to the module, each without its file, but with its line from the first added."""
    text = dedent(GERMS) + "".join(f"{line}\n" for line in lines)
    found = biology.check(folder(tmp_path, text, rows))
    return [f"{p.line - 8}: {p.message}{p.suggestion}" for p in found if p.file == "modules/germs.ant"]


def read(text: str) -> tuple[Module, list[str]]:
    found = Problems()
    module = read_module("m", "m.ant", text, found)
    return module, [p.message + p.suggestion for p in found.sorted]


def test_an_event_is_read() -> None:
    module, found = read(dedent(GERMS))
    assert found == []
    germ, wash = (s for s in module.statements if s.kind == "event")
    assert (germ.name, germ.initially, germ.persistent, germ.values_at_trigger) == ("E_germ", False, True, True)
    assert [a.name for a in germ.assignments] == ["germs", "germ", "next_germ", "germ_luck"]
    assert str(germ.part("priority").formula) == "1"  # type: ignore[union-attr]
    assert germ.part("delay") is None
    assert (wash.initially, wash.persistent, wash.values_at_trigger) == (False, False, False)
    assert written(wash) == "E_wash: germ_wait after germ > germ_high: germ becomes germ/4"
    assert written(germ).startswith(
        "E_germ: when time >= next_germ (priority 1): germs becomes germs + 1, germ becomes"
    )
    assert germ.reads == ["next_germ", "germs", "germ", "germ_luck", "germ_gap"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("E: at (x > 1), t0 = false;", "event 'E' changes nothing; write"),
        ("E: at (x + 1): x = 0;", "the trigger '(x + 1)' of event 'E' is no condition; write a comparison"),
        ("E: at : x = 0;", "the trigger '' of event 'E' is no condition"),
        ("E: at (x > 1), t1 = false: x = 0;", "'t1 = false' of event 'E' is none of t0, persistent, fromTrigger"),
        ("E: at (x > 1), fromtrigger = true: x = 0;", "Did you mean 'fromTrigger'?"),
        ("E: at (x > 1), t0 = 0: x = 0;", "t0 of event 'E' is '0'; it must be true or false."),
        ("E: at (x > 1): x;", "'x' in event 'E' is no assignment; write 'name = formula'."),
        ("E: at (x > 1): x = ;", "the formula of 'x =' is missing."),
        ("E: at (x > 1): x = 2 +;", "is no formula"),
        ("E: at (x > 1)), t0 = false: x = 2;", "event 'E' changes nothing"),
    ],
)
def test_slips_are_named(text: str, message: str) -> None:
    module, found = read(text)
    assert len(found) == 1 and message in found[0]
    assert module.statements == [] and "E" in module.unreadable


def test_a_species_may_be_called_at() -> None:
    module, found = read("J: at -> b; k*at;")
    assert found == [] and [s.kind for s in module.statements] == ["reaction"]


def test_all_problems_come_with_their_lines(tmp_path: Path) -> None:
    assert problems(tmp_path) == []
    assert problems(
        tmp_path,
        "E_a: at (germ > germ_gap): germ = 1;",
        "E_b: at (germ > 2): germ = germ_gap, next_germ = 3;",
        "E_c: at germ after (germ > 3), priority = germ_gap: germ = 0;",
        "E_d: at (germ > 4): luck = 1, il6_free = il6_base, nothing = 2, germ = 1, germ = 2;",
        "E_e: at (gern > 5): germ = lucky(germ);",
        "silly := E_a + 1;",
        "germs = 4;",
        "E_a: at (germ > 6): germ = 1;",
        "depth = 2;",
    ) == [
        "1: unit mismatch in 'E_a: at (germ > germ_gap): germ = 1': 'germ' is in dimensionless, but 'germ_gap' is in "
        "day; '>' needs one unit.",
        "2: unit mismatch in 'germ = germ_gap': 'germ' is in dimensionless, but the right side is in day.",
        "2: unit mismatch in 'next_germ = 3': 'next_germ' is in day, but the right side is in dimensionless.",
        "3: unit mismatch in 'delay of E_c: germ': a delay is in day, but the right side is in dimensionless.",
        "3: unit mismatch in 'priority of E_c: germ_gap': a priority is in dimensionless, but the right side is in "
        "day.",
        "4: event 'E_d' sets 'germ' 2 times.",
        "4: event 'E_d' sets 'nothing', which has no start value; write 'nothing = ...;'.",
        "4: event 'E_d' sets the parameter 'luck', which is in parameters.tsv, line 15; events set states and "
        "variables with a start value only.",
        "4: event 'E_d' sets the rule 'il6_free', which is in modules/il6.ant, line 7; events set states and variables "
        "with a start value only.",
        "5: 'E_e: at (gern > 5): germ = lucky(germ)' uses 'gern', which is neither defined in a module nor a row of "
        "parameters.tsv. Did you mean 'germ' or 'germs'?",
        "5: 'germ = lucky(germ)' calls the unknown function 'lucky'.",
        "6: 'silly := E_a + 1' uses 'E_a', which is an event and has no value.",
        "7: 'germs = 4' defines 'germs' again, which is in modules/germs.ant, line 4.",
        "8: the event 'E_a' has the id of the one in modules/germs.ant, line 9.",
        "9: 'depth = 2' is a number in a module; numbers are rows of parameters.tsv, with unit and source.",
    ]


def test_an_event_that_cannot_be_read_blames_no_other_line(tmp_path: Path) -> None:
    assert problems(tmp_path, "seen = 0;", "E_x: at (germ >> 2): seen = seen + 1;")[0].startswith("2: ")
    assert len(problems(tmp_path, "seen = 0;", "E_x: at (germ >> 2): seen = seen + 1;")) == 1


def test_units_of_what_starts_at_zero_come_from_the_event(tmp_path: Path) -> None:
    text = dedent(GERMS) + "last_germ = 0;\nE_last: at (germs > 2), t0 = false: last_germ = time;\n"
    assembly = biology.assemble(root=folder(tmp_path, text))
    assert {n: assembly.unit(n) for n in ("germs", "germ", "next_germ", "germ_luck", "last_germ")} == {
        "germs": "dimensionless", "germ": "dimensionless", "next_germ": "day", "germ_luck": "dimensionless",
        "last_germ": "day",
    }  # fmt: skip
    assert assembly.symbols["germs"].kind == "discrete" and assembly.symbols["E_germ"].kind == "event"
    assert problems(tmp_path, "void = 0;", "E_void: at (germs > 2): void = 0;") == [
        "1: the unit of 'void' cannot be told from its start at 0; multiply the 0 by a parameter in its unit."
    ]


def sbml_errors(sbml: str) -> list[str]:
    import libsbml

    text = libsbml.readSBMLFromString(sbml)
    text.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, False)
    text.checkConsistency()
    return [text.getError(i).getMessage() for i in range(text.getNumErrors())]


def test_the_sbml_is_sound_and_has_the_events(tmp_path: Path) -> None:
    import libsbml

    sbml = biology.assemble("castleman", drugs=["mab"], root=folder(tmp_path)).sbml
    assert sbml_errors(sbml) == []
    model = libsbml.readSBMLFromString(sbml).getModel()
    germ, wash = model.getEvent("E_germ"), model.getEvent("E_wash")
    assert not germ.getTrigger().getInitialValue() and germ.getTrigger().getPersistent()
    assert germ.isSetPriority() and not germ.isSetDelay() and germ.getUseValuesFromTriggerTime()
    assert not wash.getTrigger().getPersistent() and wash.isSetDelay() and not wash.getUseValuesFromTriggerTime()
    assert [germ.getEventAssignment(i).getVariable() for i in range(4)] == ["germs", "germ", "next_germ", "germ_luck"]
    assert not model.getParameter("germs").getConstant() and model.getParameter("luck").getConstant()


def expected(luck: float, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``germs`` and ``next_germ`` of the module, by hand."""
    germs, then = np.zeros_like(times), np.zeros_like(times)
    for k, time in enumerate(times):
        u, when, count = luck, 11.0 * luck, 0
        while time >= when:
            when += 11.0 * u
            u = (1664525.0 * u + 1013904223.0 / 2.0**32) % 1.0  # exact: a whole number of 2^-32
            count += 1
        germs[k], then[k] = count, when
    return germs, then


def test_both_backends_give_the_numbers_of_the_module(tmp_path: Path) -> None:
    model = biology.assemble(root=folder(tmp_path)).model
    times = np.linspace(0.0, 60.0, 241)[1:]
    lucks = [0.123046875, 0.40625, 0.7734375]
    asked = {"parameters": {"luck": lucks}, "outputs": ["germs", "next_germ", "germ", "germ_luck"]}
    ours = model.simulate(times, backend="compiled", rtol=1e-9, atol=1e-12, **asked)
    theirs = model.simulate(times, backend="roadrunner", rtol=1e-9, atol=1e-12, **asked)
    for k, luck in enumerate(lucks):
        germs, then = expected(luck, times)
        assert np.array_equal(ours["germs"][k], germs)
        assert np.allclose(ours["next_germ"][k], then, rtol=1e-12)
    assert float(ours["germs"].max()) > 6
    for name in asked["outputs"]:
        assert np.allclose(ours[name], theirs[name], rtol=1e-6, atol=1e-9), name


def test_a_round_trip_through_antimony(tmp_path: Path) -> None:
    """Our SBML as Antimony's text and back is the same model, and the module itself is Antimony."""
    import antimony

    assembly = biology.assemble(root=folder(tmp_path))
    antimony.clearPreviousLoads()
    assert antimony.loadSBMLString(assembly.sbml) >= 0, antimony.getLastError()
    text = antimony.getAntimonyString(antimony.getMainModuleName())
    assert "E_germ: at " in text and "t0=false" in text
    for unit in ("percent_per_dimensionless", "percent_per_dimensionles"):  # Antimony cuts long names of units
        text = text.replace(unit, "share")
    values = "\n".join(f"{p} = {v};" for p, v in (("luck", 0.4), ("germ_gap", 11), ("germ_loss", 0.2)))
    alone = dedent(REST) + dedent(GERMS) + values + "\ngerm_wait = 0.25;\ngerm_high = 1.1;\n"
    times = np.linspace(0.0, 60.0, 50)
    asked = {"outputs": ["germs", "germ", "next_germ"], "rtol": 1e-9, "atol": 1e-12}
    results = [m.simulate(times, **asked) for m in (assembly.model, lk.load_model(text), lk.load_model(alone))]
    for name in asked["outputs"]:
        for other in results[1:]:
            assert np.allclose(results[0][name], other[name], rtol=1e-6, atol=1e-9), name


def test_the_hash_knows_events(tmp_path: Path) -> None:
    def hash_of(name: str, text: str) -> str:
        return biology.assemble(root=folder(tmp_path / name, text)).hash

    first = hash_of("a", GERMS)
    assert hash_of("b", GERMS.replace("germ_luck = rest(", "germ_luck =   rest(")) == first
    for k, (old, new) in enumerate(
        (("t0 = false, priority", "t0 = true, priority"), ("priority = 1", "priority = 2"), ("germ/4", "germ/5"),
         (">= next_germ", "> next_germ"), ("persistent = false, ", ""), ("germ_wait after", "2*germ_wait after"))
    ):  # fmt: skip
        assert hash_of(f"c{k}", GERMS.replace(old, new)) != first, new


def test_documents_and_explanations_tell_of_events(tmp_path: Path) -> None:
    catalogue = read_catalogue(folder(tmp_path))
    page = document(catalogue)
    assert "\nE_germ: when time >= next_germ (priority 1): germs becomes germs + 1, germ becomes germ - ln(" in page
    assert "| `germ_wait` | 6 | h |" in page.partition("## il6")[0]  # among the module's own parameters
    germs = next(e for e in explain(catalogue, "germs") if e.what.startswith("variable"))
    assert germs.what == "variable that events change: so many so far"
    assert any("E_germ: at (time >= next_germ)" in line for s in germs.sections for line in s.lines)
    (event,) = explain(catalogue, "E_wash")
    assert event.what == "event"
    assert [s.rows[0][0] for s in event.sections if s.heading == "Parameters"] == ["germ_high"]
    (gap,) = explain(catalogue, "germ_gap")
    assert gap.centre and any("E_germ" in line for s in gap.sections for line in s.lines)
    rest = next(e for e in explain(catalogue, "rest") if e.what == "function")
    assert any("E_germ" in line for s in rest.sections for line in s.lines)
    module = next(e for e in explain(catalogue, "germs") if e.what.startswith("module"))
    assert [len(s.lines) for s in module.sections if s.heading == "Events"] == [2]


def test_influences_of_events(tmp_path: Path) -> None:
    text = dedent(GERMS) + dedent(
        """\
        harm = 0;
        harm' = germ*germ_loss;
        limit = germ_high;
        hurt = 0;
        E_hurt: at (harm >= limit), t0 = false: hurt = hurt + germ, limit = limit + germ_high;
        """
    )
    catalogue = read_catalogue(folder(tmp_path, text))
    values = {"germ": 0.5, "harm": 0.2, "limit": 1.1, "germ_high": 1.1, "hurt": 0.0}
    found = {(i.source, i.target): i.sign for i in influences(catalogue, values)}
    assert found["harm", "hurt"] == 1 and found["germ", "hurt"] == 1 and found["limit", "hurt"] == -1
