"""Doses that people miss, and people who leave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conducted import conducted, mab, ready, rule
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from scipy import stats

from leukinetics import ProtocolError
from leukinetics.trial.conduct.adherence import with_misses
from leukinetics.trial.conduct.dropout import inverted, leaving
from leukinetics.trial.courses import dose_table, planned

YEAR = 365.25


def doses_of(made: Any, people: np.ndarray, arms: np.ndarray) -> Any:
    plan = planned(made.blocks, arms)
    return with_misses(plan, made.protocol.adherence, made.protocol.trial.seed, people)


def moments(courses: Any, row: int) -> list[float]:
    """When a row takes its doses, written out."""
    table = dose_table(courses, np.full(int(courses.row.max()) + 1, 70.0), 0.0)
    own = table[table["patient"] == row]
    return sorted(t + k * e for t, e, n in zip(own["time"], own["every"], own["count"], strict=True) for k in range(n))


# ---- adherence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("missed", "spread"), [(0.05, 0.0), (0.3, 0.0), (0.2, 1.5)])
def test_the_share_of_missed_doses(missed: float, spread: float) -> None:
    made = ready(arms=[[mab(every="1 d")]], adherence={"missed": missed, "spread": spread})
    n, repeats = 2000, 111
    courses = doses_of(made, np.arange(n), np.zeros(n, dtype=np.int64))
    count = np.bincount(courses.row[~courses.taken], courses.count[~courses.taken], minlength=n)
    assert np.bincount(courses.row, courses.count).tolist() == [112.0] * n
    if not spread:
        low, high = stats.binom.interval(0.9999, n * repeats, missed)
        assert low <= count.sum() <= high
        assert count.var() == pytest.approx(repeats * missed * (1 - missed), rel=0.2)
    else:  # the median person misses that share; in the mean it is that of the logit-normal distribution
        share = count / repeats
        assert np.median(share) == pytest.approx(missed, abs=0.02)
        logit = np.log(missed / (1 - missed)) + spread * stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
        assert share.mean() == pytest.approx((1 / (1 + np.exp(-logit))).mean(), abs=0.015)
        assert share.std() > 0.15


def test_missed_or_not_a_dose_keeps_its_time() -> None:
    made = ready(arms=[[mab(every="1 d")]], adherence={"missed": 0.3})
    courses = doses_of(made, np.arange(5), np.zeros(5, dtype=np.int64))
    for row in range(5):
        taken = np.array(moments(courses, row))
        days = np.round(taken - 1 / 1440, 9)
        assert np.array_equal(days, np.round(days))
        assert len(set(days)) == len(days) == courses.count[courses.taken & (courses.row == row)].sum()


def test_a_linear_drug_loses_exposure_by_the_share_that_is_missed() -> None:
    """The area under the level until it is gone is given dose/CL."""
    head = {"trial_duration": "40 weeks", "parameter": {}}
    samples = [{"id": "auc", "observable": "mab", "kind": "average", "from": "0 d", "to": "40 weeks", "every": "6 h"}]
    quick = {"mab_CL": 2.0, "mab_V": 5.0}
    more = {"endpoint": samples, "arms": [[mab(every="1 d", route="sc", stop="20 weeks")]], "rtol": 1e-6, **head}
    found = conducted(typical=quick, adherence={"missed": 0.25}, n=20, **more)
    assert (found.given + found.missed == 140).all()
    assert found.missed.min() > 10
    area = np.trapezoid(found.values["mab"], found.times, axis=1)
    assert area == pytest.approx(100.0 * found.given / found.columns["mab_CL"], rel=0.005)
    assert found.missed.sum() / (20 * 139) == pytest.approx(0.25, abs=0.04)


def test_first_doses_loading_and_background_are_never_missed() -> None:
    doses = [mab(loading="300 mg", every="1 week"), mab("7 mg", every=None)]
    arm = {"name": "a", "background": [mab("5 mg", every="1 d")], "dose": doses}
    found = conducted(arm=[arm], adherence={"missed": 1.0})
    assert (found.given == 2).all()
    assert (found.missed == 15).all()
    k, v = found.columns["mab_CL"] / found.columns["mab_V"], found.columns["mab_V"]
    since = (112.0 - 1 / 1440) - np.arange(112.0)
    expected = 307 / v * np.exp(-k * since[0]) + 5 / v * np.exp(-k[:, None] * since).sum(axis=1)
    assert found.at("mab", 112.0) == pytest.approx(expected, rel=1e-6)


def test_twins_miss_the_same_doses_in_every_arm() -> None:
    arms = [[mab(every="1 week")], [mab("1 mg/kg", every="1 week", loading="300 mg")], [mab(every="2 weeks")]]
    made = ready(arms=arms, adherence={"missed": 0.4, "spread": 0.5})
    found = conducted(made=made, people=np.repeat(np.arange(20), 3), arms_of=np.tile(np.arange(3), 20))
    assert np.array_equal(found.missed[0::3], found.missed[1::3])
    courses = doses_of(made, np.repeat(np.arange(20), 3), np.tile(np.arange(3), 20))
    for i in range(20):
        weekly, fortnightly = moments(courses, 3 * i), moments(courses, 3 * i + 2)
        both = {t for t in np.round(weekly, 6) if round(t - 1 / 1440) % 14 == 0}
        assert both == set(np.round(fortnightly, 6))


def test_nobody_misses_and_not_a_bit_changes() -> None:
    plain, none = conducted(), conducted(adherence={"missed": 0.0})
    assert np.array_equal(plain.values["mab"], none.values["mab"])
    made = ready(arms=[[mab(every="1 week")]], adherence={"missed": 0.02})
    courses = doses_of(made, np.arange(300), np.zeros(300, dtype=np.int64))
    whole = np.bincount(courses.row) == 1  # who misses nothing keeps a single row of the table
    assert 100 < whole.sum() < 300


def test_a_stop_ends_missed_doses_too() -> None:
    adherence = {"missed": 0.5}
    found = conducted(arms=[[mab(every="1 week")]], adherence=adherence, rule=[rule(at=["8 weeks"], action="stop")])
    assert (found.given + found.missed == 8).all()
    assert found.missed.any()


# ---- dropout ------------------------------------------------------------------------------------


def test_leaving_at_random_is_exponential() -> None:
    n, rate = 5000, 0.3
    made = ready(trial_duration="104 weeks", dropout={"rate": rate})
    left = leaving(made, {}, np.arange(n))
    end = 104 * 7.0
    gone = np.isfinite(left)
    fit = KaplanMeierFitter().fit(np.minimum(left, end), gone)
    times = np.linspace(10.0, end - 1, 40)
    band = np.sqrt(np.log(2 / 0.001) / (2 * n))  # Dvoretzky, Kiefer and Wolfowitz; nobody is censored before the end
    assert np.abs(fit.predict(times).to_numpy() - (1 - rate) ** (times / YEAR)).max() < band
    assert (left[gone] < end).all()
    assert np.array_equal(leaving(made, {}, np.arange(1000, 2000)), left[1000:2000])


def levels_of(made: Any, n: int, x: float, y: float) -> dict[str, np.ndarray]:
    """A level ``x`` at time 0 and ``y`` ever after."""
    values = np.full((n, len(made.times)), y)
    values[:, 0] = x
    return {"mab": values}


@pytest.mark.parametrize(
    ("per", "x", "y", "times"),
    [
        ("doubling", 2.0, 8.0, 9.0),
        ("doubling", 2.0, 1.0, 1 / 3),
        ("5 mg/L", 2.0, 12.0, 9.0),
        ("0.01 g/L", 5, 0, 3**-0.5),
    ],
)
def test_informative_dropout_has_the_hazard_that_is_given(per: str, x: float, y: float, times: float) -> None:
    n = 4000
    informative = {"observable": "mab", "hazard_ratio": 3.0, "per": per, "every": "2 weeks"}
    made = ready(trial_duration="52 weeks", dropout={"rate": 0.4, **informative})
    left = leaving(made, levels_of(made, n, x, y), np.arange(n))
    u = np.exp(
        -(-np.log(0.6) / YEAR) * leaving(ready(trial_duration="1000 weeks", dropout={"rate": 0.4}), {}, np.arange(n))
    )
    end, base = 364.0, -np.log(0.6) / YEAR
    integral = base * (np.minimum(left, 14.0) + times * np.maximum(left - 14.0, 0.0))
    gone = np.isfinite(left)
    known = gone & (u > 0)
    assert integral[known] == pytest.approx(-np.log(u[known]), rel=1e-9)
    days = np.where(gone, left, end) - 14.0
    late = days > 0
    hazard = (gone & late).sum() / days[late].sum()
    assert hazard / base == pytest.approx(times, rel=5 / np.sqrt((gone & late).sum()))


def test_twins_have_one_number_and_the_higher_hazard_leaves_first() -> None:
    made = ready(
        arms=[[mab("1 mg", every="1 week")], [mab("20 mg", every="1 week")]],
        dropout={"rate": 0.9, "observable": "mab", "hazard_ratio": 4.0, "per": "5 mg/L"},
    )
    found = conducted(made=made, people=np.repeat(np.arange(30), 2), arms_of=np.tile([0, 1], 30))
    low, high = found.left[0::2], found.left[1::2]
    assert np.isfinite(high).sum() > np.isfinite(low).sum() > 0
    both = np.isfinite(low)
    assert (high[both] <= low[both]).all()
    early = both & (low < 28.0)  # until the first visit after time 0 the hazards are the same
    assert np.array_equal(high[early], low[early])


def test_a_rescue_that_lowers_the_hazard_keeps_people_in() -> None:
    informative = {"rate": 0.5, "observable": "mab", "hazard_ratio": 0.2, "per": "10 mg/L", "every": "1 week"}
    rescue = rule(at=["4 weeks"], action="rescue", dose=[mab("5 g", every=None)])
    without = conducted(n=100, dropout=informative)
    rescued = conducted(n=100, dropout=informative, rule=[rescue])
    before = without.left < 28.0
    assert np.array_equal(rescued.left[before], without.left[before])
    assert np.isinf(rescued.fired["r"][before]).all()
    assert (rescued.left >= without.left).all()
    assert (rescued.left > without.left).any()


def test_doses_after_leaving_are_not_counted() -> None:
    found = conducted(n=100, arms=[[mab(every="1 d")]], dropout={"rate": 0.9})
    expected = np.ceil(np.minimum(found.left, 112.0))
    assert np.array_equal(found.given, expected)
    assert (expected < 112).any()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=6), st.floats(1e-6, 1e3))
def test_the_integral_of_the_hazard_is_inverted(hazard: list[float], target: float) -> None:
    edges = np.arange(len(hazard) + 1) * 3.0
    found = inverted(np.array([hazard]), edges, np.array([target]))[0]
    total = 3.0 * sum(hazard)
    if total < target * (1 - 1e-12):
        assert np.isinf(found)
    elif np.isfinite(found):
        spent = sum(h * np.clip(found - a, 0.0, 3.0) for h, a in zip(hazard, edges, strict=False))
        assert spent == pytest.approx(target, rel=1e-6, abs=1e-14 * max(hazard))


def test_an_endless_hazard_ends_at_its_visit() -> None:
    assert inverted(np.array([[0.0, np.inf]]), np.array([0.0, 7.0, 14.0]), np.array([1.0])).tolist() == [7.0]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"per": "5 kg"}, r"^dropout, per: .*'kg'.*mg/L"),
        ({"per": "0 mg/L"}, r"^dropout, per: '0 mg/L' is no step"),
        ({"per": "halving"}, r"^dropout, per: .*'doubling' or a quantity in mg/L"),
        ({}, r"^dropout, per: 'mab' is 0 in some patients"),
    ],
)
def test_steps_that_are_none(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        conducted(dropout={"rate": 0.1, "observable": "mab", "hazard_ratio": 2.0, **more})
