"""Responders, event rates and times to event against published numbers, statsmodels and lifelines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.datasets import load_rossi
from lifelines.statistics import logrank_test
from scipy import stats
from statistics_tools import endpoint, stacked, table
from statsmodels.stats.contingency_tables import Table2x2

from leukinetics.trial.statistics.compare import compare, fit
from leukinetics.trial.statistics.cox import cox
from leukinetics.trial.statistics.estimates import NotFitted
from leukinetics.trial.statistics.responder import difference, paired_difference
from leukinetics.trial.statistics.rows import Rows, rows_of
from leukinetics.trial.statistics.survival import curve


def two(value: object, reference: object, **more: object) -> list[pd.DataFrame]:
    return [table("x", value, **more), table("x", reference, first=0 if more else 1000)]


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [  # Newcombe, Stat Med 1998;17:873-90, table II, method 10
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0000),
        ((10, 10, 0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombe(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    found = difference(*counts, 0.05)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5.1e-5)


def test_score_test_and_odds_ratio() -> None:
    responders = two(np.arange(70) < 56, np.arange(80) < 48)
    risk, odds = compare(endpoint("responder"), *responders, design="parallel")
    cells = np.array([[56, 14], [48, 32]])
    assert risk["p_value"] == pytest.approx(stats.chi2_contingency(cells, correction=False).pvalue, rel=1e-7)
    assert (risk["measure"], odds["measure"]) == ("risk_difference", "odds_ratio")
    known = Table2x2(cells)
    assert odds["estimate"] == pytest.approx(known.oddsratio)
    assert (odds["ci_low"], odds["ci_high"]) == pytest.approx(known.oddsratio_confint(), rel=1e-7)
    none = compare(endpoint("responder"), *two(np.arange(10) < 4, np.zeros(12)), design="parallel")[1]
    assert none["estimate"] == pytest.approx(Table2x2(np.array([[4, 6], [0, 12]]) + 0.5).oddsratio)


def test_paired_shares() -> None:
    """Limits by hand from Newcombe's formula (Stat Med 1998;17:2635-50): 1, 1, 7 and 12 pairs."""
    found = paired_difference((1, 1, 7, 12), 0.05)
    one, other = (stats.binomtest(k, 21).proportion_ci(method="wilson") for k in (2, 8))
    phi = (1 * 12 - 1 * 7 - 21 / 2) if 1 * 12 - 1 * 7 > 21 / 2 else 0.0
    assert phi == 0.0
    delta, p, q = -6 / 21, 2 / 21, 8 / 21
    low = delta - np.hypot(p - one.low, other.high - q)
    high = delta + np.hypot(one.high - p, q - other.low)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    assert found.p == pytest.approx(stats.binomtest(1, 8).pvalue)
    # Every pair alike: correlation shrinks the interval.
    alike = paired_difference((30, 0, 4, 30), 0.05)
    apart = difference(30, 64, 34, 64, 0.05)
    assert alike.high - alike.low < 0.5 * (apart.high - apart.low)


def counts(dispersion: float, seed: int = 4, n: int = 150) -> list[pd.DataFrame]:
    rng = np.random.default_rng(seed)
    parts = []
    for rate in (1.5, 3.0):
        days = rng.uniform(100.0, 365.0, n)
        frailty = rng.gamma(1 / dispersion, dispersion, n) if dispersion else 1.0
        parts.append(table("x", rng.poisson(rate * days / 365.25 * frailty), first=n * len(parts), exposure=days))
    return parts


def test_negative_binomial_is_that_of_statsmodels() -> None:
    parts = counts(0.8)
    row = compare(endpoint("event_rate"), *parts, design="parallel")[0]
    both = stacked(*parts)
    arm = np.repeat([1.0, 0.0], 150)
    model = sm.NegativeBinomial(both["value"], sm.add_constant(arm), exposure=both["exposure"])
    known = model.fit(method="newton", start_params=[-5.0, -0.5, 0.8], disp=0)
    told = [row["estimate"], row["ci_low"], row["ci_high"]]
    assert told == pytest.approx(np.exp([known.params.iloc[1], *known.conf_int().iloc[1]]), rel=1e-5)
    assert row["p_value"] == pytest.approx(known.pvalues.iloc[1], rel=1e-4)
    assert row["analysis"] == "negative binomial regression"


def test_counts_without_overdispersion_are_poissons() -> None:
    parts = counts(0.0)
    for part in parts:  # less than Poisson's spread
        part["value"] = np.round(part["exposure"] / 100)
    row = compare(endpoint("event_rate"), *parts, design="parallel")[0]
    events, days = ([p[k].sum() for p in parts] for k in ("value", "exposure"))
    assert row["estimate"] == pytest.approx(events[0] / days[0] / (events[1] / days[1]))
    half = 1.959964 * np.sqrt(1 / events[0] + 1 / events[1])
    assert np.log(row["ci_high"] / row["ci_low"]) == pytest.approx(2 * half, rel=1e-6)
    assert "Poisson" in row["analysis"]


def test_rates_of_twins_have_errors_by_patient() -> None:
    """Counts that are nearly twice as high in each patient: next to nothing is left to chance in their ratio."""
    rng = np.random.default_rng(1)
    n = 100
    count = rng.poisson(rng.gamma(0.5, 6.0, n))
    extra = np.arange(n) == 7
    parts = [table("x", c, exposure=365.0) for c in (2 * count + extra, count)]
    row = compare(endpoint("event_rate"), *parts, design="twins")[0]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((2.0, 2.0), rel=0.02)
    other = table("x", rng.poisson(rng.gamma(0.5, 6.0, n)), exposure=365.0)
    both = stacked(parts[0], other)
    x = sm.add_constant(np.repeat([1.0, 0.0], n))
    known = sm.GEE(both["value"], x, groups=both["patient"], family=sm.families.Poisson()).fit()
    row = compare(endpoint("event_rate"), parts[0], other, design="twins")[0]
    assert row["estimate"] == pytest.approx(np.exp(known.params.iloc[1]), rel=1e-6)
    assert np.log(row["ci_high"] / row["ci_low"]) == pytest.approx(2 * 1.959964 * known.bse.iloc[1], rel=0.01)


def test_an_arm_without_events_has_a_rate_and_no_ratio() -> None:
    rows = rows_of(
        endpoint("event_rate"),
        stacked(table("a", [0, 0, 0], exposure=365.25), table("b", [1, 2, 0], exposure=365.25, first=3)),
        ["a", "b"],
    )
    found = fit(endpoint("event_rate"), rows, 0, [], twins=False, alpha=0.05, seed=1)
    assert (found.arms[0].estimate, found.arms[0].low) == (0.0, 0.0)
    assert found.arms[0].high == pytest.approx(-np.log(0.025) / 3)
    assert found.arms[1].estimate == pytest.approx(1.0)
    assert np.isnan(found.contrasts[1][0].found.estimate)


#: Coefficients and standard errors of the recidivism data as R's coxph prints them (Fox and Weisberg, Cox
#: Proportional-Hazards Regression for Survival Data in R, 2011).
ROSSI = {
    "fin": (-0.37942, 0.19138), "age": (-0.05744, 0.02200), "race": (0.31390, 0.30799), "wexp": (-0.14980, 0.21222),
    "mar": (-0.43370, 0.38187), "paro": (-0.08487, 0.19576), "prio": (0.09150, 0.02865),
}  # fmt: skip


def test_cox_of_a_published_example() -> None:
    data = load_rossi()
    model = cox(data["week"].to_numpy(float), data["arrest"].to_numpy() == 1, data[list(ROSSI)].to_numpy(float))
    assert model.params == pytest.approx([b for b, _ in ROSSI.values()], abs=1e-5)
    assert np.sqrt(np.diag(model.cov)) == pytest.approx([se for _, se in ROSSI.values()], abs=1e-5)


def times(seed: int, tied: bool, n: int = 80) -> list[pd.DataFrame]:
    rng = np.random.default_rng(seed)
    parts = []
    for mean in (150.0, 90.0):
        t = rng.exponential(mean, n)
        parts.append(table("x", np.ceil(np.minimum(t, 200.0) / (25.0 if tied else 1e-6)), censored=t > 200.0))
        parts[-1]["value"] *= 25.0 if tied else 1e-6
    return parts


@pytest.mark.parametrize("tied", [True, False])
def test_hazard_ratio_is_that_of_lifelines(tied: bool) -> None:
    parts = times(2, tied)
    row = compare(endpoint("time_to_event"), *parts, design="parallel")[0]
    both = stacked(*parts).assign(arm=np.repeat([1.0, 0.0], 80), event=lambda d: ~d["censored"])
    known = CoxPHFitter().fit(both[["arm", "value", "event"]], "value", "event", fit_options={"precision": 1e-12})
    told = [row["estimate"], row["ci_low"], row["ci_high"]]
    low, high = known.confidence_intervals_.loc["arm"]
    assert told == pytest.approx(np.exp([known.params_["arm"], low, high]), rel=1e-6)
    test = logrank_test(*(p["value"] for p in parts), *(~p["censored"] for p in parts))
    assert row["p_value"] == pytest.approx(test.p_value, rel=1e-6)


def test_errors_by_patient_are_those_of_statsmodels() -> None:
    parts = times(3, tied=False)
    both = stacked(*parts)
    arm = np.repeat([1.0, 0.0], 80)
    row = compare(endpoint("time_to_event"), *parts, design="twins")[0]
    model = sm.PHReg(both["value"], arm[:, None], status=~both["censored"], ties="efron")
    known = model.fit(groups=both["patient"].to_numpy())
    assert np.log(row["ci_high"] / row["ci_low"]) == pytest.approx(2 * 1.959964 * known.bse[0], rel=1e-5)
    assert row["p_value"] == pytest.approx(known.pvalues[0], rel=1e-4)


def test_errors_by_patient_do_not_depend_on_the_order_of_tied_times() -> None:
    both = stacked(*times(3, tied=True))
    x, patient = np.repeat([1.0, 0.0], 80)[:, None], both["patient"].to_numpy()
    time, event = both["value"].to_numpy(), ~both["censored"].to_numpy()
    order = np.random.default_rng(1).permutation(160)
    one, other = cox(time, event, x, patient), cox(time[order], event[order], x[order], patient[order])
    assert other.cov == pytest.approx(one.cov, rel=1e-9)
    # Each row twice, as pairs: the error is that of one of the two, larger than the model's.
    twice = cox(np.tile(time, 2), np.tile(event, 2), np.tile(x, (2, 1)), np.tile(np.arange(160), 2))
    alone = cox(np.tile(time, 2), np.tile(event, 2), np.tile(x, (2, 1)), np.arange(320))
    assert twice.cov == pytest.approx(2 * alone.cov, rel=1e-9)


def rows(parts: list[pd.DataFrame]) -> Rows:
    both = stacked(parts[0].assign(arm="a"), parts[1].assign(arm="b", patient=parts[1]["patient"] + 1000))
    return rows_of(endpoint("time_to_event"), both, ["a", "b"])


def test_curves_and_medians_are_those_of_lifelines() -> None:
    parts = times(5, tied=True)
    r = rows(parts)
    known = KaplanMeierFitter(alpha=0.1).fit(parts[0]["value"], ~parts[0]["censored"])
    found = curve(r, 0, 0.1)
    assert found["time"] == known.survival_function_.index.tolist()
    assert found["survival"] == pytest.approx(known.survival_function_.iloc[:, 0].to_numpy())
    assert found["low"] == pytest.approx(known.confidence_interval_survival_function_.iloc[:, 0].to_numpy())
    assert found["at_risk"][0] == {"time": 0.0, "n": 80}
    assert found["at_risk"][-1]["n"] == int((parts[0]["value"] >= 200.0).sum())
    summed = fit(endpoint("time_to_event"), r, 0, [], twins=False, alpha=0.05, seed=1)
    assert summed.statistic == "median_time"
    assert summed.arms[0].estimate == known.median_survival_time_


def test_a_share_stands_where_a_median_is_not_reached() -> None:
    parts = times(5, tied=True)
    parts[0]["censored"] |= np.arange(80) % 8 != 0
    found = fit(endpoint("time_to_event"), rows(parts), 0, [], twins=False, alpha=0.05, seed=1)
    known = KaplanMeierFitter().fit(parts[0]["value"], ~parts[0]["censored"])
    assert found.statistic == "event_share"
    assert found.arms[0].estimate == pytest.approx(1 - known.survival_function_.iloc[-1, 0])


def test_a_long_curve_is_thinned() -> None:
    t = np.linspace(1.0, 50.0, 3000)
    found = curve(rows([table("x", t), table("x", t)]), 0, 0.05)
    assert len(found["time"]) == 400
    assert (found["time"][0], found["time"][-1]) == (0.0, 50.0)


def test_an_arm_without_events_has_a_test_and_no_ratio() -> None:
    parts = times(1, tied=False)
    parts[0]["censored"] = True
    row = compare(endpoint("time_to_event"), *parts, design="parallel")[0]
    assert row["estimate"] is None
    assert row["p_value"] < 1e-6
    assert row["analysis"] == "no hazard ratio: an arm has no events"
    with pytest.raises(NotFitted):  # the earliest times are those with the column, one and all
        cox(np.arange(1.0, 9.0), np.arange(8) < 4, (np.arange(8) < 4).astype(float)[:, None])


def test_a_flat_likelihood_is_still_at_its_maximum() -> None:
    """Counts of a dispersion near 0, in the order in which they were met: Newton's steps do not get as short as asked,
    though the score is 0."""
    parts = []
    for counted, shorter in (
        ("000200000000000100100000001100020000000100000100", {4: 14, 7: 28, 23: 14, 28: 14}),
        ("1020130011101100010000000001001001010101120000211", {6: 56, 9: 56, 16: 56, 26: 14, 47: 14}),
    ):
        days = [float(shorter.get(i, 84)) for i in range(len(counted))]
        parts.append(table("x", [int(c) for c in counted], first=1000 * len(parts), exposure=days))
    found = compare(endpoint("event_rate"), *parts, design="parallel")[0]
    assert found["analysis"] == "negative binomial regression"
    treated, control = (p["value"].sum() / p["exposure"].sum() for p in parts)
    assert found["estimate"] == pytest.approx(treated / control, rel=0.01)
    assert found["ci_low"] < found["estimate"] < found["ci_high"]


def test_equal_twins_leave_no_variance_and_no_test() -> None:
    """Both arms of each patient are the same, the modifier is one patient's: what rounding leaves is no variance."""
    draw = np.random.default_rng(3)
    for people in (12, 12, 30, 40):
        time, old = draw.uniform(20.0, 100.0, people), np.arange(people) < max(people // 6, 1)
        event = (draw.random(people) < 0.6) | old
        arm = np.tile([0.0, 1.0], people)
        columns = np.column_stack([arm, np.repeat(old, 2), arm * np.repeat(old, 2)])
        model = cox(np.repeat(time, 2), np.repeat(event, 2), columns, np.repeat(np.arange(people), 2))
        np.testing.assert_array_equal(np.diag(model.cov)[[0, 2]], 0.0)
        assert np.isnan(model.wald(np.array([2])))
        assert model.wald(np.array([1])) <= 1.0
