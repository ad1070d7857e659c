"""A slow, plain interpreter of an OdeSystem on Python numbers and scipy's integrators.

It exists to check readers independently of the compiled engine. Events are not carried out here.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

from leukinetics.engine.expr import FUNCTIONS, Expr, Graph
from leukinetics.engine.system import OdeSystem

Values = Mapping[str, float]


def _safe(f: Callable[..., float]) -> Callable[..., float]:
    def call(*args: float) -> float:
        with np.errstate(all="ignore"):
            try:
                return float(f(*(np.float64(a) for a in args)))
            except (ValueError, OverflowError):
                return math.nan

    return call


_NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
          "atanh": "arctanh"}  # fmt: skip
_CALLS = {f: _safe(math.gamma if f == "gamma" else getattr(np, _NUMPY.get(f, f))) for f in FUNCTIONS} | {
    "div": _safe(np.divide),
    "pow": _safe(np.power),
    "rem": _safe(np.fmod),
    "min": min,
    "max": max,
}
_INFIX = {"add": "+", "sub": "-", "mul": "*", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==",
          "ne": "!=", "and": "and", "or": "or", "xor": "!="}  # fmt: skip
_LEAVES = {"time": "t", "true": "True", "false": "False"}


def compile_graph(graph: Graph, roots: Sequence[Expr]) -> Callable[[float, Values, Values], list[float]]:
    """A function of (time, symbols, inputs) that gives the numbers of ``roots``."""
    lines = ["def f(t, S, I):"]
    for e in graph.reachable(roots):
        op, value = graph.ops[e], graph.values[e]
        a = [f"v{i}" for i in graph.args[e]]
        if op == "const":
            text = f"float('{value!r}')"
        elif op in ("sym", "input"):
            text = f"{'S' if op == 'sym' else 'I'}[{value!r}]"
        elif op in _LEAVES:
            text = _LEAVES[op]
        elif op in _INFIX:
            text = f" {_INFIX[op]} ".join(f"bool({x})" if op == "xor" else x for x in a)
        elif op == "select":
            text = f"{a[1]} if {a[0]} else {a[2]}"
        elif op in ("neg", "not"):
            text = f"{'-' if op == 'neg' else 'not '}{a[0]}"
        elif op == "isnan":
            text = f"{a[0]} != {a[0]}"
        else:
            text = f"{op}({', '.join(a)})"
        lines.append(f"    v{e} = {text}")
    lines.append(f"    return [{', '.join(f'float(v{r})' for r in roots)}]")
    scope = {("abs_" if n == "abs" else n): f for n, f in _CALLS.items()} | _CALLS
    exec("\n".join(lines), scope)
    result: Callable[[float, Values, Values], list[float]] = scope["f"]  # type: ignore[assignment]
    return result


def initial_values(system: OdeSystem, inputs: Values | None = None) -> dict[str, float]:
    """Start values of all quantities, each computed after what it needs."""
    g = system.graph
    numbers = {name: i.default for name, i in system.inputs.items()} | dict(inputs or {})
    todo = {q.name: q.initial for q in (*system.states, *system.constants, *system.discretes)}
    done: dict[str, float] = {}
    while todo:
        ready = {n: e for n, e in todo.items() if g.symbols([e]) <= done.keys()}
        if not ready:
            raise ValueError(f"start values depend on each other in a circle: {sorted(todo)}")
        values = compile_graph(g, list(ready.values()))(0.0, done, numbers)
        for name, value in zip(ready, values, strict=True):
            done[name] = value
            del todo[name]
    return done


def simulate(
    system: OdeSystem, times: Sequence[float], outputs: Sequence[str], amounts: Sequence[str] = (),
    inputs: Values | None = None,
) -> np.ndarray:  # fmt: skip
    """Values (times, outputs) of observables, or of amounts for species in ``amounts``; no events."""
    if system.events:
        raise NotImplementedError("events")
    start = initial_values(system, inputs)
    names = [s.name for s in system.states]
    rates = compile_graph(system.graph, [s.rate for s in system.states])
    # Cases list compartments and parameters among the amounts too; these have one meaning only.
    exprs = [system.amounts.get(o, system.observables[o]) if o in amounts else system.observables[o]
             for o in outputs]  # fmt: skip
    observe = compile_graph(system.graph, exprs)

    def at(y: Sequence[float]) -> dict[str, float]:
        return start | dict(zip(names, y, strict=True))

    ys = np.zeros((0, len(times)))
    if names:
        solution = solve_ivp(
            lambda t, y: rates(t, at(y), {}), (0.0, max(times)), [start[n] for n in names], method="LSODA",
            t_eval=times, rtol=1e-10, atol=1e-14, max_step=max(times) / 200,
        )  # fmt: skip
        if not solution.success:
            raise RuntimeError(solution.message)
        ys = solution.y
    return np.array([observe(t, at(ys[:, i]), {}) for i, t in enumerate(times)])


@dataclass(frozen=True)
class Case:
    """A case of the SBML semantic test suite."""

    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        """The lines of ``settings.txt``."""
        lines = (self.folder / "settings.txt").read_text().splitlines()
        return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines) if k.strip()}

    def listed(self, key: str) -> list[str]:
        """A comma-separated setting."""
        return [v.strip() for v in self.settings.get(key, "").split(",") if v.strip()]

    def expected(self) -> tuple[list[str], np.ndarray]:
        """Column names without time, and values (times, 1 + columns) with time first."""
        with open(self.folder / "results.csv", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
        return [c.strip() for c in rows[0][1:]], np.array([[float(v) for v in row] for row in rows[1:]])

    def mismatch(self, system: OdeSystem, run: Callable[..., np.ndarray] = simulate) -> str:
        """What differs from the expected results by more than the case allows; empty if nothing does."""
        columns, values = self.expected()
        got = run(system, list(values[:, 0]), columns, self.listed("amount"))
        absolute, relative = float(self.settings["absolute"]), float(self.settings["relative"])
        want = values[:, 1:]
        with np.errstate(all="ignore"):
            good = np.abs(got - want) <= absolute + relative * np.abs(want)
        good |= (got == want) | (np.isnan(got) & np.isnan(want))
        bad = np.argwhere(~good)
        if not len(bad):
            return ""
        i, j = bad[0]
        return f"{columns[j]} at {values[i, 0]:g}: {got[i, j]!r}, expected {want[i, j]!r} ({len(bad)} wrong)"


def suite_cases() -> list[Path]:
    """The folders of the test suite; empty where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "sbml_cases"
    root = Path(os.environ.get("LEUKINETICS_SBML_CASES", default))
    return sorted(p.parent for p in root.glob("*/model.xml"))
