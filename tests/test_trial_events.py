"""Events: episodes at visits, events at random with an intensity, and for how long they were looked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from leukinetics import ProtocolError
from leukinetics.assays import Measured, exact
from leukinetics.trial.endpoints import Samples, Values, endpoint_values
from leukinetics.trial.protocol import Endpoint

MONTHS = np.arange(0.0, 361.0, 30.0)
N = 20_000


def endpoint(kind: str, **more: Any) -> Endpoint:
    return Endpoint.model_validate({"id": "e", "observable": "relapses", "kind": kind, "every": "30 d"} | more)


def of_rate(kind: str, yearly: Any, seed: int = 1, people: Any = None, times: Any = MONTHS, **more: Any) -> Values:
    """The endpoint of patients with this constant intensity (patients,) or (arms, patients) per year."""
    x = np.asarray(yearly, dtype=float)[..., None] * times / 365.25
    return endpoint_values(
        endpoint(kind, **more), Samples(times, exact(x, ""), exact(0.0 * x[..., :1], ""), seed=seed, people=people)
    )


def of_courses(kind: str, x: Any, baseline: Any, **more: Any) -> Values:
    x = np.array(x, dtype=float)
    given = Samples(30.0 * np.arange(x.shape[-1]), exact(x, "mg/L"), exact(np.array(baseline, float)[:, None], "mg/L"))
    return endpoint_values(endpoint(kind, observable="crp", **more), given)


def test_counts_of_a_constant_intensity_are_poisson() -> None:
    found = of_rate("event_rate", np.full(N, 1.5))
    mean = 1.5 * 360 / 365.25
    assert found.numbers.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / N))
    assert found.numbers.var() == pytest.approx(mean, rel=0.05)
    assert found.exposure is not None
    assert (found.exposure == 360.0).all()
    counts = np.bincount(found.numbers.astype(int), minlength=7)[:7]
    expected = stats.poisson.pmf(np.arange(7), mean) * N
    expected[-1] = N - expected[:-1].sum()
    assert stats.chisquare(np.append(counts[:-1], N - counts[:-1].sum()), expected).pvalue > 0.001


def test_the_first_event_of_a_constant_intensity_is_exponential() -> None:
    found = of_rate("time_to_event", np.full(N, 4.0))
    assert found.unit == "day"
    assert (found.numbers[found.censored] == 360.0).all()
    assert found.censored.mean() == pytest.approx(np.exp(-4.0 * 360 / 365.25), abs=0.004)
    law = stats.truncexpon(b=360 * 4 / 365.25, scale=365.25 / 4)
    assert stats.kstest(found.numbers[~found.censored], law.cdf).pvalue > 0.001


def test_an_intensity_that_changes_is_followed_between_samples() -> None:
    # nothing until day 90, then 8 a year; the samples are where it bends
    times = np.array([0.0, 90.0, 455.25])
    x = np.broadcast_to([0.0, 0.0, 8.0], (N, 3))
    given_ = Samples(times, exact(x, ""), exact(x[:, :1], ""))
    first = endpoint_values(endpoint("time_to_event"), given_)
    waits = first.numbers[~first.censored] - 90.0
    assert waits.min() > 0
    assert stats.kstest(waits, stats.truncexpon(b=8.0, scale=365.25 / 8).cdf).pvalue > 0.001


def test_events_of_a_later_window_are_those_of_the_whole_trial() -> None:
    whole = of_rate("event_rate", np.full(500, 6.0)).numbers
    early = of_rate("event_rate", np.full(500, 6.0), times=MONTHS[:7]).numbers
    late = of_rate("event_rate", np.full(500, 6.0), times=MONTHS[6:])
    assert (early + late.numbers == whole).all()
    assert late.exposure is not None
    assert (late.exposure == 180.0).all()
    first = of_rate("time_to_event", np.full(500, 6.0), times=MONTHS[6:])
    assert ((late.numbers > 0) == ~first.censored).all()
    assert first.numbers.min() > 180.0


def test_time_to_event_and_event_rate_see_the_same_events() -> None:
    counts, first = of_rate("event_rate", np.full(500, 1.0)), of_rate("time_to_event", np.full(500, 1.0))
    assert ((counts.numbers > 0) == ~first.censored).all()


def test_twins_have_the_same_luck_in_every_arm() -> None:
    people = np.broadcast_to(np.arange(400), (2, 400))
    same = of_rate("event_rate", np.full((2, 400), 3.0), people=people).numbers
    assert (same[0] == same[1]).all()
    fewer = of_rate("event_rate", np.repeat([[3.0], [2.0]], 400, axis=1), people=people).numbers
    assert (fewer[1] <= fewer[0]).all()
    assert fewer[1].mean() / fewer[0].mean() == pytest.approx(2 / 3, abs=0.05)
    other = of_rate("event_rate", np.full(400, 3.0), people=np.arange(400, 800)).numbers
    assert abs(np.corrcoef(same[0], other)[0, 1]) < 0.15
    assert (of_rate("event_rate", np.full(400, 3.0), seed=2).numbers != same[0]).any()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12, unique=True), st.floats(0.0, 40.0))
def test_events_depend_on_the_person_alone(people: list[int], rate: float) -> None:
    numbers = np.array(people)
    for kind in ("event_rate", "time_to_event"):
        together = of_rate(kind, np.full(len(people), rate), people=numbers)
        alone = [of_rate(kind, np.full(1, rate), people=numbers[i : i + 1]) for i in range(len(people))]
        assert together.numbers.tolist() == [a.numbers[0] for a in alone]
        assert together.censored.tolist() == [a.censored[0] for a in alone]


def test_frailty_belongs_to_the_model_and_makes_more_than_poisson_variation() -> None:
    frail = np.random.default_rng(1).gamma(2.0, 0.5, N)  # variance 1/2 around 1
    counts = of_rate("event_rate", frail).numbers
    mean = 360 / 365.25
    assert counts.mean() == pytest.approx(mean, abs=0.03)
    assert counts.var() == pytest.approx(mean + mean**2 / 2, rel=0.06)


def test_a_patient_who_left_is_followed_to_the_last_sample() -> None:
    x = np.repeat(4.0 * MONTHS[None] / 365.25, 3, axis=0)
    x[1, 5:] = np.nan
    x[2, 1:] = np.nan
    b = np.zeros((3, 1))
    found = endpoint_values(endpoint("event_rate"), Samples(MONTHS, exact(x, ""), exact(b, ""), seed=1))
    assert found.exposure is not None
    assert found.exposure.tolist() == [360.0, 120.0, 0.0]
    until = of_rate("event_rate", np.full(3, 4.0), times=MONTHS[:5]).numbers
    assert found.numbers[1] == until[1]
    assert np.isnan(found.numbers[2])  # no time in which to see an event
    never = endpoint_values(endpoint("time_to_event"), Samples(MONTHS, exact(0.0 * x, ""), exact(b, "")))
    assert never.numbers.tolist() == [360.0, 120.0, 0.0]
    assert never.censored.all()
    failed = endpoint_values(endpoint("time_to_event"), Samples(MONTHS, exact(np.nan * x, ""), exact(np.nan * b, "")))
    assert np.isnan(failed.numbers).all()
    assert not failed.censored.any()


def test_episodes_begin_where_the_threshold_is_newly_met() -> None:
    rows = [[1, 6, 7, 2, 8], [6, 6, 1, 6, 1], [1, 6, 1, np.nan, np.nan], [1, 1, 1, 1, 1], [6, np.nan, *[np.nan] * 3]]
    baselines = [row[0] for row in rows]
    rate = of_courses("event_rate", rows, baselines, threshold=">= 5 mg/L")
    assert rate.numbers[:4].tolist() == [2.0, 1.0, 1.0, 0.0]
    assert np.isnan(rate.numbers[4])
    assert rate.exposure is not None
    assert rate.exposure.tolist() == [120.0, 120.0, 60.0, 120.0, 0.0]
    first = of_courses("time_to_event", rows, baselines, threshold=">= 5 mg/L", unit="weeks")
    assert first.numbers * 7 == pytest.approx([30.0, 30.0, 30.0, 120.0, 0.0])
    assert first.censored.tolist() == [False, False, False, True, True]
    doubled = of_courses("time_to_event", rows[:3], baselines[:3], threshold=">= 100 %")
    assert doubled.numbers.tolist() == [30.0, 120.0, 30.0]
    assert doubled.censored.tolist() == [False, True, False]


def test_the_visit_before_a_later_window_is_the_baseline() -> None:
    x = np.array([[6.0, 1.0], [6.0, 1.0], [1.0, 6.0], [np.nan, np.nan]])
    given_ = Samples(MONTHS[1:3], exact(x, "mg/L"), exact(np.array([[1.0], [6.0], [6.0], [1.0]]), "mg/L"))
    rate = endpoint_values(endpoint("event_rate", threshold=">= 5 mg/L"), given_)
    assert rate.numbers[:3].tolist() == [1.0, 0.0, 1.0]
    first = endpoint_values(endpoint("time_to_event", threshold=">= 5 mg/L"), given_)
    assert first.numbers[:3].tolist() == [30.0, 30.0, 60.0]
    assert np.isnan([rate.numbers[3], first.numbers[3]]).all()  # left before the window began
    assert not first.censored[3]


def test_a_mark_says_where_a_sample_was_below_the_limit() -> None:
    read = Measured(np.full((2, 3), 0.5), np.array([[False, True, False], [False] * 3]), "mg/L", 0.5)
    low = Measured(np.full((2, 1), 0.5), np.array([[False], [True]]), "mg/L", 0.5)
    samples = Samples(MONTHS[:3], read, low)
    first = endpoint_values(endpoint("time_to_event", threshold="2 mg/L"), samples)
    assert first.blq.tolist() == [True, False]
    assert endpoint_values(endpoint("event_rate", threshold="2 mg/L"), samples).blq.tolist() == [True, True]
    assert endpoint_values(endpoint("time_to_event", threshold="50 %"), samples).blq.tolist() == [True, True]


def test_what_is_no_number_of_events_is_refused() -> None:
    falling = np.array([[2.0, 5.0, 3.0]])
    with pytest.raises(ProtocolError, match="endpoint 'e', observable: 'relapses' falls with time"):
        endpoint_values(endpoint("event_rate"), Samples(MONTHS[:3], exact(falling, ""), exact(falling[:, :1], "")))
    with pytest.raises(ProtocolError, match="rises by more than 10,000"):
        of_rate("time_to_event", np.full(2, 1e6))
    with pytest.raises(ProtocolError, match="endpoint 'e', threshold"):
        of_courses("event_rate", [[1, 2]], [1], threshold=">= 3 days")
    with pytest.raises(ProtocolError, match="has no unit to change"):
        of_rate("event_rate", np.ones(2), unit="mg")


def confirmed(x: Any, baseline: Any, worsening: Any, confirm: str = "60 d", **more: Any) -> Values:
    """Confirmed progression in monthly visits ``x`` (patients, visits), the first at time 0."""
    x = np.array(x, dtype=float)
    given_ = Samples(30.0 * np.arange(x.shape[-1]), exact(x, ""), exact(np.array(baseline, float)[:, None], ""))
    kind = "confirmed_progression"
    return endpoint_values(
        endpoint(kind, observable="edss", worsening=worsening, confirm=confirm, every="30 d", **more), given_
    )


def test_a_worsening_counts_where_it_lasts() -> None:
    rows = [
        [2, 3, 2, 3, 3, 3],  # the first rise is not confirmed, the second is
        [2, 3, 3, 2, 3, 3],  # neither lasts; the last cannot be confirmed
        [2, 2, 2, 2, 2, 3],
        [2, 3, 3, 3, 2, 2],
        [2, 3, np.nan, np.nan, np.nan, np.nan],  # left
    ]
    found = confirmed(rows, [2] * 5, [{"change": ">= 1"}])
    assert found.numbers.tolist() == [90.0, 150.0, 150.0, 30.0, 30.0]
    assert found.censored.tolist() == [False, True, True, False, True]
    assert found.unit == "day"
    at_once = confirmed(rows, [2] * 5, [{"change": ">= 1"}], confirm="1 d")  # one visit after it
    assert at_once.numbers.tolist() == [90.0, 30.0, 150.0, 30.0, 30.0]
    assert at_once.censored.tolist() == [False, False, True, False, True]


def test_what_is_worse_depends_on_the_baseline() -> None:
    rows = [[2, 2.5, 2.5, 2.5], [6, 6.5, 6.5, 6.5], [0, 1, 1, 1], [2, 6, 6, 6]]
    by_baseline = [{"baseline": "<= 5.5", "change": ">= 1"}, {"baseline": "> 5.5", "change": ">= 0.5"}]
    assert confirmed(rows, [2, 6, 0, 2], by_baseline).censored.tolist() == [True, False, False, False]
    milestone = confirmed(rows, [2, 6, 0, 2], [{"value": ">= 6"}])
    assert milestone.censored.tolist() == [True, False, True, False]
    fall = confirmed([[10, 5, 5, 5], [10, 8, 8, 8]], [10, 10], [{"change": "<= -30 %"}])
    assert fall.censored.tolist() == [False, True]
    both = confirmed(rows, [2, 6, 0, 2], [{"change": ">= 1", "value": ">= 4"}])
    assert both.censored.tolist() == [True, True, True, False]


def test_a_confirmed_progression_needs_what_is_worse_and_for_how_long() -> None:
    kind = "confirmed_progression"
    with pytest.raises(ValueError, match="needs 'worsening'"):
        endpoint(kind, confirm="12 weeks")
    with pytest.raises(ValueError, match="needs 'confirm'"):
        endpoint(kind, worsening=[{"change": ">= 1"}])
    with pytest.raises(ValueError, match="nothing that would be worse"):
        endpoint(kind, worsening=[{"baseline": ">= 1"}], confirm="12 weeks")
    with pytest.raises(ValueError, match="no use for a 'threshold'"):
        endpoint(kind, worsening=[{"change": ">= 1"}], confirm="12 weeks", threshold=">= 1")
    with pytest.raises(ValueError, match="no use for 'confirm'"):
        endpoint("time_to_event", confirm="12 weeks")


def test_what_the_model_counts_is_not_drawn_again() -> None:
    x = [[3, 3, 4, 4, 6], [3, 3, 3, 3, 3], [0, 1, 1, np.nan, np.nan]]
    given_ = Samples(
        MONTHS[:5], exact(np.array(x, float), ""), exact(np.array([[3.0], [3.0], [0.0]]), ""), counted=True
    )
    rate = endpoint_values(endpoint("event_rate"), given_)
    assert rate.numbers.tolist() == [3.0, 0.0, 1.0]
    assert rate.exposure is not None
    assert rate.exposure.tolist() == [120.0, 120.0, 60.0]
    first = endpoint_values(endpoint("time_to_event"), given_)
    assert first.numbers.tolist() == [60.0, 120.0, 30.0]
    assert first.censored.tolist() == [False, True, False]
    late = replace(given_, times=MONTHS[2:5], samples=exact(np.array(x, float)[:, 2:], ""))
    assert endpoint_values(endpoint("event_rate"), late).numbers.tolist()[:2] == [2.0, 0.0]
    other = replace(given_, seed=9)
    assert endpoint_values(endpoint("event_rate"), other).numbers.tolist() == rate.numbers.tolist()
