"""Shares of detected people: tests of tables, odds ratios, trend, adjusted models, separation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from leukinetics.cohort import detect
from leukinetics.cohort.detect import corrected, counts, share, share_of, table_test, trend
from leukinetics.cohort.firth import coefficients, firth
from leukinetics.cohort.odds import adjusted_odds, compare_detection, odds_ratio, separating
from leukinetics.errors import DataError

NAN = np.nan


def test_shares_and_counts() -> None:
    seen = np.array([1, 0, 1, NAN, 0, 0])
    assert share(seen)["n"] == 5 and share(seen)["share"] == 0.4
    low, high = stats.binomtest(2, 5).proportion_ci(method="wilson")
    assert (share(seen)["ci_low"], share(seen)["ci_high"]) == pytest.approx((low, high), rel=1e-7)
    assert share_of(0, 0)["note"] == "nobody is measured"
    np.testing.assert_array_equal(counts(seen, ["a", "a", "b", "b", "b", "c"], ["b", "a"]), [[1, 1], [1, 1]])
    with pytest.raises(DataError, match="6 rows and 1 groups"):
        counts(seen, ["a"], ["a"])


def exact_by_counting(table: np.ndarray) -> float:
    """Freeman and Halton's p, from all tables with the same margins."""
    sizes, k = table.sum(axis=1), int(table[:, 0].sum())
    law = stats.multivariate_hypergeom(sizes, k)
    grids = np.stack(np.meshgrid(*(np.arange(min(n, k) + 1) for n in sizes), indexing="ij"), axis=-1).reshape(
        -1, len(sizes)
    )
    likely = np.exp([law.logpmf(row) for row in grids if row.sum() == k])
    return float(likely[likely <= law.pmf(table[:, 0]) * (1 + 1e-7)].sum())


@pytest.mark.parametrize("cells", [[[3, 7], [9, 1], [4, 6]], [[0, 5], [3, 4], [2, 8], [5, 1]], [[3, 7], [9, 1]]])
def test_fishers_exact_test_of_groups(cells: list[list[int]]) -> None:
    table = np.array(cells)
    found = table_test(table, method="exact")
    assert found["p_value"] == pytest.approx(exact_by_counting(table), rel=1e-7)
    if len(cells) == 2:
        assert found["p_value"] == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-7)


def test_tables_with_too_many_others_are_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array([[3, 7], [9, 1], [4, 6]])
    exact = table_test(table, method="exact")["p_value"]
    monkeypatch.setattr(detect, "MOST_TABLES", 1)
    found = table_test(table, method="exact")
    assert "9,999 tables" in found["analysis"]
    assert found["p_value"] == pytest.approx(exact, abs=4 * math.sqrt(exact / 9999))
    assert table_test(table, 5, method="exact") == table_test(table, 5, method="exact")


def test_the_chi_square_test_and_where_it_is_resampled() -> None:
    large = np.array([[30, 70], [45, 55], [50, 50]])
    expected = stats.chi2_contingency(large, correction=False)
    found = table_test(large)
    assert (found["statistic"], found["p_value"]) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-7)
    sparse = table_test([[1, 9], [4, 2], [0, 8]])
    assert "9,999 tables" in sparse["analysis"]
    assert table_test([[1, 9], [4, 2], [0, 8]], method="chi_square")["analysis"] == "chi-square test"


def test_what_cannot_be_tested_says_why() -> None:
    assert "all are detected" in table_test([[3, 0], [4, 0]])["note"]
    assert "none are detected" in table_test([[0, 3], [0, 4]])["note"]
    assert "two groups" in table_test([[3, 2], [0, 0]])["note"]
    assert "two groups" in trend([[3, 2], [0, 0]])["note"]
    assert "all or none" in trend([[3, 0], [3, 0]])["note"]
    with pytest.raises(DataError, match="'fisher' is unknown"):
        table_test([[3, 2], [1, 1]], method="fisher")
    with pytest.raises(DataError, match="2 groups and 3 scores"):
        trend([[3, 2], [1, 1]], [0, 1, 2])


def test_the_cochran_armitage_trend() -> None:
    """By its formula: sum of scores x (observed - expected) over the standard deviation."""
    cells, t = np.array([[19, 497], [29, 560], [24, 269]]), np.array([0.0, 1, 2])
    n, r = cells.sum(axis=1), cells[:, 0].sum()
    p = r / n.sum()
    score = float(t @ (cells[:, 0] - n * p))
    variance = p * (1 - p) * float(n @ t**2 - (n @ t) ** 2 / n.sum())
    z = score / math.sqrt(variance)
    found = trend(cells)
    assert found["statistic"] == pytest.approx(z, rel=1e-7)
    assert found["p_value"] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-7)
    assert trend(cells[::-1])["statistic"] == pytest.approx(-z, rel=1e-7)
    # Of two groups it is Pearson's chi-square.
    assert trend(cells[:2])["statistic"] ** 2 == pytest.approx(table_test(cells[:2])["statistic"], rel=1e-7)


def test_corrections_of_p_values() -> None:
    p = [0.01, None, 0.04, 0.03]
    assert corrected(p) == pytest.approx([0.03, None, 0.06, 0.06])
    assert corrected(p, "bh") == pytest.approx([0.03, None, 0.04, 0.04])
    assert corrected(p, "none") == p
    assert corrected([None, NAN]) == [None, None]
    with pytest.raises(DataError, match="'bonferroni' is unknown"):
        corrected(p, "bonferroni")


# --- odds ratios


def test_the_odds_ratio_of_a_table() -> None:
    """Firth's by rows, the conditional one of R's fisher.test by scipy, Newcombe's difference by statsmodels."""
    cells = np.array([[7, 3], [2, 12]])
    found = odds_ratio(cells)
    y = np.repeat([True, False, True, False], cells.ravel())
    x = np.repeat([1.0, 1, 0, 0], cells.ravel())
    by_rows = firth(y, x, np.empty((24, 0)))
    assert found["estimate"] == pytest.approx(7.5 * 12.5 / (3.5 * 2.5), rel=1e-6)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((by_rows.low, by_rows.high), rel=1e-6)
    assert found["p_value"] == pytest.approx(by_rows.p, rel=1e-6)
    assert found["p_exact"] == pytest.approx(stats.fisher_exact(cells).pvalue, rel=1e-7)
    # The ends of the exact interval are where one tail has 2.5 %.
    law = lambda odds: stats.nchypergeom_fisher(24, 9, 10, odds)  # noqa: E731
    assert law(found["exact_low"]).sf(6) == pytest.approx(0.025, rel=1e-5)
    assert law(found["exact_high"]).cdf(7) == pytest.approx(0.025, rel=1e-5)
    assert found["difference"] == pytest.approx(0.7 - 2 / 14) and found["difference_low"] > 0


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        ([[10, 0], [2, 12]], "everybody of the first group"),
        ([[0, 10], [2, 12]], "nobody of the first group"),
        ([[5, 5], [0, 12]], "nobody of the second group"),
    ],
)
def test_empty_cells_have_intervals_and_are_said(cells: list[list[int]], note: str) -> None:
    found = odds_ratio(cells)
    assert note in found["note"] and found["ci_low"] < found["estimate"] < found["ci_high"]


@pytest.mark.parametrize(("cells", "who"), [([[0, 10], [0, 12]], "nobody"), ([[33, 0], [22, 0]], "everybody")])
def test_groups_that_are_alike_all_or_none_have_no_odds(cells: list[list[int]], who: str) -> None:
    found = odds_ratio(cells)
    assert found["estimate"] is None and found["p_value"] is None and found["p_exact"] is None
    assert f"{who} is detected in either group" in found["note"] and found["difference"] == 0


def test_a_group_with_nobody_has_no_odds() -> None:
    found = odds_ratio([[0, 0], [3, 4]])
    assert found["estimate"] is None and "has nobody" in found["note"]


def test_groups_in_pairs() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b", "c"], 90)
    seen = (rng.random(90) < np.where(labels == "c", 0.8, 0.3)).astype(float)
    found = compare_detection(seen, labels, ["a", "b", "c"], "a", ordered=True)
    assert [(r["group"], r["reference"]) for r in found["pairs"]] == [("b", "a"), ("c", "a")]
    p = [r["p_value"] for r in found["pairs"]]
    assert [r["p_adjusted"] for r in found["pairs"]] == pytest.approx(corrected(p))
    assert found["trend"]["statistic"] > 2 and len(found["overall"]) == 2
    everyone = compare_detection(seen, labels, ["a", "b", "c"])
    assert len(everyone["pairs"]) == 3 and everyone["trend"] is None
    with pytest.raises(DataError, match="control 'd' is none"):
        compare_detection(seen, labels, ["a", "b"], "d")


# --- models


def table(n: int = 200, seed: int = 3) -> tuple[np.ndarray, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], n), "age": rng.normal(50, 10, n)})
    logit = 0.8 * (frame["sex"] == "m") + 0.04 * (frame["age"] - 50)
    return (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float), frame


def test_a_model_is_that_of_each_column_apart() -> None:
    seen, frame = table()
    found = adjusted_odds(seen, frame)
    male, age = (frame["sex"] == "m").to_numpy(dtype=float), frame["age"].to_numpy()
    for row, one, other in zip(found["coefficients"], (male, age), (age, male), strict=True):
        by_rows = firth(seen == 1, one, other[:, None])
        expected = (by_rows.estimate, by_rows.low, by_rows.high, by_rows.p)
        assert tuple(row[k] for k in ("estimate", "ci_low", "ci_high", "p_value")) == pytest.approx(expected, rel=1e-6)
    assert found["terms"][0]["p_value"] == pytest.approx(found["coefficients"][0]["p_value"])
    assert found["separated"] == [] and found["note"] == ""


def test_many_rows_have_the_model_of_statsmodels() -> None:
    import statsmodels.api as sm

    seen, frame = table(30_000)
    found = adjusted_odds(seen, frame)
    design = np.column_stack([np.ones(len(seen)), frame["sex"] == "m", frame["age"]]).astype(float)
    fit = sm.Logit(seen, design).fit(disp=0)
    for row, b, ends in zip(
        found["coefficients"], np.asarray(fit.params)[1:], np.asarray(fit.conf_int())[1:], strict=True
    ):
        assert math.log(row["estimate"]) == pytest.approx(b, abs=5e-4)
        assert (math.log(row["ci_low"]), math.log(row["ci_high"])) == pytest.approx(tuple(ends), abs=5e-4)
    assert "Wald" in found["analysis"]


def test_equal_rows_count_as_often_as_they_occur() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 3, (40, 2)).astype(float), rng.integers(0, 2, 40).astype(float)
    rows, weights = np.unique(np.column_stack([y, x]), axis=0, return_counts=True)
    one, other = coefficients(y, x), coefficients(rows[:, 0], rows[:, 1:], weights=weights.astype(float))
    for j in (1, 2):
        a, b = one.estimate(j), other.estimate(j)
        assert (a.estimate, a.low, a.high, a.p) == pytest.approx((b.estimate, b.low, b.high, b.p), rel=1e-6)


def test_separation_is_seen_and_said() -> None:
    seen, frame = table()
    seen[(frame["sex"] == "m").to_numpy()] = 0
    found = adjusted_odds(seen, frame)
    assert found["separated"] == ["sex m"] and "separation by sex m" in found["note"]
    assert found["coefficients"][0]["ci_high"] < 1 and found["coefficients"][0]["estimate"] > 0
    by_age = (frame["age"] > 50).astype(float).to_numpy()
    assert adjusted_odds(by_age, frame[["age"]])["separated"] == ["age"]
    assert separating(np.array([0.0, 1, 0, 1]), np.array([[0.0], [0], [1], [1]])) == []


def test_models_that_cannot_be() -> None:
    seen, frame = table(20)
    assert "none are detected" in adjusted_odds(np.zeros(20), frame)["note"]
    same = adjusted_odds(seen, frame.assign(again=2 * frame["age"]))
    assert "say the same" in same["note"] and same["coefficients"] == []
    assert "no covariate varies" in adjusted_odds(seen, pd.DataFrame({"a": np.ones(20)}))["note"]
    with pytest.raises(DataError, match="20 rows and 3"):
        adjusted_odds(seen, frame.head(3))


def test_a_million_rows() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 1_000_000)
    seen = (rng.random(1_000_000) < 0.3 + 0.01 * labels).astype(float)
    found = compare_detection(seen, labels, [0, 1, 2], 0, ordered=True)  # type: ignore[list-item]
    assert found["pairs"][1]["ci_low"] > 1.05 and found["trend"]["statistic"] > 10
    model = adjusted_odds(seen, pd.DataFrame({"group": pd.Categorical(labels)}))
    assert model["coefficients"][1]["estimate"] == pytest.approx(found["pairs"][1]["estimate"], rel=1e-4)


@pytest.mark.slow
def test_intervals_hold_the_truth_and_tests_their_level() -> None:
    from censored_examples import within

    rng = np.random.default_rng(11)
    runs, held, wrong = 400, 0, dict.fromkeys(("firth", "exact", "table", "trend"), 0)
    for _ in range(runs):
        cells = np.array([[k, 25 - k] for k in rng.binomial(25, [0.15, 0.15, 0.15])])
        pair = odds_ratio(cells[:2])
        held += (pair["ci_low"] or 0) <= 1 <= (pair["ci_high"] or math.inf)
        wrong["firth"] += (pair["p_value"] or 1) < 0.05
        wrong["exact"] += (table_test(cells, method="exact")["p_value"] or 1) < 0.05
        wrong["trend"] += (trend(cells)["p_value"] or 1) < 0.05
    assert within(held, runs, 0.95, slack=0.03)
    for name in ("firth", "trend"):
        assert within(wrong[name], runs, 0.05, slack=0.03), name
    assert wrong["exact"] <= stats.binom.ppf(0.999, runs, 0.05)  # exact tests keep below their level
