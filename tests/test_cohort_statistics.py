"""Statistics of a marker with a limit: Firth's regression, censored levels, detection, and what studies would find."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.stats import binom, norm

from leukinetics.cohort import Plan, analyse_cohort
from leukinetics.cohort.analyse import PATIENTS, default_limits
from leukinetics.cohort.detection import against, among, odds, shares
from leukinetics.cohort.draws import Question, answer
from leukinetics.cohort.firth import firth, odds_of_four
from leukinetics.cohort.levels import censored_level, level_ratio
from leukinetics.cohort.published import _alike, _differ
from leukinetics.errors import DataError
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.statistics.estimates import NotFitted


def of_four(a: int, b: int, c: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """(outcome, column) of a table: a, b with and without the outcome where the column is 1; c, d where it is 0."""
    y = np.repeat([True, False, True, False], [a, b, c, d])
    return y, np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])


@pytest.mark.parametrize("cells", [(7, 3, 2, 8), (5, 0, 0, 9), (0, 4, 6, 6), (40, 60, 10, 90)])
def test_of_one_binary_column_a_half_is_added_to_each_cell(cells: tuple[int, int, int, int]) -> None:
    y, x = of_four(*cells)
    found = firth(y, x, np.empty((len(y), 0)))
    a, b, c, d = (v + 0.5 for v in cells)
    assert found.estimate == pytest.approx(a * d / (b * c), rel=1e-5)
    log, se = odds_of_four(*map(np.array, cells))
    assert math.log(found.estimate) == pytest.approx(float(log), rel=1e-5, abs=1e-6)
    assert found.se == pytest.approx(float(se), rel=0.3)  # Woolf's, with the halves; the information has none
    assert 0 < found.low < found.estimate < found.high
    assert (found.p < 0.05) == (not found.low <= 1 <= found.high)


def test_the_profile_is_that_of_the_penalised_likelihood() -> None:
    """Against a general optimiser: the interval's ends lie where the maximum over all else has fallen by 1.92."""
    rng = np.random.default_rng(1)
    x, z = rng.integers(0, 2, 60).astype(float), rng.standard_normal(60)
    y = rng.random(60) < 1 / (1 + np.exp(-(-1 + x + 0.5 * z)))
    design = np.column_stack([np.ones(60), x, z])

    def penalised(b: np.ndarray) -> float:
        eta = design @ b
        p = 1 / (1 + np.exp(-eta))
        information = (design * (p * (1 - p))[:, None]).T @ design
        return -float((y * eta - np.logaddexp(0, eta)).sum() + 0.5 * np.linalg.slogdet(information)[1])

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20_000}
    top = minimize(penalised, np.zeros(3), method="Nelder-Mead", options=options)
    found = firth(y, x, z[:, None])
    assert math.log(found.estimate) == pytest.approx(top.x[1], abs=1e-4)
    for end in (math.log(found.low), math.log(found.high)):
        held = minimize(
            lambda b, fixed=end: penalised(np.array([b[0], fixed, b[1]])),
            [0, 0],
            method="Nelder-Mead",
            options=options,
        )
        assert held.fun - top.fun == pytest.approx(3.841459 / 2, abs=1e-3)
    none = minimize(lambda b: penalised(np.array([b[0], 0.0, b[1]])), [0, 0], method="Nelder-Mead", options=options)
    from scipy.stats import chi2

    assert found.p == pytest.approx(chi2.sf(2 * (none.fun - top.fun), 1), abs=1e-4)


def test_with_many_people_it_is_plain_logistic_regression() -> None:
    from statsmodels.discrete.discrete_model import Logit

    rng = np.random.default_rng(2)
    x, z = rng.integers(0, 2, 5000).astype(float), 40 + 10 * rng.standard_normal(5000)
    y = rng.random(5000) < 1 / (1 + np.exp(-(-2 + 0.7 * x + 0.03 * z)))
    plain = Logit(y.astype(float), np.column_stack([np.ones(5000), x, z])).fit(disp=0)
    found = firth(y, x, z[:, None])
    assert math.log(found.estimate) == pytest.approx(plain.params[1], abs=0.005)
    assert found.se == pytest.approx(plain.bse[1], rel=0.01)
    low, high = plain.conf_int()[1]
    assert (math.log(found.low), math.log(found.high)) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_what_cannot_be_told_apart_is_not_fitted() -> None:
    y, x = of_four(3, 3, 0, 0)
    with pytest.raises(NotFitted):
        firth(y, x, np.empty((6, 0)))
    y, x = of_four(3, 3, 3, 3)
    with pytest.raises(NotFitted):
        firth(y, x, x[:, None])


def test_intervals_of_odds_hold_the_truth() -> None:
    rng, held = np.random.default_rng(3), 0
    truth = (0.3 / 0.7) / (0.08 / 0.92)
    for _ in range(200):
        k, k0 = rng.binomial(60, 0.3), rng.binomial(100, 0.08)
        y, x = of_four(k, 60 - k, k0, 100 - k0)
        found = firth(y, x, np.empty((len(y), 0)))
        held += found.low <= truth <= found.high
    assert 180 <= held <= 199


@pytest.mark.parametrize("limit", [1.5, 3.0, 6.0])
def test_censored_levels_are_those_of_the_likelihood(limit: float) -> None:
    """Against the likelihood with the share below the limit by numerical integration."""
    x = np.exp(np.random.default_rng(4).normal(1.0, 0.7, 150))
    found = censored_level(x, limit)

    def deviance(p: np.ndarray) -> float:
        mean, sd = p[0], math.exp(p[1])
        below = quad(lambda t: norm.pdf(t, mean, sd), -20, math.log(limit), points=[mean])[0]
        seen = np.log(x[x >= limit])
        return -float(norm.logpdf(seen, mean, sd).sum() + (x < limit).sum() * math.log(max(below, 1e-300)))

    best = minimize(deviance, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    assert math.log(found["geometric_mean"]) == pytest.approx(best.x[0], abs=2e-3)
    assert found["sd_ln"] == pytest.approx(math.exp(best.x[1]), rel=5e-3)


def test_censored_means_are_right_where_half_the_limit_is_not() -> None:
    rng = np.random.default_rng(5)
    held, halves = 0, []
    for _ in range(60):
        found = censored_level(np.exp(rng.normal(1.0, 0.7, 120)), 4.0)  # 71 % below
        held += found["ci_low"] <= math.e <= found["ci_high"]
        halves.append(found["half_limit"])
    assert held >= 52
    assert min(halves) > 2.2 and abs(np.mean(halves) - 2.718) < 0.6
    x = np.exp(rng.normal(1.0, 0.7, 4000))
    means = [censored_level(x, limit)["geometric_mean"] for limit in (0.5, 4.0, 8.0)]
    assert means == pytest.approx([math.e] * 3, rel=0.08)
    assert censored_level(x, 8.0)["half_limit"] > 1.4 * math.e


def test_few_levels_tell_no_mean() -> None:
    few = censored_level(np.array([1.0, 2.0, 3.0, 9.0]), 2.5)
    assert few["geometric_mean"] is None and few["half_limit"] is not None
    assert level_ratio(few, few)["estimate"] is None
    assert censored_level(np.array([]), 1.0)["half_limit"] is None
    assert censored_level(np.full(9, 5.0), 1.0)["geometric_mean"] is None


def test_ratios_of_levels() -> None:
    rng = np.random.default_rng(6)
    one, other = (censored_level(np.exp(rng.normal(m, 0.5, 400)), 2.0) for m in (1.5, 0.8))
    found = level_ratio(one, other)
    assert found["ci_low"] < math.exp(0.7) < found["ci_high"]
    assert found["p_value"] < 1e-6


def table(n: int = 200, seed: int = 7) -> pd.DataFrame:
    """Controls with a median of 2, two groups of patients with 4; active ones have twice as much, and more events."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(["controls", "A", "B"], n)
    active = np.where(groups == "A", rng.random(3 * n) < 0.5, np.nan)
    level = np.log(np.where(groups == "controls", 2.0, 4.0)) + np.nan_to_num(active) * math.log(2)
    x = np.exp(rng.normal(level, 0.6))
    days = np.where(groups == "A", 700.0, np.nan)
    events = np.where(groups == "A", rng.poisson(0.5 + 0.6 * (x > 5)), np.nan)
    return pd.DataFrame(
        {
            "person": np.arange(3 * n), "group": groups, "marker": x, "below": False, "active": active,
            "age": rng.normal(40, 10, 3 * n), "relapses.value": events, "relapses.baseline": np.nan,
            "relapses.exposure": days, "relapses.censored": False,
        }
    )  # fmt: skip


RELAPSES = Endpoint(id="relapses", observable="crp", kind="event_rate", every="1 d", threshold=">= 3 mg/L")
PLAN = Plan(
    unit="pg/mL", limit=5.0, groups=("controls", "A", "B"), control="controls", activity=("A",), prognosis=("A",),
    outcomes=(RELAPSES,), covariates=("age",), seed=3,
)  # fmt: skip


def plan(**changes: Any) -> Plan:
    return Plan(**{**PLAN.__dict__, **changes})


def test_a_whole_analysis() -> None:
    people = table()
    found = analyse_cohort(people, PLAN)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for row in found["groups"]:
        mine = people[people["group"] == row["name"]]["marker"]
        assert (row["n"], row["detected"]) == (200, int((mine >= 5).sum()))
        assert row["ci_low"] < row["share"] < row["ci_high"]
    rows = {(r["group"], r["measure"]): r for r in found["contrasts"]}
    assert set(rows) == {(PATIENTS, "odds_ratio"), *((g, m) for g in "AB" for m in ("odds_ratio", "level_ratio"))}
    assert rows["B", "odds_ratio"]["ci_low"] > 1
    assert rows["B", "odds_ratio"]["p_exact"] < 0.001
    assert rows["B", "level_ratio"]["ci_low"] < 2.0 < rows["B", "level_ratio"]["ci_high"]
    plain, adjusted = found["activity"]
    assert (plain["adjusted"], adjusted["adjusted"]) == ([], ["age"])
    assert plain["n"] + plain["n_reference"] == 200
    assert plain["ci_low"] > 1 and adjusted["ci_low"] > 1
    (later,) = found["prognosis"]
    assert (later["measure"], later["n"]) == ("rate_ratio", 200)
    assert later["ci_low"] < 1.1 / 0.5 < later["ci_high"]
    assert found["among"]["p_value"] < 0.05  # A has active people
    assert len(found["among"]["pairs"]) == 1
    limits = [p["limit"] for p in found["curve"]]
    assert limits == sorted(limits) and 5.0 in limits and len(limits) == 17
    detected = [p["detected"] for p in found["curve"]]
    assert detected == sorted(detected, reverse=True) and detected[0] > 0.9 and detected[-1] < 0.1
    at = next(p for p in found["curve"] if p["limit"] == 5.0)
    assert at["activity"][0]["estimate"] == plain["estimate"]
    assert at["prognosis"][0]["estimate"] == later["estimate"]


def test_what_is_below_a_number_counts_as_not_detected() -> None:
    people = table()
    low = people["marker"] < 3
    people.loc[low, "marker"], people.loc[low, "below"] = 3.0, True
    same = analyse_cohort(people, PLAN)
    whole = analyse_cohort(table(), plan(limits=tuple(p["limit"] for p in same["curve"])))
    assert same["groups"] == whole["groups"]
    assert min(default_limits(people, PLAN)) >= 3.0
    for low_limit in ({"limit": 2.0}, {"limits": (2.0, 5.0)}):
        with pytest.raises(DataError, match=r"The limit 2 .* is below 3"):
            analyse_cohort(people, plan(**low_limit))


def test_a_marker_of_0_is_not_detected_and_makes_no_limit() -> None:
    people = table()
    people.loc[people.index[:20], "marker"] = 0.0
    assert min(default_limits(people, PLAN)) > 0
    assert sum(r["detected"] for r in analyse_cohort(people, PLAN)["groups"]) == (people["marker"] >= PLAN.limit).sum()
    assert default_limits(people.assign(marker=0.0), PLAN) == (PLAN.limit,)


def test_a_table_that_lacks_something_is_refused() -> None:
    with pytest.raises(DataError, match="no column 'marker'"):
        analyse_cohort(table().drop(columns="marker"), PLAN)
    with pytest.raises(DataError, match="group 'B' that the plan has not"):
        analyse_cohort(table(), plan(groups=("controls", "A")))
    with pytest.raises(DataError, match="nobody with a marker in the group 'C'"):
        analyse_cohort(table(), plan(groups=(*PLAN.groups, "C")))
    with pytest.raises(DataError, match="'nobody' is none of the plan's groups"):
        analyse_cohort(table(), plan(control="nobody"))
    empty = table()
    empty.loc[empty["group"] == "A", "marker"] = np.nan
    with pytest.raises(DataError, match="nobody with a marker in the group 'A'"):
        analyse_cohort(empty, PLAN)


def test_groups_that_do_not_differ_and_sparse_ones() -> None:
    people = table()
    people = people[people["group"] != "A"]
    rng = np.random.default_rng(1)
    again = people[people["group"] == "B"].assign(group="A", marker=lambda t: rng.permutation(t["marker"]))
    both = pd.concat([people, again], ignore_index=True)
    found = among(both, PLAN, 5.0)
    assert found is not None and found["p_value"] == 1.0 and found["analysis"] == "chi-square test"
    sparse = among(both, PLAN, float(both["marker"].max()) * 0.99)
    assert sparse is not None and "tables with the same margins" in sparse["analysis"]
    assert among(both, PLAN, 1e9) == found | {"p_value": None, "pairs": among(both, PLAN, 1e9)["pairs"]}  # type: ignore[index]
    one = plan(groups=("controls", "A"))
    assert among(both, one, 5.0) is None


def test_the_answer_of_a_draw_is_that_of_the_analysis() -> None:
    people = table()
    row = odds(people, PLAN, 5.0, against(people, "B", "controls"))
    found = answer(people, PLAN, 5.0, Question("control", "B"))
    assert math.exp(found.estimate) == pytest.approx(row["estimate"], rel=1e-5)
    assert found.shares is not None
    # The people's parts give the error: the sum of squares is the variance but for the half that is added.
    assert math.sqrt((found.shares.parts**2).sum()) == pytest.approx(found.se, rel=0.05)
    later = answer(people, PLAN, 5.0, Question("prognosis", "A", "relapses"))
    assert later.measure == "rate_ratio" and 0 < later.se < 0.5
    nobody = answer(people, PLAN, 1e9, Question("prognosis", "A", "relapses"))
    assert math.isnan(nobody.estimate)
    assert [r["detected"] for r in shares(people, PLAN, 1e9)] == [0, 0, 0]


def test_chances_of_studies_are_powers() -> None:
    """Against the exact power of the score test, by the sum over all tables."""
    n1, p1, n0, p0 = 60, 0.3, 100, 0.08
    k1, k0 = np.meshgrid(np.arange(n1 + 1), np.arange(n0 + 1), indexing="ij")
    pooled = (k1 + k0) / (n1 + n0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = (k1 / n1 - k0 / n0) / np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
    exact = float((np.nan_to_num(z) > norm.ppf(0.975)) @ binom.pmf(np.arange(n0 + 1), n0, p0) @ binom.pmf(
        np.arange(n1 + 1), n1, p1))  # fmt: skip
    ones = np.ones(4000, dtype=np.int64)
    rng = np.random.default_rng(0)
    found = _differ(rng, n1 * ones, p1, n0 * ones, p0, 0.05, True)
    assert found == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 4000))
    assert _differ(rng, n1 * ones, p1, n0 * ones, p0, 0.05, False) < 0.001
    assert _alike(rng, [(200, 0.2), (100, 0.2), (80, 0.2)], 0.05) == pytest.approx(0.95, abs=0.02)
    assert _alike(rng, [(200, 0.2), (100, 0.5), (80, 0.2)], 0.05) < 0.05


def test_limits_may_be_named() -> None:
    found = analyse_cohort(table(), plan(limits=(3.0, 5.0)))
    assert [p["limit"] for p in found["curve"]] == [3.0, 5.0]
