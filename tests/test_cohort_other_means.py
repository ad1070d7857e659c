"""Statistics of tables of biomarkers held to other means: direct maximisation, integration, simulation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from censored_examples import within
from scipy import integrate, optimize, stats

from leukinetics.cohort.censored.bivariate import correlation
from leukinetics.cohort.censored.compare import compare, level_ratio, one_spread, peto_peto
from leukinetics.cohort.censored.substitution import substituted_ratio
from leukinetics.cohort.detect import corrected
from leukinetics.cohort.diagnosis import several as several_module
from leukinetics.cohort.diagnosis.folds import Performance, averaged, gain
from leukinetics.cohort.diagnosis.nested import People, nested
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.diagnosis.pairs import placements
from leukinetics.cohort.odds import adjusted_odds, odds_ratio
from leukinetics.cohort.study import run_study
from leukinetics.cohort.values import Censored
from leukinetics.commands.study_words import answers
from leukinetics.report.biomarkers import write_biomarker_report

Array = np.ndarray


def few_detected() -> tuple[Censored, Array]:
    """9 of 103 controls and 14 of 54 patients at or above 6.7, in lognormal levels."""
    tails = [stats.norm.ppf(1 - (np.arange(k) + 0.5) / n) for k, n in ((9, 103), (14, 54))]
    tails[0] += math.log(6.7) - tails[0].min() + 0.05
    tails[1] += math.log(6.7) - tails[1].min() + 0.05
    seen = np.exp(np.concatenate(tails))
    value = np.concatenate([seen[:9], np.ones(94), seen[9:], np.ones(40)])
    return Censored.of(value, 6.7, "pg/mL", "il6_csf"), np.arange(157) >= 103


def log_likelihood(x: Censored, mean: Array, sd: Array | float) -> float:
    """Of logarithms, row by row."""
    with np.errstate(divide="ignore"):
        low, high = np.log(x.lower), np.log(x.upper)
    seen = stats.norm.logpdf(np.where(x.observed, low, 0.0), mean, sd)
    return float(np.where(x.observed, seen, stats.norm.logcdf(high, mean, sd)).sum())


def highest(f: Any, start: list[float]) -> float:
    found = optimize.minimize(lambda t: -f(t), start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    return -float(found.fun)


def test_ratios_with_one_and_two_spreads_are_those_of_the_likelihood() -> None:
    rng = np.random.default_rng(4)
    first = np.arange(90) < 35
    x = Censored.of(np.exp(rng.normal(0.4 * first, 1 + 0.6 * first)), rng.choice([0.7, 1.4], 90))
    own, one = level_ratio(x, first, ~first), one_spread(x, first, ~first)
    free = highest(lambda t: log_likelihood(x, np.where(first, t[0], t[1]), np.exp(t[2])), [0, 0, 0])
    same = highest(lambda t: log_likelihood(x, t[0] + 0 * first, np.exp(t[1])), [0, 0])
    apart = [highest(lambda t, v=v: log_likelihood(x.take(v), t[0], np.exp(t[1])), [0, 0]) for v in (first, ~first)]
    assert one["p_spread"] == pytest.approx(stats.chi2.sf(2 * (sum(apart) - free), 1), rel=1e-4)
    assert one["p_common"] == pytest.approx(stats.chi2.sf(2 * (free - same), 1), rel=0.2)
    for name in ("common_low", "common_high"):
        shift = math.log(one[name])
        held = highest(lambda t, s=shift: log_likelihood(x, t[0] + s * first, np.exp(t[1])), [0, 0])
        assert 2 * (free - held) == pytest.approx(stats.chi2.isf(0.05, 1), rel=0.08)
    zero = highest(lambda t: log_likelihood(x, t[0] + 0 * first, np.exp(np.where(first, t[1], t[2]))), [0, 0, 0])
    assert own["p_value"] == pytest.approx(stats.chi2.sf(2 * (sum(apart) - zero), 1), rel=0.1)


def test_without_a_limit_spreads_are_compared_as_by_their_likelihood() -> None:
    rng = np.random.default_rng(5)
    first = np.arange(60) < 30
    z = rng.normal(0, np.where(first, 1.0, 1.5))
    found = one_spread(Censored.of(np.exp(z), 1e-9), first, ~first)
    sds = [z[v].std() for v in (first, ~first)]
    pooled = math.sqrt((sds[0] ** 2 + sds[1] ** 2) / 2)
    ratio = 2 * 30 * sum(math.log(pooled / s) for s in sds)
    assert found["p_spread"] == pytest.approx(stats.chi2.sf(ratio, 1), rel=1e-5)
    assert found["p_common"] == pytest.approx(stats.ttest_ind(z[first], z[~first]).pvalue, rel=1e-5)


def test_what_has_no_ratio_with_one_spread() -> None:
    none = one_spread(Censored.of([0.1] * 4, 1.0), np.array([True, True, False, False]), np.zeros(4, dtype=bool))
    assert set(none.values()) == {None}
    x, _ = few_detected()
    few = one_spread(x.take(np.r_[0:2, 20:60, 103:157]), np.arange(96) >= 42, np.arange(96) < 42)
    assert few["p_spread"] is None and few["p_common"] is not None  # two levels tell no spread of their own


def test_with_most_below_peto_peto_sees_what_own_spreads_miss() -> None:
    x, ill = few_detected()
    row = compare(x, np.where(ill, "MS", "controls"), "controls")["pairs"][0]
    assert row["p_peto"] == row["p_peto_adjusted"] < 0.005 and row["p_common"] < 0.02
    assert row["p_value"] > 0.05 and row["ci_low"] < 1 < row["ci_high"]
    assert odds_ratio([[14, 40], [9, 94]])["p_exact"] < 0.01
    # What stands in place of those below the limit does not turn the answer of the test.
    assert "half the limit" not in substituted_ratio(x, ill, ~ill)["warning"]


def test_the_study_answers_by_peto_peto(tmp_path: Path) -> None:
    x, ill = few_detected()
    cells = ["<6.7" if b else f"{v:.5g}" for b, v in zip(x.below, x.upper, strict=True)]
    frame = pd.DataFrame({"id": [f"p{i}" for i in range(157)], "group": np.where(ill, "MS", "controls"), "il6": cells})
    quiet = {"correlation": False, "diagnosis": False, "prognosis": False, "subtypes": False}
    dictionary = {
        "table": {"id": "id"},
        "group": {"column": "group", "control": "controls"},
        "analyte": [{"name": "il6", "column": "il6", "unit": "pg/mL", "limit": 6.7}],
        "analysis": quiet,
    }
    summary = run_study(frame, dictionary, tmp_path / "out").summary
    pair = summary["analytes"][0]["comparisons"]["pairs"][0]
    row = next(r for r in summary["multiplicity"] if r["family"] == "levels")
    assert row["test"] == "Peto-Peto" and row["p_value"] == row["p_all"] == pair["p_peto"] < 0.005 < pair["p_value"]
    assert any("level, ratio" in line and "Peto-Peto p = 0.00" in line for line in answers(summary))
    write_biomarker_report(tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "shows a difference in levels" not in page and "differs between MS and controls" in page
    assert "Peto–Peto p" in page and "Ratio, one spread" in page


def test_corrections_are_monotone_and_those_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(1)
    for _ in range(5):
        p = rng.random(8) ** 3
        order = np.argsort(p)
        for how, name in (("holm", "holm"), ("bh", "fdr_bh")):
            with_none = corrected([*p[:3], None, *p[3:]], how)
            assert with_none.pop(3) is None
            found = np.array(with_none, dtype=float)
            assert found == pytest.approx(multipletests(p, method=name)[1], rel=1e-6)
            assert (found > p - 1e-7).all() and (np.diff(found[order]) >= 0).all()


def test_firths_intervals_lie_on_the_penalised_profile() -> None:
    """Direct maximisation of log L + log det(X'WX)/2."""
    rng = np.random.default_rng(2)
    g, age = rng.integers(0, 2, 50).astype(float), rng.normal(0, 1, 50)
    y = (rng.random(50) < 1 / (1 + np.exp(1.5 - g - 0.5 * age))).astype(float)
    x = np.column_stack([np.ones(50), g, age])

    def penalised(b: Array) -> float:
        eta = x @ b
        p = 1 / (1 + np.exp(-eta))
        return float((y * eta - np.logaddexp(0, eta)).sum() + np.linalg.slogdet((x.T * (p * (1 - p))) @ x)[1] / 2)

    row = adjusted_odds(y, pd.DataFrame({"g": g, "age": age}))["coefficients"][0]
    top = highest(penalised, [0, 0, 0])
    for name in ("ci_low", "ci_high"):
        end = math.log(row[name])
        held = highest(lambda t, v=end: penalised(np.array([t[0], v, t[1]])), [0, 0])
        assert 2 * (top - held) == pytest.approx(stats.chi2.isf(0.05, 1), abs=1e-4)


def test_two_analytes_with_limits_against_integration() -> None:
    z = np.random.default_rng(5).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 40)
    x, y = Censored.of(np.exp(z[:, 0]), 1.0), Censored.of(np.exp(z[:, 1]), 0.7)
    a, b = np.log(x.upper), np.log(y.upper)
    seen = stats.norm.logpdf

    def value(t: Array) -> float:
        (m, k), (s, q), r = t[:2], np.exp(t[2:4]), math.tanh(t[4])
        u, v, left = (a - m) / s, (b - k) / q, math.sqrt(1 - r * r)
        at = (math.log(1.0) - m) / s, (math.log(0.7) - k) / q
        box = integrate.quad(lambda w: stats.norm.pdf(w) * stats.norm.cdf((at[1] - r * w) / left), -9, at[0])[0]
        rows = np.where(
            x.observed,
            seen(u) - t[2] + np.where(y.observed, seen((v - r * u) / left) - t[3] - math.log(left),
                                      stats.norm.logcdf((v - r * u) / left)),
            np.where(y.observed, seen(v) - t[3] + stats.norm.logcdf((u - r * v) / left), math.log(box)),
        )  # fmt: skip
        return float(rows.sum())

    found = correlation(x, y)
    best = optimize.minimize(lambda t: -value(t), [0, 0, 0, 0, 0.5], method="BFGS", options={"gtol": 1e-3})
    assert found["estimate"] == pytest.approx(math.tanh(best.x[4]), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ratio", "spread", "below", "sizes"),
    [(1.0, 1.0, 0.8, (50, 100)), (1.0, 1.6, 0.7, (50, 100)), (1.0, 1.0, 0.1, (15, 30)), (2.0, 1.0, 0.8, (60, 60))],
)
def test_levels_of_groups_keep_their_level(ratio: float, spread: float, below: float, sizes: tuple[int, int]) -> None:
    """Peto and Peto's test and one spread of people of one distribution; own spreads whatever these are; and what the
    tests see of a ratio of 2 with most below the limit."""
    rng = np.random.default_rng(round(1000 * below + 100 * spread + 10 * ratio))
    first = np.arange(sum(sizes)) < sizes[0]
    limit, runs = math.exp(stats.norm.ppf(below)), 60
    small = dict.fromkeys(("peto", "own", "one"), 0)
    held = spreads = 0
    for _ in range(runs):
        z = rng.normal(math.log(ratio) * first, np.where(first, spread, 1.0))
        x = Censored.of(np.exp(z), limit)
        own, one = level_ratio(x, first, ~first), one_spread(x, first, ~first)
        small["peto"] += peto_peto(x, first.astype(int))["p_value"] < 0.05
        small["own"] += own["p_value"] < 0.05
        small["one"] += one["p_common"] < 0.05
        held += (own["ci_low"] or 0) <= ratio <= (own["ci_high"] or math.inf)
        spreads += (one["p_spread"] or 1) < 0.05
    assert within(held, runs, 0.95, slack=0.02)
    if ratio != 1:
        assert small["peto"] > 0.7 * runs and small["one"] > 0.7 * runs and small["own"] < 0.72 * runs
        return
    assert within(small["own"], runs, 0.05, slack=0.02)
    for name in ("peto", "one"):
        assert within(small[name], runs, 0.05, slack=0.02) == (spread == 1), name
    assert within(spreads, runs, 0.05, slack=0.03) == (spread == 1)


def test_what_hangs_on_the_partition_is_in_the_interval() -> None:
    """The variance of a mean of partitions: that of the people, and that of partitions over their number."""
    influence = np.full((1, 4), 0.05)
    both = averaged([Performance(0.7, influence), Performance(0.8, influence)])
    assert [both.value, both.variance] == pytest.approx([0.75, 0.01 + 0.005 / 2])
    assert averaged([both]).variance == pytest.approx(0.01)
    more = gain(both, averaged([Performance(0.6, influence / 2), Performance(0.7, influence / 2)]), 0.05)
    assert more.se == pytest.approx(0.05)  # of the people alone: both rise alike


@pytest.mark.slow
def test_the_interval_of_models_holds_what_they_do_in_new_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """The area of each model is that in 4,000 people of the same kind."""
    kept: list[Any] = []

    def spied(*args: Any) -> Any:
        kept.append(nested(*args))
        return kept[-1]

    monkeypatch.setattr(several_module, "nested", spied)
    rng = np.random.default_rng(3)

    def people(n: int) -> tuple[list[Censored], Array]:
        y = (rng.random(n) < 0.4).astype(float)
        z = rng.standard_normal((n, 2)) + np.outer(y, [0.9, 0.4])
        return [Censored.of(np.exp(z[:, k]), 1.3, "", f"m{k}") for k in (0, 1)], y

    new, ill = people(4000)
    everybody = People(new, Outcome.of("binary", ill), np.empty((4000, 0)), (), 0.5)
    held, runs = 0, 30
    for r in range(runs):
        markers, y = people(80)
        found = several_module.several(markers, Outcome.of("binary", y), repeats=2, seed=r)
        etas = [m.predict(everybody) for m in kept[-1][0]]
        truth = float(np.mean([placements(eta, eta, ill == 1).area for eta in etas]))
        held += (found["ci_low"] or 0) <= truth <= (found["ci_high"] or 1)
    assert within(held, runs, 0.95, slack=0.03)
