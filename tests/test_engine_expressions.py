"""Random expressions: compiled values equal a plain interpreter's, derivatives equal differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engine_expressions import evaluate_compiled
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leukinetics.engine.derivative import derivatives
from leukinetics.engine.expr import RELATIONS, Expr, Graph
from leukinetics.errors import UnsupportedModelError

Build = Callable[[Graph, Expr, Expr], Expr]
Tree = tuple[Any, ...]

UNARY = ["exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh"]
UNARY += ["atanh", "abs", "neg", "isnan", "not"]
STEPS = ["floor", "ceil"]
BINARY = ["add", "sub", "mul", "div", "min", "max", "rem", *sorted(RELATIONS), "and", "or", "xor"]
POWERS = [2.0, 3.0, -1.0, -2.0, 0.5, 1.5, -0.5, 0.3, 2.7, -1.2, 5.0]

CONSTANTS = [0.0, 1.0, -1.0, 2.0, 0.5, 10.0, -3.25, 1e-3]
leaves = st.sampled_from([("a",), ("b",), ("t",), *(("c", c) for c in CONSTANTS)])


def grow(unary: list[str], binary: list[str]) -> Callable[[st.SearchStrategy[Tree]], st.SearchStrategy[Tree]]:
    """Larger trees of smaller ones."""

    def larger(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return st.one_of(
            st.tuples(st.sampled_from(unary), children),
            st.tuples(st.sampled_from(binary), children, children),
            st.tuples(st.sampled_from(["add", "sub", "mul", "div"]), children, children),
            st.tuples(st.just("pow"), children, st.sampled_from(POWERS).map(lambda c: ("c", c))),
            st.tuples(st.just("pow"), children.map(lambda x: ("abs", x)), children),
            st.tuples(st.just("select"), children, children, children),
        )

    return larger


trees = st.recursive(leaves, grow(UNARY + STEPS, BINARY), max_leaves=12)
#: Without saw teeth, which may be too fine for differences.
plain_trees = st.recursive(leaves, grow(UNARY, [b for b in BINARY if b != "rem"]), max_leaves=12)


def build(tree: Tree, g: Graph, a: Expr, b: Expr) -> Expr:
    """The expression of a tree, through the folding constructors."""
    op, *rest = tree
    if op in ("a", "b", "t"):
        return {"a": a, "b": b, "t": g.time}[op]
    if op == "c":
        return g.const(rest[0])
    args = [build(x, g, a, b) for x in rest]
    if op in ("and", "or", "xor", "not"):
        return g.logical(op, args)
    return g.rebuild(op, args)


def builder(tree: Tree) -> Build:
    return lambda g, a, b: build(tree, g, a, b)


_NUMPY = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
}
_RELATION = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_ARITHMETIC = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "rem": np.fmod}
UNIT = 3e-16


def power(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """As the engine defines it: a broken power of a negative number is one of 0."""
    return np.power(np.where((a < 0) & (b != np.floor(b)) & np.isfinite(b), np.zeros_like(a), a), b)


def interpret(tree: Tree, a: np.ndarray, b: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
    """(values, bounds of the rounding error) of a tree; a bound of inf where a comparison could go either way.

    The bound of a function is the largest change of its value within the error of its argument.
    """
    op, *rest = tree
    zero = np.zeros(len(a))
    if op in ("a", "b", "t", "c"):
        return {"a": a, "b": b, "t": zero + t, "c": zero + (rest[0] if rest else 0)}[op], zero
    values, errors = zip(*(interpret(x, a, b, t) for x in rest), strict=True)
    error: np.ndarray
    if op in _RELATION or op in ("and", "or", "xor", "not", "isnan"):
        if op in _RELATION:
            x, y = values
            value = _RELATION[op](x, y)
            unsure = np.abs(x - y) <= errors[0] + errors[1]
            unsure &= (errors[0] > 0) | (errors[1] > 0)
        else:
            truth = [v != 0 for v in values]
            value = {
                "and": lambda: truth[0] & truth[1],
                "or": lambda: truth[0] | truth[1],
                "xor": lambda: truth[0] ^ truth[1],
                "not": lambda: ~truth[0],
                "isnan": lambda: np.isnan(values[0]),
            }[op]()
            unsure = np.any([(np.abs(v) <= e) & (e > 0) for v, e in zip(values, errors, strict=True)], axis=0)
        unsure |= np.any([np.isinf(e) | np.isnan(e) for e in errors], axis=0)
        return value.astype(float), np.where(unsure, np.inf, 0.0)
    if op == "select":
        chosen = values[0] != 0
        value, error = np.where(chosen, values[1], values[2]), np.where(chosen, errors[1], errors[2])
        unsure = ((np.abs(values[0]) <= errors[0]) & (errors[0] > 0)) | ~np.isfinite(errors[0])
        return value, np.where(unsure, np.inf, error)
    f: Callable[..., np.ndarray]
    if op == "neg":
        return -values[0], errors[0]
    if op in ("min", "max"):
        value = (np.minimum if op == "min" else np.maximum)(*values)  # NaN: not specified
        return value, np.where(np.isnan(values[0]) | np.isnan(values[1]), np.inf, np.maximum(*errors))
    f = power if op == "pow" else _ARITHMETIC.get(op) or getattr(np, _NUMPY.get(op, op))
    value = f(*values)
    if op in STEPS or op == "rem":
        quotient = values[0] / values[1] if op == "rem" else values[0]
        slack = sum(e / np.maximum(np.abs(v), 1e-300) for v, e in zip(values, errors, strict=True)) * np.abs(quotient)
        unsure = (np.abs(quotient - np.round(quotient)) <= slack + UNIT) & (slack > 0)
        unsure |= ~np.isfinite(slack)
        spread = errors[0] + (errors[1] * np.abs(quotient) if op == "rem" else 0)
        return value, np.where(unsure, np.inf, spread if op == "rem" else 0.0)
    error = zero
    odd = np.zeros(len(a), dtype=bool)
    if op == "pow":  # C says 1 for 1**inf, 1**nan and nan**0; NaN here
        odd = ~np.isfinite(values[0]) | ~np.isfinite(values[1])
    elif op in _ARITHMETIC:  # folded: 0/x and 0*x are 0, x - x too
        odd = np.isnan(value)
    exact = np.all([e == 0 for e in errors], axis=0)
    for signs in np.ndindex(*(2,) * len(values)):
        moved = f(*(v + (2 * s - 1) * e for v, e, s in zip(values, errors, signs, strict=True)))
        error = np.maximum(error, np.abs(moved - value))  # NaN stays NaN and counts as unsure
    error = np.where(exact & ~np.isfinite(value), 0.0, error)
    error = np.where(np.all([np.isfinite(e) for e in errors], axis=0) & ~odd, error, np.inf)
    scale = 1.0
    if op == "pow":
        scale = 2 + np.abs(values[1] * np.log(np.maximum(np.abs(values[0]), 1e-300)))
    return value, error + 4 * UNIT * scale * np.where(np.isfinite(value), np.abs(value), 0.0)


_rng = np.random.default_rng(8)
POINTS_A = np.concatenate([[0.0, 1.0, -1.0, 0.5, 2.0, -0.3, 3.0, 0.0], _rng.normal(0, 2, 24)])
POINTS_B = np.concatenate([[0.0, 0.0, 1.0, -2.0, 2.0, 0.3, -0.7, 1.0], _rng.normal(0, 2, 24)])


# Every example compiles, so failing ones are not shrunk; the message names the tree that failed.
@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(batch=st.lists(trees, min_size=12, max_size=25))
def test_compiled_values_equal_an_interpreter(batch: list[Tree]) -> None:
    make = {f"y{i}": builder(tree) for i, tree in enumerate(batch)}
    found = evaluate_compiled(make, POINTS_A, POINTS_B, time=0.0)
    for i, tree in enumerate(batch):
        with np.errstate(all="ignore"):
            want, error = interpret(tree, POINTS_A, POINTS_B, 0.0)
            sure = (
                np.isfinite(error) & (error <= 1e-6 * np.abs(want) + 1e-12) & ~((np.abs(want) < 1e-290) & (want != 0))
            )
            got = found[f"y{i}"]
            good = (np.abs(got - want) <= 4 * error + 1e-280) | (got == want) | (np.isnan(got) & np.isnan(want))
        bad = sure & ~good
        assert not bad.any(), (tree, POINTS_A[bad][0], POINTS_B[bad][0], got[bad][0], want[bad][0])


# ---- derivatives ---------------------------------------------------------------------------------------


def long_values(g: Graph, root: Expr, a: np.ndarray, b: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(values in extended precision, the largest intermediate value); knows ``dpow``, the slope of a power."""
    known: dict[Expr, np.ndarray] = {}
    named = {"a": a, "b": b}
    for e in g.reachable([root]):
        op, args = g.ops[e], [known[x] for x in g.args[e]]
        if op == "sym":
            known[e] = named[str(g.values[e])]
        elif op == "time":
            known[e] = t
        elif op == "const":
            known[e] = np.full_like(a, g.value(e))
        elif op in ("true", "false"):
            known[e] = np.full(len(a), op == "true")
        elif op in _RELATION:
            known[e] = _RELATION[op](*args)
        elif op in ("and", "or", "xor"):
            known[e] = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[op](*args)
        elif op == "not":
            known[e] = np.logical_not(args[0])
        elif op == "isnan":
            known[e] = np.isnan(args[0])
        elif op == "neg":
            known[e] = -(args[0] + np.longdouble(0))
        elif op == "select":
            known[e] = np.where(args[0] != 0, args[1], args[2])
        elif op in ("min", "max"):
            known[e] = (np.minimum if op == "min" else np.maximum)(*args)
        elif op == "pow":
            known[e] = power(args[0] + np.longdouble(0), args[1] + np.longdouble(0))
        elif op == "dpow":
            known[e] = args[1] * args[2] / args[0]
        else:
            f = _ARITHMETIC.get(op) or getattr(np, _NUMPY.get(op, op))
            known[e] = f(*(x + np.longdouble(0) for x in args))
    largest = np.max([np.abs(np.asarray(v, dtype=np.longdouble)) for v in known.values()], axis=0)
    return known[root] + np.longdouble(0), largest


def differences(g: Graph, e: Expr, at: list[np.ndarray], column: int) -> tuple[np.ndarray, np.ndarray]:
    """Slopes from central differences with Richardson's extrapolation, and how far two step sizes disagree."""
    estimates = []
    for h in (1e-4, 2e-4, 5e-5):
        up, down = (long_values(g, e, *(x + s * h if k == column else x for k, x in enumerate(at))) for s in (1, -1))
        estimates.append((up[0] - down[0]) / (2 * np.longdouble(h)))
    coarse, fine = (4 * estimates[0] - estimates[1]) / 3, (4 * estimates[2] - estimates[0]) / 3
    rounding = 10 * np.finfo(np.longdouble).eps * up[1] / np.longdouble(5e-5)
    return fine, np.abs(fine - coarse) + rounding


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(tree=plain_trees)
def test_derivatives_equal_differences(tree: Tree) -> None:
    g = Graph()
    a, b = g.sym("a"), g.sym("b")
    e = build(tree, g, a, b)
    gradient = derivatives(g, [e], {a: 0, b: 1, g.time: 2})[0]
    # generic points: where branches meet there is no slope to compare with
    at = [x[8:].astype(np.longdouble) for x in (POINTS_A, POINTS_B, 0.37 + 0.1 * POINTS_A - 0.2 * POINTS_B)]
    for column in range(3):
        with np.errstate(all="ignore"):
            want, doubt = differences(g, e, at, column)
            got, _ = long_values(g, gradient.get(column, g.zero), *at)
            sure = (doubt <= 1e-8 * (1 + np.abs(want))) & np.isfinite(want)
            # an intermediate value may overflow or be undefined where the whole is not: 0/0 in the chain rule
            bad = sure & ~(np.abs(got - want) <= 1e-6 * (1 + np.abs(want))) & np.isfinite(got)
        assert not bad.any(), (tree, column, [float(x[bad][0]) for x in at], got[bad][0], want[bad][0])


SMOOTH = ["exp", "sin", "cos", "atan", "sinh", "cosh", "tanh", "asinh"]


@pytest.mark.parametrize(
    "name", [*SMOOTH, "log", "sqrt", "tan", "asin", "acos", "acosh", "atanh", "abs", "floor", "ceil"]
)
def test_the_slope_of_every_function(name: str) -> None:
    g = Graph()
    x = g.sym("a")
    slope = derivatives(g, [g.call(name, x)], {x: 0})[0].get(0, g.zero)
    low, high = {"acosh": (1.1, 5), "log": (0.1, 9), "sqrt": (0.1, 9)}.get(name, (-0.95, 0.95))
    points = np.linspace(low, high, 38).astype(np.longdouble)  # no whole numbers and no 0
    at = [points, points, points]
    want, doubt = differences(g, g.call(name, x), at, 0)
    sure = doubt < 1e-8 * (1 + np.abs(want))
    assert sure.sum() > 25
    np.testing.assert_allclose(
        long_values(g, slope, *at)[0][sure].astype(float), want[sure].astype(float), rtol=1e-7, atol=1e-7
    )


def test_the_slopes_of_the_remainder() -> None:
    g = Graph()
    a, b = g.sym("a"), g.sym("b")
    gradient = derivatives(g, [g.rem(a, b)], {a: 0, b: 1})[0]
    x, y = (v.ravel() for v in np.meshgrid([-7.3, -1.1, 0.4, 5.5, 20.2], [-3.0, -0.7, 1.3, 4.0]))
    at = [v.astype(np.longdouble) for v in (x, y, x)]
    assert (long_values(g, gradient[0], *at)[0] == 1).all()
    np.testing.assert_array_equal(long_values(g, gradient[1], *at)[0], -np.trunc(x / y))


def test_a_function_without_a_slope_is_refused() -> None:
    g = Graph()
    x = g.sym("a")
    with pytest.raises(UnsupportedModelError, match="gamma"):
        derivatives(g, [g.call("gamma", x)], {x: 0})
    assert derivatives(g, [g.call("gamma", g.sym("b"))], {x: 0}) == [{}]


@pytest.mark.parametrize("exponent", [0.5, 1.5, 0.3, 2.7, 1.05, 1.0001, 2.0, 3.0, -1.0, -0.4])
def test_compiled_slopes_of_powers(exponent: float) -> None:
    """b a^(b-1), which is 0 at 0 and below it (where an infinite slope counts as none)."""

    def slope(g: Graph, a: Expr, b: Expr) -> Expr:
        return derivatives(g, [g.pow(a, g.const(exponent))], {a: 0})[0][0]

    def slope_of_parameter(g: Graph, a: Expr, b: Expr) -> Expr:
        return derivatives(g, [g.pow(a, b)], {a: 0})[0][0]

    a = np.array([1e-300, 1e-100, 1e-12, 1e-3, 0.7, 1.0, 3.0, 1e5, 1e100])
    b = np.full(len(a), exponent)
    found = evaluate_compiled({"constant": slope, "parameter": slope_of_parameter}, a, b)
    with np.errstate(over="ignore"):
        want = exponent * a ** (exponent - 1)
    for name in found:
        usual = np.isfinite(want) & (want != 0) & (np.abs(want) > 1e-290) & (np.abs(a**exponent) > 1e-290)
        np.testing.assert_allclose(found[name][usual], want[usual], rtol=1e-12, err_msg=name)
    zero = evaluate_compiled({"constant": slope, "parameter": slope_of_parameter}, np.zeros(1), b[:1])
    at_zero = 0.0 if exponent not in (-1.0, -0.4) else None
    for name, value in zero.items():
        assert at_zero is None or value[0] == at_zero, name
        assert not math.isnan(value[0]), name
