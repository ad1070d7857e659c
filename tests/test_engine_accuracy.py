"""The achieved error follows the tolerance, at the ends of steps and in between (dense output)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from engine_tools import METHODS, body, model

RTOLS = 10.0 ** -np.arange(3, 11)


@dataclass(frozen=True)
class Problem:
    """A model and its solution; ``scale`` is the size of the state, ``factor`` bounds error / (rtol * scale)."""

    text: str
    exact: Callable[[np.ndarray], np.ndarray]
    end: float
    scale: float
    factor: float


def _forced(t: np.ndarray) -> np.ndarray:
    return (2 * np.sin(5 * t) - 5 * np.cos(5 * t)) / 29 + (1 + 5 / 29) * np.exp(-2 * t)


PROBLEMS = {
    "decay": Problem(body("x' = -x", "x = 1"), lambda t: np.exp(-t), 10.0, 1.0, 10.0),
    "logistic": Problem(body("x' = x*(1 - x/10)", "x = 0.1"), lambda t: 10 / (1 + 99 * np.exp(-t)), 15.0, 10.0, 30.0),
    "stiff": Problem(
        body("x' = -1000*(x - y)", "y' = -y", "x = 2; y = 1"),
        lambda t: 1000 / 999 * np.exp(-t) + (2 - 1000 / 999) * np.exp(-1000 * t),
        6.0,
        1.0,
        30.0,
    ),
    "oscillator": Problem(body("x' = v", "v' = -9*x", "x = 1; v = 0"), lambda t: np.cos(3 * t), 6.0, 1.0, 100.0),
    "forced": Problem(body("x' = -2*x + sin(5*time)", "x = 1"), _forced, 6.0, 1.0, 30.0),
    "forced, stiff": Problem(body("x' = -100*(x - cos(time)) - sin(time)", "x = 1"), np.cos, 6.0, 1.0, 50.0),
    "jump": Problem(
        body("x' = piecewise(1, time < 1.7, -1) - x", "x = 0"),
        lambda t: np.where(t < 1.7, 1 - np.exp(-t), -1 + (2 - np.exp(-1.7)) * np.exp(-(t - 1.7))),
        5.0,
        1.0,
        10.0,
    ),
    "power": Problem(body("x' = -x^2.5", "x = 1"), lambda t: (1 + 1.5 * t) ** (-2 / 3), 20.0, 1.0, 10.0),
}


def errors(problem: Problem, method: str, times: np.ndarray) -> np.ndarray:
    """The largest error at each of RTOLS, relative to the scale."""
    return np.array(
        [
            np.abs(
                model(problem.text)
                .simulate(times, outputs="x", rtol=rtol, atol=rtol * problem.scale * 1e-3, method=method)["x"]
                .to_numpy()[0]
                - problem.exact(times)
            ).max()
            / problem.scale
            for rtol in RTOLS
        ]
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_error_follows_tolerance(name: str, method: str) -> None:
    problem = PROBLEMS[name]
    dense = np.concatenate([[0.0], np.linspace(0.0, problem.end, 400)[1:] ** 1.3 / problem.end**0.3])
    found = errors(problem, method, dense)
    assert (found <= problem.factor * RTOLS + 1e-13).all(), found / RTOLS
    assert (found[2:] < found[:-2]).all(), found  # one decade alone may be luck
    # The tolerance is used: three decades of tolerance are at least one and a half of error.
    assert found[-1] < 10**-1.5 * found[-4], found


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_asking_for_more_times_does_not_change_the_others(name: str, method: str) -> None:
    """Output times inside a step never bend the step (only the last time does)."""
    problem = PROBLEMS[name]
    few, many = np.linspace(0.0, problem.end, 5), np.linspace(0.0, problem.end, 401)
    a, b = (model(problem.text).simulate(t, outputs="x", method=method) for t in (few, many))
    np.testing.assert_array_equal(a["x"][0], b["x"][0][::100])
    assert a["steps"].item() == b["steps"].item()


SWITCH = body("y' = -0.1*y", "x' = lam*(y^n/(1 + y^n) - x)", "n = 8; lam = 1; y = 10", "x = 1/(1 + 10^(-n))")


@pytest.mark.parametrize(
    ("rtol", "lam", "n", "method"),
    [
        (1e-4, 1.0, 10.0, "rodas5p"),
        (1e-6, 1.0, 10.0, "rodas4"),
        (1e-4, 1e4, 10.0, "rodas5p"),
        (1e-6, 1e4, 4.0, "rodas5p"),
        (1e-6, 1e6, 10.0, "rodas5p"),
        (1e-6, 1e6, 10.0, "rodas4"),
    ],
)
def test_between_steps_a_fast_state_follows_a_slow_one(rtol: float, lam: float, n: float, method: str) -> None:
    times, parameters = np.linspace(0.0, 60.0, 601), {"lam": lam, "n": n}
    got, tight = (
        model(SWITCH).simulate(times, parameters, outputs="x", rtol=r, atol=r / 100, method=method)["x"][0]
        for r in (rtol, 1e-10)
    )
    assert np.abs(got - tight).max() < 30 * rtol


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "lam",
    [
        1.0,
        1e4,
        1e6,
    ],
)
def test_between_steps_a_fast_state_follows_time(lam: float, method: str) -> None:
    text, times = body("x' = -lam*(x - cos(time)) - sin(time)", "x = 1; lam = 1"), np.linspace(0.0, 20.0, 81)
    got = model(text).simulate(times, {"lam": lam}, outputs="x", rtol=1e-6, atol=1e-8, method=method)["x"][0]
    assert np.abs(got - np.cos(times)).max() < 30e-6
