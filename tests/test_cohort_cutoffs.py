"""Cut-offs of a marker: by hand, their optimism, their intervals in new people."""

from __future__ import annotations

import math

import numpy as np
import pytest
from diagnosis_examples import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from leukinetics.cohort.diagnosis.accuracy import at_cutoff
from leukinetics.cohort.diagnosis.cutoffs import Rule, cutoffs
from leukinetics.cohort.diagnosis.roc import roc
from leukinetics.cohort.values import Censored


def test_a_cutoff_by_hand() -> None:
    """8 of 10 cases and 3 of 20 controls are positive."""
    positive = np.repeat([1.0, 0.0, 1.0, 0.0], [8, 2, 3, 17])
    case = np.repeat([True, False], [10, 20])
    found = at_cutoff(positive, case)
    assert found["positive"] == [8, 3]
    assert found["sensitivity"]["estimate"] == pytest.approx(0.8)
    assert (found["sensitivity"]["ci_low"], found["sensitivity"]["ci_high"]) == pytest.approx(
        (0.4902, 0.9433), abs=1e-4
    )
    assert found["specificity"]["estimate"] == pytest.approx(0.85)
    assert found["ppv"]["estimate"] == pytest.approx(8 / 11)
    assert found["npv"]["estimate"] == pytest.approx(17 / 19)
    ratio, se = 0.8 / 0.15, math.sqrt(1 / 8 - 1 / 10 + 1 / 3 - 1 / 20)
    assert found["lr_positive"]["estimate"] == pytest.approx(ratio)
    assert found["lr_positive"]["ci_low"] == pytest.approx(ratio * math.exp(-1.959964 * se), rel=1e-6)
    assert found["lr_negative"]["estimate"] == pytest.approx(0.2 / 0.85)
    rare = at_cutoff(positive, case, prevalence=0.01)
    assert rare["ppv"]["estimate"] == pytest.approx(0.8 * 0.01 / (0.8 * 0.01 + 0.15 * 0.99))
    assert rare["npv"]["estimate"] == pytest.approx(0.85 * 0.99 / (0.85 * 0.99 + 0.2 * 0.01))
    assert rare["npv"]["ci_low"] < rare["npv"]["estimate"] < rare["npv"]["ci_high"]
    same = at_cutoff(positive, case, prevalence=1 / 3)
    assert same["ppv"]["estimate"] == pytest.approx(found["ppv"]["estimate"])


def test_a_test_without_false_positives() -> None:
    found = at_cutoff(np.repeat([1.0, 0.0], [12, 23]), np.repeat([True, False], [15, 20]))
    assert found["lr_positive"]["estimate"] is None  # infinite
    assert found["lr_positive"]["ci_low"] > 1
    assert found["ppv"]["estimate"] == 1.0


def test_rules_choose_what_they_say() -> None:
    x, y = sample(8, 80, 120, 1.2, 0.8)
    rules = (Rule(), Rule("specificity", 0.9), Rule("sensitivity", 0.7), Rule("given", 2.0), Rule("limit"))
    youden, specific, sensitive, given_, limit = cutoffs(x, y, rules)
    case = y == 1
    grid = np.unique(np.append(x.lower[x.observed], 0.8))
    sens = np.array([(x.detected(c)[case] == 1).mean() for c in grid])
    spec = np.array([(x.detected(c)[~case] == 0).mean() for c in grid])
    both = youden["sensitivity"]["estimate"] + youden["specificity"]["estimate"]
    assert both == pytest.approx((sens + spec).max())
    assert specific["sensitivity"]["estimate"] == pytest.approx(sens[spec >= 0.9].max())
    assert specific["specificity"]["estimate"] >= 0.9
    assert sensitive["specificity"]["estimate"] == pytest.approx(spec[sens >= 0.7].max())
    assert given_["cutoff"] == 2.0
    assert limit["cutoff"] == 0.8
    assert limit["positive"] == [int((x.observed & case).sum()), int((x.observed & ~case).sum())]
    assert youden["cutoff_low"] <= youden["cutoff"] <= youden["cutoff_high"]
    assert youden["corrected"]["youden"]["estimate"] < both - 1
    assert given_["corrected"] is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 5), st.floats(0.3, 3))
def test_a_chosen_cutoff_moves_with_the_scale(seed: int, limit: float, power: float) -> None:
    x, y = sample(seed, 15, 20, 1.0, limit)
    bent = Censored(x.lower**power, x.upper**power, x.limit**power, "pg/mL")
    for a, b in zip(cutoffs(x, y, seed=1), cutoffs(bent, y, seed=1), strict=True):
        if a["cutoff"] is not None:
            assert b["cutoff"] == pytest.approx(a["cutoff"] ** power, rel=1e-6)
        for key in ("sensitivity", "specificity", "lr_positive", "corrected", "note", "positive"):
            if "at its own" not in str(a["note"]):
                assert a[key] == b[key]


def test_low_values_may_be_the_disease() -> None:
    x, y = sample(4, 50, 70, -1.0, 0.3)
    low = cutoffs(x, y, (Rule(), Rule("limit")), higher=False)
    other = cutoffs(x, 1 - y, (Rule(), Rule("limit")))
    for a, b in zip(low, other, strict=True):
        assert a["cutoff"] == b["cutoff"]
        assert a["sensitivity"]["estimate"] == b["specificity"]["estimate"]
        assert a["specificity"]["estimate"] == b["sensitivity"]["estimate"]


def test_what_the_limit_hides_is_said() -> None:
    x = Censored.of([0.1, 3, 4, 5, 0.1, 0.2, 6, 0.3], [1, 1, 1, 1, 1, 2, 1, 1], "pg/mL")
    y = [1, 1, 1, 1, 0, 0, 0, 0]
    reached, given_ = cutoffs(x, y, (Rule("sensitivity", 0.9), Rule("given", 1.5)))
    assert reached["cutoff"] is None
    assert "no cut-off has a sensitivity of 0.9; the most is 0.75; 4 of 8 are below the limit" in reached["note"]
    assert given_["undecided"] == 1
    assert "specificity is 0.5 to 0.75" in given_["note"]


def chosen(seed: int, cases: int, controls: int, shift: float) -> list[tuple[bool, float, float]]:
    """(inside, corrected less true, apparent less true) of Youden's sensitivity, specificity and index."""
    row = cutoffs(*sample(seed, cases, controls, shift, 0.5), (Rule(),), seed=seed)[0]
    c = math.log(row["cutoff"])
    truth = {"sensitivity": norm.sf(c - shift), "specificity": norm.cdf(c)}
    truth["youden"] = truth["sensitivity"] + truth["specificity"] - 1
    found = []
    for name, true in truth.items():
        r = row["corrected"][name]
        gap = r["estimate"] - true
        found.append((r["ci_low"] <= true <= r["ci_high"], gap, gap + r["optimism"]))
    return found


def test_optimism_is_most_of_what_a_chosen_cutoff_flatters_itself_by() -> None:
    found = np.array([chosen(seed, 40, 60, 1.0) for seed in range(60)], dtype=float)
    corrected, apparent = found[:, 2, 1].mean(), found[:, 2, 2].mean()
    assert apparent > 0.06
    assert abs(corrected) < 0.6 * apparent


@pytest.mark.slow
@pytest.mark.parametrize(("cases", "controls", "shift"), [(40, 60, 1.0), (25, 100, 1.5)])
def test_corrected_intervals_cover_what_the_cutoff_does_in_new_people(cases: int, controls: int, shift: float) -> None:
    found = np.array([chosen(seed, cases, controls, shift) for seed in range(250)], dtype=float)
    assert (found[:, :, 0].mean(axis=0) > 0.90).all()


def test_resamples_depend_on_the_seed_only() -> None:
    x, y = sample(1, 30, 30, 1.0, 0.5)
    assert cutoffs(x, y, seed=3) == cutoffs(x, y, seed=3)
    assert cutoffs(x, y, (Rule(),), seed=3) != cutoffs(x, y, (Rule(),), seed=4)


def test_many_cutoffs_are_thinned() -> None:
    x, y = sample(1, 3000, 3000, 1.0, 0.5)
    row = cutoffs(x, y, (Rule(),))[0]
    assert abs(row["corrected"]["youden"]["optimism"]) < 0.02
    assert row["corrected"]["youden"]["estimate"] == pytest.approx(2 * norm.cdf(0.5) - 1, abs=0.04)
    assert len(roc(x, y)["curve"]) <= 402
