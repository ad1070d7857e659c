"""The tutorial of multiple sclerosis: made from its results, its code runs, its figures are there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pages import ROOT, blocks, commands, run_python, text

import leukinetics as lk
from leukinetics.commands.tutorial.__main__ import FIGURES, PAGE, RESULTS
from leukinetics.commands.tutorial.compute import told, trial
from leukinetics.commands.tutorial.effect_figures import effects, tornado
from leukinetics.commands.tutorial.figures import figures
from leukinetics.commands.tutorial.page import contrast, interval, page
from leukinetics.commands.tutorial.published import ROWS, published
from leukinetics.evidence import load_targets
from leukinetics.report.trial.style import drawing

MOST = 200_000  # bytes of a figure


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / RESULTS).read_text(encoding="utf-8"))
    return found


def test_the_page_is_that_of_its_results(results: dict[str, Any]) -> None:
    assert text(PAGE) == page(results), "run: python -m leukinetics.commands.tutorial . --page"


def test_the_figures_are_there_and_small(results: dict[str, Any]) -> None:
    named = set(re.findall(r"\(figures/ms/([\w-]+)\.svg\)", text(PAGE)))
    drawn = {p.name: p for p in figures(results)}
    assert named == set(drawn) == {p.stem for p in (ROOT / FIGURES).glob("*.svg")}
    for name, picture in drawn.items():
        assert len(picture.svg) < MOST, name
        assert picture.message.rstrip(".")
        assert "nan" not in picture.message, name


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text(PAGE)):
        assert (ROOT / "docs" / link).resolve().exists(), link


def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(PAGE):
        if block.language == "python":
            run_python(PAGE, block, names)
    assert capsys.readouterr().out.count("[") == 2


def test_the_commands_name_examples_that_are_there() -> None:
    found = [c for block in blocks(PAGE) if block.language == "console" for c in commands(block)]
    assert {c[0] for c in found} == {"leukinetics"}
    for command in found:
        if command[1] == "trial" and command[2].startswith("examples/"):
            assert (ROOT / command[2]).is_file()


def test_protocol_parts_on_the_page_are_those_of_the_example() -> None:
    example = (ROOT / "examples" / "ms_natalizumab.toml").read_text(encoding="utf-8")
    lines = {line.partition(" #")[0].strip() for line in example.splitlines()}
    for block in blocks(PAGE):
        if block.language == "toml":
            shown = {line.partition(" #")[0].strip() for line in block.text.splitlines()}
            assert shown <= lines, shown - lines


def test_published_effects_are_those_of_the_targets(results: dict[str, Any]) -> None:
    rows = published(results)
    readouts = {t.id: {r.id: r for r in t.readout} for t in load_targets(ids=["ms_affirm", "ms_opera"])}
    for given, row in zip(ROWS, rows, strict=True):
        mine = [readouts[given.target][name] for name in given.readouts]
        expected = mine[0].value / (mine[1].value if len(mine) > 1 else 1.0)
        assert row["published"][0] == pytest.approx(expected, rel=1e-3)
        assert row["published"][1] < row["published"][0] < row["published"][2]
        assert row["role"] == ("predicted" if {r.role for r in mine} == {"validate"} else "fitted")


@pytest.mark.slow
def test_a_small_trial_gives_what_the_page_needs() -> None:
    protocol = lk.read_protocol(ROOT / "examples" / "ms_natalizumab.toml")
    small = protocol.model_copy(update={"trial": protocol.trial.model_copy(update={"patients_per_arm": 6})})
    found = trial(small)
    assert found["flow"]["enrolled"] == 18
    assert set(found["arms"]) == {"placebo", "natalizumab"}
    assert contrast(found, "relapses", "natalizumab")["measure"] == "rate_ratio"
    assert found["baseline"]["screening.relapses over 1 year"]["placebo"]["mean"] >= 1


def test_words() -> None:
    assert interval({"estimate": 0.321, "ci_low": 0.25, "ci_high": 0.4}) == "0.32 (0.25 to 0.40)"


def _row(arm: str, endpoint: str, measure: str = "ratio") -> dict[str, Any]:
    return {
        "endpoint": endpoint, "arm": arm, "reference": "placebo", "measure": measure, "median": 0.7, "low": 0.5,
        "high": 0.9, "estimate": 0.75, "ci_low": 0.6, "ci_high": 0.9,
    }  # fmt: skip


def test_effects_are_drawn_also_where_an_arm_is_the_reference_of_one() -> None:
    rows = [_row("a", "x"), _row("b", "x"), _row("b", "y", "difference")]
    with drawing():
        found = effects(
            "name", {"uncertainty": rows, "contrasts": rows}, {"x": ("One", "ratio"), "y": ("Other", "%")}, 10
        )
    assert "One, a: 0.70 (0.50 to 0.90)" in found.message
    assert "Other, b" in found.message and "Other, a" not in found.message


def test_a_tornado_leaves_out_what_could_not_be_simulated() -> None:
    rows = [
        {"words": "one", "kind": "assumed", "effect_low": 0.6, "effect_high": 0.8},
        {"words": "two", "kind": "assumed", "effect_low": None, "effect_high": 0.8},
    ]
    study = {"measure": "ratio", "base": 0.7, "arm": "a", "reference": "b", "parameters": rows}
    with drawing():
        found = tornado("name", {("One", "ratio"): study})
    assert "One: one 0.60 to 0.80" in found.message


def test_summaries_without_studies_are_told() -> None:
    summary = {
        "model_hash": "x", "flow": {"screened": 3, "enrolled": 2, "excluded": []}, "baseline": [], "arms": [],
        "contrasts": [], "subgroups": [], "power": None, "uncertainty": None, "sensitivity": None,
    }  # fmt: skip
    found = told(summary, {})
    assert "uncertainty" not in found and "sensitivity" not in found
