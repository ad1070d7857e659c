"""The tutorials: made from their results, their code runs, their figures are there."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pages import ROOT, blocks, commands, run_python, text

import leukinetics as lk
from leukinetics.commands.tutorial.__main__ import main
from leukinetics.commands.tutorial.cohorts.parts import models
from leukinetics.commands.tutorial.effect_figures import effects, tornado
from leukinetics.commands.tutorial.mdd.courses import clocks, patients
from leukinetics.commands.tutorial.ms import ROWS
from leukinetics.commands.tutorial.page import contrast, interval, page
from leukinetics.commands.tutorial.published import published
from leukinetics.commands.tutorial.told import told, trial
from leukinetics.commands.tutorial.tutorial import NAMES, tutorial
from leukinetics.evidence import load_targets
from leukinetics.report.trial.style import drawing
from leukinetics.trial import prepare

MOST = 300_000  # bytes of a figure


def results(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / tutorial(name).results).read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_that_of_its_results(name: str) -> None:
    one = tutorial(name)
    assert text(one.page) == page(one, results(name)), "run: python -m leukinetics.commands.tutorial . --page"


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_are_there_and_small(name: str) -> None:
    one = tutorial(name)
    named = set(re.findall(rf"\(figures/{name}/([\w-]+)\.svg\)", text(one.page)))
    drawn = {p.name: p for p in one.figures(results(name))}
    assert named == set(drawn) == {p.stem for p in (ROOT / one.folder).glob("*.svg")}
    for figure, picture in drawn.items():
        assert len(picture.svg) < MOST, figure
        assert picture.message.rstrip(".")
        assert "nan" not in picture.message, figure


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cohorts"])
def test_its_trials_are_of_the_present_model(name: str) -> None:
    told = {key: part["model"] for key, part in results(name).items() if isinstance(part, dict) and "model" in part}
    examples = {key: hash_ for key, hash_ in told.items() if (ROOT / "examples" / f"{key}.toml").is_file()}
    assert examples
    for key, hash_ in examples.items():
        ready = prepare(lk.read_protocol(ROOT / "examples" / f"{key}.toml"))
        assert hash_ == ready.assembly.model.hash, f"run: python -m leukinetics.commands.tutorial . --which {name}"


def test_the_virtual_cohort_is_of_the_present_model() -> None:
    told = results("cohorts")["virtual"]["models"]
    assert told == models(ROOT / "examples"), "run: python -m leukinetics.commands.tutorial . --which cohorts"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text(tutorial(name).page)):
        assert link.startswith("https://") or (ROOT / "docs" / link).resolve().exists(), link


@pytest.mark.parametrize("name", NAMES)
def test_the_code_of_the_page_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "page"}
    found = tutorial(name).page
    for block in blocks(found):
        if block.language == "python":
            run_python(found, block, names)
    if any(b.language == "python" for b in blocks(found)):
        assert capsys.readouterr().out.count("[") == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_name_examples_that_are_there(name: str) -> None:
    found = [c for block in blocks(tutorial(name).page) if block.language == "console" for c in commands(block)]
    assert {c[0] for c in found} == {"leukinetics"}
    for command in found:
        if command[2].startswith("examples/"):
            assert (ROOT / command[2]).is_file()


@pytest.mark.parametrize("name", NAMES)
def test_protocol_parts_on_the_page_are_those_of_an_example(name: str) -> None:
    examples = {"ms": "ms_natalizumab", "mdd": "mdd_il6_enriched", "cachexia": "cachexia_canakinumab"}
    example = (ROOT / "examples" / f"{examples[name]}.toml").read_text(encoding="utf-8") if name in examples else ""
    lines = {line.partition(" #")[0].strip() for line in example.splitlines()}
    for block in blocks(tutorial(name).page):
        if block.language == "toml":
            shown = {line.partition(" #")[0].strip() for line in block.text.splitlines()}
            assert shown <= lines, shown - lines


def test_a_part_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(ROOT), "--which", "ms", "--only", "cours"])
    assert "'ms' has no part cours; it has course, ms_natalizumab" in capsys.readouterr().err


def test_published_effects_are_those_of_the_targets() -> None:
    rows = published(results("ms"), ROWS)
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
        "contrasts": [], "subgroups": [], "thresholds": [], "power": None, "uncertainty": None, "sensitivity": None,
    }  # fmt: skip
    found = told(summary, {})
    assert "uncertainty" not in found and "sensitivity" not in found and "also" not in found


def test_the_first_contrast_of_an_arm_is_drawn() -> None:
    rows = [_row("a", "x", "risk_difference"), _row("a", "x", "odds_ratio") | {"estimate": 40.0}]
    with drawing():
        found = effects("name", {"uncertainty": rows[:1], "contrasts": rows}, {"x": ("One", "share")}, 10)
    assert "40" not in found.svg


@pytest.mark.slow
def test_sickness_is_of_hours_and_mood_of_weeks() -> None:
    found = clocks()
    hours, weeks = found["endotoxin"], found["interferon"]
    sick = hours["arms"]["endotoxin"]["sickness"]
    assert 1 < hours["time"][sick.index(max(sick))] < 12
    assert hours["arms"]["endotoxin"]["hamd17"][-1] == pytest.approx(hours["arms"]["saline"]["hamd17"][-1], abs=0.5)
    treated, untreated = (weeks["arms"][arm]["hamd17"] for arm in ("interferon alpha", "untreated"))
    assert treated[-1] > treated[4] > untreated[4]
    assert all(1 < week < 24 for week in weeks["half"].values())
    assert weeks["episodes"] == sorted(weeks["episodes"])


@pytest.mark.slow
def test_two_patients_are_of_their_groups() -> None:
    for group in patients()["groups"].values():
        assert group["low"] <= group["before"]["crp"] < group["high"]
        assert group["n"] > 20
        ends = {arm: course[-1] for arm, course in group["course"].items()}
        assert ends["both"] < ends["placebo"]
        assert group["effects"]["both"]["mean"] < min(
            group["effects"][a]["mean"] for a in ("escitalopram", "tocilizumab")
        )
