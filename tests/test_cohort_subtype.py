"""Subtypes: rules, mixtures on censored values, agreement of definitions, stability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from leukinetics.cohort.subtype.agreement import agreement, agreements
from leukinetics.cohort.subtype.censored_normal import truncated
from leukinetics.cohort.subtype.classes import censored_again, classes, cutoffs, limits_of, overlap
from leukinetics.cohort.subtype.mixture import (
    Mixture,
    best_of,
    fit,
    least_sd,
    membership,
    of_ends,
    posterior,
    prepared,
)
from leukinetics.cohort.subtype.stability import another_sample, stability
from leukinetics.cohort.subtype.thresholds import CRP_3, Rule, apply, shares
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError, ProtocolError
from leukinetics.trial.statistics.describe import wilson

NAN = float("nan")


def two(n: int, seed: int, share: float = 0.35, sds: tuple[float, float] = (0.6, 0.6), gap: float = 2.0) -> Any:
    rng = np.random.default_rng(seed)
    high = rng.random(n) < share
    return np.where(high, rng.normal(gap, sds[1], n), rng.normal(0, sds[0], n)), high


def exact(z: Any, name: str = "il6") -> Censored:
    return Censored.of(np.exp(z), 1e-12, "pg/mL", name)


# ---- rules


def test_rules_on_censored_values() -> None:
    x = Censored(
        np.array([2.0, 3.0, 3.5, 0.0, 0.0, 4.0, 2.0, NAN]), np.array([2.0, 3.0, 3.5, 3.0, 5.0, np.inf, 4.0, NAN]),
        np.full(8, NAN), "mg/L", "crp",
    )  # fmt: skip
    markers = {"crp": x}
    nan = pytest.approx
    assert apply(CRP_3, markers) == nan([0, 0, 1, 0, NAN, 1, NAN, NAN], nan_ok=True)
    # A level of exactly 3 is not above 3 but at least 3; what is below a limit of 3 is neither.
    assert apply(Rule("r", {"crp": ">= 3 mg/L"}), markers) == nan([0, 1, 1, 0, NAN, 1, NAN, NAN], nan_ok=True)
    assert apply(Rule("r", {"crp": "< 3 mg/L"}), markers) == nan([1, 0, 0, 1, NAN, 0, NAN, NAN], nan_ok=True)
    assert apply(Rule("r", {"crp": "<= 0.3 mg/dL"}), markers) == nan([1, 1, 0, 1, NAN, 0, NAN, NAN], nan_ok=True)
    assert apply(Rule("r", {"crp": "2.5 to 3.2 mg/L"}), markers) == nan([0, 1, 0, NAN, NAN, 0, NAN, NAN], nan_ok=True)


def test_rules_of_several_markers() -> None:
    crp = Censored.of([1.0, 5.0, NAN, 5.0], 0.5, "mg/L", "crp")
    il6 = Censored.of([4.0, 0.1, 4.0, NAN], 0.5, "pg/mL", "il6")
    markers = {"crp": crp, "il6": il6}
    criteria = {"crp": "> 3 mg/L", "il6": ">= 2 pg/mL"}
    assert apply(Rule("any", criteria), markers).tolist() == [1, 1, 1, 1]
    assert apply(Rule("all", criteria, "all"), markers) == pytest.approx([0, 0, NAN, NAN], nan_ok=True)
    for rule, said in ((Rule("r", {"il1": "> 1 pg/mL"}), "no marker"), (Rule("r", {}), "no criterion")):
        with pytest.raises(DataError, match=said):
            apply(rule, markers)
    with pytest.raises(DataError, match=r"unit"):
        apply(Rule("r", {"crp": "> 3"}), markers)
    with pytest.raises(ProtocolError, match="criterion"):
        apply(Rule("r", {"crp": "much"}), markers)


def test_shares_of_a_rule() -> None:
    x = Censored.of([1.0, 2.0, 4.0, 5.0, 0.1, NAN], [0.5, 0.5, 0.5, 0.5, 10.0, 0.5], "mg/L", "crp")
    found = shares([CRP_3], {"crp": x}, np.array(["a", "a", "b", "b", "b", "b"]))
    assert [r["group"] for r in found] == [None, "a", "b"]
    whole = found[0]
    assert (whole["n"], whole["met"], whole["undecided"], whole["missing"]) == (4, 2, 1, 1)
    e = wilson(0.5, 4, 0.05)
    assert (whole["ci_low"], whole["ci_high"]) == pytest.approx((e.low, e.high))
    assert (whole["least"], whole["most"]) == pytest.approx((0.4, 0.6))
    assert "above the threshold" in whole["note"]
    nobody = shares([CRP_3], {"crp": x.take([5])})[0]
    assert nobody["share"] is None
    assert nobody["note"] == "nobody can be told"


# ---- mixtures


@pytest.mark.parametrize(("a", "b"), [(-math.inf, -0.5), (0.3, math.inf), (-0.4, 0.9), (6.0, 7.0), (-math.inf, -9.0)])
def test_moments_of_truncated_normals(a: float, b: float) -> None:
    log, first, second = (float(v[0]) for v in truncated(np.array([a]), np.array([b])))
    low, high = max(a, -40.0), min(b, 40.0)
    edge = a if a > 0 else b if b < 0 else 0.0
    points = [p for p in (edge - 2, edge - 0.2, edge + 0.2, edge + 2) if low < p < high]
    scale = stats.norm.pdf(edge) if abs(edge) > 3 else 1.0

    def moment(k: int) -> float:
        value = integrate.quad(lambda z: z**k * stats.norm.pdf(z) / scale, low, high, points=points, limit=500)[0]
        return float(value)

    assert log == pytest.approx(math.log(moment(0) * scale), rel=1e-6)
    assert first == pytest.approx(moment(1) / moment(0), rel=1e-6)
    assert second == pytest.approx(moment(2) / moment(0), rel=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_without_limits_it_is_the_mixture_of_scikit_learn(k: int) -> None:
    from sklearn.mixture import GaussianMixture

    z, _ = two(500, 1, sds=(0.5, 0.7))
    z[:90] -= 3.0
    found = fit([exact(z)], k)
    theirs = GaussianMixture(k, covariance_type="diag", reg_covar=0, tol=1e-10, max_iter=5000, n_init=5, random_state=0)
    theirs.fit(z[:, None])
    order = np.argsort(theirs.means_[:, 0])
    assert found.log_likelihood == pytest.approx(theirs.score(z[:, None]) * len(z), abs=1e-4)
    assert found.bic == pytest.approx(theirs.bic(z[:, None]), abs=1e-3)
    assert found.share == pytest.approx(theirs.weights_[order], abs=2e-3)
    assert found.mean[:, 0] == pytest.approx(theirs.means_[order, 0], abs=2e-3)
    assert found.sd[:, 0] == pytest.approx(np.sqrt(theirs.covariances_[order, 0]), abs=2e-3)
    assert posterior([exact(z)], found) == pytest.approx(theirs.predict_proba(z[:, None])[:, order], abs=5e-3)


def test_two_markers_and_missing_ones() -> None:
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(4)
    z, high = two(400, 3)
    w = rng.normal(0, 0.5, 400) + 1.5 * high
    theirs = GaussianMixture(2, covariance_type="diag", reg_covar=0, tol=1e-10, max_iter=5000, n_init=3, random_state=0)
    theirs.fit(np.column_stack([z, w]))
    found = fit([exact(z), exact(w, "crp")], 2)
    order = np.argsort(theirs.means_[:, 0])
    assert found.log_likelihood == pytest.approx(theirs.score(np.column_stack([z, w])) * 400, abs=1e-4)
    assert found.mean == pytest.approx(theirs.means_[order], abs=2e-3)
    # Missing at random: nothing is told by what is not there, and nobody is lost who has one of them.
    lost = np.exp(w)
    lost[:150] = NAN
    z[399], lost[399] = NAN, NAN
    part = fit([exact(z), Censored.of(lost, 1e-12, "mg/L", "crp")], 2)
    assert part.n == 399
    assert part.mean == pytest.approx(found.mean, abs=0.2)
    rows = posterior([exact(z), Censored.of(lost, 1e-12, "mg/L", "crp")], part)
    assert np.isnan(rows[399]).all()
    assert rows[:399].sum(axis=1) == pytest.approx(np.ones(399))


def test_the_maximum_is_one() -> None:
    """No step in any direction from the fit is better, by a likelihood of its own that integrates densities."""
    z, _ = two(200, 7)
    limit = float(np.exp(np.quantile(z, 0.5)))
    x = Censored.of(np.exp(z), limit, "pg/mL", "il6")

    def likelihood(share: float, means: Any, sds: Any) -> float:
        seen = z[np.exp(z) >= limit]
        density = share * stats.norm.pdf(seen, means[0], sds[0]) + (1 - share) * stats.norm.pdf(seen, means[1], sds[1])
        c = math.log(limit)
        below = share * stats.norm.cdf(c, means[0], sds[0]) + (1 - share) * stats.norm.cdf(c, means[1], sds[1])
        return float(np.log(density).sum() + (len(z) - len(seen)) * math.log(below))

    m = fit([x], 2, equal=True)
    best = likelihood(m.share[0], m.mean[:, 0], m.sd[:, 0])
    assert m.log_likelihood == pytest.approx(best, abs=1e-8)
    for step in (1e-3, -1e-3):
        assert likelihood(m.share[0] + step, m.mean[:, 0], m.sd[:, 0]) < best
        assert likelihood(m.share[0], m.mean[:, 0], m.sd[:, 0] + step) < best
        for k in range(2):
            moved = m.mean[:, 0].copy()
            moved[k] += step
            assert likelihood(m.share[0], moved, m.sd[:, 0]) < best


@pytest.mark.parametrize("quantile", [0.2, 0.5])
def test_truth_is_found_below_a_limit(quantile: float) -> None:
    z, _ = two(4000, 11)
    x = Censored.of(np.exp(z), float(np.exp(np.quantile(z, quantile))), "pg/mL", "il6")
    m = fit([x], 2, equal=True)
    assert m.share[1] == pytest.approx(0.35, abs=0.03)
    assert m.mean[:, 0] == pytest.approx([0.0, 2.0], abs=0.1)
    assert m.sd[0, 0] == pytest.approx(0.6, abs=0.05)
    # What half the limit in place of the censored would have given is no level of anybody.
    wrong = fit([exact(np.log(x.substituted()))], 2, equal=True)
    assert abs(wrong.sd[0, 0] - 0.6) > 0.08


def test_intervals_and_upper_limits_count() -> None:
    z, _ = two(3000, 5)
    value = np.exp(z)
    lower, upper = value.copy(), value.copy()
    lower[value < 1.5], upper[value < 1.5] = 0.8, 1.5
    lower[value < 0.8], upper[value < 0.8] = 0.0, 0.8
    lower[value > 12], upper[value > 12] = 12.0, np.inf
    m = fit([Censored(lower, upper, np.full(3000, 0.8), "pg/mL", "il6")], 2, equal=True)
    assert m.mean[:, 0] == pytest.approx([0.0, 2.0], abs=0.12)
    assert m.share[1] == pytest.approx(0.35, abs=0.04)


def test_classes_are_counted_and_described() -> None:
    z, _ = two(500, 2)
    x = Censored.of(np.exp(z), float(np.exp(np.quantile(z, 0.4))), "pg/mL", "il6")
    found = classes([x], resamples=9)
    chosen = found["models"][found["chosen"]]
    assert (chosen["classes"], chosen["equal_sd"]) == (2, True)
    assert found["tests"][0]["p_value"] == pytest.approx(0.1)
    assert found["tests"][1]["p_value"] > 0.1
    low, high = found["classes"]
    assert (low["class"], high["class"]) == ("low", "high")
    assert high["levels"][0]["geometric_mean"] == pytest.approx(math.exp(2), rel=0.2)
    assert low["people"] + high["people"] == 500
    # Equal SDs: the densities cross at z = 1 + 0.36 ln(0.65/0.35)/2.
    assert found["cutoffs"][0] == pytest.approx(math.exp(1 + 0.18 * math.log(0.65 / 0.35)), rel=0.2)
    assert found["misassigned"] == pytest.approx(0.045, abs=0.02)
    assert found["note"] is None
    assert len(found["probability"]) == 500
    assert found["markers"][0]["share_below"] == pytest.approx(0.4)


def test_one_class_is_one() -> None:
    z = np.random.default_rng(3).normal(0, 1, 300)
    found = classes([Censored.of(np.exp(z), 0.6, "pg/mL", "il6")], most=2, resamples=19)
    assert found["models"][found["chosen"]]["classes"] == 1
    assert found["tests"][0]["p_value"] > 0.05
    assert found["classes"][0]["class"] == "all"
    assert found["classes"][0]["levels"][0]["geometric_mean"] == pytest.approx(1.0, abs=0.2)


def test_a_class_below_the_limit_is_said_to_be_extrapolated() -> None:
    z, _ = two(600, 2, share=0.5, gap=3.0)
    found = classes([Censored.of(np.exp(z), math.exp(1.2), "pg/mL", "il6")], most=2, resamples=1)
    if found["models"][found["chosen"]]["classes"] == 2:
        assert "extrapolated" in found["note"]
    crossing = cutoffs(Mixture(np.array([0.5, 0.5]), np.array([[0.0], [2.0]]), np.full((2, 1), 0.5), 0.0, 1), 100.0)
    assert crossing == [None]


def test_overlap_of_neighbours() -> None:
    m = Mixture(np.array([0.3, 0.7]), np.array([[0.0], [2.0]]), np.full((2, 1), 1.0), 0.0, 1)
    assert overlap(m, 0) == pytest.approx(2 * stats.norm.cdf(-1), abs=1e-6)
    assert m.below(1.0) == pytest.approx([0.5, stats.norm.cdf(-2)])


def test_simulated_people_have_their_limits() -> None:
    x = Censored.of([0.4, 3.0, NAN, 0.8, 5.0], [0.5, 0.5, 0.5, 1.0, 1.0], "pg/mL", "il6")
    (limit,) = limits_of([x])
    assert limit == pytest.approx([0.5, 0.5, 1.0, 1.0])
    (marker,), n = prepared([x])
    again = censored_again(marker, np.log([0.7, 0.2, 0.9, 9.0]), limit)
    assert n == 4
    assert np.exp(again.x) == pytest.approx([0.7, 9.0])
    assert np.exp(again.b) == pytest.approx([0.5, 1.0])
    unknown = Censored(np.array([0.0, 2.0, 0.1]), np.array([1.0, 2.0, 0.1]), np.full(3, NAN), "pg/mL", "il6")
    assert limits_of([unknown])[0] == pytest.approx([1.0, 1.0, 0.0])


def test_ties_do_not_make_a_class_of_their_own() -> None:
    z = np.concatenate([np.random.default_rng(1).normal(0, 1, 200), np.full(30, 0.7)])
    m = fit([exact(z)], 2)
    assert (m.sd[:, 0] >= least_sd(prepared([exact(z)])[0])[0] * 0.999).all()
    assert m.bounded
    assert "least SD" in str(classes([exact(z)], most=2, resamples=1)["note"])


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (Censored.of(np.exp(np.linspace(-1, 1, 12)), 0.01, "pg/mL", "il6"), "needs 25 people; 12 have"),
        (Censored.of(np.full(60, 0.1), 1.0, "pg/mL", "il6"), "0 distinct observed values of 60"),
    ],
)
def test_what_cannot_be_fitted_is_said(x: Censored, said: str) -> None:
    with pytest.raises(DataError, match=said):
        fit([x], 2)
    with pytest.raises(DataError, match="at least one marker"):
        fit([], 1)
    with pytest.raises(DataError, match="rows"):
        fit([x, x.take([0, 1])], 1)


def test_a_better_start_changes_nothing() -> None:
    z, _ = two(300, 6)
    x = Censored.of(np.exp(z), 1.0, "pg/mL", "il6")
    known, n = prepared([x])
    m = fit([x], 2, equal=True)
    again = best_of(known, n, [m], least_sd(known), True)
    assert again.log_likelihood == pytest.approx(m.log_likelihood, abs=1e-6)
    assert membership(known, n, m)[1].sum() == pytest.approx(m.log_likelihood)
    assert len(of_ends(np.array([1.0, NAN]), np.array([1.0, NAN])).seen) == 1


@pytest.mark.slow
def test_the_bootstrap_test_keeps_its_level() -> None:
    """One class, half of it below the limit: 40 cohorts at the 10 % level."""
    rejected = 0
    for seed in range(40):
        z = np.random.default_rng(seed).normal(0, 1, 120)
        found = classes([Censored.of(np.exp(z), 1.0, "pg/mL", "il6")], most=2, resamples=19, seed=seed)
        rejected += found["tests"][0]["p_value"] <= 0.1
    assert stats.binomtest(rejected, 40, 0.1).pvalue > 0.005


# ---- agreement


def test_agreement_is_that_of_the_libraries() -> None:
    from sklearn.metrics import adjusted_rand_score, cohen_kappa_score, jaccard_score
    from statsmodels.stats.inter_rater import cohens_kappa

    rng = np.random.default_rng(2)
    a = (rng.random(200) < 0.4).astype(float)
    b = np.where(rng.random(200) < 0.8, a, 1 - a)
    b[:5], a[5:8] = NAN, NAN
    use = np.isfinite(a) & np.isfinite(b)
    found = agreement(a, b)
    assert found["n"] == 192
    assert found["kappa"] == pytest.approx(cohen_kappa_score(a[use], b[use]))
    assert found["jaccard"] == pytest.approx(jaccard_score(a[use], b[use]))
    assert found["adjusted_rand"] == pytest.approx(adjusted_rand_score(a[use], b[use]))
    assert found["ci_low"] < found["kappa"] < found["ci_high"]
    with np.errstate(all="ignore"):
        theirs = cohens_kappa(np.histogram2d(a[use], b[use], bins=2)[0])
    assert found["ci_low"] == pytest.approx(theirs.kappa_low)
    assert found["jaccard_low"] < found["jaccard"] < found["jaccard_high"]
    both, first, second, none = found["table"]
    assert both + first + second + none == 192
    assert found["positive"] == pytest.approx(2 * both / (2 * both + first + second))
    assert found["p_value"] == pytest.approx(stats.binomtest(first, first + second).pvalue)


def test_kappa_of_a_table() -> None:
    """35 of 50 agree; by chance (25 x 30 + 25 x 20)/50 = 25 would: kappa = (0.7 - 0.5)/(1 - 0.5)."""
    a = np.repeat([1.0, 1.0, 0.0, 0.0], [20, 5, 10, 15])
    b = np.repeat([1.0, 0.0, 1.0, 0.0], [20, 5, 10, 15])
    assert agreement(a, b)["kappa"] == pytest.approx(0.4)


def test_agreement_where_there_is_little_to_tell() -> None:
    nobody = agreement(np.array([1.0, NAN]), np.array([NAN, 1.0]))
    assert nobody["kappa"] is None
    assert "nobody" in nobody["note"]
    same = agreement(np.ones(5), np.ones(5))
    assert same["kappa"] is None
    assert same["share"] == 1.0
    none = agreement(np.zeros(5), np.zeros(5))
    assert none["jaccard"] is None
    three = agreement(np.array([0.0, 1, 2, 2, 1]), np.array([0.0, 1, 2, 1, 1]))
    assert three["kappa"] is not None
    assert three["jaccard"] is None
    with pytest.raises(DataError, match="same"):
        agreement(np.ones(2), np.ones(3))


def test_several_definitions() -> None:
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    rng = np.random.default_rng(2)
    a = (rng.random(100) < 0.4).astype(float)
    b, c = (np.where(rng.random(100) < 0.9, a, 1 - a) for _ in range(2))
    c[0] = NAN
    found = agreements({"a": a, "b": b, "c": c})
    assert [(p["one"], p["other"]) for p in found["pairs"]] == [("a", "b"), ("a", "c"), ("b", "c")]
    own = np.stack([a, b, c], axis=1)[1:].astype(int)
    assert found["fleiss_kappa"] == pytest.approx(fleiss_kappa(aggregate_raters(own)[0]))
    assert found["n"] == 99


# ---- stability


def test_classes_apart_are_stable_and_one_in_two_is_not() -> None:
    z, high = two(300, 8, gap=4.0)
    x = Censored.of(np.exp(z), 0.7, "pg/mL", "il6")
    m = fit([x], 2, equal=True)
    found = stability([x], m, resamples=20)
    assert found["adjusted_rand"] > 0.97
    assert found["worst"] <= found["adjusted_rand"]
    upper = found["classes"][1]
    assert upper["ci_low"] < high.mean() < upper["ci_high"]
    assert upper["levels"][0]["ci_low"] < math.exp(4) < upper["levels"][0]["ci_high"]
    assert upper["dissolved"] == 0.0
    assert found["cutoffs"][0]["ci_low"] <= found["cutoffs"][0]["cutoff"] <= found["cutoffs"][0]["ci_high"]
    one = exact(np.random.default_rng(1).normal(0, 1, 150))
    shaky = stability([one], fit([one], 2), resamples=20)
    assert shaky["adjusted_rand"] < 0.85
    missing = Censored.of(np.append(np.exp(z), NAN), 0.7, "pg/mL", "il6")
    assert stability([missing], m, resamples=2)["kept"][-1] is None


def test_another_sample_of_the_same_people() -> None:
    """Against simulated pairs of samples, with and without a limit."""
    rng = np.random.default_rng(1)
    n, between, within, threshold = 200_000, 0.8, 0.6, 3.0
    own = rng.normal(0.5, between, n)
    one, other = (np.exp(own + rng.normal(0, within, n)) for _ in range(2))
    sd = math.hypot(between, within)
    found = another_sample(Censored.of(one[:4000], 2.0, "mg/L", "crp"), threshold, 0.5, sd, within)
    again = other >= threshold
    assert found["kept"] == pytest.approx(float(((one >= threshold) == again).mean()), abs=0.01)
    below = np.flatnonzero(one[:4000] < 2.0)[0]
    assert found["above"][below] == pytest.approx(float(again[one < 2.0].mean()), abs=0.005)
    at = np.flatnonzero(one[:4000] >= 2.0)[0]
    near = np.abs(np.log(one / one[at])) < 0.03
    assert found["above"][at] == pytest.approx(float(again[near].mean()), abs=0.02)
    kappa = agreement((one >= threshold).astype(float), again.astype(float))["kappa"]
    assert found["kappa"] == pytest.approx(kappa, abs=0.01)
    assert found["correlation"] == pytest.approx(between**2 / sd**2)
    with pytest.raises(DataError, match="within a person"):
        another_sample(exact(np.zeros(3)), 3.0, 0.0, 0.5, 0.6)


# ---- all together


def test_the_subtypes_of_a_cohort(monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    from leukinetics.cohort.subtype import whole as module
    from leukinetics.cohort.subtype.whole import subtypes

    z, high = two(400, 9, gap=3.0)
    crp = np.exp(np.random.default_rng(1).normal(0.5, 0.5, 400) + 1.5 * high)
    crp[:10] = NAN
    markers = {
        "crp": Censored.of(crp, 0.5, "mg/L", "crp"),
        "il6": Censored.of(np.exp(z), 1.0, "pg/mL", "il6"),
        "il1b": Censored.of(np.full(400, 0.01), 0.1, "pg/mL", "il1b"),
    }
    found = subtypes(markers, rules=[CRP_3], groups=np.where(high, "ill", "well"), most=2, resamples=9)
    json.dumps(found, allow_nan=False)
    assert [r["marker"] for r in found["classes"]] == ["crp", "il6", "il1b"]
    assert "not estimated" in found["classes"][2]["note"]
    il6 = found["classes"][1]
    assert il6["models"][il6["chosen"]]["classes"] == 2
    assert il6["stability"]["adjusted_rand"] > 0.9
    assert len(found["rules"]) == 3
    assert found["definitions"][0]["n"] == 390
    pair = next(p for p in found["agreement"]["pairs"] if p["other"].startswith("il6"))
    assert pair["kappa"] > 0.5
    monkeypatch.setattr(module, "MOST_FITTED", 200)
    some = subtypes({"il6": markers["il6"]}, most=2, resamples=2)
    assert "200 of 400 people" in some["classes"][0]["note"]
    assert some["agreement"] is None
    assert some["definitions"][0]["n"] == 400
