"""From an :class:`OdeSystem` to the form that code is written from.

1. Every initial value becomes an expression of inputs alone (definitions are followed; a cycle is an error).
2. Expressions are lowered: a division becomes a product with a shared reciprocal, small integer powers
   become products.
3. What depends on constants and discretes only is hoisted into *slots*, computed once per patient (and again
   after an event changes a discrete) instead of at every evaluation of the right-hand side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from leukinetics.engine.derivative import Gradient, derivatives
from leukinetics.engine.expr import Expr, Graph
from leukinetics.engine.system import OdeSystem
from leukinetics.errors import ModelError

#: Integer exponents up to this size are written as products.
_PRODUCT_POWER = 16


@dataclass(frozen=True)
class Layout:
    """Where the compiled code finds each quantity.

    ``slots`` is the per-patient array of constants, then discretes, then hoisted expressions.
    """

    states: dict[str, int]
    slots: dict[str, int]
    inputs: dict[str, int]


@dataclass
class Prepared:
    """A model ready for code generation; all expressions are lowered and live in ``graph``."""

    system: OdeSystem
    graph: Graph
    layout: Layout
    initial_states: list[Expr]  # of inputs
    initial_slots: list[Expr]  # of inputs: constants and discretes
    rates: list[Expr]
    jacobian: list[Gradient]  # row i: {column j: d rate_i / d state_j}
    time_derivative: list[Expr]  # d rate_i / d time, zero node where none

    @property
    def autonomous(self) -> bool:
        """Whether time does not occur in the right-hand side."""
        return all(e == self.graph.zero for e in self.time_derivative)


def resolve_initial(system: OdeSystem) -> dict[str, Expr]:
    """Initial values of states, constants and discretes as expressions of inputs (and time 0).

    Raises
    ------
    ModelError
        If initial assignments depend on each other in a circle, or on an unknown quantity.
    """
    g = system.graph
    own = {s.name: s.initial for s in system.states}
    own |= {q.name: q.initial for q in [*system.constants, *system.discretes]}
    done: dict[str, Expr] = {}
    path: list[str] = []

    def resolve(name: str) -> Expr:
        if name in done:
            return done[name]
        if name not in own:
            raise ModelError(f"The initial value of '{path[-1]}' depends on '{name}', which the model does not define.")
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            raise ModelError(f"Initial values depend on each other in a circle: {circle}. Give one of them a number.")
        path.append(name)
        replace = {g.sym(s): resolve(s) for s in sorted(g.symbols([own[name]]))}
        replace[g.time] = g.zero
        done[name] = g.substitute([own[name]], replace)[0]
        path.pop()
        return done[name]

    for name in own:
        resolve(name)
    return done


def lower(g: Graph, roots: Sequence[Expr]) -> list[Expr]:
    """Rewrite divisions as products with shared reciprocals and small integer powers as products."""
    new: dict[Expr, Expr] = {}
    for e in g.reachable(roots):
        op = g.ops[e]
        args = tuple(new[a] for a in g.args[e])
        if op == "div" and args[0] != g.one:
            new[e] = g.mul(args[0], g.div(g.one, args[1]))
        elif op == "pow":
            new[e] = _lower_power(g, args[0], args[1])
        elif op == "dpow":
            new[e] = _lower_power_slope(g, *args)
        else:
            new[e] = e if args == g.args[e] else g.rebuild(op, args, g.values[e])
    return [new[r] for r in roots]


def _lower_power(g: Graph, a: Expr, b: Expr) -> Expr:
    """``a**b`` as products, or as ``exp(b log|a|)`` with the right values at and below zero."""
    exponent = g.value(b)
    if exponent is None or abs(exponent) > _PRODUCT_POWER or not (2.0 * exponent).is_integer():
        e = g.call("exp", g.mul(_not_too_small(g, b), g.rebuild("plog", (a,))))
        if exponent is not None and exponent > 1.1 and not exponent.is_integer():
            return g.rebuild("powpos", (a, e))  # plog already sends a <= 0 to a power of 0
        return g.rebuild("powfix", (a, e, _sign_below_zero(g, b), _at_zero(g, b, 0.0)))
    positive = _product(g, a, int(abs(exponent)))
    if not exponent.is_integer():
        positive = g.mul(positive, g.call("sqrt", a))
        positive = g.rebuild("powpos", (a, positive))  # 0 below 0, as for all broken exponents
    return positive if exponent > 0 else g.div(g.one, positive)


def _lower_power_slope(g: Graph, a: Expr, b: Expr, power: Expr) -> Expr:
    """``b a**b / a``, with its limit where ``a`` is 0."""
    slope = g.mul(g.mul(b, power), g.rebuild("precip", (a,)))
    exponent = g.value(b)
    if exponent is not None and exponent > 1.1 and not exponent.is_integer():
        return slope
    return g.rebuild("dpowfix", (a, slope, _at_zero(g, b, 1.0)))


def _not_too_small(g: Graph, b: Expr) -> Expr:
    """``b``, but not between 0 and +-1e-300: the same power of every number, and 0 to it is still 0."""
    least = g.const(1e-300)
    up, down = g.maximum(b, least), g.minimum(b, g.neg(least))
    return g.select(g.relation("gt", b, g.zero), up, g.select(g.relation("lt", b, g.zero), down, b))


def _sign_below_zero(g: Graph, b: Expr) -> Expr:
    """(-1)**b for a whole number b; 0 otherwise: a base pushed below zero by rounding counts as zero."""
    half = g.mul(b, g.const(0.5))
    even = g.relation("eq", g.call("floor", half), half)
    whole = g.relation("eq", g.call("floor", b), b)
    return g.select(whole, g.select(even, g.one, g.const(-1.0)), g.zero)


def _at_zero(g: Graph, b: Expr, shift: float) -> Expr:
    """0**(b - shift); an infinite slope counts as none, its step is then found by error control."""
    below = g.const(math.inf) if shift == 0.0 else g.zero
    s = g.const(shift)
    return g.select(g.relation("gt", b, s), g.zero, g.select(g.relation("eq", b, s), g.one, below))


def _product(g: Graph, a: Expr, n: int) -> Expr:
    """``a**n`` by repeated squaring."""
    result, square = g.one, a
    while n:
        if n & 1:
            result = g.mul(result, square)
        square, n = (g.mul(square, square), n >> 1) if n > 1 else (square, 0)
    return result


def prepare(system: OdeSystem) -> Prepared:
    """Resolve, differentiate and lower ``system``. See the module docstring for errors raised."""
    g = system.graph
    names = [s.name for s in system.states]
    slots = [q.name for q in [*system.constants, *system.discretes]]
    initial = resolve_initial(system)
    rates = [s.rate for s in system.states]
    wrt = {g.sym(n): i for i, n in enumerate(names)}
    wrt[g.time] = len(names)
    gradients = derivatives(g, rates, wrt)
    flat = [(i, j, d) for i, row in enumerate(gradients) for j, d in sorted(row.items())]
    jacobian: list[Gradient] = [{} for _ in names]
    time_derivative = [g.zero] * len(names)
    for (i, j, _), d in zip(flat, lower(g, [d for _, _, d in flat]), strict=True):
        if j == len(names):
            time_derivative[i] = d
        elif d != g.zero:
            jacobian[i][j] = d
    return Prepared(
        system=system,
        graph=g,
        layout=Layout(
            states={n: i for i, n in enumerate(names)},
            slots={n: i for i, n in enumerate(slots)},
            inputs={n: i for i, n in enumerate(system.inputs)},
        ),
        initial_states=lower(g, [initial[n] for n in names]),
        initial_slots=lower(g, [initial[n] for n in slots]),
        rates=lower(g, rates),
        jacobian=jacobian,
        time_derivative=time_derivative,
    )
