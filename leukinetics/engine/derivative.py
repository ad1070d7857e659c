"""Symbolic forward derivatives on the expression graph, sparse by construction.

``derivatives(g, roots, wrt)`` returns, per root, the non-zero partial derivatives with respect to the leaves
in ``wrt``. Each node is visited once; every rule is the chain rule of its operation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leukinetics.engine.expr import BOOLEAN, Expr, Graph
from leukinetics.errors import UnsupportedModelError

Gradient = dict[int, Expr]  # column -> derivative


def _unary(g: Graph, e: Expr, op: str, a: Expr) -> Expr | None:
    """Derivative of ``op(a)`` with respect to ``a`` (None where it is zero almost everywhere).

    Where ``op(a)`` is finite but its slope is not (the root at 0, asin at 1), the slope counts as 0: an
    infinite entry of the Jacobian would hold the state still, while error control finds the right step.
    """
    one = g.one

    def inverse_root(b: Expr) -> Expr:
        return g.select(g.relation("eq", b, g.zero), g.zero, g.div(one, g.call("sqrt", b)))

    match op:
        case "exp":
            return e
        case "log":
            return g.div(one, a)
        case "sqrt":
            return g.mul(g.const(0.5), inverse_root(a))
        case "sin":
            return g.call("cos", a)
        case "cos":
            return g.neg(g.call("sin", a))
        case "tan":
            return g.add(one, g.mul(e, e))
        case "asin":
            return inverse_root(g.sub(one, g.mul(a, a)))
        case "acos":
            return g.neg(inverse_root(g.sub(one, g.mul(a, a))))
        case "atan":
            return g.div(one, g.add(one, g.mul(a, a)))
        case "sinh":
            return g.call("cosh", a)
        case "cosh":
            return g.call("sinh", a)
        case "tanh":
            return g.sub(one, g.mul(e, e))
        case "asinh":
            return g.div(one, g.call("sqrt", g.add(g.mul(a, a), one)))
        case "acosh":
            return inverse_root(g.sub(g.mul(a, a), one))
        case "atanh":
            return g.div(one, g.sub(one, g.mul(a, a)))
        case "abs":
            sign = g.select(g.relation("gt", a, g.zero), one, g.neg(one))
            return g.select(g.relation("eq", a, g.zero), g.zero, sign)
        case "floor" | "ceil":
            return None
    raise UnsupportedModelError(
        f"The compiled engine has no derivative for '{op}' of a quantity that changes in time; "
        "simulate this model with backend='roadrunner'."
    )


def _power_base(g: Graph, e: Expr, a: Expr, b: Expr) -> Expr:
    """Derivative of ``e = a**b`` with respect to ``a``."""
    vb = g.value(b)
    if vb is not None and vb.is_integer():
        return g.mul(b, g.pow(a, g.const(vb - 1.0)))
    return g.rebuild("dpow", (a, b, e))  # b * e / a, with its limit at a = 0


def _power_exponent(g: Graph, e: Expr, a: Expr) -> Expr:
    """Derivative of ``e = a**b`` with respect to ``b``; it tends to 0 with ``a`` for ``b > 0``."""
    return g.select(g.relation("gt", a, g.zero), g.mul(e, g.call("log", a)), g.zero)


def derivatives(g: Graph, roots: Sequence[Expr], wrt: Mapping[Expr, int]) -> list[Gradient]:
    """Partial derivatives of each root with respect to the leaves ``wrt`` (leaf -> column).

    Piecewise functions are differentiated branch by branch; ``floor``, ``ceil`` and conditions are flat.

    Raises
    ------
    UnsupportedModelError
        For a function without a derivative rule (the gamma function) of a changing quantity.
    """
    grads: dict[int, Gradient] = {}
    empty: Gradient = {}

    def scaled(pairs: list[tuple[Expr, Gradient]]) -> Gradient:
        total: Gradient = {}
        for factor, gradient in pairs:
            for column, d in gradient.items():
                term = g.mul(factor, d)
                total[column] = g.add(total[column], term) if column in total else term
        return {c: d for c, d in total.items() if d != g.zero}

    for e in g.reachable(roots):
        op, args = g.ops[e], g.args[e]
        if e in wrt:
            grads[e] = {wrt[e]: g.one}
            continue
        parts = [grads[a] for a in args]
        if op in BOOLEAN or not any(parts):
            grads[e] = empty
            continue
        match op:
            case "add":
                grads[e] = scaled([(g.one, parts[0]), (g.one, parts[1])])
            case "sub":
                grads[e] = scaled([(g.one, parts[0]), (g.const(-1.0), parts[1])])
            case "neg":
                grads[e] = scaled([(g.const(-1.0), parts[0])])
            case "mul":
                grads[e] = scaled([(args[1], parts[0]), (args[0], parts[1])])
            case "div":
                inverse = g.div(g.one, args[1])
                grads[e] = scaled([(inverse, parts[0]), (g.neg(g.mul(e, inverse)), parts[1])])
            case "pow":
                pairs = [(_power_base(g, e, *args), parts[0])] if parts[0] else []
                pairs += [(_power_exponent(g, e, args[0]), parts[1])] if parts[1] else []
                grads[e] = scaled(pairs)
            case "min" | "max":
                first = g.relation("le" if op == "min" else "ge", args[0], args[1])
                grads[e] = _branches(g, first, parts[0], parts[1])
            case "select":
                grads[e] = _branches(g, args[0], parts[1], parts[2])
            case "rem":
                quotient = g.div(args[0], args[1])
                up, down = g.call("ceil", quotient), g.call("floor", quotient)
                whole = g.select(g.relation("lt", quotient, g.zero), up, down)
                grads[e] = scaled([(g.one, parts[0]), (g.neg(whole), parts[1])])
            case _:
                d = _unary(g, e, op, args[0])
                grads[e] = empty if d is None else scaled([(d, parts[0])])
    return [grads[r] for r in roots]


def _branches(g: Graph, condition: Expr, a: Gradient, b: Gradient) -> Gradient:
    both = {c: g.select(condition, a.get(c, g.zero), b.get(c, g.zero)) for c in a.keys() | b.keys()}
    return {c: d for c, d in sorted(both.items()) if d != g.zero}
