"""The coefficients of the Rosenbrock methods: consistency relations, and orders of convergence.

A small numpy implementation takes fixed steps on problems with known solutions; the C code is not involved.
"""

from __future__ import annotations

import numpy as np
import pytest

from leukinetics.engine.tableau import METHODS, RODAS4, RODAS5P, Tableau

BOTH = pytest.mark.parametrize("method", [RODAS4, RODAS5P], ids=["rodas4", "rodas5p"])
ORDER = {"rodas4": 4, "rodas5p": 5}
DENSE_ORDER = {"rodas4": 3, "rodas5p": 4}


def matrix(rows: tuple[tuple[float, ...], ...], stages: int) -> np.ndarray:
    """Rows of unequal length as a square matrix; missing rows of ``a`` are the row before plus the new stage."""
    full = np.zeros((stages, stages))
    for i in range(stages):
        if i < len(rows):
            full[i, : len(rows[i])] = rows[i]
        else:
            full[i] = full[i - 1]
            full[i, i - 1] = 1.0
    return full


def untransformed(m: Tableau) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(alpha_ij, Gamma = gamma_ij, b) of the method in the variables of its order conditions.

    Hairer & Wanner, IV.7: u = Gamma k, c = diag(1/gamma) - Gamma^-1, a = alpha Gamma^-1.
    """
    s = m.stages
    c = matrix(m.c, s) if len(m.c) == s else None
    assert c is not None
    gamma = np.linalg.inv(np.eye(s) / m.gamma - c)
    a = matrix(m.a, s)
    last = a[-1].copy()
    last[-1] = 1.0
    return a @ gamma, gamma, last @ gamma


def step(m: Tableau, f, t: float, y: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """(new y, embedded y, stages u) by the formula in the docstring of engine/tableau.py."""
    s, n = m.stages, len(y)
    a, c = matrix(m.a, s), matrix(m.c, s)
    d = np.array([*m.d, *[0.0] * (s - len(m.d))])
    rate, jacobian, slope = f
    w = np.eye(n) / (h * m.gamma) - jacobian(t, y)
    u = np.zeros((s, n))
    for i in range(s):
        right = rate(t + m.alpha[i] * h, y + a[i] @ u) + c[i] @ u / h + h * d[i] * slope(t, y)
        u[i] = np.linalg.solve(w, right)
    embedded = y + a[-1] @ u
    return embedded + u[-1], embedded, u


def dense(m: Tableau, y0: np.ndarray, y1: np.ndarray, u: np.ndarray, x: float) -> np.ndarray:
    """The interpolant of engine/tableau.py at y(t + x h)."""
    h = np.zeros((3, m.stages))
    for r, row in enumerate(m.dense):
        h[r, : len(row)] = row
    k = h @ u
    return (1 - x) * y0 + x * (y1 + (1 - x) * (k[0] + x * (k[1] + x * k[2])))


# A nonlinear, non-autonomous problem made to have a known solution: y1 = exp(sin t), y2 = 1/(1 + t).
def _solution(t: float) -> np.ndarray:
    return np.array([np.exp(np.sin(t)), 1 / (1 + t)])


def _rate(t: float, y: np.ndarray) -> np.ndarray:
    return np.array([y[0] * np.cos(t) + y[1] * (1 + t) - 1, -(y[1] ** 2) + (y[0] - np.exp(np.sin(t))) * y[1]])


def _jacobian(t: float, y: np.ndarray) -> np.ndarray:
    return np.array([[np.cos(t), 1 + t], [y[1], -2 * y[1] + y[0] - np.exp(np.sin(t))]])


def _slope(t: float, y: np.ndarray) -> np.ndarray:
    return np.array([-y[0] * np.sin(t) + y[1], -np.cos(t) * np.exp(np.sin(t)) * y[1]])


PROBLEM = (_rate, _jacobian, _slope)


def test_the_derivatives_of_the_problem_are_right() -> None:
    t, y, e = 0.7, np.array([1.3, 0.4]), 1e-6
    by_y = np.stack([(_rate(t, y + e * v) - _rate(t, y - e * v)) / (2 * e) for v in np.eye(2)], axis=1)
    np.testing.assert_allclose(_jacobian(t, y), by_y, atol=1e-8)
    np.testing.assert_allclose(_slope(t, y), (_rate(t + e, y) - _rate(t - e, y)) / (2 * e), atol=1e-8)


def orders(errors: list[float]) -> np.ndarray:
    """Observed orders when the step is halved from entry to entry."""
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


@BOTH
def test_order_of_the_solution(method: Tableau) -> None:
    errors = []
    for n in (16, 32, 64, 128):
        y, h = _solution(0.0), 2.0 / n
        for i in range(n):
            y = step(method, PROBLEM, i * h, y, h)[0]
        errors.append(np.abs(y - _solution(2.0)).max())
    assert orders(errors)[-1] > ORDER[method.name] - 0.25


@BOTH
def test_order_of_the_embedded_solution(method: Tableau) -> None:
    """In one step its error falls with h^(order + 1); the table's ``order`` is that exponent."""
    errors = [
        np.abs(step(method, PROBLEM, 0.3, _solution(0.3), h)[1] - _solution(0.3 + h)).max()
        for h in 0.2 * 0.5 ** np.arange(5)
    ]
    np.testing.assert_allclose(orders(errors)[-2:], ORDER[method.name], atol=0.25)
    assert method.order == ORDER[method.name]


@BOTH
@pytest.mark.parametrize("x", [0.2, 0.5, 0.9])
def test_order_of_the_interpolant(method: Tableau, x: float) -> None:
    errors = []
    for h in 0.2 * 0.5 ** np.arange(5):
        y0 = _solution(0.3)
        y1, _, u = step(method, PROBLEM, 0.3, y0, h)
        errors.append(np.abs(dense(method, y0, y1, u, x) - _solution(0.3 + x * h)).max())
    assert orders(errors)[-2:].min() > DENSE_ORDER[method.name] + 1 - 0.25


@BOTH
def test_the_interpolant_meets_both_ends(method: Tableau) -> None:
    y0 = _solution(0.0)
    y1, _, u = step(method, PROBLEM, 0.0, y0, 0.5)
    np.testing.assert_array_equal(dense(method, y0, y1, u, 0.0), y0)
    np.testing.assert_array_equal(dense(method, y0, y1, u, 1.0), y1)


@BOTH
def test_relations_between_the_coefficients(method: Tableau) -> None:
    """alpha_i = sum_j alpha_ij and d_i = sum_j gamma_ij; gamma on the diagonal; weights sum to one."""
    alpha, gamma, b = untransformed(method)
    d = np.array([*method.d, *[0.0] * (method.stages - len(method.d))])
    np.testing.assert_allclose(alpha.sum(axis=1), method.alpha, atol=2e-13)
    np.testing.assert_allclose(gamma.sum(axis=1), d, atol=2e-13)
    np.testing.assert_allclose(np.diag(gamma), method.gamma, rtol=1e-14)
    np.testing.assert_allclose(b.sum(), 1.0, atol=2e-13)


@BOTH
def test_order_conditions_of_trees_with_up_to_three_nodes(method: Tableau) -> None:
    """Hairer & Wanner, IV.7, table 7.1, with beta = alpha + Gamma."""
    alpha, gamma, b = untransformed(method)
    beta = alpha + gamma
    one = np.ones(method.stages)
    assert b @ beta @ one == pytest.approx(1 / 2, abs=1e-12)
    assert b @ (alpha @ one) ** 2 == pytest.approx(1 / 3, abs=1e-12)
    assert b @ beta @ beta @ one == pytest.approx(1 / 6, abs=1e-12)


@BOTH
def test_stiffly_accurate(method: Tableau) -> None:
    """The last row of alpha + Gamma are the weights, so that R(inf) = 0."""
    alpha, gamma, b = untransformed(method)
    np.testing.assert_allclose((alpha + gamma)[-1], b, atol=2e-13)
    assert method.alpha[-1] == method.alpha[-2] == 1.0


@BOTH
def test_l_stable(method: Tableau) -> None:
    """|R(z)| <= 1 on the imaginary axis and in the left half plane, and R tends to 0."""

    def growth(z: complex) -> complex:
        alpha, gamma, b = untransformed(method)
        beta = alpha + gamma
        return 1 + z * b @ np.linalg.solve(np.eye(method.stages) - z * beta, np.ones(method.stages))

    axis = [1j * y for y in np.logspace(-2, 4, 200)]
    assert max(abs(growth(z)) for z in axis) <= 1 + 1e-10
    assert abs(growth(-1e9)) < 1e-6


def test_names_and_codes() -> None:
    assert list(METHODS) == ["rodas4", "rodas5p"]
    assert len({m.code for m in METHODS.values()}) == 2
