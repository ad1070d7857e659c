"""Models whose solution is known exactly, at tight tolerances; what is exact says where it comes from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from engine_tools import METHODS, body, model, solve, values
from scipy.linalg import expm

TIGHT = {"rtol": 1e-9, "atol": 1e-12}

CHAIN = body(
    "species A, B, C, D",
    "A = 10; B = 1; C = 0; D = 0",
    "k1 = 2; k2 = 0.5; k3 = 0.1; r = 0.3",
    "J1: A -> B; k1*A",
    "J2: B -> C; k2*B - r*C",
    "J3: C -> D; k3*C",
)


@pytest.mark.parametrize("method", METHODS)
def test_linear_chain_is_a_matrix_exponential(method: str) -> None:
    rates = np.array([[-2.0, 0, 0, 0], [2, -0.5, 0.3, 0], [0, 0.5, -0.4, 0], [0, 0, 0.1, 0]])
    times = np.linspace(0, 30, 31)
    exact = np.array([expm(rates * t) @ [10.0, 1, 0, 0] for t in times])
    np.testing.assert_allclose(solve(CHAIN, times, "A B C D", method=method, **TIGHT), exact, rtol=1e-7, atol=1e-10)


LOGISTIC = body("x' = r*x*(1 - x/K)", "x = 0.01; r = 1.5; K = 8")


@pytest.mark.parametrize("method", METHODS)
def test_logistic_growth_of_many_patients(method: str) -> None:
    r, capacity, x0 = (np.array(v, dtype=float) for v in ([0.5, 1.5, 3, 0.1], [8, 1, 100, 2], [0.01, 0.5, 120, 2]))
    times = np.linspace(0, 12, 41)
    ds = model(LOGISTIC).simulate(times, {"r": r, "K": capacity, "x": x0}, outputs="x", method=method, **TIGHT)
    growth = np.exp(np.outer(r, times))
    exact = capacity[:, None] / (1 + ((capacity - x0) / x0)[:, None] / growth)
    np.testing.assert_allclose(ds["x"], exact, rtol=1e-7)


LOTKA_VOLTERRA = body("x' = a*x - b*x*y", "y' = c*x*y - d*y", "a = 1.1; b = 0.4; c = 0.1; d = 0.4; x = 10; y = 5")


def test_lotka_volterra_keeps_its_invariant() -> None:
    x, y = solve(LOTKA_VOLTERRA, np.linspace(0, 200, 801), "x y", rtol=1e-10, atol=1e-12).T
    invariant = 0.1 * x - 0.4 * np.log(x) + 0.4 * y - 1.1 * np.log(y)
    assert np.ptp(x) > 10.0
    assert np.ptp(invariant) < 2e-8


OSCILLATOR = body("x' = v", "v' = -w*w*x - 2*z*w*v", "x = 1; v = 0; w = 3; z = 0")


@pytest.mark.parametrize("damping", [0.0, 0.2, 1.0, 2.0])
def test_harmonic_oscillator_free_to_overdamped(damping: float) -> None:
    times, w = np.linspace(0, 20, 101), 3.0
    got = solve(OSCILLATOR, times, "x v", parameters={"z": damping}, rtol=1e-10, atol=1e-13)
    matrix = np.array([[0, 1.0], [-w * w, -2 * damping * w]])
    exact = np.array([expm(matrix * t) @ [1.0, 0.0] for t in times])
    np.testing.assert_allclose(got, exact, rtol=0, atol=3e-8)


FORCED = body("x' = -k*x + sin(w*time)", "k = 2; w = 5; x = 1")


@pytest.mark.parametrize("method", METHODS)
def test_explicit_time_forcing(method: str) -> None:
    times, k, w = np.linspace(0, 10, 64), 2.0, 5.0
    particular = (k * np.sin(w * times) - w * np.cos(w * times)) / (k * k + w * w)
    exact = particular + (1 + w / (k * k + w * w)) * np.exp(-k * times)
    np.testing.assert_allclose(solve(FORCED, times, "x", method=method, **TIGHT), exact, rtol=0, atol=1e-8)


PIECEWISE = body(
    "x' = piecewise(r1, time < a, r2, time <= b, r3) - k*x",
    "r1 = 1; r2 = 50; r3 = 0; k = 1; a = 2; b = 2.001; x = 0",
)


def relax(x: np.ndarray | float, rate: float, t: np.ndarray | float) -> np.ndarray:
    """The solution of x' = rate - x after ``t`` from ``x``."""
    return rate + (x - rate) * np.exp(-np.asarray(t))


@pytest.mark.parametrize("ends", [(2.0, 2.001), (0.0, 1e-6), (3.0, 7.5), (1.0, 1.0), (9.0, 30.0)])
def test_pieces_in_time_are_hit_exactly(ends: tuple[float, float]) -> None:
    a, b = ends
    times = np.unique(np.concatenate([np.linspace(0, 10, 41), [t for t in ends if t <= 10]]))
    at_a = relax(0.0, 1.0, a)
    at_b = relax(at_a, 50.0, b - a)
    exact = np.where(
        times < a,
        relax(0.0, 1.0, times),
        np.where(times <= b, relax(at_a, 50.0, times - a), relax(at_b, 0.0, times - b)),
    )
    ds = model(PIECEWISE).simulate(times, {"a": a, "b": b}, outputs="x", **TIGHT)
    np.testing.assert_allclose(ds["x"][0], exact, rtol=1e-8, atol=1e-10)
    assert int(ds["steps"][0]) < 250  # found by looking for it, a jump costs a hundred steps and more


PROTHERO_ROBINSON = body("x' = -lam*(x - cos(time)) - sin(time)", "x = 1; lam = 1")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lam", [1.0, 1e2, 1e4, 1e6, 1e9])
def test_prothero_robinson(lam: float, method: str) -> None:
    """The solution is cos t for every stiffness (Prothero & Robinson 1974); here at the ends of steps."""
    for end in (3.0, 7.0, 20.0):
        options = {"parameters": {"lam": lam}, "method": method, "rtol": 1e-6, "atol": 1e-8}
        assert solve(PROTHERO_ROBINSON, [end], "x", **options)[0] == pytest.approx(math.cos(end), abs=1e-6)


ROBERTSON = body(
    "a' = -k1*a + k3*b*c",
    "b' = k1*a - k3*b*c - k2*b*b",
    "c' = k2*b*b",
    "a = 1; b = 0; c = 0",
    "k1 = 0.04; k2 = 3e7; k3 = 1e4",
)
#: To 8 figures and more, at t = 40, 4e5 and 1e11: Hindmarsh's LSODE demonstration and Hairer & Wanner's test set.
ROBERTSON_AT = {
    40.0: (0.7158270687193941, 9.185534765344e-6, 0.2841637457458),
    1e11: (0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050),
}


@pytest.mark.parametrize("method", METHODS)
def test_robertson(method: str) -> None:
    got = solve(
        ROBERTSON, [0.0, 40.0, 1e11], "a b c", method=method, rtol=1e-9, atol={"a": 1e-14, "b": 1e-20, "c": 1e-12}
    )
    np.testing.assert_allclose(got[1], ROBERTSON_AT[40.0], rtol=2e-7)
    np.testing.assert_allclose(got[2], ROBERTSON_AT[1e11], rtol=2e-5)
    np.testing.assert_allclose(got.sum(axis=1), 1.0, rtol=1e-10)


def test_a_right_hand_side_without_states_depends_on_time_alone() -> None:
    text = body("x' = time^3 - exp(-time)", "x = 1", "y := x + time")
    times = np.linspace(0, 4, 17)
    got = solve(text, times, "x y", **TIGHT)
    exact = times**4 / 4 + np.exp(-times)
    np.testing.assert_allclose(got, np.stack([exact, exact + times], axis=1), rtol=1e-8)


def test_a_root_grows_from_zero_and_ends_at_zero() -> None:
    """x' = 1 - sqrt(x) solves -2 (sqrt(x) + log(1 - sqrt(x))) = t; y' = -sqrt(y) ends at y = 0 for good."""
    text = body("x' = 1 - sqrt(x)", "y' = -y^0.5", "z' = 1 - x^1.5", "x = 0; y = 1; z = 0")
    got = solve(text, [0.0, 0.5, 1.0, 1.5, 3.0], "x y", rtol=1e-8, atol=1e-11)
    root = np.sqrt(got[1:, 0])
    np.testing.assert_allclose(-2 * (root + np.log1p(-root)), [0.5, 1.0, 1.5, 3.0], rtol=1e-7)
    np.testing.assert_allclose(got[:, 1], [1, 0.75**2, 0.25, 0.25**2, 0.0], rtol=1e-7, atol=1e-9)


def test_outputs_that_are_the_same_state() -> None:
    text = body("x' = -x", "y := x; z := x; x = 1")
    times = np.linspace(0, 8, 33)
    alone, together = solve(text, times, "x"), solve(text, times, "x y z")
    assert (together == alone[:, None]).all()
    np.testing.assert_allclose(alone, np.exp(-times), rtol=3e-6, atol=1e-8)


@pytest.mark.slow
def test_hundreds_of_outputs() -> None:
    n = 1500
    text = body("x' = -x; x = 1", *(f"y{i} := {i + 1}*x" for i in range(n)))
    got = solve(text, [0.0, 1.0], [f"y{i}" for i in range(n)], **TIGHT)
    np.testing.assert_allclose(got[1], np.arange(1, n + 1) * math.exp(-1), rtol=1e-8)


def test_only_constants_and_time() -> None:
    text = body("k = 3", "y := k*time")
    ds = model(text).simulate([0.0, 1.0, 2.0], {"k": [1.0, 2.0]}, outputs=["y", "k"])
    np.testing.assert_array_equal(values(ds, "y"), [[[0.0], [1.0], [2.0]], [[0.0], [2.0], [4.0]]])
