"""Weights that meet published figures: exact cases, several figures at once, figures that cannot be met."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import lognorm, norm, spearmanr
from statsmodels.stats.weightstats import DescrStatsW

from leukinetics.patients import weighted
from leukinetics.patients.criteria import Bound
from leukinetics.patients.matching import match
from leukinetics.patients.moments import Moments
from leukinetics.patients.rank_correlation import Correlation
from leukinetics.patients.targets import Exceedance, Quantile, Variable
from leukinetics.patients.tilting import LEAST_SHARE, tilt

X = Variable("x", "told", "")
CRP = Variable("crp", "measured", "mg/L")
IL6 = Variable("il6", "measured", "pg/mL")
#: Evenly spread standard normals, so that nothing is left to chance.
EVEN = ndtri((np.arange(4000) + 0.5) / 4000)


def independent(n: int = 4096, seed: int = 1) -> dict[Variable, np.ndarray]:
    z = np.random.default_rng(seed).standard_normal((n, 2))
    return {CRP: 2.0 * np.exp(0.9 * z[:, 0]), IL6: 2.0 * np.exp(0.5 * z[:, 1])}


def above(limit: float, share: float, variable: Variable = CRP) -> Exceedance:
    return Exceedance(variable, (Bound(">", limit, variable.unit),), share)


@pytest.mark.parametrize("mean", [-0.8, 0.3, 1.0])
def test_a_standard_normal_tilted_to_a_mean_is_the_normal_shifted_by_it(mean: float) -> None:
    """The weight is exp(m x): the density ratio of N(m, 1) and N(0, 1)."""
    found = match([Moments(X, mean, None)], {X: EVEN})
    assert found.lam == pytest.approx([mean], abs=0.03)  # the bound of the largest weights costs a little
    assert found.figures({X: EVEN}, found.weights)[0][1] == pytest.approx(mean, abs=1e-4)
    inner = np.abs(EVEN) < 1.5
    ratio = norm.pdf(EVEN, mean) / norm.pdf(EVEN)
    at = found.weights[inner] / ratio[inner]
    assert at / at.mean() == pytest.approx(1.0, abs=0.05)


def test_mean_and_sd_of_a_normal_give_the_density_ratio_of_two_normals() -> None:
    found = match([Moments(X, 0.5, 0.8)], {X: EVEN})
    ratio = norm.pdf(EVEN, 0.5, 0.8) / norm.pdf(EVEN)
    assert found.weights / ratio * ratio.max() == pytest.approx(1.0, rel=0.02)
    # Plain acceptance-rejection on the ratio accepts one person in its maximum.
    assert found.accepted == pytest.approx(1 / ratio.max(), rel=0.01)


def test_a_lognormal_stays_lognormal_with_the_mean_and_sd_that_were_published() -> None:
    values = {CRP: 2.0 * np.exp(0.9 * EVEN)}
    found = match([Moments(CRP, 4.0, 3.0)], values)
    size = np.sqrt(np.log1p((3 / 4) ** 2))
    wanted = lognorm(size, scale=4.0 * np.exp(-(size**2) / 2))
    for p in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert weighted.quantile(values[CRP], found.weights, p) == pytest.approx(wanted.ppf(p), rel=0.01)
    assert [row[1] for row in found.figures(values, found.weights)] == pytest.approx([4.0, 3.0], rel=0.005)


def test_a_share_of_a_normal_moves_it_as_a_whole() -> None:
    """No step at the limit: the normal with this share above it, of the same SD."""
    found = match([above(1.0, 0.27, X)], {X: EVEN})
    ratio = norm.pdf(EVEN, 1.0 + ndtri(0.27)) / norm.pdf(EVEN)
    inner = np.abs(EVEN) < 2.5
    assert found.weights[inner] / ratio[inner] == pytest.approx((found.weights / ratio)[2000], rel=0.05)
    assert found.figures({X: EVEN}, found.weights)[0][1] == pytest.approx(0.27, abs=1e-4)


def test_quartiles_of_a_lognormal_give_the_lognormal_that_has_them() -> None:
    values = {CRP: 2.0 * np.exp(0.9 * EVEN)}
    wanted = lognorm(0.7, scale=3.0)
    found = match([Quantile(CRP, p, float(wanted.ppf(p))) for p in (0.25, 0.5, 0.75)], values)
    for p in (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98):
        assert weighted.quantile(values[CRP], found.weights, p) == pytest.approx(wanted.ppf(p), rel=0.01)


def test_quartiles_of_people_above_a_limit_leave_no_steps() -> None:
    """A distribution that eligibility cut off has no normal shape; its weights are smooth all the same."""
    cut = 3.0 * np.exp(0.9 * EVEN)
    values = {CRP: cut[cut >= 2.0]}
    found = match([Quantile(CRP, 0.25, 2.8), Quantile(CRP, 0.5, 4.2), Quantile(CRP, 0.75, 7.1)], values)
    assert all(met for *_, met in found.figures(values, found.weights))
    for limit in (2.8, 4.2, 7.1):
        below, over = found.acceptance({CRP: np.array([limit - 0.01, limit + 0.01])})
        assert 0.6 < below / over < 1.7


def test_a_share_of_a_count_gives_two_weights_and_the_acceptance_that_follows() -> None:
    count = np.repeat([0.0, 1.0, 2.0], [360, 480, 160])
    found = match([above(1.5, 0.4, X)], {X: count})
    expected = np.where(count > 1.5, 1.0, (0.6 / 0.84) / (0.4 / 0.16))
    assert found.weights == pytest.approx(expected, rel=1e-3)
    assert found.accepted == pytest.approx(0.16 / 0.4, rel=1e-3)


def test_several_figures_at_once_are_met() -> None:
    values = independent()
    targets = [Quantile(CRP, 0.25, 2.8), Quantile(CRP, 0.5, 4.2), Quantile(CRP, 0.75, 7.1), Quantile(IL6, 0.5, 2.6)]
    found = match([*targets, Correlation(CRP, IL6, 0.4)], values)
    for figure, value, met in found.figures(values, found.weights):
        assert met, figure
        assert value == pytest.approx(figure.target, rel=0.01)


def test_a_correlation_alone_keeps_both_distributions() -> None:
    values = independent()
    found = match([Correlation(CRP, IL6, 0.5)], values)
    assert found.figures(values, found.weights)[0][1] == pytest.approx(0.5, abs=0.003)
    for x in values.values():
        logs = DescrStatsW(np.log(x), weights=found.weights)
        assert logs.mean == pytest.approx(np.log(x).mean(), abs=0.03)
        assert logs.std == pytest.approx(np.log(x).std(), rel=0.06)


def test_weights_are_those_of_least_relative_entropy() -> None:
    """Any other weights that meet the figure are further from equal ones."""
    high = independent(400)[CRP] > 3.0
    lam, cap = tilt(np.where(high, 0.55, -0.45)[:, None])
    w = np.exp(np.minimum(np.where(high, 0.55, -0.45) * lam[0] - cap, 0.0))
    p = w / w.sum()
    assert p[high].sum() == pytest.approx(0.45, abs=1e-5)
    rng = np.random.default_rng(2)
    for _ in range(20):
        other = p * np.exp(0.2 * rng.standard_normal(len(p)))
        other[high] *= 0.45 / other[high].sum()
        other[~high] *= 0.55 / other[~high].sum()
        assert (other * np.log(other * len(p))).sum() > (p * np.log(p * len(p))).sum()


def test_what_nobody_has_is_reported_and_the_other_figures_are_met() -> None:
    values = independent()
    found = match([Moments(CRP, 40.0, None), Quantile(IL6, 0.5, 2.6), above(5000.0, 0.1)], values)
    mean, median, share = found.figures(values, found.weights)
    assert not mean[2]
    assert 3.0 < mean[1] < 40.0  # as near as enough people allow
    assert median[2]
    assert (share[1], share[2]) == (0.0, False)
    assert found.effective_size > 0.5 * LEAST_SHARE * 4096


def test_figures_that_contradict_each_other_are_reported() -> None:
    values = independent()
    found = match([Quantile(CRP, 0.5, 4.2), above(5.0, 0.7)], values)
    assert [met for *_, met in found.figures(values, found.weights)] == [False, False]
    assert found.acceptance(values) == pytest.approx(found.weights)


def test_what_holds_already_changes_nothing() -> None:
    values = {X: EVEN}
    found = match([Moments(X, 0.0, float(EVEN.std())), Quantile(X, 0.5, 0.0)], values)
    assert found.weights == pytest.approx(1.0, abs=0.01)
    assert tilt(np.ones((10, 2)))[0].tolist() == [0.0, 0.0]  # the same in all: nothing can be done


def test_of_whom_nothing_is_known_is_not_accepted() -> None:
    found = match([above(1.0, 0.27, X)], {X: EVEN})
    assert found.acceptance({X: np.array([np.nan, 5.0, 0.0])})[:2].tolist() == [0.0, 1.0]


@settings(max_examples=12, deadline=None)
@given(share=st.floats(0.03, 0.9), mean=st.floats(1.5, 4.0), seed=st.integers(0, 1000))
def test_those_accepted_have_the_figures(share: float, mean: float, seed: int) -> None:
    """Other people than the pilot, accepted one by one: shares within what chance allows."""
    pilot, people = independent(seed=seed), independent(20_000, seed + 5000)
    found = match([above(3.0, share), Moments(IL6, mean, None)], pilot)
    accepted = np.random.default_rng(seed).random(20_000) < found.acceptance(people)
    (_, value, met), (_, average, reached) = found.figures(pilot, found.weights)
    assert met and reached
    n = accepted.sum()
    pilot_error = np.sqrt(share * (1 - share) / found.effective_size)
    assert abs((people[CRP][accepted] > 3.0).mean() - value) < 4.5 * np.hypot(
        np.sqrt(share * (1 - share) / n), pilot_error
    )
    spread = people[IL6][accepted].std()
    assert abs(people[IL6][accepted].mean() - average) < 4.5 * spread * (n**-0.5 + found.effective_size**-0.5)


def test_weighted_figures_are_those_of_statsmodels_and_of_repeated_people() -> None:
    rng = np.random.default_rng(3)
    x, y, count = rng.normal(size=60), rng.normal(size=60).round(1), rng.integers(1, 5, 60)
    w = count.astype(float)
    known = DescrStatsW(x, weights=w, ddof=0)
    assert weighted.mean(x, w) == pytest.approx(known.mean)
    assert weighted.sd(x, w) == pytest.approx(known.std)
    repeated = spearmanr(np.repeat(x, count), np.repeat(y, count)).statistic
    assert weighted.rank_correlation(x, y, w) == pytest.approx(repeated)
    assert weighted.quantile(np.arange(101.0), np.ones(101), 0.5) == pytest.approx(50.0)
    assert weighted.effective_size(np.array([1.0, 1.0, 0.0])) == pytest.approx(2.0)
    assert np.isnan(weighted.rank_correlation(x, np.ones(60), w))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_figures_of_any_people_are_too_strange(seed: int) -> None:
    """Constant, cut off, heavy-tailed and binary variables; figures that contradict each other or are out of reach."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(200)
    kinds = [z, np.exp(2.5 * z), np.full(200, 3.0), (z > 0.5).astype(float), np.maximum(np.exp(z), 1.0)]
    values = {v: rng.permutation(kinds[rng.integers(len(kinds))]) for v in (X, CRP, IL6)}
    targets = []
    for v, x in values.items():
        at = float(rng.choice(x)) * float(rng.choice([1.0, 1.5, 10.0, -1.0]))
        share = float(rng.choice([0.0, 0.01, 0.27, 1.0]))
        options = [Moments(v, at, None), Moments(v, None, 0.5 + abs(at)), Quantile(v, 0.5, at), above(at, share, v)]
        targets += [options[i] for i in rng.choice(4, 2, replace=False)]
    found = match([*targets, Correlation(X, CRP, float(rng.uniform(-0.9, 0.9)))], values)
    assert np.isfinite(found.weights).all()
    assert 0 < found.weights.max() <= 1
    assert found.acceptance(values) == pytest.approx(found.weights)
    assert len(found.figures(values, found.weights)) == 7
