"""Properties that hold whatever the numbers: conservation, signs, linearity, indifference to names and order."""

from __future__ import annotations

import random
import re

import numpy as np
from engine_tools import METHODS, body, model, solve, values
from hypothesis import given, settings
from hypothesis import strategies as st

from leukinetics.engine.status import Status

#: A closed network in two compartments: moieties A + B + C + 2 D (and E + B + C) are conserved.
CLOSED = [
    "compartment V, W; V = 2; W = 0.5",
    "species A in V, B in V, C in W, D in V, E in V; A = 3; B = 0; C = 0; D = 1; E = 2",
    "k1 = 1.5; k2 = 0.2; k3 = 3; k4 = 0.7; k5 = 40; k6 = 5",
    "J1: A + E -> B; V*(k1*A*E - k2*B)",
    "J2: B -> C; k3*(B - C)",
    "J3: 2 A -> D; V*k4*A*A",
    "J4: D -> 2 A; V*k5*D/(k6 + D)",
]
SPECIES = ["A", "B", "C", "D", "E"]
rates = st.floats(1e-3, 1e3).filter(lambda x: x > 0)
amounts = st.floats(0, 100, allow_subnormal=False)


@settings(max_examples=40)
@given(
    k=st.lists(rates, min_size=6, max_size=6),
    y=st.lists(amounts, min_size=5, max_size=5),
    method=st.sampled_from(METHODS),
)
def test_a_closed_network_conserves_mass_and_stays_positive(k: list[float], y: list[float], method: str) -> None:
    table = {f"k{i + 1}": v for i, v in enumerate(k)} | dict(zip(SPECIES, y, strict=True))
    ds = model(body(*CLOSED)).simulate(
        np.linspace(0, 20, 21), table, amounts=SPECIES, method=method, rtol=1e-6, atol=1e-8
    )
    assert ds["status"].item() == Status.OK
    a, b, c, d, e = values(ds, *SPECIES)[0].T
    size = np.abs(values(ds, *SPECIES)).sum(axis=-1).max() + 1e-3
    # Linear invariants are kept by every Rosenbrock method up to rounding in the linear algebra.
    np.testing.assert_allclose(a + b + c + 2 * d, a[0] + b[0] + c[0] + 2 * d[0], rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(e + b + c, e[0] + b[0] + c[0], rtol=0, atol=1e-9 * size)
    assert min(x.min() for x in (a, b, c, d, e)) > -1e-6 * size


def test_the_order_of_declarations_does_not_matter() -> None:
    """Another order is another elimination order and other rounding, not another solution."""
    times, options = np.linspace(0, 20, 21), {"rtol": 1e-9, "atol": 1e-12}
    want = solve(body(*CLOSED), times, SPECIES, **options)
    shuffled = CLOSED[:3] + random.Random(4).sample(CLOSED[3:], 4)
    shuffled[1] = "species E in V, D in V, A in V, C in W, B in V; E = 2; C = 0; A = 3; D = 1; B = 0"
    np.testing.assert_allclose(solve(body(*shuffled), times, SPECIES, **options), want, rtol=1e-7, atol=1e-10)


def test_names_do_not_matter() -> None:
    """Other names of the same length sort differently; only then may rounding differ."""
    renamed = {"A": "zeta", "B": "t_", "C": "NS", "D": "y", "E": "W_", "V": "double", "W": "c", "k1": "exp_", "k3": "h"}
    text = re.sub(r"\b(\w+)\b", lambda m: renamed.get(m[1], m[1]), body(*CLOSED))
    times, options = np.linspace(0, 20, 21), {"rtol": 1e-9, "atol": 1e-12}
    want = solve(body(*CLOSED), times, SPECIES, **options)
    got = solve(text, times, [renamed[s] for s in SPECIES], **options)
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-10)


NAMES = [
    "lambda",
    "None",
    "in_",
    "int",
    "void",
    "M_PI",
    "vd",
    "u",
    "t",
    "w",
    "h",
    "c",
    "y",
    "_",
    "__x__",
    "class",
    "exp_",
    "NS",
    "NAN_",
    "W",
]


def test_names_that_mean_something_elsewhere() -> None:
    """Words of C, of Python and of the generated code are free for models."""
    text = body("x = 1", *(f"{name} = {i}" for i, name in enumerate(NAMES)), f"x' = -x*({' + '.join(NAMES)})/1000")
    total = sum(range(len(NAMES)))
    got = solve(text, [0.0, 2.0], ["x", *NAMES], rtol=1e-8)
    np.testing.assert_allclose(got[1], [np.exp(-2 * total / 1000), *range(len(NAMES))], rtol=1e-6)
    ds = model(text).simulate([2.0], dict.fromkeys(NAMES, 0.0) | {"x": 1.0, NAMES[-1]: [500.0, 0.0]}, outputs="x")
    np.testing.assert_allclose(ds["x"][:, 0], [np.exp(-1.0), 1.0], rtol=1e-5)


LINEAR = body(
    "compartment V; V = 3",
    "species G in V, C in V, P in V; G = 0; C = 0; P = 0",
    "J1: G -> C; V*0.8*G",
    "J2: C -> P; V*(0.5*C - 0.1*P)",
    "J3: C => ; V*0.2*C",
)
moments = st.floats(0, 20).map(lambda t: t if t > 1e-9 else 0.0)  # 1/h overflows where doses are 1e-309 apart
doses = st.lists(
    st.tuples(st.sampled_from("GCP"), moments, st.floats(1e-3, 100), st.sampled_from([0.0, 0.5, 4.0])),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40)
@given(first=doses, second=doses, factor=st.floats(0.01, 100))
def test_a_linear_model_is_linear_in_its_doses(first: list, second: list, factor: float) -> None:  # type: ignore[type-arg]
    def plan(patient: int, rows: list, f: float) -> list[dict[str, object]]:  # type: ignore[type-arg]
        return [{"patient": patient, "target": s, "time": t, "amount": f * a, "duration": d} for s, t, a, d in rows]

    table = plan(0, first, 1) + plan(1, second, 1) + plan(2, first, factor) + plan(3, first, 1) + plan(3, second, 1)
    ds = model(LINEAR).simulate(np.linspace(0, 24, 25), {"V": [3.0] * 4}, table, rtol=1e-9, atol=1e-12)
    x, y, scaled, both = values(ds)
    size = np.abs(values(ds)).max()
    np.testing.assert_allclose(scaled, factor * x, rtol=1e-6, atol=1e-8 * size)
    np.testing.assert_allclose(both, x + y, rtol=1e-6, atol=1e-8 * size)


@settings(max_examples=30)
@given(shift=moments.map(lambda t: 5 * t), rows=doses)
def test_an_autonomous_model_does_not_know_the_time(shift: float, rows: list) -> None:  # type: ignore[type-arg]
    """All doses later by a shift: the same course later by the shift."""
    plan = [
        {"patient": p, "target": s, "time": t + p * shift, "amount": a, "duration": d}
        for p in (0, 1)
        for s, t, a, d in rows
    ]
    m, inputs = model(LINEAR), {"V": [3.0, 3.0]}
    times = np.linspace(0, 24, 13) + 1e-3  # off the times of doses, where rounding decides what comes first
    early = m.simulate(times, inputs, plan, rtol=1e-9, atol=1e-12)
    late = m.simulate(times + shift, inputs, plan, rtol=1e-9, atol=1e-12)
    a, b = values(early)[0], values(late)[1]
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7 * np.abs(a).max())


def test_scaling_time_and_amounts() -> None:
    """Rates times 1000 over a time divided by 1000, amounts times 1e6: the same curve in other units."""
    text = body("x' = -k*x^2/(c + x); x = 1; k = 1; c = 0.5")
    times = np.linspace(0, 10, 21)
    want = solve(text, times, "x", rtol=1e-8, atol=1e-12)
    fast = solve(text, times / 1000, "x", parameters={"k": 1000.0}, rtol=1e-8, atol=1e-12)
    large = solve(text, times, "x", parameters={"x": 1e6, "c": 0.5e6}, rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(fast, want, rtol=1e-6)
    np.testing.assert_allclose(large, 1e6 * want, rtol=1e-6)


def test_patients_at_the_limits_of_numbers() -> None:
    """Tiny and huge scales of time and size, all at once, each as exact as the tolerance says."""
    text = body("x' = -k*x; x = 1; k = 1")
    k, x = (
        v.ravel()
        for v in np.meshgrid([0.0, 1e-300, 1e-12, 1e-3, 1.0, 1e3, 1e9, 1e100, 1e250], [1e-250, 1e-6, 1.0, 1e250])
    )
    ds = model(text).simulate([0.0, 1.0], {"k": k, "x": x}, outputs="x", rtol=1e-6, atol=1e-260)
    ok = np.array([Status(s).ok for s in ds["status"].values])
    exact = x * np.exp(-k)
    assert (np.abs(ds["x"].to_numpy()[:, 1] - exact)[ok] <= (1e-4 * exact + 1e-9 * x)[ok]).all()
    assert ok[k <= 1e9].all()
