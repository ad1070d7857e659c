"""Events in the compiled engine against hand-worked expectations (SBML Level 3 Version 2, section 4.11)."""

from __future__ import annotations

import numpy as np
import pytest
from engine_tools import METHODS, body, model, solve, values

from leukinetics.engine.status import Status

BALL = body("x' = v; v' = -g; x = 1; v = 0; g = 10; e = 0.8; n = 0", "at (x < 0): v = -e*v, n = n + 1")


def ball(t: float, g: float, e: float, x: float = 1.0) -> tuple[float, float, int]:
    """(height, velocity, bounces) of a ball dropped from height ``x``."""
    fall = np.sqrt(2 * x / g)
    if t < fall:
        return x - g * t * t / 2, -g * t, 0
    start, up, n = fall, e * g * fall, 1
    while t >= start + 2 * up / g:
        start, up, n = start + 2 * up / g, up * e, n + 1
    s = t - start
    return up * s - g * s * s / 2, up - g * s, n


@pytest.mark.parametrize("method", METHODS)
def test_bouncing_ball(method: str) -> None:
    times, g, e = np.linspace(0, 2.5, 101), np.array([10.0, 3.0, 47.0]), np.array([0.8, 0.9, 0.95])
    ds = model(BALL).simulate(times, {"g": g, "e": e}, outputs=["x", "v", "n"], rtol=1e-9, atol=1e-12, method=method)
    exact = [[ball(t, a, b) for t in times] for a, b in zip(g, e, strict=True)]
    np.testing.assert_allclose(values(ds), exact, rtol=1e-7, atol=1e-9)


def test_bounces_that_crowd_together_end() -> None:
    """The ball comes to rest at 4.02; what follows is not defined, but it must end, and the past stays right."""
    ds = model(BALL).simulate([3.0, 6.0], outputs=["x", "n"], rtol=1e-8, atol=1e-11, max_steps=20_000)
    status = Status(ds["status"].item())
    assert status in (Status.OK, Status.RETRIED, Status.MAX_STEPS, Status.EVENT_STORM, Status.STEP_TOO_SMALL)
    if status.ok:
        np.testing.assert_allclose(ds["x"][0, 0], ball(3.0, 10.0, 0.8)[0], atol=1e-7)


SEMANTICS = body(
    "c = 0; c' = 1",
    # strict and weak comparison with time
    "after5 = 0; from5 = 0",
    "at (time > 5): after5 = 1",
    "at (time >= 5): from5 = 1",
    # delays, and the time at which values are taken
    "early = 0; late = 0",
    "at 2 after (time >= 1): early = c",
    "at 2 after (time >= 1), fromTrigger=false: late = c",
    # persistence: true from 1 to 1.5, due at 2
    "persists = 0; drops = 0",
    "at 1 after (time >= 1 && time < 1.5): persists = 1",
    "at 1 after (time >= 1 && time < 1.5), persistent=false: drops = 1",
    # the value before the start
    "starts = 0; never = 0",
    "at (c >= 0), t0=false: starts = 1",
    "at (c >= 0), t0=true: never = 1",
    # priorities: 10 first, then 5, then none
    "order = 0",
    "at (time >= 3), fromTrigger=false: order = 10*order + 3",
    "at (time >= 3), priority=5, fromTrigger=false: order = 10*order + 2",
    "at (time >= 3), priority=10, fromTrigger=false: order = 10*order + 1",
    # one event makes another's trigger true, at the same time
    "first = 0; second = 0; third = 0",
    "at (time >= 4): first = 1",
    "at (first > 0.5): second = time",
    "at (second > 0.5): third = time",
    # true only inside a step: nothing else happens near 6 and steps are long
    "pulse = 0",
    "at (time > 6 && time < 6.001): pulse = pulse + 1",
    "pulse2 = 0",
    "at (c > 7 && c < 7.001): pulse2 = pulse2 + 1",
    # an event that changes when another is due does not change what waits already
    "wait = 1; waited = 0",
    "at wait after (time >= 8), fromTrigger=false: waited = time",
    "at (time >= 8.5): wait = 0.1",
    # an assignment of several variables sees the old values
    "a = 1; b = 2",
    "at (time >= 2): a = b, b = a",
)


def semantics(times: list[float], *names: str) -> np.ndarray:
    return solve(SEMANTICS, times, list(names))


def test_comparisons_with_time_at_an_output_time() -> None:
    got = semantics([0.0, 4.999, 5.0, 5.0 + 1e-9, 6.0], "after5", "from5")
    np.testing.assert_array_equal(got, [[0, 0], [0, 0], [0, 1], [1, 1], [1, 1]])


def test_delay_and_time_of_values() -> None:
    got = semantics([0.0, 1.0, 2.999, 3.0, 9.0], "early", "late")
    np.testing.assert_allclose(got, [[0, 0], [0, 0], [0, 0], [1, 3], [1, 3]], rtol=1e-12)


def test_persistence() -> None:
    np.testing.assert_array_equal(semantics([1.99, 2.0, 9.0], "persists", "drops"), [[0, 0], [1, 0], [1, 0]])


def test_initial_value_of_triggers() -> None:
    np.testing.assert_array_equal(semantics([0.0, 9.0], "starts", "never"), [[1, 0], [1, 0]])


def test_priorities() -> None:
    np.testing.assert_array_equal(semantics([2.9, 3.0, 9.0], "order"), [[0], [123], [123]])


def test_events_that_trigger_events() -> None:
    got = semantics([3.999, 4.0, 9.0], "first", "second", "third")
    np.testing.assert_array_equal(got, [[0, 0, 0], [1, 4, 4], [1, 4, 4]])


def test_triggers_that_are_true_only_inside_a_step() -> None:
    got = semantics([5.9, 6.0005, 6.9, 7.0005, 9.0], "pulse", "pulse2")
    np.testing.assert_array_equal(got, [[0, 0], [1, 0], [1, 0], [1, 1], [1, 1]])


def test_a_waiting_event_keeps_its_time() -> None:
    np.testing.assert_array_equal(semantics([8.9, 9.0, 10.0], "waited"), [[0], [9], [9]])


def test_assignments_are_simultaneous() -> None:
    np.testing.assert_array_equal(semantics([1.9, 2.0], "a", "b"), [[1, 2], [2, 1]])


THERMOSTAT = body(
    "x' = piecewise(heat, on > 0.5, 0) - x; x = 0; heat = 10; on = 1; n = 0",
    "at (x > 5): on = 0, n = n + 1",
    "at (x < 3): on = 1",
)


@pytest.mark.parametrize("method", METHODS)
def test_thermostat(method: str) -> None:
    """Up from 3 to 5 under x' = 10 - x takes log(7/5), down log(5/3); the first rise takes log(2)."""
    times = np.linspace(0.0, 40.0, 401)
    x, n = solve(THERMOSTAT, times, "x n", rtol=1e-9, atol=1e-12, method=method).T
    rise, fall = np.log(7 / 5), np.log(5 / 3)
    since = times - np.log(2.0)
    phase = np.mod(since, rise + fall)
    exact = np.where(phase < fall, 5 * np.exp(-phase), 10 - 7 * np.exp(-(phase - fall)))
    exact = np.where(since < 0, 10 * (1 - np.exp(-times)), exact)
    np.testing.assert_allclose(x, exact, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(n, np.where(since < 0, 0, 1 + np.floor(since / (rise + fall))))


PK = body("species D; D = 0; J: D => ; k*D; k = 0.5; n = 0; low = 0", "at (D > 4): n = n + 1", "at (D < 2): low = time")


def test_doses_fire_events_at_once() -> None:
    doses = [{"time": 1.0, "target": "D", "amount": 3.0, "every": 1.0, "count": 2}]
    got = solve(PK, [0.999, 1.0, 1.999, 2.0, 20.0], "D n low", doses=doses, rtol=1e-9, atol=1e-12)
    trough, high = 3 * np.exp(-0.5), 3 + 3 * np.exp(-0.5)
    assert trough < 2  # the trough lies below 2, so the event of falling happens after each dose
    np.testing.assert_array_equal(got[:, 1], [0, 0, 0, 1, 1])
    np.testing.assert_allclose(got[[1, 2, 3], 0], [3, 3 * np.exp(-0.5 * 0.999), high], rtol=1e-7)
    crossing = 1 + 2 * np.log(3 / 2), 2 + 2 * np.log(high / 2)
    np.testing.assert_allclose(got[2:, 2], [crossing[0], crossing[0], crossing[1]], rtol=1e-7)


@pytest.mark.slow
def test_a_dose_and_an_event_at_the_same_time() -> None:
    """The dose comes first: the event at 2 sees it."""
    text = body("species D; D = 0; seen = -1; J: D => ; 0*D", "at (time >= 2): seen = D, D = 2*D")
    doses = [{"time": 2.0, "target": "D", "amount": 3.0}]
    np.testing.assert_array_equal(solve(text, [1.9, 2.0, 3.0], "D seen", doses=doses), [[0, -1], [6, 3], [6, 3]])


STORM = body(
    "x = 1; n = 0; on = 1; y = 1; y' = -y",
    "at (x > 0.5), t0=false: x = 1 - on, n = n + 1",
    "at (x < 0.5): x = 1, n = n + 1",
)


def test_an_event_storm_is_one_patients_status() -> None:
    ds = model(STORM).simulate([0.0, 1.0, 3.0], {"on": [0, 1, 0]}, outputs=["x", "y", "n"])
    assert ds["status"].values.tolist() == [Status.OK, Status.EVENT_STORM, Status.OK]
    assert np.isnan(values(ds)[1]).all()
    alone = model(STORM).simulate([0.0, 1.0, 3.0], {"on": 0}, outputs=["x", "y", "n"])
    np.testing.assert_array_equal(values(ds)[[0, 2]], np.repeat(values(alone), 2, axis=0))


def test_a_state_that_an_event_puts_on_the_threshold_of_another() -> None:
    """x is set to exactly 1.863 and rises: the second event fires at once, and time goes on."""
    text = body(
        "x = 1.074; n = 0; late = 0; x' = 1.617*(1 + sin(time)) - 1.325*x",
        "at (x > 1.485), t0=false: x = 1.863",
        "at (x > 1.863): n = n + 1, late = time",
        "at (x > 1.9): n = n + 10",
    )
    x, n, late = solve(text, [1.0], "x n late", rtol=1e-8, atol=1e-10, max_steps=2000)[0]
    alone = text.replace("at (x > 1.863): n = n + 1, late = time", "at (x > 1.485), t0=false: late = time")
    x2, _, first = solve(alone, [1.0], "x n late", rtol=1e-8, atol=1e-10)[0]
    np.testing.assert_allclose([x, n, late], [x2, 11, first], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_state_that_falls_from_the_threshold(method: str) -> None:
    """Each patient is put on the threshold and leaves it at its own pace: one event each, at once."""
    text = body(
        "x = 2; n = 0; late = -1; k = 1; x' = -k",
        "at (time >= 0.3): x = 1",
        "at (x < 1): n = n + 1, late = time",
        "y = 1; y' = k*cos(time); q = 0",
        "at (y > 1): q = q + 1",
    )
    k = np.array([1e-9, 1e-3, 0.1, 1.0, 1e3])
    options = {"outputs": ["x", "n", "late", "q"], "max_steps": 5000, "method": method}
    ds = model(text).simulate([0.29, 1.0], {"k": k}, rtol=1e-8, atol=1e-10, **options)
    assert ds["status"].values.tolist() == [Status.OK] * 5
    np.testing.assert_array_equal(ds["n"][:4], [[0, 1]] * 4)
    np.testing.assert_allclose(ds["late"][:4, 1], [0.3] * 4, rtol=1e-6)
    np.testing.assert_allclose(ds["x"][:, 1], 1 - 0.7 * k, rtol=1e-9)
    np.testing.assert_array_equal(ds["q"][:, 1], [1] * 5)
    for p in range(5):  # what happens never depends on the neighbours
        alone = model(text).simulate([0.29, 1.0], {"k": k[p]}, rtol=1e-8, atol=1e-10, **options)
        np.testing.assert_array_equal(values(alone)[0], values(ds)[p])


def test_a_delay_that_is_no_number_fails_the_patient() -> None:
    text = body("x' = 1; x = 0; n = 0; d = 1; z = 0", "at d/z after (x > 2): n = n + 1")
    ds = model(text).simulate([0.0, 5.0], {"d": [1.0, 0.0, -1.0]}, outputs=["x", "n"])
    assert ds["status"].values.tolist() == [Status.OK, Status.NON_FINITE, Status.OK]
    np.testing.assert_array_equal(ds["n"], [[0, 0], [np.nan, np.nan], [0, 1]])


@pytest.mark.slow
def test_events_at_every_instant_are_no_numbers() -> None:
    """x is set back a billion times a second: a status, not what a solver says that steps across."""
    text = body("x' = 1; x = 0; n = 0; back = 1", "at (x > 0): x = -back, n = n + 1")
    ds = model(text).simulate([0.0, 1.0, 10.0], {"back": [0.0, 1e-9, 0.125]}, outputs=["x", "n"], max_steps=5000)
    assert ds["status"].values.tolist() == [Status.MAX_STEPS, Status.MAX_STEPS, Status.OK]
    assert np.isnan(values(ds)[:2]).all()
    np.testing.assert_allclose(ds["n"][2], [0, 8, 80], atol=1)


@pytest.mark.slow
def test_many_delayed_events_in_waiting() -> None:
    """One trigger fires again and again before its first delay is over."""
    text = body(
        "x' = 1; x = 0; n = 0; k = 0",
        "at 5 after (x > 0.1*k + 0.05), fromTrigger=false: n = n + 1",
        "at (x > 0.1*k + 0.08): k = k + 1",
    )
    ds = model(text).simulate([4.0, 5.5, 7.0], outputs=["n", "k"])
    status = Status(ds["status"].item())
    assert status.ok, status.name
    np.testing.assert_array_equal(ds["n"][0], [0, 5, 20])


RESET = body("x' = -x; x = 8; base = 0", "at (x < threshold): x = 8, base = base + x", "threshold = 1")


def test_events_with_thresholds_of_each_patient() -> None:
    threshold = np.array([1.0, 2.0, 4.0, 0.5, 7.9, 8.1])
    ds = model(RESET).simulate([10.0], {"threshold": threshold}, outputs=["x", "base"], rtol=1e-9, atol=1e-12)
    period = np.log(8 / threshold[:5])
    cycles = np.floor(10 / period)
    np.testing.assert_allclose(ds["x"][:5, 0], 8 * np.exp(-(10 - cycles * period)), rtol=1e-6)
    np.testing.assert_allclose(ds["base"][:5, 0], cycles * threshold[:5], rtol=1e-7)
    np.testing.assert_allclose(values(ds)[5, 0], [8 * np.exp(-10.0), 0.0], rtol=1e-7)  # true from the start


@pytest.mark.slow
def test_nothing_happens_after_the_last_time_and_something_at_it() -> None:
    text = body("x = 0", "at (time >= 5): x = 1", "at (time > 5): x = 2", "at (time >= 5.001): x = 3")
    assert solve(text, [5.0], "x").tolist() == [1.0]


def test_periodic_triggers() -> None:
    text = body("n = 0; x = 0; x' = 0.1", "at (rem(time, 24) >= 8 && rem(time, 24) < 9): n = n + 1")
    assert solve(text, [0.0, 100.0, 240.0], "n").tolist() == [0.0, 4.0, 10.0]


@pytest.mark.parametrize("duration", [0.25, 1.0, 8.0])
def test_periodic_input(duration: float) -> None:
    """The area under x is the dose over the clearance, whatever the steps."""
    text = body("x' = piecewise(1, rem(time, 24) < d, 0) - k*x", "a' = x", "x = 0; a = 0; d = 1; k = 2")
    x, a = solve(text, [24.0 * 20], "x a", parameters={"d": duration})[0]
    np.testing.assert_allclose(a + x / 2.0, 20 * duration / 2.0, rtol=1e-4)
