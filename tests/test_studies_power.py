"""Power by replicate trials, against formulas and statsmodels; sizes, assurance, enrichment."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_assembly import fake_assembly
from scipy import stats
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from statsmodels.stats.proportion import proportion_effectsize

from leukinetics import ProtocolError, trial
from leukinetics.trial.studies import pool, power, studies, uncertainty
from leukinetics.trial.studies.assurance import assurance
from leukinetics.trial.studies.logrank import log_rank
from leukinetics.trial.studies.pool import Pool, Side, draw, power_of
from leukinetics.trial.studies.size import size_for
from leukinetics.trial.studies.tables import tables

NORMAL = stats.norm.ppf((np.arange(4001) + 0.5) / 4001)
NORMAL = NORMAL / NORMAL.std()  # a pool whose mean is 0 and whose SD is 1
REPLICATES = 4000


def normal_pool(shift: float) -> Pool:
    return Pool(Side(NORMAL + shift, None), Side(NORMAL, None), "difference")


def within(share: float, expected: float, replicates: int = REPLICATES) -> bool:
    """Within what 4000 replicates let expect of the true power (1 in 10,000 outside)."""
    return abs(share - expected) < 3.9 * math.sqrt(expected * (1 - expected) / replicates)


@pytest.mark.parametrize(("shift", "n"), [(0.5, 30), (0.5, 64), (0.3, 100), (1.0, 8), (-0.7, 20)])
def test_power_is_that_of_the_noncentral_t(shift: float, n: int) -> None:
    found = power_of(normal_pool(shift).p_values(n, REPLICATES, seed=2), 0.05)
    assert within(found, TTestIndPower().power(abs(shift), n, 0.05))


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_without_an_effect_power_is_alpha(alpha: float) -> None:
    assert within(power_of(normal_pool(0.0).p_values(25, REPLICATES, seed=3), alpha), alpha)


def test_a_baseline_raises_power_as_its_correlation_says() -> None:
    rng = np.random.default_rng(0)
    b, e = rng.standard_normal((2, 20_000))
    y = 0.8 * b + 0.6 * e
    adjusted = Pool(Side(y + 0.4, b), Side(y, b), "ancova")
    share = power_of(adjusted.p_values(40, REPLICATES, seed=1), 0.05)
    assert share == pytest.approx(TTestIndPower().power(0.4 / 0.6, 40, 0.05), abs=0.03)


def test_power_of_shares() -> None:
    a, b = (np.repeat([1.0, 0.0], [k, 1000 - k]) for k in (600, 400))
    found = power_of(Pool(Side(a, None), Side(b, None), "risk_difference").p_values(80, REPLICATES, seed=4), 0.05)
    expected = NormalIndPower().power(proportion_effectsize(0.6, 0.4), 80, 0.05)
    assert found == pytest.approx(expected, abs=0.02)


def test_missing_values_cost_their_share_of_the_patients() -> None:
    values = np.where(np.arange(len(NORMAL)) % 2, NORMAL, np.nan)
    half = Pool(Side(values + 0.5, None), Side(values, None), "difference")
    found = power_of(half.p_values(100, REPLICATES, seed=5), 0.05)
    assert found == pytest.approx(TTestIndPower().power(0.5, 50, 0.05), abs=0.03)


def test_replicates_do_not_depend_on_order_or_on_how_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = normal_pool(0.4).p_values(20, 50, seed=7)
    monkeypatch.setattr(pool, "_NUMBERS", 100)
    assert np.array_equal(whole, normal_pool(0.4).p_values(20, 50, seed=7))
    many, few = draw(7, "treated", 999, 20, range(10)), draw(7, "treated", 999, 12, range(4, 6))
    assert np.array_equal(many[4:6, :12], few)
    assert not np.array_equal(many, draw(7, "control", 999, 20, range(10)))
    assert not np.array_equal(many, draw(8, "treated", 999, 20, range(10)))


def test_log_rank_is_that_of_lifelines() -> None:
    from lifelines.statistics import logrank_test

    rng = np.random.default_rng(8)
    a, b = rng.exponential(2.0, (6, 30)).round(1), rng.exponential(1.2, (6, 40)).round(1)  # with ties
    seen, seen_ref = rng.random(a.shape) < 0.7, rng.random(b.shape) < 0.8
    a[2, 4] = b[3, 7] = np.nan
    found = log_rank(a, seen, b, seen_ref)
    for i in range(len(a)):
        here, there = ~np.isnan(a[i]), ~np.isnan(b[i])
        expected = logrank_test(a[i][here], b[i][there], seen[i][here], seen_ref[i][there]).p_value
        assert found[i] == pytest.approx(expected, rel=1e-9)
    none = np.zeros((2, 5), dtype=bool)
    assert np.isnan(log_rank(np.ones((2, 5)), none, np.ones((2, 5)), none)).all()
    assert np.isnan(log_rank(np.full((2, 5), np.nan), ~none, np.ones((2, 5)), ~none)).all()


def test_power_of_times_to_an_event_is_schoenfelds() -> None:
    u = (np.arange(4000) + 0.5) / 4000
    ratio, n = 0.6, 150
    a, b = -np.log(u) / ratio, -np.log(u)
    events = Pool(*(Side(np.minimum(t, 2.0), None, None, t < 2.0) for t in (a, b)), "log_rank")
    share = float(((a < 2).mean() + (b < 2).mean()) / 2)
    expected = stats.norm.cdf(abs(math.log(ratio)) * math.sqrt(2 * n * share / 4) - stats.norm.ppf(0.975))
    assert power_of(events.p_values(n, REPLICATES, seed=1), 0.05) == pytest.approx(expected, abs=0.03)
    same = Pool(events.control, events.control, "log_rank")
    assert within(power_of(same.p_values(n, REPLICATES, seed=1), 0.05), 0.05)


def test_an_analysis_without_a_closed_form_is_fitted_to_fewer_replicates_of_new_patients() -> None:
    seen = []

    def fit(a: pd.DataFrame, b: pd.DataFrame) -> float:
        seen.append([*a["patient"], *b["patient"]])
        return float(stats.ttest_ind(a["value"], b["value"]).pvalue)

    table = pd.DataFrame({"patient": np.arange(len(NORMAL)), "value": NORMAL})
    fitted = Pool(Side(NORMAL, None, table), Side(NORMAL, None, table), None, fit)
    assert fitted.replicates(1000) == pool.FITTED
    p = fitted.p_values(12, 5, seed=2)
    assert all(len(set(people)) == 24 for people in seen)
    assert np.corrcoef(p, normal_pool(0.0).p_values(12, 5, seed=2))[0, 1] > 0.999


@pytest.mark.parametrize("target", [0.5, 0.8, 0.9, 0.99])
@pytest.mark.parametrize("sizes", [(5, 50, 500), (400,), (25, 50, 100, 200, 400)])
def test_the_size_for_a_target_is_the_smallest_that_has_it(target: float, sizes: tuple[int, ...]) -> None:
    asked = []

    def exact(n: int) -> float:
        asked.append(n)
        return float(TTestIndPower().power(0.45, n, 0.05))

    found = size_for(exact, target, {n: float(TTestIndPower().power(0.45, n, 0.05)) for n in sizes})
    assert found is not None
    assert found == math.ceil(TTestIndPower().solve_power(0.45, None, 0.05, target))
    assert len(asked) < 20


def test_a_size_that_is_not_reached_is_none_and_a_dent_in_the_curve_does_no_harm() -> None:
    assert size_for(lambda n: 0.1, 0.8, {10: 0.2, 400: 0.7}) is None
    assert size_for(lambda n: 0.1, 0.8, {}) is None
    found = size_for(lambda n: min(n / 100, 1.0), 0.8, {50: 0.5, 60: 0.45, 100: 1.0, 200: 0.99})
    assert found == 80
    rough = size_for(lambda n: n / 1000, 0.8, {500: 0.5, 1000: 1.0}, tolerance=0.05)
    assert rough is not None
    assert 800 <= rough <= 850


def test_assurance_is_power_averaged_over_the_effect() -> None:
    one = assurance([0.5], [math.sqrt(2 / 100)], 100, 64, 0.05, 1.0)
    assert one == pytest.approx(stats.norm.cdf(0.5 / math.sqrt(2 / 64) - stats.norm.ppf(0.975)))
    # Of a normal effect: Phi((mean/s - z)/sqrt(1 + (sd/s)^2)).
    mean, sd, s = 0.4, 0.3, math.sqrt(2 / 80)
    drawn = mean + sd * NORMAL
    expected = stats.norm.cdf((mean / s - stats.norm.ppf(0.975)) / math.sqrt(1 + (sd / s) ** 2))
    found = assurance(drawn, np.full(len(drawn), math.sqrt(2 / 100)), 100, 80, 0.05, mean)
    assert found == pytest.approx(expected, abs=1e-3)
    assert assurance(-drawn, np.full(len(drawn), math.sqrt(2 / 100)), 100, 80, 0.05, -mean) == pytest.approx(found)
    assert assurance([math.nan], [1.0], 100, 80, 0.05, 1.0) is None
    # Without uncertainty it is the power of the t test, in the direction of the effect.
    for n in (5, 30, 90):
        sure = assurance([0.6, 0.6], [math.sqrt(2 / 50)] * 2, 50, n, 0.05, 1.0, 2 * n - 2)
        assert sure == pytest.approx(TTestIndPower().power(0.6, n, 0.05 / 2, alternative="larger"), abs=2e-4)
    assert assurance([-0.6], [0.2], 50, 30, 0.05, 1.0, 58) < 1e-4
    assert assurance([90.0], [0.2], 50, 30, 0.05, 1.0, 58) == pytest.approx(1.0)
    assert assurance([0.6], [0.2], 50, 1, 0.05, 1.0, -1) is None
    harm = assurance([-5.0, 5.0], [0.1, 0.1], 100, 100, 0.05, 1.0)
    assert harm == pytest.approx(0.5)


ENDS = [
    {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "noise": True},
    {"id": "level", "observable": "mab", "kind": "value", "at": "8 weeks"},
]


def protocol(**more: Any) -> dict[str, Any]:
    dose = {"drug": "mab", "amount": "5 mg", "route": "iv", "every": "4 weeks"}
    head = {"name": "t", "condition": "inflamed", "duration": "8 weeks", "patients_per_arm": 120, "seed": 3}
    return {
        "trial": head | more.pop("trial", {}),
        "arm": [{"name": "placebo"}, {"name": "iv", "dose": [dose]}],
        "endpoint": ENDS,
        **more,
    }


def made(**more: Any) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    prepared = trial.prepare(protocol(**more), assembly=fake_assembly())
    return prepared, *tables(trial.run_candidates(prepared, [{}]), 0)


@pytest.mark.parametrize("design", ["twins", "parallel"])
def test_the_power_of_a_trial(design: str) -> None:
    study = {"sizes": [200, 5, 20], "replicates": 300}
    prepared, endpoints, population = made(trial={"design": design}, power=study)
    found = power(prepared, endpoints, population)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [row["n_per_arm"] for row in found["curve"]] == [5, 20, 200]
    shares = [row["power"] for row in found["curve"]]
    assert shares == sorted(shares)
    assert shares[0] < 0.8 < shares[-1] == found["reached"]
    assert all(row["power_low"] <= row["power"] <= row["power_high"] for row in found["curve"])
    assert 5 < found["n_for_target"] < 200
    assert (found["endpoint"], found["arm"], found["reference"]) == ("crp", "iv", "placebo")
    assert (found["analysis"], found["replicates"], found["alpha"]) == ("log_ancova", 300, 0.05)
    assert all(row["assurance"] is None for row in found["curve"])
    assert found["enrichment"] == []
    # Half the alpha, and a target out of reach.
    strict = prepared.protocol.model_copy(
        update={"analysis": prepared.protocol.analysis.model_copy(update={"alpha": 1e-6})}
    )
    prepared.protocol = strict.model_copy(update={"power": strict.power.model_copy(update={"sizes": [5, 20]})})
    less = power(prepared, endpoints, population)
    assert all(a["power"] < b["power"] for a, b in zip(less["curve"], found["curve"], strict=False))
    assert less["n_for_target"] is None
    assert less["reached"] == max(row["power"] for row in less["curve"]) < 0.8


def test_twins_are_taken_apart() -> None:
    """A shift that every twin shares is certain when they are paired, and not in a trial of other people per arm."""
    table = pd.DataFrame({"patient": np.arange(200), "value": np.exp(NORMAL[::20][:200])})
    assert len(table) == 200
    _, _, population = made()
    rows = {"time": 56.0, "unit": "mg/L", "censored": False, "exposure": math.nan, "missing": "", "baseline": 1.0}
    treated = table.assign(arm="iv", endpoint="level", **rows)
    control = treated.assign(arm="placebo", value=treated["value"] * 0.99)
    ready = trial.prepare(
        protocol(power={"endpoint": "level", "sizes": [100], "replicates": 500}), assembly=fake_assembly()
    )
    found = power(ready, pd.concat([control, treated]), population)
    assert found["curve"][0]["power"] < 0.1


def test_assurance_needs_the_draws_and_uses_those_of_the_uncertainty() -> None:
    kept: dict[str, Any] = {}

    def keep(name: str, compute: Any) -> Any:
        kept.setdefault(name, json.loads(json.dumps(compute(), allow_nan=False)))
        return kept[name]

    study = {"power": {"sizes": [10, 1000], "replicates": 200}, "uncertainty": {"draws": 6, "patients": 40}}
    prepared, endpoints, population = made(**study)
    uncertainty(prepared, keep)
    draws = len(kept)
    found = power(prepared, endpoints, population, keep)
    assert len(kept) > draws
    low, high = (row["assurance"] for row in found["curve"])
    assert 0 < low < high <= 1

    def only_kept(name: str, compute: Any) -> Any:
        return kept[name]

    assert power(prepared, endpoints, population, only_kept) == found
    whole = studies(prepared, endpoints, population, threads=1)
    assert whole["power"] == found
    assert whole["sensitivity"] is None


def test_enrichment_counts_people_and_costs() -> None:
    study = {
        "sizes": [100], "replicates": 200, "biomarker": "crp", "enrichment": [1000.0, 4000.0, 9e6], "unit": "ug/L",
        "cost_screened": 3.0, "cost_enrolled": 7.0,
    }  # fmt: skip
    prepared, endpoints, population = made(power=study, eligibility={"crp": ">= 2 mg/L"})
    found = power(prepared, endpoints, population)["enrichment"]
    seen = int(population.index.max()) + 1
    assert [row["threshold"] for row in found] == [1000.0, 4000.0, 9e6]
    assert found[0]["share"] == pytest.approx(len(population) / seen)
    assert found[1]["share"] == pytest.approx((population["screening.crp"] >= 4.0).sum() / seen)
    for row in found[:2]:
        assert row["unit"] == "ug/L"
        n, screened = row["n_for_target"], row["screened_for_target"]
        assert screened == math.ceil(2 * n / row["share"] - 1e-9)
        assert row["cost"] == 3.0 * screened + 7.0 * 2 * n
        assert row["ci_low"] < row["effect"] < row["ci_high"]
    nobody = found[2]
    assert nobody["share"] == 0
    assert all(nobody[k] is None for k in ("effect", "ci_low", "n_for_target", "screened_for_target", "cost"))


def test_enrichment_by_other_biomarkers() -> None:
    study = {"sizes": [100], "replicates": 50, "biomarker": "crp", "enrichment": [3.0], "unit": "mg/L"}
    study["others"] = {"weight": [60.0, 80.0]}
    prepared, endpoints, population = made(power=study, eligibility={"crp": ">= 2 mg/L"})
    found = power(prepared, endpoints, population)["enrichment"]
    told = [(row["biomarker"], row["threshold"], row["unit"]) for row in found]
    assert told == [("crp", 3.0, "mg/L"), ("weight", 60.0, "kg"), ("weight", 80.0, "kg")]
    seen = int(population.index.max()) + 1
    assert found[2]["share"] == pytest.approx((population["weight"] >= 80.0).sum() / seen)
    alone = made(power={k: v for k, v in study.items() if k != "others"}, eligibility={"crp": ">= 2 mg/L"})
    assert power(*alone)["enrichment"] == found[:1]


def test_enrichment_analyses_all_visits_as_the_trial_does() -> None:
    study = {"sizes": [100], "replicates": 50, "biomarker": "weight", "enrichment": [1.0], "unit": "kg"}
    repeated = {
        "id": "mixed", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "analysis": "log_mmrm",
        "visits": ["2 weeks", "4 weeks"], "noise": True,
    }  # fmt: skip
    plan = protocol(power=study, endpoint=[repeated], dropout={"rate": 0.98, "observable": "crp", "hazard_ratio": 4.0})
    found = trial.run(trial.prepare(plan, assembly=fake_assembly())).summary
    (whole,) = found["contrasts"]
    (everybody,) = found["power"]["enrichment"]
    assert found["arms"][0]["endpoints"]["mixed"]["missing"]["left"] > 5
    assert (everybody["effect"], everybody["ci_low"]) == (whole["estimate"], whole["ci_low"])


@pytest.mark.parametrize("among", ["screened", "enrolled"])
def test_people_who_are_not_of_the_population_are_not_screened(among: str) -> None:
    """A trial meets no people that a matched selection of virtual ones leaves out: they cost nothing."""
    study = {"sizes": [100], "replicates": 50, "biomarker": "crp", "enrichment": [4.0], "unit": "mg/L"}
    match = {"observable": "weight", "mean": 95.0, "sd": 4.0, "unit": "kg"}
    found = {}
    for name, population in (("plain", {}), ("matched", {"match": [match], "among": among})):
        prepared = trial.prepare(
            protocol(power=study, eligibility={"crp": ">= 2 mg/L"}, population=population), assembly=fake_assembly()
        )
        found[name] = trial.run(prepared)
    screened = {name: len(result.screening) for name, result in found.items()}
    assert screened["matched"] > 2 * screened["plain"]
    share = {name: result.summary["power"]["enrichment"][0]["share"] for name, result in found.items()}
    assert share["matched"] == pytest.approx(share["plain"], rel=0.35)
    reason = found["matched"].screening["reason"]
    left_out = (reason == "not selected to match the population").sum()
    high = (found["matched"].population["screening.crp"] >= 4.0).mean()
    if among == "screened":
        expected = high * 120 / (screened["matched"] - left_out)
    else:
        expected = high * (120 + left_out) / screened["matched"]
    assert share["matched"] == pytest.approx(expected, rel=1e-7)


def test_what_power_cannot_be_asked_is_refused() -> None:
    for study, message in (
        ({"endpoint": "crpp"}, "crpp"),
        ({"arm": "placebo"}, "'placebo' is the arm that 'crp' compares others with"),
        ({"biomarker": "crp", "enrichment": [1.0], "unit": "kg"}, "power, unit"),
    ):
        with pytest.raises(ProtocolError, match=message):
            made(power={"sizes": [5], "replicates": 10, **study})
    study = {"sizes": [5], "replicates": 10, "biomarker": "crp", "enrichment": [1.0], "unit": "mg/L"}
    prepared, endpoints, population = made(power=study)
    with pytest.raises(ProtocolError, match=r"no column 'screening.crp' or 'baseline.crp' or 'crp'"):
        power(prepared, endpoints, population)
    later = population.assign(**{"baseline.crp": 3.0}).reset_index()
    assert power(prepared, endpoints, later)["enrichment"][0]["share"] == 1.0
