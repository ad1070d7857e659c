"""The report of a trial in which patients die: what it shows of death, of the setting, and of the illness before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import leukinetics as lk
from leukinetics.report.trial.baseline import baseline_grid
from leukinetics.report.trial.courses import courses
from leukinetics.report.trial.design_words import design_words
from leukinetics.report.trial.folder import Finished, open_folder
from leukinetics.trial import prepare
from leukinetics.trial.plan import plan

PLAN: dict[str, Any] = {
    "trial": {
        "name": "Deaths", "condition": "cachexia_pancreatic", "duration": "12 weeks", "patients_per_arm": 12, "seed": 1,
        "design": "parallel",
    },
    "parameter": {"systemic_therapy": {"value": 1, "unit": "dimensionless"}},
    "arm": [
        {"name": "care"},
        {
            "name": "feeding",
            "dose": [{"drug": "nutritional_supplement", "amount": "500 kcal", "route": "diet", "every": "1 day"}],
        },
    ],
    "rule": [
        {"id": "death", "observable": "survival", "when": "< 0.5", "every": "1 week", "action": "stop", "leaves": True}
    ],
    "schedule": {"visits": ["6 weeks", "12 weeks"], "measure": ["appetite"]},
    "endpoint": [
        {"id": "lean", "observable": "lean_mass", "kind": "change", "at": "12 weeks"},
        {"id": "death", "observable": "survival", "kind": "time_to_event", "every": "1 week", "threshold": "< 0.5"},
    ],
    "subgroup": [{"id": "IL-1", "on": "il1_signal", "quantiles": 2}],
}  # fmt: skip


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    out: Path = tmp_path_factory.mktemp("deaths") / "trial"
    lk.run_trial(PLAN, out=out)
    return open_folder(out)


def test_courses_are_of_those_who_stay_and_of_more_than_one_visit(trial: Finished) -> None:
    read = {c.name: c for c in courses(trial)}
    assert set(read) == {"lean_mass", "appetite"}  # no course of death, nor of what was read at baseline alone
    lean = read["lean_mass"]
    assert lean.label.endswith(", change") and lean.drawn_unit == "kg"
    assert (lean.drawn.loc[lean.drawn["time"] == 0, "q50"] == 0).all()


def test_what_everybody_has_is_told(trial: Finished) -> None:
    setting = dict(design_words(trial))["Setting"]
    assert setting.startswith("Systemic therapy 1 (1: standard systemic therapy")


def test_baseline_tells_weight_before_the_illness_and_durations_with_their_unit(trial: Finished) -> None:
    grid = baseline_grid(trial)
    assert grid is not None
    titles = [row[0] for _, rows in grid.groups for row in rows]
    assert any(t.startswith("Weight before the illness, kg") for t in titles)
    assert any(t.startswith("Disease duration, years") for t in titles)


def test_the_plan_says_where_the_dead_count_on(trial: Finished) -> None:
    def notes(changes: dict[str, Any]) -> str:
        return str(plan(lk.read_protocol({**PLAN, **changes}), patients=2).text())

    assert "lets the dead leave" not in notes({})
    assert "their values count on: a rule on survival lets the dead leave" in notes({"rule": []})


def test_a_drug_without_a_place_in_the_condition_is_a_problem_of_its_dose() -> None:
    elsewhere = {**PLAN, "trial": {**PLAN["trial"], "condition": "mdd"}}
    with pytest.raises(
        lk.ProtocolError, match=r"arm 2 \('feeding'\), dose 1, drug: .*'intake', which the condition 'mdd'"
    ):
        prepare(lk.read_protocol(elsewhere))
