"""Times at which the right-hand side jumps, found in its conditions, so that steps can end exactly there.

A condition whose two sides differ by an expression linear in time, with coefficients that are constant during
a run (``time >= t0``, ``2*time - lag < 0``), switches at one time, an expression of constants. Conditions on
states, or nonlinear in time, are left to the error control of the integrator.
"""

from __future__ import annotations

from collections.abc import Sequence

from leukinetics.engine.derivative import derivatives
from leukinetics.engine.expr import RELATIONS, Expr, Graph


def breakpoints(g: Graph, roots: Sequence[Expr], constants: set[str]) -> list[Expr]:
    """Switching times of the conditions under ``roots`` as expressions of ``constants``, each once."""
    found: dict[Expr, None] = {}
    for e in g.reachable(roots):
        if g.ops[e] not in RELATIONS:
            continue
        a, b = g.args[e]
        difference = g.sub(a, b) if not (g.is_boolean(a) or g.is_boolean(b)) else g.zero
        if not _only(g, difference, constants, time=True):
            continue
        gradient = derivatives(g, [difference], {g.time: 0})[0]
        slope = gradient.get(0)
        if slope is None or not _only(g, slope, constants, time=False):
            continue
        at_zero = g.substitute([difference], {g.time: g.zero})[0]
        found[g.neg(g.div(at_zero, slope))] = None
    return list(found)


def _only(g: Graph, e: Expr, constants: set[str], *, time: bool) -> bool:
    nodes = g.reachable([e])
    if not time and g.time in nodes:
        return False
    return g.symbols([e]) <= constants and not any(g.ops[n] == "input" for n in nodes)
