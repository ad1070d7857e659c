"""Curves, order statistics and tests of groups with levels below limits: NADA's numbers, exact cases, bad input."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from censored_examples import (
    CADMIUM,
    CADMIUM_BELOW,
    CADMIUM_SITE,
    DOSAGE,
    LIVER,
    LIVER_BELOW,
    PYRENE,
    PYRENE_BELOW,
    SULPHATE,
    SULPHATE_BELOW,
    within,
)
from scipy import stats

from leukinetics.cohort.censored.compare import compare, gehan, level_ratio, peto_peto
from leukinetics.cohort.censored.km import reverse_km
from leukinetics.cohort.censored.lognormal import lognormal
from leukinetics.cohort.censored.ranks import order_keys
from leukinetics.cohort.censored.ros import ros
from leukinetics.cohort.censored.tobit import tobit
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError

NAN, INF = np.nan, np.inf


def cen(value: np.ndarray, below: np.ndarray) -> Censored:
    return Censored(np.where(below, 0, value), value, np.where(below, value, NAN))


def groups(n: int = 60, seed: int = 0, limit: float = 0.8) -> tuple[Censored, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.round(np.exp(rng.normal(size=n)), 1) + 0.1
    return Censored.of(y, limit), np.repeat(["a", "b", "c"], n // 3)


# --- curves


def test_pyrene_by_kaplan_meier_and_order_statistics_as_nada_and_envstats_have_them() -> None:
    """NADA's censtats: K-M median 98, ROS median 90.5, mean 163.2494, SD 393.1068 and quantiles; EnvStats' K-M mean
    164.0945, that of NADA (164.2036) being a known mistake (vignette DataAnalysis of NADA2)."""
    x = cen(PYRENE, PYRENE_BELOW)
    curve, order = reverse_km(x), ros(x)
    assert curve.quantile(0.5).estimate == 98
    assert curve.mean_high == pytest.approx(164.0945, abs=1e-4)
    assert curve.mean_high - curve.mean_low == pytest.approx(28 * curve.unknown)
    assert (order["mean"], order["sd"], order["median"]) == pytest.approx((163.2494, 393.1068, 90.5), abs=1e-4)
    assert (order["q1"], order["q3"]) == pytest.approx((63.45761, 132.25), abs=1e-5)


def test_sulphate_as_survfit_has_it() -> None:
    """R's survfit of the flipped values: median 8 - 3.15, where the curve is flat at a half."""
    curve = reverse_km(cen(SULPHATE, SULPHATE_BELOW))
    assert curve.quantile(0.5).estimate == pytest.approx(4.85)
    assert curve.share[0] == pytest.approx(0.15) and curve.unknown == pytest.approx(0.1)


@pytest.mark.parametrize(("dose", "mean"), [(0, 0.1020), (0.01, 0.1384), (0.05, 12.11), (0.25, 6.866)])
def test_heron_livers_as_nada_has_them(dose: float, mean: float) -> None:
    """Means of cen1way by Kaplan-Meier (vignette of NADA2)."""
    here = dose == DOSAGE
    assert reverse_km(cen(LIVER[here], LIVER_BELOW[here])).mean_high == pytest.approx(mean, rel=5e-4)


def test_without_a_limit_the_curve_counts() -> None:
    x = np.array([1.0, 2, 2, 3, 5, 8])
    curve = reverse_km(Censored.of(x, 0.5))
    np.testing.assert_allclose(curve.values, [1, 2, 3, 5, 8])
    np.testing.assert_allclose(curve.share, np.array([1, 3, 4, 5, 6]) / 6)
    assert (curve.mean_low, curve.mean_high, curve.unknown) == (pytest.approx(x.mean()), pytest.approx(x.mean()), 0)
    assert curve.mean_se == pytest.approx(x.std() / math.sqrt(len(x)))
    assert curve.quantile(0.5).estimate == 2.5
    wide = reverse_km(Censored.of(np.arange(1.0, 41), 0.5), 0.05).quantile(0.5)
    assert wide.low < 20.5 < wide.high


def test_below_the_lowest_level_nothing_is_known() -> None:
    curve = reverse_km(Censored.of([0.1, 0.2, 0.3, 2, 3], 1.0))
    assert curve.unknown == pytest.approx(0.6)
    assert math.isnan(curve.quantile(0.5).estimate)
    assert curve.quantile(0.75).estimate == 2
    assert curve.mean_high - curve.mean_low == pytest.approx(0.6)
    assert curve.told()["median"] is None


def test_curves_of_nobody_and_of_nothing_detected() -> None:
    assert "nobody" in reverse_km(Censored.of([NAN], 1.0)).told()["note"]
    none = reverse_km(Censored.of([0.1, 0.2], 1.0))
    assert "all 2 are below" in none.note and (none.mean_low, none.mean_high) == (0, 1)


def test_rows_above_and_between_limits_are_put_somewhere_and_it_is_said() -> None:
    x = Censored([0, 1, 2, 50], [1, 2, 2, INF], [1, 1, 1, 1])
    curve = reverse_km(x)
    assert "1 row above the upper limit" in curve.note and "1 row between two limits" in curve.note
    np.testing.assert_allclose(curve.values, [math.sqrt(2), 2, 50])


def test_the_standard_error_of_the_mean_is_that_of_resamples() -> None:
    rng = np.random.default_rng(3)
    y = np.exp(rng.normal(0, 0.5, 200))
    x = Censored.of(y, 0.8)
    again = []
    for _ in range(60):
        v = rng.choice(y, 200)
        low = v[v >= 0.8]
        again.append((low.sum() + 0.8 * (v < 0.8).sum()) / 200)  # one limit: nothing is redistributed
    assert reverse_km(x).mean_se == pytest.approx(np.std(again), rel=0.25)


def test_order_statistics_that_cannot_be() -> None:
    assert "more than 80%" in ros(Censored.of([0.1] * 20 + [2, 3, 4.0], 1.0))["note"]
    assert "fewer than 3" in ros(Censored.of([0.1, 2, 3], 1.0))["note"]
    high = Censored([0, 1, 2, 3], [9, 1, 2, 3], [9, 0.5, 0.5, 0.5])
    assert "limit above every" in ros(high)["note"] and ros(high)["mean"] is None
    assert "20,000" in ros(Censored.of(np.linspace(1, 9, 20_001), 2.0))["note"]
    assert ros(Censored.of([1.0, 2, 3], 0.5))["mean"] == 2


# --- tests of groups


def test_cadmium_as_survdiff_has_it() -> None:
    """R: survdiff(Surv(100 - Cd, flag) ~ site, rho = 1), chi-square 7.02, p 0.00808."""
    found = peto_peto(cen(CADMIUM, CADMIUM_BELOW), CADMIUM_SITE)
    assert found["statistic"] == pytest.approx(7.02, abs=0.005)
    assert found["p_value"] == pytest.approx(0.00808, abs=5e-6)


def test_heron_livers_by_peto_peto_as_cen1way_has_them() -> None:
    """NADA2: chi-square 7.795 on 3 df, p 0.0504, pairs by Benjamini and Hochberg."""
    found = compare(cen(LIVER, LIVER_BELOW), DOSAGE.astype(str), correct="bh")
    overall = found["overall"][0]
    assert (overall["statistic"], overall["df"]) == (pytest.approx(7.795, abs=5e-4), 3)
    assert overall["p_value"] == pytest.approx(0.0504, abs=5e-5)
    pairs = {(r["group"], r["reference"]): r["p_peto_adjusted"] for r in found["pairs"]}
    published = {
        ("0.0", "0.01"): 0.887, ("0.0", "0.05"): 0.171, ("0.0", "0.25"): 0.079,
        ("0.01", "0.05"): 0.321, ("0.01", "0.25"): 0.127, ("0.05", "0.25"): 0.887,
    }  # fmt: skip
    assert pairs == {k: pytest.approx(v, abs=6e-4) for k, v in published.items()}


@pytest.mark.parametrize("limit", [1e-6, 0.8])
def test_gehan_with_one_limit_is_kruskal_wallis(limit: float) -> None:
    x, g = groups(limit=limit)
    value = np.where(x.below, 0, x.upper)
    expected = stats.kruskal(*(value[g == k] for k in "abc"))
    found = gehan(x, g)
    assert (found["statistic"], found["p_value"]) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-7)


def test_gehan_counts_the_pairs_whose_order_is_certain() -> None:
    x = Censored([1, 2, 0, 0, 1, 2, 4, NAN], [1, 2, 1, 2, 3, INF, 4, NAN], [NAN] * 8)
    low, high = order_keys(x.take(x.measured))
    certain = {(i, j) for i in range(7) for j in range(7) if low[i] > high[j]}
    assert certain == {(0, 2), (1, 0), (1, 2), (1, 3), (4, 0), (4, 2), (5, 0), (5, 1), (5, 2), (5, 3),
                       (6, 0), (6, 1), (6, 2), (6, 3), (6, 4)}  # fmt: skip


def test_what_cannot_be_tested_says_why() -> None:
    x = groups()[0]
    assert "two groups" in peto_peto(x, ["a"] * len(x))["note"]
    assert "all are below" in peto_peto(Censored.of([0.1] * 4, 1.0), [0, 0, 1, 1])["note"]
    assert "certain order" in gehan(Censored.of([0.1] * 4, 1.0), [0, 0, 1, 1])["note"]
    assert "the same" in peto_peto(Censored.of([2.0] * 4, 1.0), [0, 0, 1, 1])["note"]
    assert peto_peto(x, ["a"] * len(x))["p_value"] is None


def test_groups_that_are_missing_are_in_no_pair() -> None:
    x, g = groups()
    labels = g.astype(object)
    labels[:3] = None
    found = compare(x, labels, "c")
    assert [(r["group"], r["reference"]) for r in found["pairs"]] == [("a", "c"), ("b", "c")]
    assert found["pairs"][0]["n"] == 17 and found["overall"][0]["n"] == 57


def test_the_ratio_of_levels_is_about_welchs_where_nothing_is_below() -> None:
    x, g = groups(60, 4, 1e-6)
    found = level_ratio(x, g == "a", g == "b")
    logs = np.log(x.upper)
    welch = stats.ttest_ind(logs[g == "a"], logs[g == "b"], equal_var=False)
    ends = welch.confidence_interval()
    assert found["estimate"] == pytest.approx(math.exp(logs[g == "a"].mean() - logs[g == "b"].mean()), rel=1e-6)
    assert (math.log(found["ci_low"]), math.log(found["ci_high"])) == pytest.approx((ends.low, ends.high), abs=0.02)
    assert found["p_value"] == pytest.approx(welch.pvalue, abs=0.01)


def test_the_ratio_of_levels_turns_round() -> None:
    x, g = groups(60, 4)
    one, other = level_ratio(x, g == "a", g == "b"), level_ratio(x, g == "b", g == "a")
    assert one["estimate"] * other["estimate"] == pytest.approx(1, rel=1e-6)
    assert one["ci_low"] * other["ci_high"] == pytest.approx(1, rel=1e-4)
    assert one["p_value"] == pytest.approx(other["p_value"], rel=1e-4)


def test_a_group_with_nobody_detected_has_one_end() -> None:
    y = np.exp(np.random.default_rng(1).normal(1, 1, 40))
    y[:20] *= 1e-4
    x, first = Censored.of(y, 0.5), np.arange(40) < 20
    found = level_ratio(x, first, ~first)
    assert found["estimate"] is None and found["ci_low"] is None
    assert 0 < found["ci_high"] < 0.5 and found["p_value"] < 1e-6
    assert "nobody of the first group" in found["note"]
    turned = level_ratio(x, ~first, first)
    assert turned["ci_low"] == pytest.approx(1 / found["ci_high"], rel=1e-4) and turned["ci_high"] is None


# --- regression


def test_heron_livers_as_cenanova_has_them() -> None:
    """NADA2's cenanova (R's survreg): means of logarithms, differences with standard errors, chi-square 10.67."""
    x = cen(LIVER, LIVER_BELOW)
    found = tobit(x, pd.DataFrame({"dose": pd.Categorical(DOSAGE)}))
    first, *others = found["coefficients"]
    assert math.log(first["estimate"]) == pytest.approx(-2.989004, abs=1e-5)
    published = [(0.2877, 1.0841), (3.2922, 1.1036), (2.2586, 1.0625)]
    assert [(math.log(r["estimate"]), r["se_ln"]) for r in others] == [pytest.approx(p, abs=6e-5) for p in published]
    assert found["chi_square"] == pytest.approx(10.67, abs=0.005)
    assert [r["reference"] for r in others] == ["0.0"] * 3


def test_without_censoring_it_is_least_squares() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    table = pd.DataFrame({"sex": np.tile(["f", "m"], 20), "age": rng.normal(50, 10, 40)})
    y = np.exp(0.02 * table["age"].to_numpy() + rng.normal(0, 0.5, 40))
    found = tobit(Censored.of(y, 1e-9), table, alpha=0.1)
    design = np.column_stack([np.ones(40), table["sex"] == "m", table["age"]]).astype(float)
    fit = sm.OLS(np.log(y), design).fit()
    for row, ends, p in zip(found["coefficients"], np.exp(fit.conf_int(0.1)), fit.pvalues, strict=True):
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(ends), rel=1e-5)
        assert row["p_value"] is None or row["p_value"] == pytest.approx(p, rel=1e-5)
    assert found["p_value"] == pytest.approx(fit.f_pvalue, rel=1e-5)


def test_lifelines_finds_the_same_regression() -> None:
    from lifelines import LogNormalAFTFitter

    rng = np.random.default_rng(6)
    table = pd.DataFrame({"age": rng.normal(0, 1, 120), "male": np.tile([0.0, 1], 60)})
    y = np.exp(0.4 * table["age"] - 0.5 * table["male"] + rng.normal(0, 1, 120))
    x = Censored.of(y, np.tile([0.5, 0.5, 1.0], 40))
    found = tobit(x, table)
    with np.errstate(all="ignore"):
        frame = table.assign(level=x.upper, seen=x.observed)
        fit = LogNormalAFTFitter().fit_left_censoring(frame, "level", "seen")
    for row, name in zip(found["coefficients"], ("Intercept", "age", "male"), strict=True):
        assert math.log(row["estimate"]) == pytest.approx(fit.params_["mu_", name], abs=1e-3)
        assert row["se_ln"] == pytest.approx(fit.standard_errors_["mu_", name], rel=1e-2)
    assert found["log_likelihood"] == pytest.approx(fit.log_likelihood_, abs=1e-3)


def test_two_groups_agree_with_the_lognormal_of_each() -> None:
    x, g = groups()
    found = tobit(x, pd.DataFrame({"g": g}))
    only = lognormal(x.take(g == "a"))
    assert found["coefficients"][0]["estimate"] == pytest.approx(only.geometric_mean.estimate, rel=0.2)
    assert found["n_below"] == int(x.below.sum())


def test_a_group_below_the_limit_has_an_upper_end_and_says_so() -> None:
    rng = np.random.default_rng(0)
    g, age = np.repeat(["a", "b", "c"], 20), rng.normal(50, 10, 60)
    y = np.exp(rng.normal(1, 1, 60)) * np.where(g == "b", 1e-4, 1)
    found = tobit(Censored.of(y, 0.8), pd.DataFrame({"g": g, "age": age}))
    row = found["coefficients"][1]
    assert row["estimate"] is None and row["ci_low"] is None and 0 < row["ci_high"] < 0.5 and row["p_value"] < 1e-6
    assert "g b" in row["note"]
    assert all(r["estimate"] is not None for r in found["coefficients"][2:])


def test_rows_and_columns_that_cannot_be_used() -> None:
    x, g = groups()
    table = pd.DataFrame({"g": g, "same": 1.0, "age": np.where(np.arange(60) < 2, NAN, np.arange(60))})
    found = tobit(x, table)
    assert found["n"] == 58
    assert "2 rows with a missing covariate" in found["note"] and "'same' is left out" in found["note"]
    with pytest.raises(DataError, match="60 levels and 3 rows"):
        tobit(x, table.head(3))
    with pytest.raises(DataError, match="'day' is a date"):
        tobit(x, pd.DataFrame({"day": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(60), "D")}))
    twice = pd.DataFrame({"age": np.arange(60.0), "again": 2 * np.arange(60.0)})
    assert "say the same" in tobit(x, twice)["note"]
    assert "all 2 are below" in tobit(Censored.of([0.1, 0.2], 1.0), pd.DataFrame({"a": [0.0, 1]}))["note"]


@pytest.mark.slow
@pytest.mark.parametrize("below", [0.1, 0.5, 0.8])
def test_type_one_error_and_coverage(below: float) -> None:
    """Groups that do not differ are told apart in 1 of 20; with many below the
    limits half of these, put in their place, see a difference that two assays made."""
    rng = np.random.default_rng(round(100 * below))
    limit = math.exp(stats.norm.ppf(below))
    n, runs = 40, 100
    g = np.repeat([0, 1], n)
    wrong = dict.fromkeys(("peto", "gehan", "ratio", "tobit", "half"), 0)
    done = held = 0
    for _ in range(runs):
        y = np.exp(rng.normal(0, 1, 2 * n))
        x = Censored.of(y, np.where(g == 0, limit, limit / 2))  # another assay in each group
        wrong["peto"] += (peto_peto(x, g)["p_value"] or 1) < 0.05
        wrong["gehan"] += (gehan(x, g)["p_value"] or 1) < 0.05
        wrong["half"] += stats.ttest_ind(*(np.log(x.substituted())[g == k] for k in (0, 1))).pvalue < 0.05
        ratio = level_ratio(x, g == 0, g == 1)
        wrong["ratio"] += (ratio["p_value"] or 1) < 0.05
        done += ratio["ci_high"] is not None
        held += ratio["ci_high"] is not None and (ratio["ci_low"] or 0) <= 1 <= ratio["ci_high"]
        wrong["tobit"] += (tobit(x, pd.DataFrame({"g": g}))["p_value"] or 1) < 0.05
    for name in ("peto", "gehan", "ratio", "tobit"):
        assert within(wrong[name], runs, 0.05, slack=0.03), name
    assert within(held, done, 0.95, slack=0.03)
    if below != 0.5:  # half the median happens to be near the mean below it
        assert within(wrong["half"], runs, 0.05, slack=0.03) == (below < 0.5)
