"""Models so large that functions are cut into pieces: dense elimination, long chains, many shared terms."""

from __future__ import annotations

import numpy as np
import pytest
from engine_tools import METHODS, body, solve
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.stats import poisson

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [24, 60])
def test_a_dense_linear_system(n: int, method: str) -> None:
    """Each state acts on each: n^3/3 operations of elimination, written out for 24 states, in loops for 60."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(0, 1.5 / np.sqrt(n), (n, n)) - 2 * np.eye(n)
    rows = (" + ".join(f"({float(m)!r})*x{j}" for j, m in enumerate(row)) for row in matrix)
    text = body(*(f"x{i}' = {row}; x{i} = {i + 1}" for i, row in enumerate(rows)))
    times, start = [0.0, 0.5, 2.0], np.arange(1.0, n + 1)
    exact = [expm(matrix * t) @ start for t in times]
    got = solve(text, times, [f"x{i}" for i in range(n)], rtol=1e-9, atol=1e-12, method=method)
    np.testing.assert_allclose(got, exact, rtol=1e-7, atol=1e-9)


def test_a_long_chain() -> None:
    """Gamma-distributed transit through 300 compartments, with conserved mass."""
    n, k = 300, 40.0
    text = body(
        "x0' = -k*x0; x0 = 1",
        *(f"x{i}' = k*(x{i - 1} - x{i}); x{i} = 0" for i in range(1, n)),
        "out' = k*x299; out = 0",
        f"k = {k}",
        "total := " + " + ".join(f"x{i}" for i in range(n)) + " + out",
    )
    times = np.array([0.0, 1.0, 5.0, 7.5, 12.0])
    got = solve(text, times, ["x0", "x100", "x299", "out", "total"], rtol=1e-8, atol=1e-11)
    exact = np.stack(
        [*(poisson.pmf(i, k * times) for i in (0, 100, 299)), poisson.sf(n - 1, k * times), np.ones(5)], axis=1
    )
    np.testing.assert_allclose(got, exact, rtol=1e-6, atol=1e-8)


def test_terms_shared_across_the_pieces() -> None:
    """Ten functions of time are used in all rates, so that values travel from the first function to the last."""
    n, index = 150, np.arange(150)
    text = body(
        *(f"x{i} = {1 + 0.01 * i!r}" for i in range(n)),
        *(f"u{k} := 1 + sin(time + {k})*exp(-{0.1 * k!r}*time)" for k in range(10)),
        *(f"s{i} := x{i}^1.5/(1 + x{i}*x{(i + 1) % n})" for i in range(n)),
        *(f"x{i}' = u{i % 10}*(1 - s{i}) - s{i - 1 if i else n - 1}*u{(i + 5) % 10}*0.3" for i in range(n)),
    )
    times = [0.0, 1.0, 4.0]

    def rate(t: float, x: np.ndarray) -> np.ndarray:
        k = np.arange(10)
        u = 1 + np.sin(t + k) * np.exp(-0.1 * k * t)
        s = np.abs(x) ** 1.5 / (1 + x * np.roll(x, -1))
        return u[index % 10] * (1 - s) - np.roll(s, 1) * u[(index + 5) % 10] * 0.3

    want = solve_ivp(rate, (0, 4), 1 + 0.01 * index, t_eval=times, rtol=1e-11, atol=1e-13, method="DOP853").y.T
    assert want.min() > 0.1
    got = solve(text, times, [f"x{i}" for i in range(n)], rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)
