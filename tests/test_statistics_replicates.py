"""Replicate trials in closed form against the same fits by statsmodels and scipy, one at a time."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportions_ztest

from leukinetics.trial.statistics.replicates import Kind, effects


def tables(n: int = 20, m: int = 30) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(5)
    b, b0 = rng.lognormal(1.0, 0.5, (4, n)), rng.lognormal(1.0, 0.5, (4, m))
    y, y0 = b * rng.lognormal(-0.3, 0.4, (4, n)), b0 * rng.lognormal(0.0, 0.4, (4, m))
    y[0, 3] = y0[1, 5] = b[2, 7] = np.nan  # left out
    return y, b, y0, b0


@pytest.mark.parametrize("kind", ["ancova", "log_ancova"])
def test_analysis_of_covariance(kind: Kind) -> None:
    y, b, y0, b0 = tables()
    found = effects(kind, y, b, y0, b0)
    for i in range(len(y)):
        outcome, covariate = np.r_[y[i], y0[i]], np.r_[b[i], b0[i]]
        if kind == "log_ancova":
            outcome, covariate = np.log(outcome), np.log(covariate)
        arm = np.r_[np.ones(y.shape[1]), np.zeros(y0.shape[1])]
        fit = sm.OLS(outcome, sm.add_constant(np.c_[arm, covariate]), missing="drop").fit()
        assert [c[i] for c in found] == pytest.approx([fit.params[1], fit.bse[1], fit.pvalues[1], fit.df_resid], 1e-9)


@pytest.mark.parametrize("kind", ["difference", "log_difference"])
def test_welch(kind: Kind) -> None:
    y, _, y0, _ = tables()
    found = effects(kind, y, None, y0, None)
    for i in range(len(y)):
        one, two = (np.log(y[i]), np.log(y0[i])) if kind == "log_difference" else (y[i], y0[i])
        test = stats.ttest_ind(one, two, equal_var=False, nan_policy="omit")
        estimate = np.nanmean(one) - np.nanmean(two)
        expected = [estimate, estimate / test.statistic, test.pvalue, test.df]
        assert [c[i] for c in found] == pytest.approx(expected, 1e-9)


def test_paired() -> None:
    y, b, _, _ = tables()
    found = effects("log_paired", y, None, b, None)
    test = stats.ttest_1samp(np.log(y / b), 0.0, axis=1, nan_policy="omit")
    assert found.p_value == pytest.approx(test.pvalue, 1e-9)
    assert found.estimate / found.se == pytest.approx(test.statistic, 1e-9)


def test_shares() -> None:
    y, y0 = np.zeros((2, 70)), np.zeros((2, 80))
    y[0, :56], y0[0, :48] = 1.0, 1.0
    found = effects("risk_difference", y, None, y0, None)
    assert found.estimate == pytest.approx([0.2, 0.0])
    assert found.p_value == pytest.approx([proportions_ztest([56, 48], [70, 80])[1], 1.0], 1e-9)


def test_a_covariate_that_is_the_same_for_all_is_none() -> None:
    y, _, y0, _ = tables()
    found = effects("ancova", y, np.full(y.shape, 0.1), y0, np.full(y0.shape, 0.1))
    for i in range(len(y)):
        test = stats.ttest_ind(y[i], y0[i], nan_policy="omit")
        assert found.p_value[i] == pytest.approx(test.pvalue, 1e-9)


@pytest.mark.parametrize("kind", ["ancova", "log_ancova", "difference", "paired", "risk_difference"])
@pytest.mark.parametrize("values", [np.full((1, 2), np.nan), np.ones((1, 1)), np.full((1, 3), 2.0)])
def test_too_little_is_not_a_number(kind: Kind, values: np.ndarray) -> None:
    found = effects(kind, values, values, values, values)
    assert kind == "risk_difference" or np.isnan(found.p_value).all()
    assert not (found.p_value < 1).any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["ancova", "log_ancova", "difference", "paired"]), st.floats(0.01, 100))
def test_symmetries(seed: int, kind: Kind, scale: float) -> None:
    rng = np.random.default_rng(seed)
    y, b, y0, b0 = (rng.lognormal(0.0, 1.0, (2, 12)) for _ in range(4))
    found, swapped = effects(kind, y, b, y0, b0), effects(kind, y0, b0, y, b)
    assert swapped.estimate == pytest.approx(-found.estimate, rel=1e-7, abs=1e-10)
    assert swapped.p_value == pytest.approx(found.p_value, rel=1e-7)
    order = rng.permutation(12)
    moved = effects(kind, y[:, order], b[:, order], y0[:, order], b0[:, order])
    assert moved.estimate == pytest.approx(found.estimate, rel=1e-7, abs=1e-10)
    larger = effects(kind, scale * y, scale * b, scale * y0, scale * b0)
    expected = found.estimate if kind.startswith("log") else scale * found.estimate
    assert larger.estimate == pytest.approx(expected, rel=1e-7, abs=1e-10)
    assert larger.p_value == pytest.approx(found.p_value, rel=1e-7)
