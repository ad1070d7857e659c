"""Every function and operator of the expression graph, compiled, against IEEE arithmetic over all of its range."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from engine_expressions import evaluate_compiled
from scipy.special import gamma

from leukinetics.engine.expr import ARITHMETIC, FUNCTIONS, LOGIC, RELATIONS

TINY = 5e-324
SPECIAL = np.array(
    [
        0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 0.1, -0.7, 1.5, -2.5, 7.0, 1e-3, 1e-8, -1e-8, 1e-160,
        1e-300, 2.3e-308, 1e-310, TINY, -TINY, 1e8, -1e8, 1e15 + 0.5, 4503599627370497.5, 1e160, -1e160, 1e300, 1.7e308,
        -1.7e308, math.pi, -math.pi, 100.0, -100.0, 700.0, -700.0, 709.7, 710.0, -708.0, -720.0, -746.0, math.inf,
        -math.inf, math.nan,
    ]
)  # fmt: skip
PAIRS = np.array(list(itertools.product(SPECIAL, SPECIAL)))
_rng = np.random.default_rng(3)
WIDE = _rng.choice([-1.0, 1.0], 4000) * np.exp(_rng.uniform(-700, 700, 4000))
NEAR = np.concatenate([_rng.normal(0, 3, 3000), 1 + _rng.normal(0, 1e-3, 500), 1 + _rng.normal(0, 1e-9, 500)])
A = np.concatenate([PAIRS[:, 0], WIDE, NEAR])
B = np.concatenate([PAIRS[:, 1], _rng.permutation(WIDE), _rng.permutation(NEAR)])

EXPONENTS = [
    2,
    3,
    -1,
    -2,
    7,
    16,
    17,
    -17,
    100,
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    15.5,
    0.3,
    1 / 3,
    1.05,
    1.7,
    -1.7,
    20.3,
    1e-3,
]

MAKE = {
    **{f: lambda g, a, b, f=f: g.call(f, a) for f in FUNCTIONS},
    **{f: lambda g, a, b, f=f: g.rebuild(f, (a, b)) for f in sorted(ARITHMETIC)},
    **{f: lambda g, a, b, f=f: g.relation(f, a, b) for f in sorted(RELATIONS)},
    **{f: lambda g, a, b, f=f: g.logical(f, [a, b]) for f in ("and", "or", "xor")},
    "not": lambda g, a, b: g.logical("not", [a]),
    "isnan": lambda g, a, b: g.isnan(a),
    "neg": lambda g, a, b: g.neg(a),
    "select": lambda g, a, b: g.select(g.relation("lt", a, b), a, b),
    "select of truths": lambda g, a, b: g.select(a, g.relation("lt", a, b), g.relation("gt", b, g.one)),
    "truth as a number": lambda g, a, b: g.add(g.relation("lt", a, b), g.const(2.0)),
    "true": lambda g, a, b: g.true,
    "false": lambda g, a, b: g.false,
    "constant": lambda g, a, b: g.const(-1.2345678901234567e-300),
    "infinity": lambda g, a, b: g.const(math.inf),
    "not a number": lambda g, a, b: g.const(math.nan),
    "time": lambda g, a, b: g.time,
    "input of an input": lambda g, a, b: g.mul(a, a),
    **{f"a^{x!r}": lambda g, a, b, x=x: g.pow(a, g.const(x)) for x in EXPONENTS},
    **{f"{x!r}^a": lambda g, a, b, x=x: g.pow(g.const(x), a) for x in (2.0, math.e, 0.5, 10.0)},
}  # fmt: skip


@pytest.fixture(scope="module")
def got() -> dict[str, np.ndarray]:
    return evaluate_compiled(MAKE, A, B)


def ulps(x: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Distance in units of the last place of ``exact`` (longdouble); 0 where both are equal or both NaN."""
    with np.errstate(all="ignore"):
        rounded = exact.astype(np.float64)
        same = (x == rounded) | (np.isnan(x) & np.isnan(rounded))
        distance = np.abs((x.astype(np.longdouble) - exact) / np.spacing(np.abs(rounded)))
        return np.where(same, 0.0, np.where(np.isfinite(x) & np.isfinite(rounded), distance, np.inf)).astype(float)


def test_all_operations_are_here() -> None:
    assert set(FUNCTIONS) | ARITHMETIC | RELATIONS | LOGIC <= set(MAKE)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "neg", "sqrt", "abs", "floor", "ceil"])
def test_exact_operations(name: str, got: dict[str, np.ndarray]) -> None:
    f = {"sub": np.subtract, "add": np.add, "mul": np.multiply, "neg": np.negative}.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        want = f(A, B) if f.nin == 2 else f(A)
    np.testing.assert_array_equal(got[name], want)
    zero = want == 0
    np.testing.assert_array_equal(np.signbit(got[name][zero]), np.signbit(want[zero]))


@pytest.mark.parametrize("name", ["exp", "log"])
def test_exponential_and_logarithm(name: str, got: dict[str, np.ndarray]) -> None:
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(A.astype(np.longdouble))
    error = ulps(got[name], exact)
    if name == "exp":  # below the normal numbers it is 0 or right
        small = exact < 2.3e-308
        assert (np.abs(got[name][small] - exact[small].astype(float)) <= 2.3e-308).all()
        error = error[~small]
    assert error.max() <= 2.0, A[np.argmax(error)]


@pytest.mark.parametrize("name", ["exp", "log"])
def test_exponential_and_logarithm_on_many_numbers(name: str) -> None:
    x = np.concatenate(
        [np.linspace(-708, 709.7, 200_001), _rng.normal(0, 1, 50_000), _rng.uniform(-1e-3, 1e-3, 50_000)]
    )
    x = np.exp(x) if name == "log" else x
    x = np.concatenate([x, 1 + _rng.normal(0, 1e-6, 1000)])
    found = evaluate_compiled({name: MAKE[name]}, x, x)[name]
    error = ulps(found, getattr(np, name)(x.astype(np.longdouble)))
    assert error.max() <= 2.0 and error.mean() < 0.5, x[np.argmax(error)]


@pytest.mark.parametrize(
    "name", ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]
)
def test_functions_of_the_c_library(name: str, got: dict[str, np.ndarray]) -> None:
    f = {
        "asin": "arcsin",
        "acos": "arccos",
        "atan": "arctan",
        "asinh": "arcsinh",
        "acosh": "arccosh",
        "atanh": "arctanh",
    }
    with np.errstate(all="ignore"):
        want = getattr(np, f.get(name, name))(A)
    with np.errstate(all="ignore"):
        near = np.abs(got[name] - want) <= 4 * np.spacing(np.abs(want))
    assert (near | (got[name] == want) | (np.isnan(got[name]) & np.isnan(want))).all()


def test_gamma_function(got: dict[str, np.ndarray]) -> None:
    some = (np.abs(A) < 1e6) & (A != 0) & ~((A < 0) & (np.floor(A) == A))
    np.testing.assert_allclose(got["gamma"][some], gamma(A[some]), rtol=1e-12)
    assert math.isnan(got["gamma"][A == -3.0][0]) or math.isinf(got["gamma"][A == -3.0][0])
    assert math.isinf(got["gamma"][A == 0.0][0]) and math.isinf(got["gamma"][A == 700.0][0])


def test_division(got: dict[str, np.ndarray]) -> None:
    """A product with the reciprocal: one more rounding, and the reciprocal of a subnormal number is infinite."""
    with np.errstate(all="ignore"):
        exact = A.astype(np.longdouble) / B
        reciprocal = 1 / B
        want = A * reciprocal
        fair = (np.abs(reciprocal) > 2.3e-308) & np.isfinite(reciprocal) & (np.abs(exact) > 2.3e-308)
    assert ulps(got["div"], exact)[fair].max() <= 2.0
    np.testing.assert_array_equal(got["div"], want)


def test_minimum_and_maximum(got: dict[str, np.ndarray]) -> None:
    numbers = ~(np.isnan(A) | np.isnan(B))
    np.testing.assert_array_equal(got["min"][numbers], np.minimum(A, B)[numbers])
    np.testing.assert_array_equal(got["max"][numbers], np.maximum(A, B)[numbers])


def test_remainder(got: dict[str, np.ndarray]) -> None:
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got["rem"], np.fmod(A, B))


@pytest.mark.parametrize("name", sorted(RELATIONS))
def test_relations(name: str, got: dict[str, np.ndarray]) -> None:
    f = {
        "lt": np.less,
        "le": np.less_equal,
        "gt": np.greater,
        "ge": np.greater_equal,
        "eq": np.equal,
        "ne": np.not_equal,
    }
    np.testing.assert_array_equal(got[name], f[name](A, B).astype(float))


def test_logic_and_selection(got: dict[str, np.ndarray]) -> None:
    true_a, true_b = A != 0, B != 0
    np.testing.assert_array_equal(got["and"], (true_a & true_b).astype(float))
    np.testing.assert_array_equal(got["or"], (true_a | true_b).astype(float))
    np.testing.assert_array_equal(got["xor"], (true_a ^ true_b).astype(float))
    np.testing.assert_array_equal(got["not"], (~true_a).astype(float))
    np.testing.assert_array_equal(got["isnan"], np.isnan(A).astype(float))
    np.testing.assert_array_equal(got["select"], np.where(A < B, A, B))
    np.testing.assert_array_equal(got["select of truths"], np.where(true_a, A < B, B > 1).astype(float))
    np.testing.assert_array_equal(got["truth as a number"], (A < B) + 2.0)


def test_leaves(got: dict[str, np.ndarray]) -> None:
    assert (got["true"] == 1).all() and (got["false"] == 0).all() and (got["time"] == 0).all()
    assert (got["constant"] == -1.2345678901234567e-300).all()
    assert (got["infinity"] == np.inf).all() and np.isnan(got["not a number"]).all()


def power(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a**b, with 0 for a broken power of a negative number (a state that rounding pushed below 0)."""
    with np.errstate(all="ignore"):
        b = np.broadcast_to(np.asarray(b, dtype=float), a.shape)
        broken = (a < 0) & np.isfinite(b) & (b != np.floor(b))
        base = np.where(broken, 0.0, a)
        return np.power(base.astype(np.longdouble), b.astype(np.longdouble)).astype(float)


def close_powers(found: np.ndarray, a: np.ndarray, b: np.ndarray, factor: float) -> None:
    """Right to a few units of the last place times |b log a|, which is what a power needs; NaN where a is NaN."""
    b = np.broadcast_to(np.asarray(b, dtype=float), a.shape)
    usual = np.isfinite(a) & np.isfinite(b) & ((np.abs(a) > 1e-290) | (a == 0)) & (np.abs(a) < 1e290)
    want = power(a, b)
    usual &= ~(np.isfinite(want) & (want != 0) & ((np.abs(want) < 1e-290) | (np.abs(want) > 1e290)))
    with np.errstate(all="ignore"):
        size = np.abs(b * np.log(np.where(a == 0, 1, np.abs(a))))
        allowed = factor * 2.3e-16 * (2 + size) * np.abs(want)
        good = (np.abs(found - want) <= allowed) | (found == want)
    bad = usual & ~good
    assert not bad.any(), (a[bad][0], b[bad][0], found[bad][0], want[bad][0])
    nan = np.isnan(a) & (b != 0)
    assert np.isnan(found[nan]).all()


@pytest.mark.parametrize("x", EXPONENTS)
def test_powers_with_constant_exponents(x: float, got: dict[str, np.ndarray]) -> None:
    close_powers(got[f"a^{x!r}"], A, x, 4.0 if float(2 * x).is_integer() and abs(x) <= 16 else 2.0)


def test_powers_with_exponents_of_each_patient(got: dict[str, np.ndarray]) -> None:
    close_powers(got["pow"], A, B, 2.0)


@pytest.mark.parametrize("x", [2.0, math.e, 0.5, 10.0])
def test_powers_of_constants(x: float, got: dict[str, np.ndarray]) -> None:
    close_powers(got[f"{x!r}^a"], np.full_like(A, x), A, 2.0)


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        (0.0, 2.0, 0.0), (0.0, 0.7, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, math.inf), (0.0, -0.3, math.inf),
        (-0.0, 0.7, 0.0), (-2.0, 3.0, -8.0), (-2.0, 2.0, 4.0), (-2.0, -3.0, -0.125), (-2.0, 0.5, 0.0),
        (-1e-18, 2.7, 0.0), (-1e-18, 0.3, 0.0), (1e-18, 0.5, 1e-9), (1.0, 1e8, 1.0), (5.0, 0.0, 1.0), (-5.0, 0.0, 1.0),
        (1e-200, 2.0, 0.0), (1e200, 2.0, math.inf),
    ],
)  # fmt: skip
def test_powers_at_the_edges(a: float, b: float, value: float) -> None:
    make = {"parameter": MAKE["pow"], "constant": lambda g, x, y: g.pow(x, g.const(b))}
    found = evaluate_compiled(make, np.array([a]), np.array([b]))
    for name, v in found.items():
        assert v[0] == pytest.approx(value, rel=1e-14), name
