"""Reports of trials that count events, lesions and scores: words, means over time, small changes in percent."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import pandas as pd
import pytest

import leukinetics as lk
from leukinetics.report.trial.answer import answer
from leukinetics.report.trial.courses import Course, courses
from leukinetics.report.trial.design_words import BRIEF, KINDS, brief, endpoint_words
from leukinetics.report.trial.folder import Finished, open_folder
from leukinetics.report.trial.names import meaning
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.protocol.endpoint import Kind

WORSE = [{"change": ">= 1"}]
TRIAL = {
    "trial": {"name": "Small", "condition": "ms_rr", "duration": "24 weeks", "patients_per_arm": 12, "seed": 3},
    "arm": [
        {"name": "placebo"},
        {"name": "drug", "dose": [{"drug": "natalizumab", "amount": "300 mg", "route": "iv", "every": "4 weeks"}]},
    ],
    "eligibility": {"relapses over 1 year": ">= 0"},
    "schedule": {"visits": ["12 weeks", "24 weeks"], "measure": ["relapses", "gd_lesions", "edss", "brain_volume"]},
    "endpoint": [
        {"id": "relapses", "observable": "relapses", "kind": "event_rate", "every": "12 weeks"},
        {"id": "high", "observable": "nfl", "kind": "event_rate", "every": "12 weeks", "threshold": ">= 30 pg/mL"},
        {"id": "worse", "observable": "edss", "kind": "confirmed_progression", "every": "12 weeks",
         "confirm": "12 weeks", "worsening": WORSE, "noise": True},
        {"id": "volume", "observable": "brain_volume", "kind": "percent_change", "at": "24 weeks", "noise": True},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("events") / "trial"
    lk.run_trial(lk.read_protocol(TRIAL), out=folder)
    return open_folder(folder)


def test_every_kind_of_endpoint_has_its_words() -> None:
    kinds = set(get_args(Kind))
    assert set(KINDS) == set(BRIEF) == kinds


def test_events_are_named_by_what_they_are(trial: Finished) -> None:
    relapses, high, worse, _ = trial.protocol.endpoint
    assert endpoint_words(trial, relapses) == "relapses per year"
    assert brief(trial, relapses) == "rate of relapses"
    assert endpoint_words(trial, high) == "episodes of neurofilament light of blood ≥ 30 pg/mL per year"
    assert endpoint_words(trial, worse) == "time to worsening of EDSS, confirmed after 12 weeks"
    assert brief(trial, worse) == "confirmed worsening of EDSS"
    given = {"id": "e", "observable": "edss", "kind": "confirmed_progression", "every": "12 weeks",
             "confirm": "12 weeks", "worsening": WORSE, "within": "90 days"}  # fmt: skip
    raw = Endpoint.model_validate(given | {"associated_with": "relapses"})
    assert endpoint_words(trial, raw) == (
        "time to worsening of EDSS, confirmed after 12 weeks, associated with relapses: one within the 90 days before "
        "it"
    )
    assert brief(trial, raw) == "confirmed worsening of EDSS associated with relapses"
    pira = Endpoint.model_validate(
        given | {"independent_of": "relapses", "rebaseline": "30 days", "event_free": "30 days"}
    )
    assert endpoint_words(trial, pira) == (
        "time to worsening of EDSS, confirmed after 12 weeks, independent of relapses: none within the 90 days before "
        "it, the 30 days after it and 30 days before and after its confirmation, compared with the first visit at "
        "least 30 days after the last"
    )
    assert brief(trial, pira) == "confirmed worsening of EDSS independent of relapses"
    assert trial.said("relapses over 1 year >= 1 not met") == "relapses over 1 year ≥ 1 not met"


def _samples(trial: Finished, name: str) -> pd.DataFrame:
    files = sorted((trial.folder / "observations").glob("*.parquet"))
    table = pd.concat([pd.read_parquet(f) for f in files])
    return table[table["name"] == name]


def _course(trial: Finished, name: str) -> Course:
    return next(c for c in courses(trial) if c.name == name)


@pytest.mark.parametrize("name", ["gd_lesions", "edss"])
def test_counts_and_scores_are_drawn_by_their_mean(trial: Finished, name: str) -> None:
    course = _course(trial, name)
    assert course.counts
    assert course.label.endswith(", mean")
    mean = _samples(trial, name).groupby(["arm", "time"])["value"].mean()
    for row in course.drawn.to_dict("records"):
        assert row["q50"] == pytest.approx(mean[row["arm"], row["time"]], abs=1e-9)
        assert row["q05"] <= row["q50"] <= row["q95"]
    assert course.table["q50"].isin([0.0, *[v / 4 for v in range(1, 60)]]).all(), "the table has the quantiles"


def test_what_is_counted_since_onset_is_drawn_since_the_start(trial: Finished) -> None:
    course = _course(trial, "relapses")
    assert course.label == "relapses since the start, mean"
    table = _samples(trial, "relapses")
    first = table[table["time"] == 0].set_index(["arm", "patient"])["value"]
    keys = pd.MultiIndex.from_frame(table[["arm", "patient"]])
    rise = (table.set_index(keys)["value"] - first.reindex(keys)).to_numpy()
    mean = table.assign(rise=rise).groupby(["arm", "time"])["rise"].mean()
    for row in course.drawn.to_dict("records"):
        assert row["q50"] == pytest.approx(mean[row["arm"], row["time"]], abs=1e-9)


def test_a_level_that_hardly_changes_is_drawn_in_percent(trial: Finished) -> None:
    course = _course(trial, "brain_volume")
    assert (course.drawn_unit, course.unit) == ("%", "mL")
    start = course.drawn[course.drawn["time"] == 0]
    assert (start[["q05", "q50", "q95"]] == 0).all(axis=None)
    assert course.drawn["q50"].between(-5, 5).all()
    assert course.table["q50"].min() > 1000


def test_a_small_effect_on_what_changes_little_is_not_called_negligible(trial: Finished) -> None:
    volume = trial.protocol.model_copy(update={"endpoint": trial.protocol.endpoint[3:]})
    row = {"endpoint": "volume", "arm": "drug", "reference": "placebo", "measure": "percent_difference", "n": 24,
           "estimate": 0.5, "ci_low": 0.3, "ci_high": 0.7, "p_value": 0.001}  # fmt: skip
    told: list[dict[str, Any]] = [
        {"name": arm, "endpoints": {"volume": {"estimate": estimate, "unit": "%"}}}
        for arm, estimate in (("placebo", -1.0), ("drug", -0.5))
    ]
    small = replace(trial, protocol=volume, summary={**trial.summary, "arms": told, "contrasts": [row]})
    assert "negligible" not in answer(small)[0]
    told[0]["endpoints"]["volume"]["estimate"] = -20.0
    assert "negligible" in answer(small)[0]


def test_chance_is_no_covariate_and_duration_is_in_years(trial: Finished) -> None:
    rows = {r["name"]: r for r in json.loads((trial.folder / "summary.json").read_text())["baseline"]}
    assert not [name for name in rows if name.startswith("luck")]
    assert rows["disease_duration"]["unit"] == "year"
    assert 0 < rows["disease_duration"]["arms"][0]["median"] < 30


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("0.1 to 0.7: share of stripping that needs IL-1beta", "share of stripping that needs IL-1β"),
        ("share of axons stripped per lesion, 2e-4 to 2e-3", "share of axons stripped per lesion"),
        ("0.5 to 2", "lesion IL-1"),
        ("", "lesion IL-1"),
    ],
)
def test_a_parameter_is_told_by_its_note(note: str, words: str) -> None:
    assert meaning("lesion_il1", note) == words
