"""ROC curves of a marker with a limit: published examples, all pairs, intervals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from diagnosis_examples import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score, roc_curve

from leukinetics.cohort.diagnosis.cutoffs import Rule, cutoffs
from leukinetics.cohort.diagnosis.pairs import placements
from leukinetics.cohort.diagnosis.roc import compare_rocs, newcombe, roc
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
