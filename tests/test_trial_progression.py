"""Progression with and without relapses: exact courses, the definitions' windows, and that both make up the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukinetics import ProtocolError, trial
from leukinetics.assays import exact
from leukinetics.trial.endpoints import Samples, Values, endpoint_values
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.protocol.whole import Protocol
from leukinetics.trial.sampling_times import event_times, observable_times

DAYS = np.arange(0.0, 721.0)
FIXED = {"independent_of": "relapses", "within": "90 d"}
PIRA = FIXED | {"rebaseline": "30 d", "event_free": "30 d"}
RAW = {"associated_with": "relapses", "within": "90 d"}
ONE = [{"change": ">= 1"}]


def endpoint(**more: Any) -> Endpoint:
    given_ = {"id": "e", "observable": "edss", "kind": "confirmed_progression", "every": "60 d", "confirm": "60 d"}
    return Endpoint.model_validate(given_ | {"worsening": ONE} | more)


def counted(relapses: list[list[float]], counted: bool = True) -> Samples:
    """The number of relapses of each patient, which came on these days."""
    x = np.array([[sum(day <= t for day in days) for t in DAYS] for days in relapses], dtype=float)
    return Samples(DAYS, exact(x, ""), exact(x[:, :1], ""), counted=counted)


def found(x: Any, relapses: list[list[float]], beside: Samples | None = None, **more: Any) -> list[float]:
    """Days of progression of EDSS ``x`` (patients, visits every 60 days, the first at time 0); -1 without one."""
    values = of(x, counted(relapses) if beside is None else beside, **more)
    return np.where(values.censored, -1.0, values.numbers).tolist()


def of(x: Any, beside: Samples | None, **more: Any) -> Values:
    x = np.array(x, dtype=float)
    times = 60.0 * np.arange(x.shape[-1])
    return endpoint_values(endpoint(**more), Samples(times, exact(x, ""), exact(x[..., :1], ""), beside=beside))


def test_without_events_progression_is_independent_of_them() -> None:
    x = [[2, 2, 3, 3, 3], [2, 3, 2, 3, 3], [2, 2, 2, 2, 3]]
    assert found(x, [[], [], []], **PIRA) == [120.0, 180.0, -1.0]
    assert found(x, [[], [], []], **FIXED) == [120.0, 180.0, -1.0]
    assert found(x, [[], [], []], **RAW) == [-1.0, -1.0, -1.0]
    assert of(x, counted([[], [], []]), **PIRA).numbers.tolist() == [120.0, 180.0, 240.0]  # censored at the last visit


def test_a_worsening_goes_with_the_events_before_it() -> None:
    x = [[2, 2, 3, 3, 3, 3]] * 4  # worse at day 120
    relapses = [[30.0], [29.0], [120.0], [121.0]]  # 90 and 91 days before, at the visit, after it
    assert found(x, relapses, **RAW) == [120.0, -1.0, 120.0, -1.0]
    assert found(x, relapses, **FIXED) == [-1.0, 120.0, -1.0, 120.0]


def test_a_worsening_begins_after_a_visit_that_was_not_worse() -> None:
    x = [[2, 3, 3, 3, 3, 3, 3], [2, 3, 3, 3, 3, 3, 3]]
    assert found(x, [[200.0], [50.0]], **RAW) == [-1.0, 60.0]  # a relapse later does not make it one with relapse
    assert found(x, [[200.0], [50.0]], **FIXED) == [60.0, -1.0]  # nor does the lapse of 90 days make it independent
    again = [[2, 3, 2, 2, 3, 3, 3]]  # the first is not confirmed
    assert found(again, [[230.0]], **RAW) == [240.0]


def test_after_an_event_the_reference_is_the_first_visit_long_enough_after_it() -> None:
    again = {"independent_of": "relapses", "within": "30 d", "rebaseline": "30 d"}
    x = [
        [2, 2, 3, 3, 3, 3, 3],  # the relapse's residue is the new reference
        [2, 2, 3, 3, 4, 4, 4],  # and what comes on top of it progression
        [2, 2, 4, 3, 4, 4, 4],  # the visit 25 days after the relapse is no reference, that 85 days after it is
        [2, 2, 2, 1, 2, 2, 2],  # a reference below the baseline
    ]
    assert found(x[:2], [[90.0], [90.0]], **again) == [-1.0, 240.0]
    assert found(x[2:], [[95.0], [95.0]], **again) == [240.0, 240.0]
    assert found(x[1:2], [[90.0, 170.0]], **again) == [-1.0]  # the second relapse: the reference is day 240
    assert found([[2, 2, 3, 3, 4, 4, 4, 5, 5]], [[90.0, 170.0]], **again) == [420.0]
    assert found(x[1:2], [[90.0]], **(again | {"rebaseline": "90 d"})) == [240.0]  # day 180 is 90 days after
    assert found(x[1:2], [[91.0]], **(again | {"rebaseline": "90 d"})) == [-1.0]
    by_level = again | {"worsening": [{"baseline": ">= 3", "change": ">= 1"}, {"baseline": "< 3", "change": ">= 2"}]}
    assert found([x[1], [2, 2, 2, 2, 3, 3, 3]], [[90.0], [90.0]], **by_level) == [240.0, -1.0]


@pytest.mark.parametrize(
    ("relapse", "progresses"),
    [(151.0, True), (150.0, False), (130.0, False), (149.0, False), (180.0, False), (210.0, False), (211.0, True)],
)
def test_no_event_until_after_the_onset_nor_about_confirmation(relapse: float, progresses: bool) -> None:
    x = [[2, 2, 3, 3, 3, 3]]  # onset 120, confirmed 180: free of events to 150, and from 150 to 210
    confirm = {"confirm": "60 d"}
    if relapse == 151.0:  # confirmed at 240: from 210 on
        confirm = {"confirm": "120 d"}
    assert found(x, [[relapse]], **PIRA, **confirm) == [120.0 if progresses else -1.0]
    assert found(x, [[relapse]], **FIXED, **confirm) == [120.0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([2.0, 2.5, 3.0, 3.5]), min_size=4, max_size=12),
    st.lists(st.integers(1, 700).map(float), max_size=5),
)
def test_with_and_without_events_make_up_the_whole(x: list[float], relapses: list[float]) -> None:
    plain = of([x], None)
    both = [of([x], counted([relapses]), **more) for more in (RAW, FIXED)]
    assert min(v.numbers[0] for v in both) == plain.numbers[0]
    assert all(v.censored[0] for v in both) == plain.censored[0]
    strict = of([x], counted([relapses]), **PIRA)
    if not relapses:
        assert strict.numbers[0] == plain.numbers[0]


def by_chance(people: Any) -> Samples:
    """Two relapses a year, at random, of people with these numbers."""
    x = np.broadcast_to(2.0 * DAYS / 365.25, (*people.shape, len(DAYS)))
    return Samples(DAYS, exact(x, ""), exact(x[..., :1], ""), seed=3, people=people)


def test_expected_events_are_the_same_as_those_of_a_rate() -> None:
    people = np.arange(400)
    edss = np.broadcast_to([2.0, 2, 3, 3, 3, 3], (400, 6))
    whole = by_chance(people)
    early = Samples(DAYS[:121], exact(whole.samples.reported[:, :121], ""), whole.baseline, seed=3, people=people)
    rate = {"id": "r", "observable": "relapses", "kind": "event_rate", "every": "1 d"}
    counts = endpoint_values(Endpoint.model_validate(rate), early).numbers
    raw = of(edss, whole, associated_with="relapses", within="120 d")
    assert (raw.censored == (counts == 0)).all()
    assert 0.3 < raw.censored.mean() < 0.7


def test_events_by_chance_depend_on_the_person_alone() -> None:
    people = np.arange(400)
    edss = np.broadcast_to([2.0, 2, 3, 3, 3, 3], (400, 6))
    whole = of(edss, by_chance(people), **PIRA).numbers
    assert 0.2 < (whole == 120.0).mean() < 0.8
    for first in (0, 150, 399):
        part = slice(first, first + 150)
        assert of(edss[part], by_chance(people[part]), **PIRA).numbers.tolist() == whole[part].tolist()
    twins = of(np.stack([edss, edss]), by_chance(np.stack([people, people])), **PIRA).numbers
    assert (twins == whole).all()


def test_a_patient_who_left_is_followed_until_then() -> None:
    x = [[2, 3, 3, np.nan, np.nan], [2, 3, np.nan, np.nan, np.nan]]
    beside = counted([[200.0], []])
    left = np.array([[170.0], [110.0]])
    seen = Samples(
        DAYS, exact(np.where(left > DAYS, beside.samples.reported, np.nan), ""), beside.baseline, counted=True
    )
    values = of(x, seen, **PIRA)
    assert values.numbers.tolist() == [60.0, 60.0]
    assert values.censored.tolist() == [False, True]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"within": "90 d"}, "say which, with 'independent_of'"),
        ({"rebaseline": "30 d"}, "'rebaseline' is about events"),
        ({"event_free": "30 d"}, "'event_free' is about events"),
        ({"independent_of": "relapses"}, "'independent_of' needs 'within'"),
        (PIRA | {"associated_with": "relapses"}, "give one"),
        (RAW | {"rebaseline": "30 d"}, "'rebaseline' goes with 'independent_of'"),
        (RAW | {"event_free": "30 d"}, "'event_free' goes with 'independent_of'"),
        (FIXED | {"independent_of": "edss"}, "what worsens itself"),
        (FIXED | {"within": "0 d"}, "longer than nothing"),
        (
            FIXED | {"kind": "time_to_event", "worsening": [], "confirm": None, "threshold": ">= 3"},
            "'time_to_event' has no use for 'independent_of'",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        endpoint(**more)


def test_what_counts_no_events_is_refused() -> None:
    falling = np.broadcast_to(np.linspace(3.0, 0.0, len(DAYS)), (1, len(DAYS)))
    beside = Samples(DAYS, exact(falling, ""), exact(falling[:, :1], ""), counted=True)
    with pytest.raises(ProtocolError, match="endpoint 'e', independent_of: 'relapses' falls with time"):
        found([[2, 3, 3, 3]], [], beside, **PIRA)


def test_events_are_dated_to_the_day_and_kept_at_visits() -> None:
    wanted = {"id": "pira", "observable": "edss", "kind": "confirmed_progression", "every": "12 weeks"}
    protocol = {
        "trial": {"name": "t", "condition": "ms_rr", "duration": "48 weeks", "patients_per_arm": 2, "seed": 1},
        "arm": [{"name": "untreated"}],
        "endpoint": [wanted | {"confirm": "12 weeks", "worsening": ONE} | PIRA],
    }
    read = Protocol.model_validate(protocol)
    assert event_times(read)["relapses"].tolist() == list(range(337))
    assert observable_times(read)["relapses"].tolist() == [0.0, 84.0, 168.0, 252.0, 336.0]


EVERY = {"every": "12 weeks", "confirm": "12 weeks", "worsening": [{"change": ">= 0.5"}], "noise": True}
PROGRESSION = {"observable": "edss", "kind": "confirmed_progression"} | EVERY
TRIAL: dict[str, Any] = {
    "trial": {"name": "t", "condition": "ms_rr", "duration": "60 weeks", "patients_per_arm": 12, "seed": 4,
              "design": "twins"},
    "eligibility": {"relapses over 1 year": ">= 1"},
    "arm": [
        {"name": "placebo"},
        {"name": "drug", "dose": [{"drug": "natalizumab", "amount": "300 mg", "route": "iv", "every": "4 weeks"}]},
    ],
    "endpoint": [
        {"id": "any"} | PROGRESSION,
        {"id": "rate", "observable": "relapses", "kind": "event_rate", "every": "12 weeks"},
    ],
}  # fmt: skip
BESIDE = [{"id": "pira"} | PROGRESSION | PIRA, {"id": "fixed"} | PROGRESSION | FIXED, {"id": "raw"} | PROGRESSION | RAW]


@pytest.mark.slow
def test_a_trial_with_events_dated_is_the_same_trial(tmp_path: Path) -> None:
    """No bit of the other endpoints changes, nor of any with the size of a chunk; both kinds make up the whole."""
    whole = TRIAL | {"endpoint": [*TRIAL["endpoint"], *BESIDE]}
    tables = {}
    for name, protocol, chunk in (("plain", TRIAL, 12), ("one", whole, 12), ("parts", whole, 5)):
        trial.run(trial.prepare(protocol), tmp_path / name, chunk=chunk)
        tables[name] = pd.read_parquet(tmp_path / name / "endpoints.parquet")
    own = tables["one"]["endpoint"].isin(["any", "rate"])
    pd.testing.assert_frame_equal(tables["one"][own].reset_index(drop=True), tables["plain"])
    pd.testing.assert_frame_equal(tables["parts"], tables["one"])
    day = {name: part.set_index(["arm", "patient"])["value"] for name, part in tables["one"].groupby("endpoint")}
    late = {name: part.set_index(["arm", "patient"])["censored"] for name, part in tables["one"].groupby("endpoint")}
    assert not late["any"].all()
    assert (np.minimum(day["fixed"], day["raw"]) == day["any"]).all()
    assert ((late["fixed"] & late["raw"]) == late["any"]).all()


def test_what_counts_the_events_must_be_in_the_model() -> None:
    for name, message in (("relapse", "no 'relapse'"), ("nfl", "'nfl' is in pg/mL, which is no number of events")):
        beside = {"id": "pira"} | PROGRESSION | PIRA | {"independent_of": name}
        with pytest.raises(ProtocolError, match=message):
            trial.prepare(TRIAL | {"endpoint": [beside]})
