"""ROC curves, cut-offs, calibration, decision curves of markers with a limit: pROC, simulated truth, by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve

from leukinetics.cohort.diagnosis.accuracy import at_cutoff
from leukinetics.cohort.diagnosis.calibration import calibration, spline
from leukinetics.cohort.diagnosis.cutoffs import Rule, cutoffs
from leukinetics.cohort.diagnosis.decision import decision_curve
from leukinetics.cohort.diagnosis.horizon import calibration_at, decision_at, pseudo
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.diagnosis.pairs import placements
from leukinetics.cohort.diagnosis.roc import compare_rocs, newcombe, roc, roc_of_scores
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError

# The aneurysmal subarachnoid haemorrhage of Turck and others (doi:10.1007/s00134-009-1641-y), as ranks: made from the
# placements that the tests of pROC (doi:10.1186/1471-2105-12-77) expect; 41 poor outcomes first, then 72 good ones.
WFNS = """3 2 4 5 5 5 5 2 5 2 1 2 5 4 4 2 5 5 5 2 5 2 5 2 4 5 4 4 1 4 4 2 2 5 5 2 2 5 5 5 5 1 1 1 1 5 1 2 2 1 2 2 1 1 1
2 1 2 1 1 3 4 1 4 1 5 5 1 1 2 4 1 1 2 2 1 2 1 2 2 1 1 1 1 2 1 2 1 1 3 2 4 2 1 4 1 1 5 4 2 2 1 1 1 3 1 2 2 4 4 1 1 1"""
S100B = """9 6 12 8 26 31 29 3 20 5 3 24 22 28 31 16 31 31 31 3 31 18 1 5 14 31 16 31 4 16 9 6 7 14 31 10 31 19 31 31
26 9 10 6 2 27 13 6 6 2 4 2 5 7 3 13 3 7 9 13 2 12 10 21 5 30 27 12 3 25 27 7 4 5 4 2 9 6 10 11 2 2 5 2 5 4 12 5 4 20 7
17 3 6 19 3 2 15 23 6 11 4 10 6 3 2 13 11 27 13 11 30 28"""
NDKA = """38 25 29 36 4 10 19 44 48 44 44 15 33 40 6 8 31 2 52 40 17 19 23 31 42 27 40 8 50 35 4 13 40 4 12 44 21 33 46
19 36 1 9 7 18 5 35 5 39 30 39 37 47 11 5 24 5 5 51 26 14 14 39 3 7 5 13 28 7 34 45 7 5 24 11 7 28 43 41 16 22 49 5 37
14 18 18 34 3 37 24 11 18 39 18 22 7 14 18 43 9 24 27 45 20 24 11 43 16 32 41 5 30"""
POOR = np.repeat([1.0, 0.0], [41, 72])


def ranks(text: str) -> Censored:
    return Censored.of([float(v) for v in text.split()], 0.5)


def sample(seed: int, cases: int, controls: int, shift: float, limit: float) -> tuple[Censored, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = np.concatenate([rng.standard_normal(cases) + shift, rng.standard_normal(controls)])
    return Censored.of(np.exp(z), limit, "pg/mL", "IL-6"), np.repeat([1.0, 0.0], [cases, controls])


@pytest.mark.parametrize(("text", "area"), [(WFNS, 0.823678861788618), (NDKA, 0.611957994579946)])
def test_areas_of_the_published_example(text: str, area: float) -> None:
    assert roc(ranks(text), POOR)["estimate"] == pytest.approx(area, rel=1e-7)


def test_delong_interval_of_the_published_example() -> None:
    """pROC's interval is normal on the area itself."""
    found = roc(ranks(NDKA), POOR)
    half = norm.ppf(0.975) * found["se"]
    assert found["estimate"] - half == pytest.approx(0.501244999271703, rel=1e-7)
    assert found["estimate"] + half == pytest.approx(0.722670989888189, rel=1e-7)
    assert 0 < found["ci_low"] < found["estimate"] < found["ci_high"] < 1
    assert (found["p_value"] < 0.05) == (not found["ci_low"] <= 0.5 <= found["ci_high"])


@pytest.mark.parametrize(
    ("one", "other", "low", "high", "p"),
    [
        (WFNS, S100B, 0.0104061769564846, 0.174214419249478, 0.0271757822291882),
        (WFNS, NDKA, 0.0634011709339876, 0.3600405634833566, 0.00514557970691098),
        (NDKA, S100B, -0.2876917446341914, 0.0488706064228094, 0.164295175223054),
    ],
)
def test_two_markers_of_the_same_people_as_published(one: str, other: str, low: float, high: float, p: float) -> None:
    found = compare_rocs(ranks(one), ranks(other), POOR)
    assert found["ci_low"] == pytest.approx(low, rel=1e-6)
    assert found["ci_high"] == pytest.approx(high, rel=1e-6)
    assert found["p_value"] == pytest.approx(p, rel=1e-6)
    back = compare_rocs(ranks(other), ranks(one), POOR)
    assert back["estimate"] == -found["estimate"]
    assert back["p_value"] == found["p_value"]


def test_a_marker_against_itself_has_no_difference() -> None:
    found = compare_rocs(ranks(NDKA), ranks(NDKA), POOR)
    assert (found["estimate"], found["p_value"], found["note"]) == (0.0, None, "both order people alike")


def test_the_curve_and_area_are_those_of_scikit_learn() -> None:
    x, y = sample(3, 60, 90, 0.8, 0.9)
    shown = np.where(x.below, 0.0, x.lower)
    found = roc(x, y)
    assert found["estimate"] == pytest.approx(roc_auc_score(y, shown), rel=1e-7)
    assert found["curve_area"] == pytest.approx(found["estimate"], rel=1e-6)
    fpr, tpr, _ = roc_curve(y, shown, drop_intermediate=False)
    mine = [(1 - p["specificity"], p["sensitivity"]) for p in found["curve"]]
    np.testing.assert_allclose(np.array(mine), np.column_stack([fpr, tpr]), atol=1e-7)
    assert found["curve"][-2]["cutoff"] == 0.9  # the lowest of the cut-offs is the limit
    scores = roc_of_scores(shown, y)
    assert scores["estimate"] == found["estimate"]
    assert [p["sensitivity"] for p in scores["curve"]] == [p["sensitivity"] for p in found["curve"]]


def test_placements_are_those_of_all_pairs() -> None:
    """Below, between, above and observed, against the definition."""
    rng = np.random.default_rng(5)
    v = rng.integers(1, 12, 80).astype(float)
    lower, upper = v.copy(), v.copy()
    kind = rng.integers(0, 4, 80)
    lower[kind == 1] = 0.0
    upper[kind == 2] += 3
    upper[kind == 3] = np.inf
    case = rng.random(80) < 0.4
    found = placements(lower, upper, case)

    def says(i: int, j: int) -> float:
        if lower[i] == upper[i] == lower[j] == upper[j]:
            return 0.5
        return 1.0 if lower[i] >= upper[j] else 0.0 if lower[j] >= upper[i] else 0.5

    pairs = np.array([[says(i, j) for j in np.flatnonzero(~case)] for i in np.flatnonzero(case)])
    np.testing.assert_allclose(found.case, pairs.mean(axis=1))
    np.testing.assert_allclose(found.control, pairs.mean(axis=0))
    assert found.area == pytest.approx(pairs.mean())
    equal = np.array(
        [[v[i] == v[j] and kind[i] == kind[j] == 0 for j in np.flatnonzero(~case)] for i in np.flatnonzero(case)]
    )
    assert found.tied == pytest.approx(equal.mean())
    assert found.undecided == pytest.approx(((pairs == 0.5) & ~equal).mean())


values = st.lists(st.floats(0.01, 100), min_size=6, max_size=40)


@settings(max_examples=60, deadline=None)
@given(values, st.floats(0.02, 50), st.integers(0, 2**31))
def test_the_area_knows_order_only(v: list[float], limit: float, seed: int) -> None:
    """A rising transform of values and limit changes nothing, nor does the order of rows; the other way it mirrors."""
    x = np.array(v)
    rng = np.random.default_rng(seed)
    y = (rng.random(len(x)) < 0.5).astype(float)
    y[:2] = 0, 1
    found = roc(Censored.of(x, limit), y)
    cubed = roc(Censored.of(x**3 + x, limit**3 + limit), y)
    assert {k: w for k, w in cubed.items() if k != "curve"} == {k: w for k, w in found.items() if k != "curve"}
    mix = rng.permutation(len(x))
    assert roc(Censored.of(x[mix], limit), y[mix]) == found
    mirror = roc(Censored.of(x, limit), y, higher=False)
    assert mirror["estimate"] == pytest.approx(1 - found["estimate"], abs=1e-7)
    swapped = roc(Censored.of(x, limit), 1 - y)
    assert swapped["estimate"] == pytest.approx(1 - found["estimate"], abs=1e-7)
    assert found["lowest"] <= found["estimate"] <= found["highest"]
    assert found["curve_area"] == pytest.approx(found["estimate"], abs=1e-6)  # of one limit
    rising = [p["sensitivity"] for p in found["curve"]], [-p["specificity"] for p in found["curve"]]
    assert all(np.diff(r).min() >= 0 for r in rising)
    u = mannwhitneyu(shown(x, limit)[y == 1], shown(x, limit)[y == 0])
    assert found["estimate"] == pytest.approx(u.statistic / (y.sum() * (1 - y).sum()), abs=1e-7)


def shown(x: np.ndarray, limit: float) -> np.ndarray:
    return np.where(x < limit, 0.0, x)


@settings(max_examples=40, deadline=None)
@given(values, st.integers(0, 2**31))
def test_a_better_limit_stays_within_what_the_worse_one_left_open(v: list[float], seed: int) -> None:
    x = np.array(v)
    y = (np.random.default_rng(seed).random(len(x)) < 0.5).astype(float)
    y[:2] = 0, 1
    coarse, fine = (roc(Censored.of(x, limit), y) for limit in (20.0, 5.0))
    assert coarse["lowest"] - 1e-7 <= fine["lowest"] <= fine["estimate"] <= fine["highest"] <= coarse["highest"] + 1e-7


def test_limits_that_differ_between_groups_make_no_area() -> None:
    """Cases by an assay with a tenfold higher limit: the mean of many areas is a half, where half the limit in place of
    what is below makes cases look higher."""
    rng = np.random.default_rng(2)
    areas, naive = [], []
    y = np.repeat([1.0, 0.0], 100)
    for _ in range(60):
        x = Censored.of(np.exp(rng.standard_normal(200)), np.repeat([2.0, 0.2], 100))
        areas.append(roc(x, y)["estimate"])
        naive.append(roc_auc_score(y, x.substituted(0.5)))
    assert abs(np.mean(areas) - 0.5) < 4 * np.std(areas) / math.sqrt(60)
    assert np.mean(naive) > 0.55
    found = roc(x, y)
    assert "limits from 0.2 to 2" in found["note"]
    assert min(p["cutoff"] for p in found["curve"] if p["cutoff"]) == 2.0


def test_the_rank_interval_covers_and_the_area_is_that_of_lognormals() -> None:
    truth, inside = norm.cdf(1 / math.sqrt(2)), 0
    for seed in range(200):
        found = roc(*sample(seed, 25, 40, 1.0, 1e-6))
        inside += found["ci_low"] <= truth <= found["ci_high"]
    assert 0.91 <= inside / 200 <= 0.99


def test_newcombe_solves_its_equation() -> None:
    for a, m, n in ((0.8, 10, 12), (0.3, 7, 40), (1.0, 10, 10), (0.0, 1, 5)):
        k = (m + n) / 2 - 1
        for end in newcombe(a, m, n, 0.05):
            if end == a:
                continue
            v = end * (1 - end) * (1 + k * (1 - end) / (2 - end) + k * end / (1 + end)) / (m * n)
            assert abs(end - a) == pytest.approx(norm.ppf(0.975) * math.sqrt(v), rel=1e-5)
    low, high = newcombe(1.0, 10, 10, 0.05)
    assert (low, high) == (pytest.approx(0.8002, abs=1e-4), 1.0)


@pytest.mark.parametrize(
    ("values", "y", "estimate", "note"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0, "every case has a higher value than every control"),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0, "every case has a lower value than every control"),
        ([1, 2, 3, 2.5], [0, 0, 0, 1], 2 / 3, "there is one case"),
        ([0.1, 0.1, 0.1, 0.1], [0, 0, 1, 1], 0.5, "all values are below the limit"),
        ([1, 2, 3, 4], [0, 0, 0, 0], None, "there are no cases"),
        ([1, 2, 3, 4], [1, 1, 1, np.nan], None, "there are no controls"),
        ([1, 2, 3, 4], [np.nan] * 4, None, "nobody has both a marker and a known outcome"),
    ],
)
def test_groups_that_have_no_curve(values: list[float], y: list[float], estimate: float | None, note: str) -> None:
    found = roc(Censored.of(values, 0.5), y)
    assert found["estimate"] == (None if estimate is None else pytest.approx(estimate))
    assert note in found["note"]
    json.dumps(found, allow_nan=False)
    if estimate in (1.0, 0.0):
        assert found["ci_high"] - found["ci_low"] > 0.1
    for row in cutoffs(Censored.of(values, 0.5), y):
        json.dumps(row, allow_nan=False)


def test_what_is_no_outcome_is_refused() -> None:
    x = Censored.of([1.0, 2.0], 0.5)
    with pytest.raises(DataError, match="Row 1 of the outcome is 2; give 1 for a case"):
        roc(x, [0, 2])
    with pytest.raises(DataError, match="3 rows, the marker 2"):
        roc(x, [0, 1, 1])
    with pytest.raises(DataError, match="known are youden"):
        Rule("best")
    with pytest.raises(DataError, match="specificity 90 of a cut-off must lie between 0 and 1"):
        Rule("specificity", 90)
    with pytest.raises(DataError, match="prevalence 2"):
        cutoffs(x, [0, 1], prevalence=2)


# Cut-offs


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


# Calibration and decisions


def risks(seed: int, n: int, stretch: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(predicted, outcome): predictions whose logit is ``stretch`` times the true one, and ``shift`` too high."""
    rng = np.random.default_rng(seed)
    eta = rng.standard_normal(n)
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    return 1 / (1 + np.exp(-(stretch * eta + shift))), y


def test_calibration_finds_what_is_wrong() -> None:
    right = calibration(*risks(1, 4000))
    assert right["slope"]["ci_low"] < 1 < right["slope"]["ci_high"]
    assert right["intercept"]["estimate"] == pytest.approx(0.0, abs=0.12)
    assert right["ici"] < 0.03
    extreme = calibration(*risks(1, 4000, stretch=2.0))
    assert extreme["slope"]["estimate"] == pytest.approx(0.5, abs=0.06)
    assert extreme["ici"] > 2 * right["ici"]
    high = calibration(*risks(1, 4000, shift=1.0))
    assert high["intercept"]["estimate"] == pytest.approx(-1.0, abs=0.15)
    assert high["ratio"]["ci_high"] < 1
    assert high["brier"]["estimate"] > right["brier"]["estimate"]


def test_calibration_against_statsmodels_and_scikit_learn() -> None:
    from statsmodels.discrete.discrete_model import Logit

    p, y = risks(2, 300, stretch=1.5)
    found = calibration(p, y)
    assert found["brier"]["estimate"] == pytest.approx(brier_score_loss(y, p), rel=1e-7)
    logit = np.log(p / (1 - p))
    fit = Logit(y, np.column_stack([logit, np.ones(300)])).fit(disp=0)
    assert found["slope"]["estimate"] == pytest.approx(fit.params[0], rel=1e-5)
    assert found["slope"]["ci_low"] == pytest.approx(fit.conf_int()[0, 0], rel=1e-4)
    # The score of the intercept in the large is observed less predicted.
    moved = 1 / (1 + np.exp(-(logit + found["intercept"]["estimate"])))
    assert moved.sum() == pytest.approx(y.sum(), abs=1e-3)
    assert sum(g["n"] for g in found["groups"]) == 300
    assert found["observed"]["estimate"] == pytest.approx(y.mean())


def test_the_spline_is_smooth_and_straight_outside() -> None:
    knots = np.array([-1.0, 0.0, 1.0, 2.0])
    grid = np.linspace(-4, 6, 2001)
    basis = spline(grid, knots)
    second = np.diff(basis, 2, axis=0)
    outside = (grid[1:-1] < -1.01) | (grid[1:-1] > 2.01)
    assert np.abs(second[outside]).max() < 1e-9
    assert np.abs(np.diff(second, axis=0)).max() < 1e-5  # no kink of the second derivative's integral
    assert np.abs(second[~outside]).max() > 1e-6


def test_predictions_that_say_nothing() -> None:
    y = np.array([1.0, 0, 1, 0, 0, 1] * 5)
    flat = calibration(np.full(30, 0.5), y)
    assert flat["slope"] is None and flat["note"] == "all have the same predicted risk"
    assert flat["intercept"]["estimate"] == pytest.approx(0.0, abs=1e-6)
    assert calibration(y, np.zeros(30))["note"] == "there are no events"
    told = calibration(y, y)
    assert "30 predictions of 0 or 1" in told["note"]
    assert told["brier"]["estimate"] == 0
    assert calibration([], [])["note"] == "nobody has both a predicted risk and a known outcome"
    with pytest.raises(DataError, match=r"Row 2 has the predicted risk 1\.2"):
        calibration([0.1, 0.2, 1.2], [0, 1, 1])
    for found in (flat, told):
        json.dumps(found, allow_nan=False)


def test_net_benefit_by_hand() -> None:
    """10 people, 4 cases; at 0.2 five are treated, three of them cases: 3/10 - 2/10 * 0.25."""
    p = [0.9, 0.5, 0.3, 0.1, 0.4, 0.25, 0.1, 0.1, 0.05, 0.0]
    y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    point = decision_curve(p, y, [0.2])["curve"][0]
    assert point["net_benefit"]["estimate"] == pytest.approx(0.25)
    assert point["treat_all"]["estimate"] == pytest.approx(0.4 - 0.6 * 0.25)
    assert point["over_all"]["estimate"] == pytest.approx(0.0)
    assert point["treated"] == pytest.approx(0.5)
    assert point["standardised"] == pytest.approx(0.625)
    worth = np.array([1, 1, 1, 0, -0.25, -0.25, 0, 0, 0, 0])
    half = norm.ppf(0.975) * worth.std(ddof=1) / math.sqrt(10)
    assert point["net_benefit"]["ci_high"] == pytest.approx(0.25 + half)
    same = decision_curve(p, y, [0.2], prevalence=0.4)["curve"][0]
    assert same["net_benefit"]["estimate"] == pytest.approx(0.25)
    rare = decision_curve(p, y, [0.2], prevalence=0.1)["curve"][0]
    assert rare["net_benefit"]["estimate"] == pytest.approx(0.1 * 0.75 - 0.9 * (2 / 6) * 0.25)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(10, 80))
def test_decision_curves_keep_to_their_bounds(seed: int, n: int) -> None:
    p, y = risks(seed, n)
    y[:2] = 0, 1
    found = decision_curve(p, y, [0.01, 0.3, 0.7])
    prevalence = y.mean()
    for point in found["curve"]:
        assert point["net_benefit"]["estimate"] <= prevalence + 1e-7
        gap = point["net_benefit"]["estimate"] - point["treat_all"]["estimate"]
        assert point["over_all"]["estimate"] == pytest.approx(gap, abs=1e-6)
    perfect = decision_curve(y, y, [0.01, 0.3, 0.7])
    assert [q["net_benefit"]["estimate"] for q in perfect["curve"]] == [pytest.approx(prevalence)] * 3
    assert perfect["useful"] == [[0.01, 0.7]]


def test_net_benefit_intervals_cover() -> None:
    """The truth at 0.3 from a million people."""
    p, y = risks(0, 1_000_000)
    truth: dict[str, Any] = decision_curve(p, y, [0.3])["curve"][0]
    inside = np.zeros(2)
    for seed in range(1, 201):
        point = decision_curve(*risks(seed, 150), [0.3])["curve"][0]
        for i, name in enumerate(("net_benefit", "over_all")):
            inside[i] += point[name]["ci_low"] <= truth[name]["estimate"] <= point[name]["ci_high"]
    assert (inside / 200 > 0.90).all()


def test_decisions_that_cannot_be() -> None:
    with pytest.raises(DataError, match="threshold 1 of a decision"):
        decision_curve([0.1, 0.2], [0, 1], [1.0])
    assert decision_curve([0.1, 0.2], [1, 1])["note"] == "there are no controls"


# Risks of an event by some time


def followed(seed: int, n: int, *, end: bool = True) -> tuple[np.ndarray, Outcome, np.ndarray]:
    """(true risk by 0.8, times of which some are not seen, whether the event came by 0.8)."""
    rng = np.random.default_rng(seed)
    eta = rng.standard_normal(n)
    time = rng.exponential(np.exp(-eta))
    last = rng.uniform(0.2, 2, n) if end else np.full(n, 9e9)
    outcome = Outcome.of("time_to_event", np.minimum(time, last), event=time < last)
    return 1 - np.exp(-0.8 * np.exp(eta)), outcome, (time <= 0.8).astype(float)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=3, max_size=25), st.integers(1, 9))
def test_pseudo_observations_are_those_of_the_jackknife(rows: list[tuple[int, bool]], horizon: int) -> None:
    from lifelines import KaplanMeierFitter

    time, event = np.array([t for t, _ in rows], dtype=float), np.array([e for _, e in rows])
    outcome = Outcome.of("time_to_event", time, event=event)
    if time.max() < horizon:
        with pytest.raises(DataError, match="Nobody is followed until"):
            pseudo(outcome, horizon)
        return

    def share(which: np.ndarray) -> float:
        return 1 - float(KaplanMeierFitter().fit(time[which], event[which]).predict(horizon))

    n = len(time)
    each = np.arange(n)
    left = np.array([n * share(each >= 0) - (n - 1) * share(each != i) for i in each])
    np.testing.assert_allclose(pseudo(outcome, horizon), left, atol=1e-9)


def test_with_everybody_followed_a_risk_by_a_time_is_yes_or_no() -> None:
    p, outcome, y = followed(1, 300, end=False)
    np.testing.assert_allclose(pseudo(outcome, 0.8), y, atol=1e-9)
    one, other = decision_at(p, outcome, 0.8, [0.3])["curve"][0], decision_curve(p, y, [0.3])["curve"][0]
    for name in ("net_benefit", "treat_all", "over_all"):
        assert one[name] == pytest.approx(other[name], abs=1e-6)
    timed, plain = calibration_at(p, outcome, 0.8), calibration(p, y)
    assert timed["brier"] == pytest.approx(plain["brier"], abs=1e-6)
    assert timed["observed"]["estimate"] == pytest.approx(plain["observed"]["estimate"], abs=1e-6)
    shares = [[g["observed"] for g in found["groups"]] for found in (timed, plain)]
    assert shares[0] == pytest.approx(shares[1], abs=1e-6)


def test_risks_of_people_not_followed_for_so_long() -> None:
    p, outcome, y = followed(2, 4000)
    found = calibration_at(p, outcome, 0.8)
    assert found["observed"]["ci_low"] < y.mean() < found["observed"]["ci_high"]
    assert found["ratio"]["ci_low"] < 1 < found["ratio"]["ci_high"]
    assert found["slope"]["estimate"] == pytest.approx(1.0, abs=0.06)
    assert found["brier"]["estimate"] == pytest.approx(np.mean((y - p) ** 2), abs=0.012)
    inside = [g["ci_low"] - 0.02 <= g["predicted"] <= g["ci_high"] + 0.02 for g in found["groups"]]
    assert np.mean(inside) >= 0.8
    extreme = calibration_at(1 - (1 - p) ** 2, outcome, 0.8)
    assert extreme["ratio"]["ci_high"] < 1
    point, truth = decision_at(p, outcome, 0.8, [0.4])["curve"][0], decision_curve(p, y, [0.4])["curve"][0]
    assert point["net_benefit"]["estimate"] == pytest.approx(truth["net_benefit"]["estimate"], abs=0.03)


def test_times_by_which_nothing_is_known() -> None:
    p, outcome, _ = followed(3, 60)
    late = calibration_at(p, outcome, 50)
    assert late["note"] == "Nobody is followed until 50; give an earlier time." and late["ratio"] is None
    early = decision_at(p, outcome, 1e-9)
    assert early["note"] == "there are no events by 1e-09" and early["curve"] == []
    json.dumps(calibration_at(np.full(60, 0.5), outcome, 0.8), allow_nan=False)
    assert "no slope" in calibration_at(np.full(60, 0.5), outcome, 0.8)["note"]
    for found in (late, early):
        json.dumps(found, allow_nan=False)
    with pytest.raises(DataError, match="59 predicted risks and 60 outcomes"):
        calibration_at(p[1:], outcome, 0.8)
    with pytest.raises(DataError, match="of kind 'binary'"):
        pseudo(Outcome.of("binary", [0, 1]), 1.0)
