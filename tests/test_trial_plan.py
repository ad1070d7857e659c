"""A dry run says what a trial would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_assembly import fake_assembly

from leukinetics import ProtocolError, trial
from leukinetics.trial.plan import TrialPlan, plan
from leukinetics.trial.plan_words import days, number, size, time


def planned(patients: int | None = None, **more: Any) -> TrialPlan:
    data = {
        "trial": {
            "name": "A plan", "condition": "inflamed", "duration": "12 weeks", "patients_per_arm": 40,
            **more.pop("trial", {}),
        },
        "arm": [
            {"name": "placebo"},
            {"name": "active", "dose": [
                {"drug": "mab", "amount": "100 mg", "route": "iv", "every": "4 weeks", "loading": "300 mg"},
                {"drug": "mab", "amount": "1 mg/kg", "route": "sc", "start": "1 d", "duration": "30 min"},
            ]},
        ],
        "endpoint": [{"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "noise": True}],
        **more,
    }  # fmt: skip
    return plan(trial.prepare(data, assembly=fake_assembly(), patients=patients))


def test_the_plan_of_a_trial() -> None:
    made = planned(
        eligibility={"crp": ">= 3 mg/L"},
        schedule={"visits": ["4 weeks", "8 weeks"], "measure": ["crp", "mab"]},
        uncertainty={"draws": 4, "patients": 10},
        sensitivity={"trajectories": 2, "patients": 5, "parameters": ["KD", "crp_base"]},
        power={"sizes": [10, 20], "replicates": 50},
    )
    rows = {work.what.partition(":")[0]: work.rows for work in made.work if not work.at_screening}
    assert rows["the trial"] == 80
    assert rows["uncertainty"] == 4 * 10 * 2
    assert rows["sensitivity (morris)"] == 2 * 5 * (2 * (2 + 1) + 1)
    # crp at screening is lognormal around 4 mg/L, so that somewhat more than half is eligible.
    assert made.screened is not None
    assert 41 < made.screened < 100
    assert made.screened == round(40 / made.pilot.share)
    assert made.seconds > 0
    assert made.size > 0
    assert made.pilot.solved == 1
    text = made.text()
    for expected in (
        "A plan\n",
        "condition    inflamed",
        "twins: each patient is simulated under every arm; 12 weeks",
        "arm          placebo: 40 patients\n                 not treated\n",
        "mab 100 mg iv every 4 weeks, first 300 mg: 3 doses, 500 mg in all",
        "mab 1 mg/kg sc over 30 minutes from 1 day: once",
        "samples      6 of a patient at 3 times: crp (3), mab (3)",
        "crp: percent change of crp at 8 weeks, as measured",
        "40 to enrol, about ",
        "the trial: 80 patients simulated",
        "power: 50 replicate trials of each of 10, 20 patients per arm",
        "of simulation on this machine (estimated from a pilot of 56; ",
        "note         there is no assay of mab: the schedule reads true values.",
        "note         crp is read at 8 weeks, when a dose is due: just before it, at the trough.",
    ):
        assert expected in text, f"{expected}\nnot in\n{text}"
    assert str(made) == text


def test_what_may_not_be_meant_is_noted() -> None:
    both = [{"id": i, "observable": "crp", "kind": "value", "at": "9 weeks"} for i in ("a", "b")]
    same = [{"name": n, "dose": [{"drug": "mab", "amount": "1 mg", "route": "iv"}]} for n in ("low", "lower")]
    notes = planned(
        patients=5, endpoint=both, arm=same, analysis={"primary": ["a", "b"]}, uncertainty={"patients": 50},
        trial={"baseline": "screening"}, eligibility={"crp": "> 0 mg/L"},
    ).warnings  # fmt: skip
    for expected in (
        "a, b: true values, without the noise of the assay",
        "no arm is untreated or named placebo; others are compared with 'low', the first",
        "the arms 'low' and 'lower' are given the same",
        "2 primary endpoints are tested 2 times at 0.05 each",
        "5 patients in an arm are too few",
        "[uncertainty] has more patients per arm (50) than the trial (5)",
        "the baseline is the qualifying value, which regresses to the mean",
    ):
        assert any(expected in note for note in notes), f"{expected}\nnot in\n{notes}"
    assert not any("when a dose is due" in note for note in notes)
    assert any("there is one arm only" in note for note in planned(arm=[{"name": "a"}]).warnings)


def test_a_trial_that_nobody_can_enter() -> None:
    made = planned(eligibility={"weight": "> 1000 kg"})
    assert made.screened is None
    assert "nobody of them is eligible" in made.text()
    assert any("nobody of 256 people in the pilot may take part" in note for note in made.warnings)
    everybody = planned()
    assert everybody.screened == 40
    assert "to screen" not in everybody.text()


def test_assumed_parameters_of_a_drug_are_named(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text((Path(__file__).parents[1] / "examples" / "rescue.toml").read_text())
    ready = trial.prepare(path, patients=10)
    ready.protocol.__dict__["sensitivity"] = None  # its count of runs is tested above
    notes = plan(ready).warnings
    assert any("parameters of ziltivekimab are assumed (" in note for note in notes)


def test_a_malformed_protocol_is_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "trial.toml"
    path.write_text('[trial]\nname = "x"\ncondition = "post_my"\nduration = "1 d"\n')
    with pytest.raises(ProtocolError, match=r"trial\.toml has 4 problems:\n"):
        plan(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "1 week"), (91, "13 weeks"), (1, "1 day"), (10, "10 days"), (0.5, "12 hours"), (1 / 48, "30 minutes"),
     (2.5, "60 hours"), (1e-5, "1e-05 days"), (0, "0 days")],
)  # fmt: skip
def test_days_in_words(value: float, text: str) -> None:
    assert days(value) == text


def test_numbers_in_words() -> None:
    assert [time(0.1), time(40), time(600), time(9000)] == ["1 s", "40 s", "10 min", "2.5 h"]
    assert [size(10), size(5e4), size(2.5e6), size(3e7), size(2e10)] == ["1 kB", "50 kB", "2.5 MB", "30 MB", "20 GB"]
    assert [number(2550), number(0.6), number(12.25)] == ["2,550", "0.6", "12.25"]


def test_notes_of_what_may_not_be_meant() -> None:
    text = planned(
        endpoint=[
            {"id": "start", "observable": "crp", "kind": "value", "at": "0 d"},
            {"id": "top", "observable": "crp", "kind": "maximum", "every": "5 weeks"},
            {"id": "even", "observable": "crp", "kind": "maximum", "every": "4 weeks"},
        ]
    ).text()
    assert "start is read at time 0, before anything is given: the arms cannot differ." in text
    assert "top is read at 10 weeks for the last time: 'every' does not divide its window." in text
    assert "even is read" not in text


def test_a_dose_far_above_the_usual_ones_is_noted() -> None:
    def text(amount: str) -> str:
        dose = {"drug": "canakinumab", "amount": amount, "route": "sc"}
        data = {
            "trial": {"name": "A", "condition": "caps", "duration": "12 weeks", "patients_per_arm": 20},
            "arm": [{"name": "placebo"}, {"name": "active", "dose": [dose]}],
            "endpoint": [{"id": "crp", "observable": "crp", "kind": "value", "at": "8 weeks"}],
        }
        return plan(trial.prepare(data)).text()

    assert "the largest dose of canakinumab is 1,429 times the largest usual one (10 mg/kg)." in text("1 kg")
    assert "largest usual" not in text("600 mg")
