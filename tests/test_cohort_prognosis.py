"""A censored marker and what comes later: the libraries, simulated truth, what cannot be told."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from outcome_examples import KINDS, people

from leukinetics.cohort.diagnosis.concordance import MOST, concordance
from leukinetics.cohort.diagnosis.imputation import impute
from leukinetics.cohort.diagnosis.models import dispersion
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.diagnosis.prognosis import prognosis
from leukinetics.cohort.diagnosis.sample import covariates_of, stream
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError
from leukinetics.trial.statistics.estimates import NotFitted


def row(rows: list[dict[str, Any]], marker: str, adjusted: bool = False) -> dict[str, Any]:
    return next(r for r in rows if r["marker"] == marker and bool(r["adjusted"]) == adjusted)


# Against the libraries: without anything below the limit the level is an ordinary column.


def test_uncensored_logistic_and_linear_are_those_of_statsmodels() -> None:
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.regression.linear_model import OLS

    for kind, model in (("binary", Logit), ("continuous", OLS)):
        x, y, c = people(kind, 1, 150, 0.0, 0.5)
        found = row(prognosis(x, y, c), "doubling", adjusted=True)
        design = np.column_stack([np.log2(x.lower), c["age"], np.ones(150)])
        fit = model(y.value, design).fit(**({"disp": 0} if kind == "binary" else {}))
        scale = np.exp if kind == "binary" else np.asarray
        assert found["estimate"] == pytest.approx(float(scale(fit.params[0])), rel=1e-6)
        np.testing.assert_allclose([found["ci_low"], found["ci_high"]], scale(fit.conf_int()[0]), rtol=1e-6)
        assert found["p_value"] == pytest.approx(fit.pvalues[0], rel=1e-5)
        assert (found["sets"], found["missing_information"]) == (1, 0.0)
        assert found["half_limit"] == found["estimate"]


def test_uncensored_times_are_those_of_lifelines() -> None:
    from lifelines import CoxPHFitter
    from lifelines.statistics import proportional_hazard_test

    x, y, c = people("time_to_event", 1, 200, 0.0, 0.5)
    found = row(prognosis(x, y, c), "doubling", adjusted=True)
    table = pd.DataFrame({"x": np.log2(x.lower), "c": c["age"], "t": y.value, "e": y.event})
    fit = CoxPHFitter().fit(table, "t", "e")
    assert found["estimate"] == pytest.approx(math.exp(fit.params_["x"]), rel=1e-5)
    assert found["ci_low"] == pytest.approx(math.exp(fit.confidence_intervals_.iloc[0, 0]), rel=1e-4)
    test = proportional_hazard_test(fit, table, time_transform="rank")
    assert found["checks"]["proportional_p"] == pytest.approx(test.summary.loc["x", "p"], rel=1e-3)


def test_detected_or_not_is_one_column() -> None:
    """Of counts negative binomial regression of statsmodels; of yes or no Firth's, a half added to each cell."""
    from statsmodels.discrete.discrete_model import NegativeBinomial

    x, y, _ = people("count", 3, 300, 0.5, 0.5)
    found = row(prognosis(x, y), "detected")
    design = np.column_stack([np.ones(300), x.detected()])
    fit = NegativeBinomial(y.value, design, exposure=y.exposure).fit(disp=0, maxiter=500)
    assert found["estimate"] == pytest.approx(math.exp(fit.params[1]), rel=1e-4)
    assert found["events_detected"] == y.value[x.observed].sum()
    x, y, _ = people("binary", 3, 100, 0.5, 0.5)
    found = row(prognosis(x, y), "detected")
    a, b, c, d = (((x.observed == s) & (y.value == o)).sum() + 0.5 for s in (True, False) for o in (1, 0))
    assert found["estimate"] == pytest.approx(a * d / (b * c), rel=1e-4)


def test_concordance_is_that_of_lifelines_and_its_error_that_of_the_jackknife() -> None:
    from lifelines.utils import concordance_index

    x, y, _ = people("time_to_event", 5, 120, 0.5, 0.8)
    found = concordance(x, y)
    level = np.where(x.below, 0.0, x.lower)
    assert found["estimate"] == pytest.approx(concordance_index(y.value, -level, y.event), rel=1e-7)
    each = np.arange(120)
    left = [concordance(x.take(each != i), y.take(each != i))["estimate"] for i in each]
    assert found["se"] == pytest.approx(math.sqrt(119 / 120 * ((left - np.mean(left)) ** 2).sum()), rel=0.05)
    assert found["ci_low"] < found["estimate"] < found["ci_high"]


def test_concordance_of_ties_and_of_too_many_people() -> None:
    x = Censored.of([1, 2, 2, 4, 0.1, 0.1], 0.5)
    y = Outcome.of("time_to_event", [4, 4, 3, 1, 2, 2], event=[1, 0, 1, 1, 1, 0])
    # Pairs by hand: (4: 1.0 with all), (5 and 6 of equal time: the event first), ...
    found = concordance(x, y)
    pairs = {(3, 0): 1, (3, 1): 1, (3, 2): 1, (3, 4): 1, (3, 5): 1, (4, 0): 0, (4, 1): 0, (4, 2): 0, (4, 5): 0.5}
    pairs |= {(2, 0): 1, (2, 1): 0.5, (0, 1): 0}
    assert found["pairs"] == len(pairs)
    assert found["estimate"] == pytest.approx(sum(pairs.values()) / len(pairs))
    none = concordance(x, Outcome.of("time_to_event", [1.0] * 6, event=[0] * 6))
    assert none["estimate"] is None and "no pairs" in none["note"]
    n = MOST + 200
    rng = np.random.default_rng(1)
    big = concordance(
        Censored.of(np.exp(rng.standard_normal(n)), 1.0), Outcome.of("time_to_event", rng.random(n), event=np.ones(n))
    )
    assert big["n"] == MOST and f"{MOST} of {n} people are drawn" in big["note"]
    with pytest.raises(DataError, match="of kind 'binary'"):
        concordance(x, Outcome.of("binary", [0, 1, 0, 1, 0, 1]))


# Simulated truth


def sweep(kind: str, share: float, effect: float, reps: int, n: int) -> dict[str, float]:
    truth = effect * math.log(2)
    scale = np.asarray if kind == "continuous" else np.log
    kept = []
    for seed in range(reps):
        x, y, c = people(kind, 500 + seed, n, share, effect)
        r = row(prognosis(x, y, c, seed=seed), "doubling", adjusted=True)
        low, mid, high, half = (float(scale(r[k])) for k in ("ci_low", "estimate", "ci_high", "half_limit"))
        kept.append((low <= truth <= high, r["p_value"] < 0.05, mid - truth, half - truth))
    found = np.array(kept, dtype=float)
    return dict(zip(("inside", "rejected", "bias", "half_bias"), found.mean(axis=0), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_effect_of_a_doubling_is_found_below_the_limit(kind: str) -> None:
    x, y, c = people(kind, 11, 1500, 0.5, 0.5)
    rows = prognosis(x, y, c)
    found = row(rows, "doubling", adjusted=True)
    scale = (lambda v: v) if kind == "continuous" else math.log
    truth = 0.5 * math.log(2)
    assert scale(found["ci_low"]) < truth < scale(found["ci_high"])
    assert scale(found["estimate"]) == pytest.approx(truth, abs=0.07)
    assert 0.02 < found["missing_information"] < 0.7
    assert found["sets"] == 20
    assert {r["adjusted"] == ["age"] for r in rows} == {True, False}
    json.dumps(rows, allow_nan=False)


def test_levels_below_between_and_above_are_drawn_together() -> None:
    """Limits of detection that differ, values between detection and quantification, and above what the assay reads."""
    rng = np.random.default_rng(8)
    n = 1500
    z = rng.standard_normal(n)
    level, limit = np.exp(z), np.where(rng.random(n) < 0.5, 0.4, 0.8)
    low, high = level.copy(), level.copy()
    for inside, a, b in ((level < limit, 0.0, limit), ((level >= limit) & (level < 1.2), limit, 1.2)):
        low, high = np.where(inside, a, low), np.where(inside, b, high)
    low, high = np.where(level > 3, 3.0, low), np.where(level > 3, np.inf, high)
    x, y = Censored(low, high, limit), Outcome.of("continuous", 0.5 * z + rng.standard_normal(n))
    assert x.below.any() and x.between.any() and x.above.any()
    sets = impute(x, y, np.empty((n, 0)), rng, sets=3)
    with np.errstate(divide="ignore"):
        for drawn in sets:
            assert ((drawn >= np.log(low) - 1e-9) & (drawn <= np.log(high) + 1e-9)).all()
            assert drawn.mean() == pytest.approx(0, abs=0.08) and drawn.std() == pytest.approx(1, abs=0.08)
    found = row(prognosis(x, y), "doubling")
    assert found["ci_low"] < 0.5 * math.log(2) < found["ci_high"]
    assert found["missing_information"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_intervals_cover_where_half_the_limit_is_off(kind: str, share: float) -> None:
    found = sweep(kind, share, 0.5, 60, 200)
    assert found["inside"] >= 0.85  # 0.95 less three and a half standard errors of 60
    assert abs(found["bias"]) < 0.06
    assert abs(found["bias"]) < abs(found["half_bias"]) + 0.02


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_without_an_effect_it_is_seldom_found(kind: str) -> None:
    found = sweep(kind, 0.6, 0.0, 60, 150)
    assert found["rejected"] <= 0.15


# What cannot be had


def test_groups_that_are_separate() -> None:
    rng = np.random.default_rng(1)
    x = Censored.of(np.exp(rng.standard_normal(60)), 0.8)
    seen = x.detected()
    found = row(prognosis(x, Outcome.of("binary", seen)), "detected")
    assert found["ci_low"] > 100 and "the outcome and detection are separate" in found["note"]
    rows = prognosis(x, Outcome.of("time_to_event", rng.random(60) + 1, event=seen))
    found = row(rows, "detected")
    assert found["estimate"] is None and found["p_value"] < 0.001
    assert found["analysis"] == (
        "not estimated: nobody without a detectable marker has an event; p of the log-rank test"
    )
    found = row(prognosis(x, Outcome.of("count", 3 * (1 - seen))), "detected")
    assert found["analysis"] == "not estimated: nobody with a detectable marker has an event"


def test_a_level_that_parts_cases_from_controls_has_firths_estimate() -> None:
    levels = np.linspace(1, 30, 30)
    x, y = Censored.of(levels, 3.0), Outcome.of("binary", levels > 15)
    found = row(prognosis(x, y), "doubling")
    assert found["analysis"].startswith(("Firth", "not estimated: the groups are separate"))
    whole = row(prognosis(Censored.of(levels, 0.5), y), "doubling")
    assert whole["analysis"].startswith(("Firth", "not estimated: the groups are separate"))


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.of("binary", np.zeros(40)), "there are no events"),
        (Outcome.of("binary", np.ones(40)), "all have the event"),
        (Outcome.of("count", np.zeros(40)), "there are no events"),
        (Outcome.of("time_to_event", np.ones(40), event=np.zeros(40)), "there are no events"),
        (Outcome.of("continuous", np.full(40, 0.1)), "the outcome is the same for all"),
    ],
)
def test_outcomes_that_say_nothing(outcome: Outcome, words: str) -> None:
    x = Censored.of(np.exp(np.random.default_rng(0).standard_normal(40)), 0.8)
    rows = prognosis(x, outcome)
    assert row(rows, "doubling")["analysis"] == f"not estimated: {words}"
    json.dumps(rows, allow_nan=False)


def test_markers_that_say_nothing() -> None:
    y = Outcome.of("binary", np.arange(30) % 2)
    below = prognosis(Censored.of(np.full(30, 0.1), 1.0), y)
    assert row(below, "detected")["analysis"] == "not estimated: nobody is detected"
    assert row(below, "doubling")["analysis"] == "not estimated: the marker is the same for all"
    few = np.full(30, 0.1)
    few[:3] = 2, 3, 4
    found = row(prognosis(Censored.of(few, 1.0), y), "doubling")
    assert found["analysis"] == "not estimated: 3 observed levels are too few to draw those below the limit"
    seen = prognosis(Censored.of(np.arange(1.0, 31), 0.5), y)
    assert row(seen, "detected")["analysis"] == "not estimated: all are detected"
    assert row(seen, "doubling")["estimate"] is not None
    for n in (0, 1, 2):
        rows = prognosis(Censored.of(np.arange(1.0, n + 1), 0.5), y.take(np.arange(30) < n))
        assert all(r["estimate"] is None for r in rows)


def test_covariates_that_are_missing_or_say_nothing() -> None:
    x, y, c = people("binary", 7, 100, 0.4, 0.5)
    table = pd.DataFrame(
        {
            "age": pd.array([None, *c["age"][1:]], dtype="Float64"),
            "site": pd.Categorical(np.repeat(["a", "b"], 50), categories=["b", "a", "c"]),
            "copy": c["age"] * 2 + 1,
            "same": 1.0,
        }
    )
    columns = covariates_of(table, 100)
    assert columns.names == ("age", "site: a", "site: c", "copy", "same")
    found = row(prognosis(x, y, table), "detected", adjusted=True)
    assert found["adjusted"] == ["age", "site"]
    assert (found["n"], found["left_out"]) == (99, 1)
    assert "left out: site: c, copy, same" in found["note"]
    plain = row(prognosis(x, y, table[["age", "site"]]), "detected", adjusted=True)
    assert plain["estimate"] == pytest.approx(found["estimate"], rel=1e-5)
    with pytest.raises(DataError, match="covariates have 100 rows and the marker 99"):
        covariates_of(table, 99)


def test_few_events_are_said() -> None:
    x, _, c = people("binary", 7, 60, 0.4, 0.5)
    y = np.zeros(60)
    y[:8] = 1
    found = row(prognosis(x, Outcome.of("binary", y), c), "detected", adjusted=True)
    assert "8 events for 2 coefficients: fewer than 10 each" in found["note"]


def test_dispersion_tells_poisson_from_more() -> None:
    rng = np.random.default_rng(2)
    column = rng.standard_normal((800, 1))
    mean = np.exp(0.3 * column[:, 0])
    plain = dispersion(Outcome.of("count", rng.poisson(mean)), column)
    more = dispersion(Outcome.of("count", rng.poisson(mean * rng.gamma(0.5, 2.0, 800))), column)
    assert plain["dispersion"] == pytest.approx(1.0, abs=0.15)
    assert more["dispersion"] > 2
    assert more["zeros"] == pytest.approx(more["zeros_expected"], abs=0.06)
    assert more["zeros"] > more["zeros_poisson"] + 0.1


def test_a_hazard_ratio_that_changes_is_seen() -> None:
    rng = np.random.default_rng(4)
    x = Censored.of(np.exp(rng.standard_normal(400)), 1.0)
    early = np.where(x.observed, rng.exponential(0.3, 400), rng.exponential(3.0, 400))
    time = np.where(
        early < 0.5, early, 0.5 + np.where(x.observed, rng.exponential(6.0, 400), rng.exponential(0.5, 400))
    )
    rows = prognosis(x, Outcome.of("time_to_event", time, event=np.ones(400)))
    assert row(rows, "detected")["checks"]["proportional_p"] < 1e-4


@pytest.mark.parametrize(
    ("kind", "value", "more", "words"),
    [
        ("binary", [0, 2], {}, "row 1 is 2; give 1 for yes, 0 for no"),
        ("count", [1, 1.5], {}, r"row 1 is 1\.5; give a whole number"),
        ("count", [1, 2], {"exposure": [1, 0]}, "row 1 is 2; give a whole number of 0 or more, in some time"),
        ("time_to_event", [1, -1], {"event": [1, 1]}, "row 1 is -1; give a time of 0 or more"),
        ("time_to_event", [1, 2], {"event": [1, 3]}, "the event of row 1 is 3"),
        ("time_to_event", [1, 2], {}, "needs a column that says whether the event was seen"),
        ("ordinal", [1, 2], {}, "known are binary, continuous, count, time_to_event"),
        ("binary", ["yes", "no"], {}, "must be numbers"),
        ("count", [1, 2], {"exposure": [1]}, "have 2, 2 and 1 rows"),
    ],
)
def test_outcomes_that_are_none(kind: str, value: list[Any], more: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Outcome.of(kind, value, name="relapse", **more)


def test_the_seed_decides() -> None:
    x, y, c = people("binary", 9, 120, 0.6, 0.5)
    assert prognosis(x, y, c, seed=4) == prognosis(x, y, c, seed=4)
    one, other = (row(prognosis(x, y, seed=s), "doubling")["estimate"] for s in (4, 5))
    assert one != other
    with pytest.raises(NotFitted, match="0 observed levels"):
        impute(Censored.of(np.full(20, 0.1), 1.0), y.take(np.arange(120) < 20), np.empty((20, 0)), stream(1, "a"))
    with pytest.raises(DataError, match="120 rows and the outcome 119"):
        prognosis(x, y.take(np.arange(120) > 0))
