"""Times at which the equations jump, found in their conditions, so that steps can end exactly there.

A condition whose two sides differ by an expression linear in time, with coefficients that are constant during a
run (``time >= t0``, ``2*time - lag < 0``), switches at one time. ``floor`` and ``ceil`` of such an expression
jump again and again at equal intervals, and so does ``rem``; a condition linear in time and in one of them
(``rem(time, 24) < 8``) switches at equal intervals too. Conditions on states, or nonlinear in time, are left to
error control and to the search for events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leukinetics.engine.derivative import derivatives
from leukinetics.engine.expr import RELATIONS, Expr, Graph


@dataclass(frozen=True)
class Breakpoint:
    """Jumps at ``offset``, or at ``offset + k period`` for every whole k; expressions of constants."""

    offset: Expr
    period: Expr | None = None


def breakpoints(g: Graph, roots: Sequence[Expr], constants: set[str]) -> list[Breakpoint]:
    """Jumps of the expressions ``roots``, each once; ``constants`` are names that keep their value in a run."""
    found: dict[Breakpoint, None] = {}
    finder = _Finder(g, constants)
    for e in g.reachable(_remainders_as_floors(g, roots)):
        if g.ops[e] in ("floor", "ceil"):
            found.update(dict.fromkeys(finder.jumps(e)))
        elif g.ops[e] in RELATIONS:
            found.update(dict.fromkeys(finder.switches(e)))
    return list(found)


def _remainders_as_floors(g: Graph, roots: Sequence[Expr]) -> list[Expr]:
    """``rem(a, b)`` as ``a - b floor(a / b)``: the same jumps where the quotient is not negative."""
    new: dict[Expr, Expr] = {}
    for e in g.reachable(roots):
        args = tuple(new[a] for a in g.args[e])
        if g.ops[e] == "rem":
            whole = g.call("floor", g.div(args[0], args[1]))
            new[e] = g.sub(args[0], g.mul(args[1], whole))
        else:
            new[e] = e if args == g.args[e] else g.rebuild(g.ops[e], args, g.values[e])
    return [new[r] for r in roots]


class _Finder:
    def __init__(self, g: Graph, constants: set[str]) -> None:
        self.g = g
        self.constants = constants

    def jumps(self, e: Expr) -> list[Breakpoint]:
        """Of ``floor(x)`` or ``ceil(x)``, x = x0 + slope time: where x is whole."""
        g = self.g
        (x,) = g.args[e]
        slope = self._slope(x, g.time)
        if slope is None or slope == g.zero:
            return []
        x0 = g.substitute([x], {g.time: g.zero})[0]
        if not self._constant(x0):
            return []
        return [Breakpoint(g.neg(g.div(x0, slope)), g.call("abs", g.div(g.one, slope)))]

    def switches(self, e: Expr) -> list[Breakpoint]:
        """Of a comparison: where its sides meet, if they differ by d0 + slope time + height step."""
        g = self.g
        a, b = g.args[e]
        if g.is_boolean(a) or g.is_boolean(b):
            return []
        difference = g.sub(a, b)
        steps = [n for n in g.reachable([difference]) if g.ops[n] in ("floor", "ceil") and not self._constant(n)]
        if len(steps) > 1:
            return []
        slope = self._slope(difference, g.time)
        d0 = g.substitute([difference], {g.time: g.zero, **dict.fromkeys(steps, g.zero)})[0]
        if slope is None or slope == g.zero or not self._constant(d0):
            return []
        offset = g.neg(g.div(d0, slope))
        if not steps:
            return [Breakpoint(offset)]
        height = self._slope(difference, steps[0])
        return [] if height is None else [Breakpoint(offset, g.call("abs", g.div(height, slope)))]

    def _slope(self, e: Expr, node: Expr) -> Expr | None:
        """The derivative of ``e`` by ``node`` if it is constant during a run, else None."""
        slope = derivatives(self.g, [e], {node: 0})[0].get(0, self.g.zero)
        return slope if self._constant(slope) else None

    def _constant(self, e: Expr) -> bool:
        g = self.g
        nodes = g.reachable([e])
        if g.time in nodes or any(g.ops[n] == "input" for n in nodes):
            return False
        return g.symbols([e]) <= self.constants
