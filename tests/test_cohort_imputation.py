"""The pieces of imputation below a limit: derivatives, quick fits, draws, Rubin's rules."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome_examples import KINDS, people
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import kstest, norm, truncnorm

from leukinetics.cohort.diagnosis.families import family_of, maximum
from leukinetics.cohort.diagnosis.imputation import impute, moments, pooled, start
from leukinetics.cohort.diagnosis.models import coefficient
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.values import Censored


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives_of_the_likelihoods(kind: str) -> None:
    x, y, c = people(kind, 2, 80, 0.0, 0.5)
    family = family_of(y)
    columns = np.column_stack([np.log(x.lower), c["age"]])
    if family.intercept:
        columns = np.column_stack([np.ones(80), columns])
    b = np.full(columns.shape[1], 0.2)
    if kind == "count":
        b[0] = -5.5
    k = 0.4
    here = family.quadratic(columns, b, k)
    slope = approx_fprime(b, lambda v: family.quadratic(columns, v, k).value, 1e-6)
    np.testing.assert_allclose(here.gradient, slope, rtol=1e-3, atol=1e-3)
    if kind != "count":  # of counts the expected information is used
        second = np.array(
            [approx_fprime(b, lambda v, j=j: family.quadratic(columns, v, k).gradient[j], 1e-6) for j in range(len(b))]
        )
        np.testing.assert_allclose(here.information, -second, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_quick_fits_are_those_of_the_models(kind: str) -> None:
    """Of times without ties Breslow's and Efron's likelihoods are one."""
    x, y, c = people(kind, 4, 200, 0.0, 0.5)
    family = family_of(y)
    columns = np.column_stack([np.log(x.lower), c["age"]])
    design = np.column_stack([np.ones(200), columns]) if family.intercept else columns
    b = np.zeros(design.shape[1])
    if kind == "count":
        b[0] = -6
    for _ in range(30):
        b, _ = maximum(family, design, b, family.spread(design @ b), np.full(len(b), 1e-10), 20)
    place = 1 if family.intercept else 0
    rel = 0.05 if kind == "count" else 1e-5  # its dispersion is by moments
    assert b[place] == pytest.approx(coefficient(y, columns).value, rel=rel)


@settings(max_examples=60, deadline=None)
@given(st.floats(-6, 6), st.floats(0.1, 4), st.floats(-8, 8), st.floats(0.05, 8))
def test_moments_within_bounds(mean: float, s: float, low: float, width: float) -> None:
    for a, b in ((low, low + width), (-math.inf, low), (low, math.inf)):
        m, v = moments(np.array([mean]), s, np.array([a]), np.array([b]))
        assert a - 1e-6 * s <= m[0] <= b + 1e-6 * s and 0 <= v[0] <= s**2
        if abs((np.clip(mean, a, b) - mean) / s) < 5:
            exact = truncnorm((a - mean) / s, (b - mean) / s, loc=mean, scale=s)
            assert m[0] == pytest.approx(exact.mean(), abs=1e-5 * max(s, 1))
            assert v[0] == pytest.approx(exact.var(), abs=1e-4 * max(s**2, 1))


def test_where_the_chain_begins_is_near_the_censored_maximum() -> None:
    from lifelines import LogNormalFitter

    x, _, _ = people("binary", 6, 200, 0.6, 0.5)
    low, high = np.log(np.where(x.below, 0, x.lower), out=np.full(200, -np.inf), where=~x.below), np.log(x.upper)
    g, s = start(low, high, np.ones((200, 1)))
    fit = LogNormalFitter().fit_left_censoring(x.upper, x.observed.astype(int))
    assert g[0] == pytest.approx(fit.mu_, abs=0.01)
    assert s == pytest.approx(fit.sigma_, abs=0.01)


def test_drawn_levels_have_the_distribution_given_the_outcome() -> None:
    """Many people below the limit with the same outcome: their levels against numerical integration of normal density
    times likelihood, at the coefficients that are known well from many more who are observed."""
    rng = np.random.default_rng(3)
    n = 20_000
    z = rng.standard_normal(n)
    y = (rng.random(n) < 1 / (1 + np.exp(-2 * z))).astype(float)
    x = Censored.of(np.exp(z), math.exp(-0.5))
    drawn = impute(x, Outcome.of("binary", y), np.empty((n, 0)), rng, sets=1)[0]
    assert np.array_equal(drawn[x.observed], np.log(x.lower[x.observed]))
    for case in (1.0, 0.0):
        mine = drawn[x.below & (y == case)]
        assert mine.max() <= -0.5

        def density(v: float, case: float = case) -> float:
            return norm.pdf(v) / (1 + math.exp(-2 * v if case else 2 * v))

        whole = quad(density, -12, -0.5)[0]
        grid = np.linspace(-6, -0.5, 400)
        cdf = np.cumsum([density(v) for v in grid])
        found = kstest(mine, lambda v, g=grid, c=cdf / cdf[-1]: np.interp(v, g, c))
        assert found.statistic < 0.03
        assert mine.mean() == pytest.approx(quad(lambda v: v * density(v), -12, -0.5)[0] / whole, abs=0.03)


def test_rubins_rules_by_hand() -> None:
    """Estimates 1, 2, 3 with variance 4 each: total 4 + 4/3, t with 2 (1 + 4/(4/3))^2 = 32 degrees of freedom."""
    found = pooled(np.array([1.0, 2.0, 3.0]), np.full(3, 4.0), 50, 0.05)
    assert found.found.estimate == 2
    assert found.found.se == pytest.approx(math.sqrt(4 + 4 / 3))
    from scipy.stats import t

    assert found.found.high == pytest.approx(2 + t.ppf(0.975, 32) * math.sqrt(16 / 3))
    assert found.missing_information == pytest.approx((0.25 * 33 + 2) / 35)
    few = pooled(np.array([1.0, 2.0, 3.0]), np.full(3, 4.0), 50, 0.05, df=10)
    assert few.found.high > found.found.high
    assert pooled(np.array([1.0, 1.0]), np.full(2, 4.0), 50, 0.05).missing_information == 0.0
