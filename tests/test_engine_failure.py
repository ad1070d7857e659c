"""Patients who cannot be integrated: a status and NaN for them, not a bit of difference for the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from engine_tools import METHODS, body, model, values

import leukinetics as lk
from leukinetics.engine.result import failures
from leukinetics.engine.status import Status

#: x blows up at 1/x0 where b = 1 and grows exponentially where b = 0.
BLOW_UP = body("x' = b*x^2 + (1 - b)*x; y' = -y + x", "x = 1; y = 0; b = 0")
TIMES = np.linspace(0.0, 2.0, 21)


@pytest.mark.parametrize("method", METHODS)
def test_a_blow_up_is_a_status_and_the_others_are_untouched(method: str) -> None:
    b = np.array([0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0.0])
    x = np.linspace(0.6, 3.0, len(b))
    ds = model(BLOW_UP).simulate(TIMES, {"b": b, "x": x}, outputs=["x", "y"], method=method)
    status, got = ds["status"].to_numpy(), values(ds)
    assert set(status[b == 1]) <= {Status.STEP_TOO_SMALL, Status.NON_FINITE, Status.MAX_STEPS}
    assert (status[b == 0] == Status.OK).all()
    assert np.isnan(got[b == 1]).all()
    alone = model(BLOW_UP).simulate(TIMES, {"b": b[b == 0], "x": x[b == 0]}, outputs=["x", "y"], method=method)
    assert values(alone).tobytes() == got[b == 0].tobytes()
    np.testing.assert_allclose(got[b == 0, :, 0], x[b == 0, None] * np.exp(TIMES), rtol=1e-5)
    table = failures(ds)
    assert table["patient"].tolist() == np.flatnonzero(b == 1).tolist()
    assert all(len(advice) > 20 for advice in table["advice"])


def test_before_the_blow_up_all_is_well() -> None:
    ds = model(BLOW_UP).simulate([0.0, 0.99], {"b": [1.0]}, outputs="x", rtol=1e-9)
    assert ds["status"].item() == Status.OK
    assert ds["x"][0, 1].item() == pytest.approx(100.0, rel=1e-5)


def test_failures_at_the_end_leave_nothing_partial() -> None:
    """The blow-up comes after 19 of 21 times have been written."""
    ds = model(BLOW_UP).simulate(TIMES, {"b": 1.0, "x": 1 / 1.95}, outputs=["x", "y"])
    assert not Status(ds["status"].item()).ok
    assert np.isnan(values(ds)).all()


def test_streams_say_the_same() -> None:
    parameters = {"b": [0.0, 1.0, 0.0, 0.0, 1.0]}
    parts = list(model(BLOW_UP).stream(TIMES, parameters, outputs="x", chunk=2))
    ok = np.concatenate([np.isfinite(p["x"]).all("time") for p in parts])
    assert ok.tolist() == [True, False, True, True, False]
    assert all(Status(s).ok == k for s, k in zip(np.concatenate([p["status"] for p in parts]), ok, strict=True))


def test_limit_on_steps() -> None:
    text = body("x' = v; v' = -w*w*x; x = 1; v = 0; w = 1")
    ds = model(text).simulate([1000.0], {"w": [1.0, 1e-3, 1.0]}, outputs="x", max_steps=200)
    assert ds["status"].values.tolist() == [Status.MAX_STEPS, Status.OK, Status.MAX_STEPS]
    assert np.isnan(ds["x"][::2]).all()
    np.testing.assert_allclose(ds["x"][1], np.cos(1.0), rtol=1e-5)
    assert ((ds["steps"] + ds["rejected"])[::2] == 200).all()


def test_the_reference_path_helps_out() -> None:
    """So few steps are allowed that only the reference, which counts them between output times, gets through."""
    text, times = body("x' = -k*x + sin(time); x = 1; k = 1"), np.linspace(0, 10, 201)
    ds = model(text).simulate(times, {"k": [1.0, 2.0, 1.0]}, outputs="x", max_steps=11, rtol=1e-3, atol=1e-5)
    assert ds["status"].values.tolist() == [Status.RETRIED] * 3
    full = model(text).simulate(times, {"k": [1.0, 2.0, 1.0]}, outputs="x", rtol=1e-9)
    assert (full["status"] == Status.OK).all()
    np.testing.assert_allclose(ds["x"], full["x"], atol=1e-3)
    assert len(failures(ds)) == 0


@pytest.mark.slow
def test_a_retry_carries_doses_and_names() -> None:
    text = body("species D; D = 1; J: D => ; k*D; I: => D; 1 + sin(time); k = 0.5", "twice := 2*D")
    doses = [
        {"patient": 1, "time": 1.0, "target": "D", "amount": 4.0},
        {"patient": 0, "time": 2.0, "target": "D", "amount": 1.0},
    ]
    options: dict[str, Any] = {"doses": doses, "outputs": ["twice", "D"], "amounts": ["D"]}
    times = np.linspace(0, 10, 201)
    ds = model(text).simulate(times, {"k": [0.5, 0.1]}, max_steps=10, rtol=1e-3, atol=1e-5, **options)
    full = model(text).simulate(times, {"k": [0.5, 0.1]}, **options)
    assert ds["status"].values.tolist() == [Status.RETRIED] * 2
    np.testing.assert_allclose(values(ds), values(full), rtol=2e-3)


def test_where_the_reference_steps_across_a_singularity() -> None:
    """x' = x^2 through infinity: a number behind it would mean nothing."""
    ds = model(BLOW_UP).simulate([0.0, 50.0], {"b": [1.0] * 3, "x": [0.1, 1.0, 7.0]}, outputs="x")
    assert not any(Status(s).ok for s in ds["status"].values)
    assert np.isnan(ds["x"]).all()


BAD_START = body("x = log(a); a = 2; x' = -x; z' = 1/b - z; z = 0; b = 1; c = 1/d; d = 1; w' = c; w = 0")


def test_bad_initial_values() -> None:
    table = {"a": [2.0, -1.0, 0.0, 2.0, 2.0], "b": [1.0, 1.0, 1.0, 0.0, 1.0], "d": [1.0, 1.0, 1.0, 1.0, 0.0]}
    ds = model(BAD_START).simulate([0.0, 1.0], table, outputs=["x", "z", "w"])
    status = [Status(s) for s in ds["status"].values]
    assert status[:3] == [Status.OK, Status.BAD_INITIAL, Status.BAD_INITIAL]
    assert not status[3].ok and not status[4].ok
    assert np.isnan(values(ds)[1:]).all() and np.isfinite(values(ds)[0]).all()


@pytest.mark.slow
def test_rates_that_are_not_numbers() -> None:
    text = body("x' = log(1 - time) - a; x = 0; a = 0; y' = 1; y = 0")
    ds = model(text).simulate([0.0, 0.5, 2.0], {"a": [0.0, 1.0]}, outputs=["x", "y"])
    assert not any(Status(s).ok for s in ds["status"].values)
    assert np.isnan(values(ds)).all()
    before = model(text).simulate([0.0, 0.5], {"a": [0.0, 1.0]}, outputs=["x", "y"])
    exact = -0.5 + 0.5 * np.log(2.0)
    np.testing.assert_allclose(before["x"][:, 1], [exact, exact - 0.5], rtol=1e-6)


def test_an_output_may_be_infinite_where_the_model_says_so() -> None:
    """An observable that divides by zero is the model's own doing: the patient is OK and the value shows it."""
    text = body("x' = 1; x = 0", "y := 1/x; z := log(x - 1)")
    ds = model(text).simulate([0.0, 0.5, 2.0], outputs=["x", "y", "z"])
    assert ds["status"].item() == Status.OK
    np.testing.assert_allclose(ds["y"][0], [np.inf, 2.0, 0.5])
    np.testing.assert_allclose(ds["z"][0], [np.nan, np.nan, 0.0], atol=1e-12)


@pytest.mark.slow
def test_events_that_set_impossible_values() -> None:
    text = body("x' = -x; x = 1; y = 0", "at (time >= 1): x = log(-a), y = 1", "a = 1")
    ds = model(text).simulate([0.0, 2.0], {"a": [1.0, -1.0]}, outputs=["x", "y"])
    status = [Status(s) for s in ds["status"].values]
    assert not status[0].ok and np.isnan(values(ds)[0]).all()
    assert status[1] == Status.OK


def test_an_event_at_the_last_time_that_sets_an_impossible_value() -> None:
    text = body("x' = -x; x = 1; y = 0", "at (time >= 1): x = log(-a), y = 1", "a = 1")
    ds = model(text).simulate([0.0, 1.0], {"a": [1.0, -1.0]}, outputs=["x", "y"])
    status = [Status(s) for s in ds["status"].values]
    assert status[1] == Status.OK
    assert not status[0].ok and np.isnan(values(ds)[0]).all()


@pytest.mark.slow
def test_singular_and_wild_jacobians() -> None:
    """Entries of size 1e200 and matrices without a pivot in reach must end in a status, never in silence."""
    text = body(
        "x' = a*y; y' = a*x; x = 1; y = 1e-3; a = 1",
        "p' = q; q' = b*p; p = 1; q = 0; b = 0",
    )
    a = np.array([1.0, -1.0, 1e200, -1e200, 1e-200, 50.0])
    ds = model(text).simulate([0.0, 1.0], {"a": a}, outputs=["x", "p"])
    ok = np.array([Status(s).ok for s in ds["status"].values])
    assert ok[[0, 1, 4]].all()
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.cosh(a) + 1e-3 * np.sinh(a)
    np.testing.assert_allclose(ds["x"].to_numpy()[[0, 1, 4], 1], exact[[0, 1, 4]], rtol=1e-5)
    assert np.isnan(values(ds)[~ok]).all()
    if ok[5]:
        np.testing.assert_allclose(ds["x"][5, 1], exact[5], rtol=1e-4)
    assert not ok[2]


def test_the_reference_backend_reports_failures_too() -> None:
    ds = model(BLOW_UP).simulate([0.0, 2.0], {"b": [0.0, 1.0]}, outputs="x", backend="roadrunner", max_steps=5000)
    status = [Status(s) for s in ds["status"].values]
    assert status[0] == Status.OK and np.isfinite(ds["x"][0]).all()
    assert status[1].ok == bool(np.isfinite(ds["x"][1]).all())


def test_statuses_have_stable_numbers_and_advice() -> None:
    assert [s.value for s in Status] == list(range(10))
    assert [s.name for s in Status if s.ok] == ["OK", "RETRIED"]
    assert len({s.advice for s in Status}) == 10
    with pytest.raises(lk.DataError):
        model(BLOW_UP).simulate([0.0], max_steps=0)
