"""Settling before time 0: analytic steady states, patients without one, and what may not happen meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_tools import METHODS, body, model, solve

import leukinetics as lk
from leukinetics.engine.status import Status

TURNOVER = body(
    "species R, S; R = 0; S = 50",
    "kin = 3; kout = 0.5; k2 = 0.01",
    "J1: => R; kin*(1 + drive*sin(time))",
    "J2: R => ; kout*R",
    "J3: => S; R",
    "J4: S => ; k2*S",
    "drive = 0",
)


@pytest.mark.parametrize("method", METHODS)
def test_settles_to_the_steady_state(method: str) -> None:
    kin, kout = np.array([3.0, 1.0, 0.1, 20.0]), np.array([0.5, 0.01, 1.0, 8.0])
    run_in = lk.RunIn(1e5, tolerance=1e-8)
    ds = model(TURNOVER).simulate(
        [0.0, 10.0], {"kin": kin, "kout": kout}, run_in=run_in, method=method, rtol=1e-8, atol=1e-10
    )
    assert (ds["status"] == Status.OK).all()
    np.testing.assert_allclose(ds["R"], np.repeat(kin / kout, 2).reshape(4, 2), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ds["S"], np.repeat(kin / kout / 0.01, 2).reshape(4, 2), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("limit", [1e3, 1e4, 1e5])
def test_states_that_decay_to_zero_settle(limit: float) -> None:
    """S falls with a rate of 0.1: it is below atol after 250 and below 1e-40 after 1000."""
    ds = model(TURNOVER).simulate([0.0], {"kin": 0.0, "k2": 0.1}, run_in=limit)
    assert ds["status"].item() == Status.OK
    assert abs(ds["S"].item()) < 1e-8


def test_the_tolerance_is_kept() -> None:
    """Settled: at its present rate no state would change by more than the tolerance within the window."""
    for tolerance in (1e-2, 1e-4, 1e-6):
        run_in = lk.RunIn(1e5, tolerance=tolerance, window=10.0)
        s = solve(TURNOVER, [0.0], "S", run_in=run_in, rtol=1e-9, atol=1e-12)[0]
        rate = 6.0 - 0.01 * s
        assert abs(rate) * 10.0 <= 1.05 * tolerance * s
        assert abs(rate) * 10.0 > 1e-3 * tolerance * s  # and no longer than needed


def test_a_number_is_the_limit() -> None:
    a = solve(TURNOVER, [0.0, 1.0], "R S", run_in=5000)
    b = solve(TURNOVER, [0.0, 1.0], "R S", run_in=lk.RunIn(5000.0))
    np.testing.assert_array_equal(a, b)


def test_time_stands_still() -> None:
    """During the run-in the rates are those of time 0; afterwards time runs."""
    times = np.linspace(0, 10, 41)
    drive = {"drive": 0.7}
    r = solve(TURNOVER, times, "R", parameters=drive, run_in=lk.RunIn(1e5), rtol=1e-9, atol=1e-12)
    k = 0.5  # r' = 3 (1 + 0.7 sin t) - r/2 from 6
    exact = 6 + 3 * 0.7 * (k * np.sin(times) - np.cos(times) + np.exp(-k * times)) / (k * k + 1)
    np.testing.assert_allclose(r, exact, rtol=2e-6)


LIMIT_CYCLE = body("x' = x - x^3/3 - y + a", "y' = 0.08*(x + 0.7 - 0.8*y)", "x = -1; y = 1; a = 0.5")


def test_an_oscillator_does_not_settle() -> None:
    """FitzHugh-Nagumo cycles at a = 0.5 and rests at a = 0."""
    ds = model(LIMIT_CYCLE).simulate([0.0, 1.0], {"a": [0.0, 0.5, 0.0]}, outputs=["x", "y"], run_in=2000.0)
    assert ds["status"].values.tolist() == [Status.OK, Status.NOT_SETTLED, Status.OK]
    assert np.isnan(ds["x"][1]).all() and np.isnan(ds["y"][1]).all()
    x, y = ds["x"][0, 0].item(), ds["y"][0, 0].item()
    np.testing.assert_allclose([x - x**3 / 3 - y, x + 0.7 - 0.8 * y], 0.0, atol=1e-5)
    np.testing.assert_array_equal(ds["x"][0], ds["x"][2])


def test_too_short_a_limit() -> None:
    ds = model(TURNOVER).simulate([0.0], {"kin": [3.0, 0.0], "R": [0.0, 0.0], "S": [1.0, 0.0]}, run_in=10.0)
    assert ds["status"].values.tolist() == [Status.NOT_SETTLED, Status.OK]


@pytest.mark.slow
def test_growth_without_bound_does_not_settle() -> None:
    text = body("x' = k*x; x = 1; k = 1")
    ds = model(text).simulate([0.0], {"k": [1e-3, 100.0, 0.0]}, outputs="x", run_in=100.0)
    assert ds["status"][2] == Status.OK
    assert ds["status"][0] == Status.NOT_SETTLED
    assert ds["status"][1] in (Status.NOT_SETTLED, Status.NON_FINITE, Status.STEP_TOO_SMALL)


def test_a_slow_start_is_not_a_steady_state() -> None:
    """An unstable equilibrium is left however close the start; an exact one is kept."""
    text = body("x' = x*(1 - x); x = 1e-6")
    start = np.array([0.0, 1e-6, 1e-3, 0.5, 1.0, 2.0])
    ds = model(text).simulate([0.0], {"x": start}, outputs="x", run_in=lk.RunIn(1000.0))
    np.testing.assert_allclose(ds["x"][:, 0], [0, 1, 1, 1, 1, 1], atol=1e-6)


def test_doses_wait_until_time_0() -> None:
    doses = [
        {"time": 0.0, "target": "R", "amount": 4.0},
        {"time": 1.0, "target": "R", "amount": 2.0},
        {"time": 2.0, "target": "R", "amount": 3.0, "duration": 1.0},
    ]
    times = np.array([0.0, 0.5, 1.0, 2.0, 3.0, 5.0])
    r = solve(TURNOVER, times, "R", doses=doses, run_in=1e5, rtol=1e-9, atol=1e-12)
    decay = np.exp(-0.5 * times)
    extra = 4 * decay + np.where(times >= 1, 2 * np.exp(-0.5 * (times - 1)), 0)
    extra += 3 / 0.5 * (1 - np.exp(-0.5 * np.clip(times - 2, 0, 1))) * np.exp(-0.5 * np.clip(times - 3, 0, None))
    np.testing.assert_allclose(r, 6 + extra, rtol=2e-6)


def test_events_wait_until_time_0() -> None:
    """The level is crossed in the run-in, which fires nothing; a crossing afterwards does."""
    text = body(
        "species R; R = 0; n = 0; kout = 0.5",
        "J1: => R; 3",
        "J2: R => ; kout*R",
        "at (R > 2): n = n + 1",
        "at (R > 7): n = n + 10",
        "at (time >= 1): kout = 0.25",
    )
    got = solve(text, [0.0, 0.9, 50.0], "R n", run_in=1e4)
    np.testing.assert_allclose(got, [[6, 0], [6, 0], [12, 10]], rtol=1e-4)


@pytest.mark.slow
def test_same_on_the_reference_path() -> None:
    doses = [{"time": 1.0, "target": "R", "amount": 2.0}]
    options: dict[str, Any] = {"doses": doses, "run_in": lk.RunIn(1e5, 1e-7), "rtol": 1e-9, "atol": 1e-11}
    text = body(*(line for line in TURNOVER.splitlines()[1:-1] if "drive" not in line), "J1: => R; kin")
    a, b = (solve(text, [0.0, 1.0, 9.0], "R S", backend=name, **options) for name in ("compiled", "roadrunner"))
    np.testing.assert_allclose(a, b, rtol=1e-5)


def test_run_in_and_steady_state_dosing() -> None:
    """SS=1 on top of a run-in: the drug is at its steady state and so is the rest."""
    import pandas as pd

    text = body("species D, R; D = 0; R = 0", "J1: => R; 4", "J2: R => ; 0.5*R", "J3: D => ; 0.3*D")
    doses = pd.DataFrame({"TIME": [0.0], "AMT": [10.0], "CMT": ["D"], "EVID": [1], "II": [6.0], "SS": [1]})
    got = solve(text, [0.0], "D R", doses=doses, run_in=1e4, rtol=1e-8, atol=1e-11)[0]
    np.testing.assert_allclose(got, [10 / (1 - np.exp(-1.8)), 8.0], rtol=1e-6)


def test_a_patient_who_does_not_settle_beside_steady_state_dosing() -> None:
    """Patient 1 has no SS dose and no steady state: that is the reason to give, not a bad start value."""
    import pandas as pd

    text = body("species D, G; D = 0; G = 1; k = 0", "J1: D => ; D", "J2: => G; k*G")
    doses = pd.DataFrame({"ID": [0], "TIME": [0.0], "AMT": [1.0], "CMT": ["D"], "EVID": [1], "II": [6.0], "SS": [1]})
    ds = model(text).simulate([0.0], {"k": [0.0, 0.1]}, doses=doses, run_in=100.0)
    assert ds["status"].values.tolist() == [Status.OK, Status.NOT_SETTLED]


@pytest.mark.parametrize("name", ["limit", "tolerance", "window"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "x", True, [1]])
def test_validation(name: str, value: Any) -> None:
    with pytest.raises(lk.DataError, match=name):
        lk.RunIn(**{"limit": 10.0, name: value})


def test_validation_of_none() -> None:
    assert lk.RunIn(10.0, window=None).settling_time == 0.1
    assert lk.RunIn(np.int64(10), np.float32(0.5)).tolerance == 0.5
    for bad in ({"limit": None}, {"limit": 1.0, "tolerance": None}):
        with pytest.raises(lk.DataError, match="None"):
            lk.RunIn(**bad)
