"""The likelihood of levels with a limit: against integration, lifelines, scipy, published examples, and known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from censored_examples import PYRENE, PYRENE_BELOW, within
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from leukinetics.cohort.censored.likelihood import Top, log_mass, logs_of, maximum, rows_of, value_of
from leukinetics.cohort.censored.lognormal import lognormal
from leukinetics.cohort.values import Censored
from leukinetics.trial.statistics.estimates import NotFitted

NAN, INF = np.nan, np.inf


def mixed(n: int = 60, seed: int = 5) -> Censored:
    """Observed, below two limits, above one, between two."""
    x = np.exp(np.random.default_rng(seed).normal(0.3, 1.2, n))
    limit = np.where(np.arange(n) % 3 == 0, 1.0, 0.5)
    lower, upper = np.where(x < limit, 0.0, x), np.where(x < limit, limit, x)
    between = (x >= limit) & (x < 2 * limit) & (np.arange(n) % 2 == 0)
    lower, upper = np.where(between, limit, lower), np.where(between, 2 * limit, upper)
    above = x > 6
    return Censored(np.where(above, 6.0, lower), np.where(above, INF, upper), limit, "pg/mL")


def test_each_row_has_the_probability_that_integration_gives() -> None:
    x = mixed()
    low, high = logs_of(x)
    mean, sd = 0.2, 1.1

    def density(v: float) -> float:
        return math.exp(-((v - mean) ** 2) / (2 * sd**2)) / math.sqrt(2 * math.pi) / sd

    expected = 0.0
    for a, b in zip(low, high, strict=True):
        area = density(a) if a == b else quad(density, max(a, -14), min(b, 14), epsabs=1e-14, limit=200)[0]
        expected += math.log(area)
    rows = rows_of(low, high, np.ones((len(x), 1)))
    assert value_of(rows, np.array([mean / sd, 1 / sd])) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("a", "b"), [(-INF, -30.0), (30.0, INF), (9.0, 9.1), (-9.1, -9.0), (-1.0, 1.0), (3.0, 3 + 1e-9)]
)
def test_probabilities_in_the_tails(a: float, b: float) -> None:
    nearest = 0.0 if a * b < 0 else min(abs(a), abs(b))
    start, stop = max(a, -nearest - 5), min(b, nearest + 5)
    area = quad(lambda v: math.exp((nearest**2 - v**2) / 2), start, stop, epsabs=0, epsrel=1e-10, limit=500)[0]
    exact = math.log(area) - nearest**2 / 2 - 0.5 * math.log(2 * math.pi)
    assert log_mass(np.array([a]), np.array([b]))[0] == pytest.approx(exact, rel=1e-6)


def test_the_maximum_is_one_and_that_of_scipy() -> None:
    x = mixed()
    low, high = logs_of(x)
    top = maximum(rows_of(low, high, np.ones((len(x), 1))))
    seen, left, right = x.observed, x.below, x.above
    between = x.between
    data = stats.CensoredData(
        uncensored=low[seen], left=high[left], right=low[right],
        interval=np.column_stack([low[between], high[between]]),
    )  # fmt: skip
    mean, sd = stats.norm.fit(data)
    assert (top.coefficients[0], top.sd) == pytest.approx((mean, sd), abs=2e-4)  # scipy's search is coarser
    for shift in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        t = 1 / (top.sd + shift[1])
        theta = np.array([(top.coefficients[0] + shift[0]) * t, t])
        assert value_of(rows_of(low, high, np.ones((len(x), 1))), theta) < top.value


def test_lifelines_finds_the_same() -> None:
    from lifelines import LogNormalFitter

    x = Censored.of(np.exp(np.random.default_rng(8).normal(0, 1, 150)), np.tile([0.7, 1.3], 75))
    with np.errstate(all="ignore"):
        fit = LogNormalFitter().fit_left_censoring(x.upper, x.observed)
    found = lognormal(x)
    assert found.geometric_mean.estimate == pytest.approx(math.exp(fit.mu_), rel=1e-4)
    assert found.sd_ln.estimate == pytest.approx(fit.sigma_, rel=1e-4)
    assert found.sd_ln.se == pytest.approx(float(fit.summary.loc["sigma_", "se(coef)"]), rel=1e-3)
    # The standard error of the geometric mean is on its own scale.
    ln_se = found.geometric_mean.se / found.geometric_mean.estimate
    assert ln_se == pytest.approx(float(fit.summary.loc["mu_", "se(coef)"]), rel=1e-3)


def test_pyrene_as_nada_has_it() -> None:
    """NADA's cenmle of pyrene: median, mean and SD of the fitted lognormal; EnvStats has the same (vignette
    DataAnalysis of https://github.com/SwampThingPaul/NADA2)."""
    x = Censored(np.where(PYRENE_BELOW, 0, PYRENE), PYRENE, np.where(PYRENE_BELOW, PYRENE, NAN))
    found = lognormal(x)
    assert (found.n, found.n_below) == (56, 11)
    assert found.geometric_mean.estimate == pytest.approx(91.64813, rel=1e-6)
    assert found.mean.estimate == pytest.approx(133.914189, rel=1e-6)
    cv = math.sqrt(math.expm1(found.sd_ln.estimate**2))
    assert cv == pytest.approx(1.065383, rel=1e-5)
    assert found.mean.estimate * cv == pytest.approx(142.66984, rel=1e-6)
    # NADA's interval of the mean is Cox's, 102.5 to 174.9; EnvStats' bootstrap 98.7 to 184.7.
    assert 98 < found.mean.low < 105 and 172 < found.mean.high < 189


def test_students_interval_where_nothing_is_below() -> None:
    x = np.exp(np.random.default_rng(1).normal(1, 0.7, 15))
    found = lognormal(Censored.of(x, 1e-6), alpha=0.1)
    logs = np.log(x)
    low, high = stats.t.interval(0.9, 14, logs.mean(), logs.std(ddof=1) / math.sqrt(15))
    e = found.geometric_mean
    assert (e.estimate, e.low, e.high) == pytest.approx(
        (math.exp(logs.mean()), math.exp(low), math.exp(high)), rel=1e-6
    )
    assert found.sd_ln.estimate == pytest.approx(logs.std(), rel=1e-9)


def test_the_ends_of_the_interval_lie_on_the_profile() -> None:
    from leukinetics.cohort.censored.likelihood import drop
    from leukinetics.cohort.censored.lognormal import at_mean

    x = mixed()
    found = lognormal(x)
    top = found.top
    assert top is not None
    rows = rows_of(*logs_of(x), np.ones((len(x), 1)))
    for end in (found.geometric_mean.low, found.geometric_mean.high):
        fall = top.value - at_mean(rows, math.log(end), top)
        assert fall == pytest.approx(drop(0.05, len(x) - found.n_below, 1), rel=1e-5)
    # The mean's profile, searched over a grid of spreads.
    goal = math.log(found.mean.high)
    grid = np.exp(np.linspace(-1.5, 2, 4000))
    best = max(value_of(rows, np.array([(goal - s**2 / 2) / s, 1 / s])) for s in grid)
    assert top.value - best == pytest.approx(drop(0.05, len(x) - found.n_below, 1), abs=1e-4)


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (Censored.of([NAN], 1.0), "nobody is measured"),
        (Censored.of([0.1, 0.2], 1.0), "all 2 are below"),
        (Censored.of([0.1, 2, 3, 4], 1.0), "only 3 of 4"),
        (Censored.of([0.1, 2, 2, 2, 2], 1.0), "the same number"),
    ],
)
def test_what_cannot_be_estimated_says_why(x: Censored, why: str) -> None:
    found = lognormal(x)
    assert why in found.note and math.isnan(found.geometric_mean.estimate)
    assert found.told()["geometric_mean"] is None


def test_intervals_alone_that_tell_no_spread() -> None:
    with pytest.raises(NotFitted, match="spread"):
        maximum(rows_of(np.zeros(5), np.ones(5), np.ones((5, 1))))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_units_do_not_matter(seed: int, factor: float) -> None:
    x = mixed(40, seed)
    one, other = lognormal(x), lognormal(x.scaled(factor, "other"))
    for name in ("geometric_mean", "mean"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a.estimate * factor, a.high * factor) == pytest.approx((b.estimate, b.high), rel=1e-5)
    assert one.sd_ln.low == pytest.approx(other.sd_ln.low, rel=1e-5)


def test_from_any_start_the_same_maximum() -> None:
    rows = rows_of(*logs_of(mixed()), np.ones((60, 1)))
    for mean, sd in ((-8.0, 0.3), (5.0, 4.0), (0.0, 50.0)):
        top = maximum(rows, Top(np.array([mean]), sd, np.eye(2), 0.0))
        assert top.value == pytest.approx(maximum(rows).value, abs=1e-9)


def test_a_million_rows() -> None:
    x = Censored.of(np.exp(np.random.default_rng(2).normal(0, 1, 1_000_000)), np.tile([0.7, 1.2], 500_000))
    found = lognormal(x)
    assert found.geometric_mean.low < 1 < found.geometric_mean.high
    assert found.geometric_mean.high - found.geometric_mean.low < 0.006


@pytest.mark.slow
@pytest.mark.parametrize(("below", "n"), [(0.1, 20), (0.5, 20), (0.5, 50), (0.8, 50)])
def test_coverage(below: float, n: int) -> None:
    """Intervals hold the truth about as often as they say (the profile's are a little wide where few are detected);
    those about a mean with half the limit put in fail
    where most are below."""
    rng = np.random.default_rng(round(100 * below) + n)
    limit = math.exp(stats.norm.ppf(below))
    hits, half_hits, done = np.zeros(3), 0, 0
    for _ in range(200):
        x = Censored.of(np.exp(rng.normal(0, 1, n)), limit)
        found = lognormal(x)
        if found.top is None:
            continue
        done += 1
        for k, (e, truth) in enumerate(((found.geometric_mean, 1.0), (found.mean, math.exp(0.5)), (found.sd_ln, 1.0))):
            hits[k] += e.low <= truth <= e.high
        logs = np.log(x.substituted())
        half_hits += abs(stats.ttest_1samp(logs, 0).pvalue) >= 0.05
    assert done > 180
    for k in hits:
        assert within(k, done, 0.95, slack=0.025)
    if below != 0.5:  # there half the median happens to be near the mean below it
        assert within(half_hits, done, 0.95, slack=0.025) == (below < 0.5)
