"""How the local error of a Rosenbrock step, and its estimate, fall with the step: ``python -m bench.order``.

On a stiff trajectory, away from its start, one step of every size is taken with a plain NumPy implementation of
the tableau. The local order is the slope of the logarithm of the error; theory says 5 for the estimate and 6 for
the error itself of Rodas5P. Between the fastest and the slowest time scale of a model both are lower, with the
published kind of Hill exponents (1.5, 2.7) and with all of them set to 2 alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.linalg import lu_factor, lu_solve

import leukinetics as lk
from leukinetics.engine.derivative import derivatives
from leukinetics.engine.evaluate import evaluate
from leukinetics.engine.prepare import resolve_initial
from leukinetics.engine.tableau import RODAS5P, Tableau
from leukinetics.examples import path

F64 = NDArray[np.float64]
Field = Callable[[F64], F64]
_STEPS_PER_DECADE = 2
_EXPONENT = re.compile(r"n[A-Z]")  # how the synthetic models name Hill exponents


class _Equations:
    """Right-hand side and Jacobian of an autonomous model at its defaults, save that Hill exponents may be set."""

    def __init__(self, name: str, exponents: float | None) -> None:
        system = lk.load_model(path(name)).system
        self.g, self.states = system.graph, [s.name for s in system.states]
        self.rates = [s.rate for s in system.states]
        inputs = {i.name: i.default for i in system.inputs.values()}
        if exponents is not None:
            inputs |= {n: exponents for n in inputs if _EXPONENT.match(n)}
        initial = resolve_initial(system)
        values = dict(zip(initial, map(float, evaluate(self.g, list(initial.values()), inputs)), strict=True))
        self.start = np.array([values.pop(s) for s in self.states])
        self.constants = values
        rows = derivatives(self.g, self.rates, {self.g.sym(s): j for j, s in enumerate(self.states)})
        self.entries = [(i, j, e) for i, row in enumerate(rows) for j, e in row.items()]

    def _at(self, y: F64) -> dict[str, float]:
        return {**self.constants, **dict(zip(self.states, map(float, y), strict=True))}

    def rate(self, y: F64) -> F64:
        return np.array(evaluate(self.g, self.rates, {}, self._at(y)), dtype=float)

    def jacobian(self, y: F64) -> F64:
        matrix = np.zeros((len(y), len(y)))
        values = evaluate(self.g, [e for _, _, e in self.entries], {}, self._at(y))
        for (i, j, _), value in zip(self.entries, values, strict=True):
            matrix[i, j] = value
        return matrix


def step(method: Tableau, rate: Field, jacobian: Field, y: F64, h: float) -> tuple[F64, F64]:
    """One step from ``y``; the new states and the error estimate (see leukinetics/engine/tableau.py)."""
    factors = lu_factor(np.eye(len(y)) / (h * method.gamma) - jacobian(y))
    u: list[F64] = []
    argument = y
    for s in range(method.stages):
        if s < len(method.a):
            argument = y + sum((a * x for a, x in zip(method.a[s], u, strict=True)), np.zeros(len(y)))
        else:
            argument = argument + u[-1]
        right = rate(argument) + sum((c / h * x for c, x in zip(method.c[s], u, strict=True)), np.zeros(len(y)))
        if not np.isfinite(right).all():
            return np.full(len(y), np.nan), np.full(len(y), np.nan)
        u.append(lu_solve(factors, right))
    return argument + u[-1], u[-1]


def report(name: str, time: float, exponents: float | None = None, method: Tableau = RODAS5P) -> None:
    """Print error, estimate and their local orders for steps from the state of model ``name`` at ``time``."""
    model = _Equations(name, exponents)
    path_ = solve_ivp(
        lambda _, y: model.rate(y),
        (0.0, time),
        model.start,
        "BDF",
        jac=lambda _, y: model.jacobian(y),
        rtol=1e-8,
        atol=1e-12,
    )
    y = path_.y[:, -1]
    scale = np.abs(y) + 1e-3 * np.abs(path_.y).max(axis=1) + 1e-30
    speeds = np.abs(np.linalg.eigvals(model.jacobian(y)))
    hill = "" if exponents is None else f", Hill exponents {exponents:g}"
    print(f"\n{name}{hill} at t = {time:g}, {method.name}: |lambda| up to {speeds.max():.3g}")
    print(f"{'h':>9} {'h |lambda|max':>13} {'estimate':>10} {'order':>6} {'error':>10} {'order':>6}")
    before: tuple[float, float] | None = None
    for h in 10.0 ** np.arange(0, -4.1, -1.0 / _STEPS_PER_DECADE):
        new, estimate = step(method, model.rate, model.jacobian, y, float(h))
        fine = y
        for _ in range(16):
            fine, _ = step(method, model.rate, model.jacobian, fine, float(h) / 16)
        if not np.isfinite(new - fine).all():
            print(f"{h:9.1e} {h * speeds.max():13.2g}   leaves the range where the rates are numbers")
            continue
        size = tuple(float(np.sqrt(np.mean((e / scale) ** 2))) for e in (estimate, new - fine))
        slopes = (
            ["", ""]
            if before is None
            else [f"{_STEPS_PER_DECADE * np.log10(b / a):.1f}" for a, b in zip(size, before, strict=True)]
        )
        print(f"{h:9.1e} {h * speeds.max():13.2g} {size[0]:10.1e} {slopes[0]:>6} {size[1]:10.1e} {slopes[1]:>6}")
        before = (size[0], size[1])


if __name__ == "__main__":
    for hill in (None, 2.0):
        report("cascade96", 5.0, hill)
        report("qsp73", 5.0, hill)
    report("bachmann2011", 5.0)
