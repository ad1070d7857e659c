"""Several markers: the elastic net against scikit-learn and lifelines, and predictions of people who were left out."""

from __future__ import annotations

import json
import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.metrics import roc_auc_score

from leukinetics.cohort.diagnosis.elastic import fit, greatest, path
from leukinetics.cohort.diagnosis.families import family_of
from leukinetics.cohort.diagnosis.features import learn
from leukinetics.cohort.diagnosis.folds import Performance, averaged, folds_of, gain, performance, told
from leukinetics.cohort.diagnosis.outcomes import MEASURES, Outcome
from leukinetics.cohort.diagnosis.pairs import placements
from leukinetics.cohort.diagnosis.several import several
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError

EFFECTS = np.array([0.6, 0.0, -0.4, 0.0, 0.0, 0.2])
PENALTY, RATIO = 0.03, 0.5


def columns(n: int = 300, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal((n, 6))
    x[:, 1] += x[:, 0]
    return (x - x.mean(axis=0)) / x.std(axis=0)


def outcome_of(kind: str, eta: np.ndarray, seed: int = 1) -> Outcome:
    rng, n = np.random.default_rng(seed), len(eta)
    if kind == "binary":
        return Outcome.of(kind, rng.random(n) < 1 / (1 + np.exp(-eta)))
    if kind == "continuous":
        return Outcome.of(kind, eta + rng.standard_normal(n))
    if kind == "count":
        days = rng.uniform(100, 500, n)
        return Outcome.of(kind, rng.poisson(days * np.exp(eta - 5)), exposure=days)
    time = rng.exponential(np.exp(-eta))
    return Outcome.of(kind, np.minimum(time, 1.5), event=time < 1.5)


FREE = np.zeros(6, dtype=bool)


def test_the_elastic_net_is_that_of_scikit_learn() -> None:
    x = columns()
    y = outcome_of("binary", x @ EFFECTS)
    mine = fit(family_of(y), x, PENALTY, RATIO, FREE, None)
    theirs = LogisticRegression(l1_ratio=RATIO, C=1 / (300 * PENALTY), solver="saga", max_iter=20_000, tol=1e-10)
    theirs.fit(x, y.value)
    np.testing.assert_allclose(mine, [*theirs.intercept_, *theirs.coef_[0]], atol=1e-5)
    y = outcome_of("continuous", x @ EFFECTS)
    mine = fit(family_of(y), x, PENALTY, RATIO, FREE, None)
    line = ElasticNet(alpha=PENALTY, l1_ratio=RATIO, tol=1e-10).fit(x, y.value)
    np.testing.assert_allclose(mine, [line.intercept_, *line.coef_], atol=1e-6)
    assert ((mine == 0)[1:] == (line.coef_ == 0)).all()


def test_the_elastic_net_of_times_is_that_of_lifelines() -> None:
    """Which rounds the corner of the penalty, so that its zeros are only small."""
    from lifelines import CoxPHFitter

    x = columns()
    y = outcome_of("time_to_event", x @ EFFECTS)
    mine = fit(family_of(y), x, PENALTY, RATIO, FREE, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CoxPHFitter(penalizer=PENALTY, l1_ratio=RATIO)
        theirs.fit(pd.DataFrame(x).assign(t=y.value, e=y.event), "t", "e")
    np.testing.assert_allclose(mine, theirs.params_.to_numpy(), atol=2e-3)


@pytest.mark.parametrize("kind", MEASURES)
def test_the_penalised_minimum_has_no_slope(kind: str) -> None:
    """Coefficients that are not 0 balance gradient and penalty; those that are 0 have a gradient within it; what is
    free has none. At the greatest penalty all is 0."""
    x = columns()
    y = outcome_of(kind, x @ EFFECTS)
    family, free = family_of(y), np.array([False] * 5 + [True])
    top = greatest(family, x, free, RATIO)
    design = np.hstack([np.ones((300, 1)), x]) if family.intercept else x
    spread = 0.0 if kind == "count" else 1.0
    for share in (1.001, 0.5, 0.05):
        b = fit(family, x, share * top, RATIO, free, None)
        slope = family.quadratic(design, b, spread).gradient / 300
        b, slope = b[-6:], slope[-6:]
        pull = slope - share * top * (1 - RATIO) * np.where(free, 0, b)
        limit = share * top * RATIO
        used = (b != 0) & ~free
        np.testing.assert_allclose(pull[used], limit * np.sign(b[used]), atol=1e-6)
        assert (np.abs(pull[~used & ~free]) <= limit * (1 + 1e-6)).all()
        assert abs(pull[5]) < 1e-6
        assert used.any() == (share < 1)
    penalties = top * np.geomspace(1, 0.01, 8)
    along = path(family, x, penalties, RATIO, free)
    np.testing.assert_allclose(along[-1], fit(family, x, penalties[-1], RATIO, free, None), atol=1e-5)


def markers(n: int, seed: int, k: int = 4, share: float = 0.5) -> tuple[list[Censored], np.ndarray]:
    z = np.random.default_rng(seed).standard_normal((n, k))
    limit = math.exp(float(np.quantile(z, share)))
    return [Censored.of(np.exp(z[:, j]), limit, "pg/mL", f"m{j}") for j in range(k)], z


def test_columns_are_learnt_from_the_people_of_the_fit() -> None:
    parts, z = markers(200, 1, 2)
    inside, out = np.arange(150), np.arange(150, 200)
    found, x = learn([m.take(inside) for m in parts], z[inside, :1], ["age"])
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(axis=0), 1)
    there = found.of([m.take(out) for m in parts], z[out, :1])
    again = found.of([m.take(out[:1]) for m in parts], z[out[:1], :1])
    np.testing.assert_allclose(there[:1], again)  # nothing of the others who are predicted
    below = parts[0].take(out).below
    assert np.unique(there[below, 1]).size == 1
    mean, sd = found.levels[0] or (0, 0)
    assert (mean, sd) == (pytest.approx(0, abs=0.25), pytest.approx(1, abs=0.25))
    raw = there[below, 1][0] * found.unit[1] + found.center[1]
    limit = math.log(parts[0].limits[0])
    assert limit - 2 < raw < limit
    assert [(c.name, c.part) for c in found.columns][-2:] == [("m1", "level"), ("age", "covariate")]
    none = Censored.of(np.full(30, 0.1), 1.0, "", "none")
    found, x = learn([none], np.empty((30, 0)), [])
    assert found.levels == (None,) and (x == 0).all()


@pytest.mark.parametrize("kind", MEASURES)
def test_folds_are_alike(kind: str) -> None:
    y = outcome_of(kind, np.zeros(103))
    fold = folds_of(y, 5, np.random.default_rng(1))
    assert np.ptp(np.bincount(fold)) <= 1
    if kind in ("binary", "time_to_event"):
        events = np.bincount(fold, weights=y.value if kind == "binary" else y.event)
        assert np.ptp(events) <= 1


def test_performance_within_folds() -> None:
    rng = np.random.default_rng(2)
    y = Outcome.of("binary", rng.random(100) < 0.4)
    eta, fold = rng.standard_normal(100) + y.value, np.arange(100) % 4
    found = performance(y, eta, np.zeros(100), fold)
    areas = [roc_auc_score(y.value[fold == k], eta[fold == k]) for k in range(4)]
    assert found.value == pytest.approx(np.mean(areas))
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)
    case = y.value == 1
    parts = [placements(eta[f], eta[f], case[f]).variance for f in (fold == k for k in range(4))]
    assert found.variance == pytest.approx(sum(parts) / 16)  # DeLong's of a mean of four
    twice = averaged([found, found])
    assert (twice.value, twice.variance) == (pytest.approx(found.value), pytest.approx(found.variance))
    line = Outcome.of("continuous", 2 * eta)
    assert performance(line, 2 * eta, np.full(100, 2 * eta.mean()), fold).value == 1
    assert performance(line, np.full(100, 1.0), np.full(100, 1.0), fold).value == 0
    same = gain(found, found, 0.05)
    assert same.estimate == 0 and math.isnan(same.p)
    assert math.isnan(told("binary", Performance(1.0, np.zeros((1, 5))), 0.05).high)


@pytest.mark.parametrize(
    ("kind", "measure"),
    [("binary", "auc"), ("time_to_event", "concordance"), ("continuous", "r_squared"), ("count", "deviance_explained")],
)
def test_markers_that_predict(kind: str, measure: str) -> None:
    parts, z = markers(400, 3)
    age = np.random.default_rng(1).standard_normal(400)
    y = outcome_of(kind, 1.2 * z[:, 0] + 0.4 * age, seed=5)
    found = several(parts, y, pd.DataFrame({"age": age}), repeats=1)
    assert found["measure"] == measure
    assert found["gain"]["ci_low"] > 0 and found["gain"]["p_value"] < 0.001
    assert found["ci_low"] < found["estimate"] < found["ci_high"]
    assert found["apparent"] >= found["estimate"] - 0.02
    used = {(c["marker"], c["part"]): c for c in found["columns"]}
    assert used["m0", "level"]["selected"] == 1.0 and used["m0", "level"]["coefficient"] > 0
    assert used["age", "covariate"]["selected"] == 1.0
    others = [c["selected"] for c in found["columns"] if c["marker"] in ("m1", "m2", "m3")]
    assert np.mean(others) < 0.8
    json.dumps(found, allow_nan=False)
    if kind == "binary":
        risk = np.array(found["predicted"], dtype=float)
        assert found["calibration"]["slope"]["ci_low"] < 1.2 and found["calibration"]["n"] == 400
        assert roc_auc_score(y.value, risk) == pytest.approx(found["estimate"], abs=0.03)
        assert found["decision"]["useful"]
    if kind == "time_to_event":
        assert found["horizon"] == np.median(y.value[y.event == 1])
        assert found["calibration"]["ratio"]["estimate"] == pytest.approx(1.0, abs=0.15)
        assert found["calibration"]["slope"]["estimate"] == pytest.approx(1.0, abs=0.3)
        assert found["decision"]["useful"]
        later = several(parts, y, pd.DataFrame({"age": age}), repeats=1, horizon=1.0)
        assert later["estimate"] == found["estimate"]
        assert later["calibration"]["predicted"] > found["calibration"]["predicted"]


def noise(seed: int) -> dict[str, Any]:
    parts, _ = markers(60, seed, 8)
    y = Outcome.of("binary", np.random.default_rng(seed + 1000).random(60) < 0.5)
    return several(parts, y, repeats=1)


def test_markers_of_noise_predict_nobody() -> None:
    """Nothing leaks: in people left out the area is a half, whatever it seems to be in the people of the fit."""
    found = [noise(seed) for seed in range(10)]
    left_out, own = (np.mean([f[k] for f in found]) for k in ("estimate", "apparent"))
    assert abs(left_out - 0.5) < 0.07
    assert own > left_out + 0.05
    assert np.mean([f["ci_low"] <= 0.5 <= f["ci_high"] for f in found if f["ci_low"]]) >= 0.7


def test_the_seed_decides_and_rows_may_be_unknown() -> None:
    parts, z = markers(120, 4, 2)
    y = outcome_of("binary", z[:, 0])
    value = y.value.copy()
    value[:3] = np.nan
    holes = Censored(
        *(np.where(np.arange(120) == 5, np.nan, getattr(parts[1], k)) for k in ("lower", "upper", "limit")),
        "pg/mL",
        "m1",
    )
    found = several([parts[0], holes], Outcome.of("binary", value), repeats=1, seed=2)
    assert (found["n"], found["left_out"]) == (116, 1)
    assert [i for i, p in enumerate(found["predicted"]) if p is None] == [0, 1, 2, 5]
    assert found == several([parts[0], holes], Outcome.of("binary", value), repeats=1, seed=2)
    other = several([parts[0], holes], Outcome.of("binary", value), repeats=1, seed=3)
    assert other["estimate"] != found["estimate"]


def test_what_cannot_be_predicted() -> None:
    parts, z = markers(60, 5, 2)
    y = np.zeros(60)
    y[:6] = 1
    found = several(parts, Outcome.of("binary", y))
    assert found["analysis"] == "not estimated: 6 people have an event, fewer than 10"
    assert (
        several(parts, Outcome.of("binary", 1 - y))["analysis"]
        == "not estimated: 6 people have no event, fewer than 10"
    )
    few = several([m.take(np.arange(15)) for m in parts], Outcome.of("continuous", z[:15, 0]))
    assert few["analysis"] == "not estimated: 15 people have all markers and a known outcome, fewer than 20"
    flat = several(parts, Outcome.of("continuous", np.ones(60)))
    assert flat["analysis"] == "not estimated: the outcome is the same for all"
    below = [Censored.of(np.full(60, 0.1), 1.0, "", "none")]
    none = several(below, Outcome.of("binary", np.arange(60) % 2), repeats=1)
    assert none["estimate"] == 0.5 and "uses no marker" in none["note"]
    for words, arguments in (
        ("no markers", {"markers": []}),
        ("ratio 2", {"ratio": 2}),
        ("1 folds", {"folds": 1}),
        ("60 rows and the outcome 59", {"outcome": Outcome.of("binary", np.arange(59) % 2)}),
    ):
        with pytest.raises(DataError, match=words):
            several(**{"markers": parts, "outcome": Outcome.of("binary", np.arange(60) % 2)} | arguments)


def test_what_parts_everybody() -> None:
    levels = np.concatenate([np.linspace(1, 2, 40), np.linspace(5, 9, 40)])
    found = several([Censored.of(levels, 1.2, "", "m")], Outcome.of("binary", levels > 3), repeats=1)
    assert found["estimate"] == 1.0 and found["ci_low"] is None
    assert "everybody left out is told apart" in found["note"]
    json.dumps(found, allow_nan=False)
