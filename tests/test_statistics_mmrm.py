"""The mixed model of repeated measures against least squares, direct maximisation, and the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from statistics_tools import endpoint, stacked, table

from leukinetics.trial.statistics.compare import compare
from leukinetics.trial.statistics.estimates import NotFitted
from leukinetics.trial.statistics.reml import repeated

ARM = np.array([1.0, -1.0, 0.0])
SIGMA = 0.6 + np.diag([0.4, 0.8, 1.2, 2.0])
DAYS = (7.0, 14.0, 21.0, 28.0)


def data(n: int = 60, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """(values (patients, visits), columns: two arms and a covariate)."""
    rng = np.random.default_rng(seed)
    half = np.arange(n) < n // 2
    columns = np.c_[half, ~half, rng.normal(size=n)].astype(float)
    return columns @ rng.normal(size=(3, 4)) + rng.multivariate_normal(np.zeros(4), SIGMA, n), columns


def with_gaps(y: np.ndarray) -> np.ndarray:
    """Most gaps at the end, as of patients who left, some within."""
    y = y.copy()
    for i in range(len(y)):
        y[i, 1 + i * 7 % 5 :] = np.nan
    y[5, 1] = y[10, 0] = np.nan
    return y


def test_without_gaps_it_is_the_analysis_of_covariance_of_each_visit() -> None:
    y, columns = data()
    model = repeated(y, columns)
    for visit in range(4):
        test = sm.OLS(y[:, visit], columns).fit().t_test(ARM)
        found = model.combined(visit, ARM, 60, 0.05)
        assert (found.estimate, found.se) == pytest.approx((test.effect[0], test.sd[0, 0]), rel=1e-9)
        assert found.p == pytest.approx(test.pvalue, rel=1e-7)  # so the degrees of freedom are those of least squares
    left = y - columns @ model.coefficients.T
    assert model.sigma == pytest.approx(left.T @ left / (60 - 3), rel=1e-6)


def deviance(factor: np.ndarray, y: np.ndarray, columns: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """(-2 log restricted likelihood but for a constant, coefficients, their covariance), patient by patient."""
    lower = np.zeros((4, 4))
    lower[np.tril_indices(4)] = factor
    sigma = lower @ lower.T
    information, product, total = np.zeros((12, 12)), np.zeros(12), 0.0
    parts = []
    for values, d in zip(y, columns, strict=True):
        seen = ~np.isnan(values)
        x, v = np.kron(np.eye(4), d)[seen], sigma[np.ix_(seen, seen)]
        information += x.T @ np.linalg.solve(v, x)
        product += x.T @ np.linalg.solve(v, values[seen])
        total += np.linalg.slogdet(v)[1]
        parts.append((values[seen], x, v))
    b = np.linalg.solve(information, product)
    total += np.linalg.slogdet(information)[1]
    total += sum((r := z - x @ b) @ np.linalg.solve(v, r) for z, x, v in parts)
    return total, b, np.linalg.inv(information)


def test_with_gaps_it_is_the_maximum_of_the_restricted_likelihood() -> None:
    y, columns = data()
    y = with_gaps(y)
    found = repeated(y, columns)
    start = np.linalg.cholesky(SIGMA)[np.tril_indices(4)]
    best = minimize(lambda f: deviance(f, y, columns)[0], start, method="BFGS", options={"gtol": 1e-5})
    value, b, phi = deviance(np.linalg.cholesky(found.sigma)[np.tril_indices(4)], y, columns)
    assert found.deviance == pytest.approx(value, rel=1e-10)
    assert value <= best.fun + 1e-8
    assert value == pytest.approx(best.fun, abs=1e-6)
    assert found.coefficients.ravel() == pytest.approx(b, abs=1e-8)
    assert found.phi == pytest.approx(phi, abs=1e-8)
    assert deviance(best.x, y, columns)[1] == pytest.approx(b, abs=1e-3)


def test_gaps_widen_the_interval_and_lower_the_degrees_of_freedom() -> None:
    y, columns = data()
    whole, gaps = repeated(y, columns), repeated(with_gaps(y), columns)
    one, other = (m.combined(3, ARM, 60, 0.05) for m in (whole, gaps))
    assert other.se > one.se
    assert (other.high - other.low) / other.se > (one.high - one.low) / one.se


def test_values_that_do_not_determine_the_covariance_are_refused() -> None:
    y, columns = data(8)
    y[:, 1] = 2.0 * y[:, 0]
    with pytest.raises(NotFitted):
        repeated(y, columns)
    with pytest.raises(NotFitted):
        repeated(y[:3], columns[:3])


def trial(seed: int, n: int = 150) -> list[Any]:
    """Two arms that differ by 1 at the last visit. Patients leave the later ones the more often, the higher their value
    at the visit before: missing at random, and more in the arm that is worse."""
    rng = np.random.default_rng(seed)
    parts = []
    for effect in (0.0, 1.0):
        b = rng.normal(size=n)
        y = 0.5 * b[:, None] + rng.normal(size=(n, 1)) + 0.6 * rng.normal(size=(n, 4))
        y += effect * np.arange(1, 5) / 4
        left = np.zeros(n, dtype=bool)
        rows = []
        for v, day in enumerate(DAYS):
            if v:
                left |= rng.random(n) < 1 / (1 + np.exp(-2.0 * (y[:, v - 1] - 1.0)))
            gone = np.where(left, "left", "")
            rows.append(table("x", np.where(left, np.nan, y[:, v]), b, time=day, missing=gone))
        parts.append(stacked(*rows))
    return parts[::-1]


@pytest.mark.slow
def test_it_recovers_the_truth_where_the_patients_who_stay_do_not_tell_it() -> None:
    model = endpoint("value", analysis="mmrm", visits=["7 d", "14 d", "21 d"])
    trials = 400
    estimates, inside, available = [], 0, []
    for seed in range(trials):
        parts = trial(seed)
        row = compare(model, *parts, design="parallel")[0]
        estimates.append(row["estimate"])
        inside += row["ci_low"] <= 1.0 <= row["ci_high"]
        last = [p[p["time"] == 28.0] for p in parts]
        available.append(compare(endpoint("value"), *last, design="parallel")[0]["estimate"])
    error = np.std(estimates) / np.sqrt(trials)
    assert abs(np.mean(estimates) - 1.0) < 3.5 * error
    assert np.mean(available) < 1.0 - 10 * error  # the analysis of those who stayed is biased
    assert 0.92 < inside / trials < 0.98  # 3 standard errors about 95 %


@pytest.mark.slow
def test_small_trials_with_gaps_keep_their_level() -> None:
    """24 patients, 4 visits, a third of the last values missing: what Kenward and Roger's correction is for."""
    rng = np.random.default_rng(11)
    trials, n, rejected, wald, refused = 2000, 24, 0, 0, 0
    half = np.arange(n) < n // 2
    columns = np.c_[half, ~half].astype(float)
    contrast = np.array([1.0, -1.0])
    for _ in range(trials):
        y = rng.multivariate_normal(np.zeros(4), SIGMA, n)
        for i in range(n):
            y[i, 1 + rng.integers(6) :] = np.nan
        try:
            found = repeated(y, columns)
        except NotFitted:  # nobody of an arm is left at the last visit
            refused += 1
            continue
        rejected += found.combined(3, contrast, n, 0.05).p < 0.05
        c = np.r_[np.zeros(6), contrast]
        wald += abs(contrast @ found.coefficients[3]) > 1.96 * np.sqrt(c @ found.phi @ c)
    assert refused < 0.005 * trials
    assert abs(rejected / trials - 0.05) < 3.3 * np.sqrt(0.05 * 0.95 / trials)
    assert wald / trials > 0.07  # without the correction too many are found
