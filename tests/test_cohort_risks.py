"""Predicted risks: calibration, decisions, risks of an event by some time."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import brier_score_loss

from leukinetics.cohort.diagnosis.calibration import calibration, spline
from leukinetics.cohort.diagnosis.decision import decision_curve
from leukinetics.cohort.diagnosis.horizon import calibration_at, decision_at, pseudo
from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.errors import DataError

# Calibration and decisions


def risks(seed: int, n: int, stretch: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(predicted, outcome): predictions whose logit is ``stretch`` times the true one, and ``shift`` too high."""
    rng = np.random.default_rng(seed)
    eta = rng.standard_normal(n)
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    return 1 / (1 + np.exp(-(stretch * eta + shift))), y


def test_calibration_finds_what_is_wrong() -> None:
    right = calibration(*risks(1, 4000))
    assert right["slope"]["ci_low"] < 1 < right["slope"]["ci_high"]
    assert right["intercept"]["estimate"] == pytest.approx(0.0, abs=0.12)
    assert right["ici"] < 0.03
    extreme = calibration(*risks(1, 4000, stretch=2.0))
    assert extreme["slope"]["estimate"] == pytest.approx(0.5, abs=0.06)
    assert extreme["ici"] > 2 * right["ici"]
    high = calibration(*risks(1, 4000, shift=1.0))
    assert high["intercept"]["estimate"] == pytest.approx(-1.0, abs=0.15)
    assert high["ratio"]["ci_high"] < 1
    assert high["brier"]["estimate"] > right["brier"]["estimate"]


def test_calibration_against_statsmodels_and_scikit_learn() -> None:
    from statsmodels.discrete.discrete_model import Logit

    p, y = risks(2, 300, stretch=1.5)
    found = calibration(p, y)
    assert found["brier"]["estimate"] == pytest.approx(brier_score_loss(y, p), rel=1e-7)
    logit = np.log(p / (1 - p))
    fit = Logit(y, np.column_stack([logit, np.ones(300)])).fit(disp=0)
    assert found["slope"]["estimate"] == pytest.approx(fit.params[0], rel=1e-5)
    assert found["slope"]["ci_low"] == pytest.approx(fit.conf_int()[0, 0], rel=1e-4)
    # The score of the intercept in the large is observed less predicted.
    moved = 1 / (1 + np.exp(-(logit + found["intercept"]["estimate"])))
    assert moved.sum() == pytest.approx(y.sum(), abs=1e-3)
    assert sum(g["n"] for g in found["groups"]) == 300
    assert found["observed"]["estimate"] == pytest.approx(y.mean())


def test_the_spline_is_smooth_and_straight_outside() -> None:
    knots = np.array([-1.0, 0.0, 1.0, 2.0])
    grid = np.linspace(-4, 6, 2001)
    basis = spline(grid, knots)
    second = np.diff(basis, 2, axis=0)
    outside = (grid[1:-1] < -1.01) | (grid[1:-1] > 2.01)
    assert np.abs(second[outside]).max() < 1e-9
    assert np.abs(np.diff(second, axis=0)).max() < 1e-5  # no kink of the second derivative's integral
    assert np.abs(second[~outside]).max() > 1e-6


def test_predictions_that_say_nothing() -> None:
    y = np.array([1.0, 0, 1, 0, 0, 1] * 5)
    flat = calibration(np.full(30, 0.5), y)
    assert flat["slope"] is None and flat["note"] == "all have the same predicted risk"
    assert flat["intercept"]["estimate"] == pytest.approx(0.0, abs=1e-6)
    assert calibration(y, np.zeros(30))["note"] == "there are no events"
    told = calibration(y, y)
    assert "30 predictions of 0 or 1" in told["note"]
    assert told["brier"]["estimate"] == 0
    assert calibration([], [])["note"] == "nobody has both a predicted risk and a known outcome"
    with pytest.raises(DataError, match=r"Row 2 has the predicted risk 1\.2"):
        calibration([0.1, 0.2, 1.2], [0, 1, 1])
    for found in (flat, told):
        json.dumps(found, allow_nan=False)


def test_net_benefit_by_hand() -> None:
    """10 people, 4 cases; at 0.2 five are treated, three of them cases: 3/10 - 2/10 * 0.25."""
    p = [0.9, 0.5, 0.3, 0.1, 0.4, 0.25, 0.1, 0.1, 0.05, 0.0]
    y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    point = decision_curve(p, y, [0.2])["curve"][0]
    assert point["net_benefit"]["estimate"] == pytest.approx(0.25)
    assert point["treat_all"]["estimate"] == pytest.approx(0.4 - 0.6 * 0.25)
    assert point["over_all"]["estimate"] == pytest.approx(0.0)
    assert point["treated"] == pytest.approx(0.5)
    assert point["standardised"] == pytest.approx(0.625)
    worth = np.array([1, 1, 1, 0, -0.25, -0.25, 0, 0, 0, 0])
    half = norm.ppf(0.975) * worth.std(ddof=1) / math.sqrt(10)
    assert point["net_benefit"]["ci_high"] == pytest.approx(0.25 + half)
    same = decision_curve(p, y, [0.2], prevalence=0.4)["curve"][0]
    assert same["net_benefit"]["estimate"] == pytest.approx(0.25)
    rare = decision_curve(p, y, [0.2], prevalence=0.1)["curve"][0]
    assert rare["net_benefit"]["estimate"] == pytest.approx(0.1 * 0.75 - 0.9 * (2 / 6) * 0.25)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(10, 80))
def test_decision_curves_keep_to_their_bounds(seed: int, n: int) -> None:
    p, y = risks(seed, n)
    y[:2] = 0, 1
    found = decision_curve(p, y, [0.01, 0.3, 0.7])
    prevalence = y.mean()
    for point in found["curve"]:
        assert point["net_benefit"]["estimate"] <= prevalence + 1e-7
        gap = point["net_benefit"]["estimate"] - point["treat_all"]["estimate"]
        assert point["over_all"]["estimate"] == pytest.approx(gap, abs=1e-6)
    perfect = decision_curve(y, y, [0.01, 0.3, 0.7])
    assert [q["net_benefit"]["estimate"] for q in perfect["curve"]] == [pytest.approx(prevalence)] * 3
    assert perfect["useful"] == [[0.01, 0.7]]


def test_net_benefit_intervals_cover() -> None:
    """The truth at 0.3 from a million people."""
    p, y = risks(0, 1_000_000)
    truth: dict[str, Any] = decision_curve(p, y, [0.3])["curve"][0]
    inside = np.zeros(2)
    for seed in range(1, 201):
        point = decision_curve(*risks(seed, 150), [0.3])["curve"][0]
        for i, name in enumerate(("net_benefit", "over_all")):
            inside[i] += point[name]["ci_low"] <= truth[name]["estimate"] <= point[name]["ci_high"]
    assert (inside / 200 > 0.90).all()


def test_decisions_that_cannot_be() -> None:
    with pytest.raises(DataError, match="threshold 1 of a decision"):
        decision_curve([0.1, 0.2], [0, 1], [1.0])
    assert decision_curve([0.1, 0.2], [1, 1])["note"] == "there are no controls"


# Risks of an event by some time


def followed(seed: int, n: int, *, end: bool = True) -> tuple[np.ndarray, Outcome, np.ndarray]:
    """(true risk by 0.8, times of which some are not seen, whether the event came by 0.8)."""
    rng = np.random.default_rng(seed)
    eta = rng.standard_normal(n)
    time = rng.exponential(np.exp(-eta))
    last = rng.uniform(0.2, 2, n) if end else np.full(n, 9e9)
    outcome = Outcome.of("time_to_event", np.minimum(time, last), event=time < last)
    return 1 - np.exp(-0.8 * np.exp(eta)), outcome, (time <= 0.8).astype(float)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=3, max_size=25), st.integers(1, 9))
def test_pseudo_observations_are_those_of_the_jackknife(rows: list[tuple[int, bool]], horizon: int) -> None:
    from lifelines import KaplanMeierFitter

    time, event = np.array([t for t, _ in rows], dtype=float), np.array([e for _, e in rows])
    outcome = Outcome.of("time_to_event", time, event=event)
    if time.max() < horizon:
        with pytest.raises(DataError, match="Nobody is followed until"):
            pseudo(outcome, horizon)
        return

    def share(which: np.ndarray) -> float:
        return 1 - float(KaplanMeierFitter().fit(time[which], event[which]).predict(horizon))

    n = len(time)
    each = np.arange(n)
    left = np.array([n * share(each >= 0) - (n - 1) * share(each != i) for i in each])
    np.testing.assert_allclose(pseudo(outcome, horizon), left, atol=1e-9)


def test_with_everybody_followed_a_risk_by_a_time_is_yes_or_no() -> None:
    p, outcome, y = followed(1, 300, end=False)
    np.testing.assert_allclose(pseudo(outcome, 0.8), y, atol=1e-9)
    one, other = decision_at(p, outcome, 0.8, [0.3])["curve"][0], decision_curve(p, y, [0.3])["curve"][0]
    for name in ("net_benefit", "treat_all", "over_all"):
        assert one[name] == pytest.approx(other[name], abs=1e-6)
    timed, plain = calibration_at(p, outcome, 0.8), calibration(p, y)
    assert timed["brier"] == pytest.approx(plain["brier"], abs=1e-6)
    assert timed["observed"]["estimate"] == pytest.approx(plain["observed"]["estimate"], abs=1e-6)
    shares = [[g["observed"] for g in found["groups"]] for found in (timed, plain)]
    assert shares[0] == pytest.approx(shares[1], abs=1e-6)


def test_risks_of_people_not_followed_for_so_long() -> None:
    p, outcome, y = followed(2, 4000)
    found = calibration_at(p, outcome, 0.8)
    assert found["observed"]["ci_low"] < y.mean() < found["observed"]["ci_high"]
    assert found["ratio"]["ci_low"] < 1 < found["ratio"]["ci_high"]
    assert found["slope"]["estimate"] == pytest.approx(1.0, abs=0.06)
    assert found["brier"]["estimate"] == pytest.approx(np.mean((y - p) ** 2), abs=0.012)
    inside = [g["ci_low"] - 0.02 <= g["predicted"] <= g["ci_high"] + 0.02 for g in found["groups"]]
    assert np.mean(inside) >= 0.8
    extreme = calibration_at(1 - (1 - p) ** 2, outcome, 0.8)
    assert extreme["ratio"]["ci_high"] < 1
    point, truth = decision_at(p, outcome, 0.8, [0.4])["curve"][0], decision_curve(p, y, [0.4])["curve"][0]
    assert point["net_benefit"]["estimate"] == pytest.approx(truth["net_benefit"]["estimate"], abs=0.03)


def test_times_by_which_nothing_is_known() -> None:
    p, outcome, _ = followed(3, 60)
    late = calibration_at(p, outcome, 50)
    assert late["note"] == "Nobody is followed until 50; give an earlier time." and late["ratio"] is None
    early = decision_at(p, outcome, 1e-9)
    assert early["note"] == "there are no events by 1e-09" and early["curve"] == []
    json.dumps(calibration_at(np.full(60, 0.5), outcome, 0.8), allow_nan=False)
    assert "no slope" in calibration_at(np.full(60, 0.5), outcome, 0.8)["note"]
    for found in (late, early):
        json.dumps(found, allow_nan=False)
    with pytest.raises(DataError, match="59 predicted risks and 60 outcomes"):
        calibration_at(p[1:], outcome, 0.8)
    with pytest.raises(DataError, match="of kind 'binary'"):
        pseudo(Outcome.of("binary", [0, 1]), 1.0)
