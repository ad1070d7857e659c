"""Compiled values of expressions of two numbers ``a`` and ``b``, for tests of the code generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from leukinetics.engine.compiled import CompiledModel
from leukinetics.engine.expr import Expr, Graph
from leukinetics.engine.request import Request
from leukinetics.engine.system import Input, OdeSystem, Quantity, State
from leukinetics.engine.tables import PatientTable


def system_of(make: Mapping[str, Callable[[Graph, Expr, Expr], Expr]], *, as_states: bool = False) -> OdeSystem:
    """A model with inputs ``a`` and ``b`` and an observable for each entry of ``make``."""
    g = Graph()
    a, b = g.sym("a"), g.sym("b")
    names = [Quantity("a", g.input("a")), Quantity("b", g.input("b"))]
    return OdeSystem(
        name="expressions",
        graph=g,
        inputs={"a": Input("a", 1.0), "b": Input("b", 1.0)},
        states=[State(q.name, q.initial, g.zero) for q in names] if as_states else [],
        constants=[] if as_states else names,
        discretes=[],
        observables={name: build(g, a, b) for name, build in make.items()},
    )


def evaluate_compiled(
    make: Mapping[str, Callable[[Graph, Expr, Expr], Expr]], a: np.ndarray, b: np.ndarray, time: float = 0.0
) -> dict[str, np.ndarray]:
    """Compiled values (len(a),) of each entry; ``a`` and ``b`` may hold inf and NaN, which no user's table may."""
    system = system_of(make)
    table = PatientTable(pd.RangeIndex(len(a)), ("a", "b"), np.ascontiguousarray(np.stack([a, b], axis=1)))
    request = Request(np.array([time]), tuple(system.observables.values()), 1e-6, 1e-9, "rodas5p", 1000, None)
    raw = CompiledModel(system).run(request, table, None, threads=1)
    assert (raw.status == 0).all()
    return {name: raw.values[:, 0, i] for i, name in enumerate(system.observables)}
