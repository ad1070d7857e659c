"""The compiled engine against libRoadRunner (CVODE) at tight tolerances: two engines that share no code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_tools import METHODS, body, model

import leukinetics as lk
from leukinetics import examples
from leukinetics.engine.status import Status

MODELS = Path(__file__).parent / "models"


def spread(m: lk.Model, n: int, sd: float) -> dict[str, np.ndarray]:
    """Lognormal factors on every positive parameter; patient 0 is the model itself."""
    rng = np.random.default_rng(17)
    return {
        name: i.default * np.exp(sd * np.concatenate([[0.0], rng.normal(size=n - 1)]))
        for name, i in m.inputs.items()
        if i.kind in ("parameter", "local") and i.default > 0 and not float(i.default).is_integer()
    }


def compare(m: lk.Model, times: Any, rtol: float, limit: float, **options: Any) -> None:
    """Every species within ``limit`` of its largest value in that patient (and 1e-9 at least)."""
    tight = {"rtol": 1e-11, "atol": options.pop("reference_atol", 1e-14), "backend": "roadrunner"}
    atol = options.pop("atol", rtol * 1e-3)
    got = m.simulate(times, rtol=rtol, atol=atol, backend="compiled", **options)
    options.pop("method", None)
    want = m.simulate(times, **tight, **options)
    assert (got["status"] == Status.OK).all() and (want["status"] == Status.OK).all()
    for name in got.data_vars:
        if got[name].dims == ("patient", "time"):
            a, b = got[name].to_numpy(), want[name].to_numpy()
            scale = np.abs(b).max(axis=1, keepdims=True)
            assert np.isfinite(b).all(), name
            assert (np.abs(a - b) <= limit * scale + 1e-9).all(), (name, np.max(np.abs(a - b) / (scale + 1e-300)))


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(MODELS.iterdir()), ids=lambda p: p.stem)
def test_own_models(path: Path) -> None:
    if path.stem == "events":
        pytest.skip("libRoadRunner rescales a concentration that an event sets together with the volume")
    m = lk.load_model(path)
    if path.stem == "functions":  # libRoadRunner cannot read it, and we say so
        with pytest.raises(lk.UnsupportedModelError, match="vmax"):
            m.simulate([1.0], backend="roadrunner")
        return
    outputs = [name for name in m.observables if name in m.species or name in m.inputs]
    compare(m, np.linspace(0, 10, 41) * 1.013, 1e-9, 1e-6, outputs=outputs)  # off the times of events


TMDD = body(
    "species C, R, RC, A; C = 0; R = 10; RC = 0; A = 0",
    "kel = 0.02; kon = 5; koff = 0.01; kdeg = 0.2; kint = 0.05; ka = 0.4",
    "J0: A -> C; ka*A",
    "J1: C => ; kel*C",
    "J2: C + R -> RC; kon*C*R - koff*RC",
    "J3: => R; kdeg*10",
    "J4: R => ; kdeg*R",
    "J5: RC => ; kint*RC",
)


@pytest.mark.parametrize("method", METHODS)
def test_target_mediated_disposition(method: str) -> None:
    """Fast binding, slow turnover, doses from far below to far above the target."""
    table = {"kon": [5.0, 50.0, 0.1, 500.0], "koff": [0.01, 1.0, 0.01, 0.001], "kint": [0.05, 0.5, 0.01, 0.2]}
    doses = [
        {"patient": p, "time": 0.0, "target": t, "amount": a}
        for p, t, a in [(0, "C", 100.0), (1, "C", 3.0), (2, "A", 20.0)]
    ]
    doses += [{"patient": 3, "time": 5.0, "target": "C", "amount": 40.0, "duration": 2.0, "every": 50.0, "count": 3}]
    compare(model(TMDD), np.linspace(0, 200, 201), 1e-8, 1e-6, parameters=table, doses=doses, method=method)


ENZYME = body(
    "compartment V, W; V = 2; W = 5",
    "species S in V, P in V, Q in W; S = 3; P = 0; Q = 1",
    "Vmax = 1.3; Km = 0.4; h = 2.3; D = 0.2",
    "J1: S -> P; V*Vmax*S^h/(Km^h + S^h)*(1 + 0.5*cos(time))",
    "J2: P -> Q; D*(P - Q)",
    "J3: Q => ; piecewise(0.1*Q*W, Q > 0.9, 0.3*Q*W)",
)


def test_transport_and_hill_functions() -> None:
    table = {"h": [2.3, 1.0, 4.0, 1.5], "Km": [0.4, 2.0, 1.0, 0.1], "V": [2.0, 0.1, 1.0, 10.0]}
    compare(model(ENZYME), np.linspace(0, 20, 81), 1e-8, 1e-6, parameters=table)


BURSTS = body(
    "species X, Y; X = 0; Y = 1; n = 0; on = 0",
    "k = 0.8",
    "J1: => X; 2*on + 0.3",
    "J2: X => ; k*X",
    "J3: Y => ; 0.2*X*Y",
    "at (X > 1.5): on = 0, n = n + 1",
    "at 0.7 after (X < 0.9): on = 1",
    "at (time >= 10 && n > 2), priority=2: Y = Y + n",
    "at 1 after (X > 1.2), persistent=false: Y = 1.1*Y",
)


@pytest.mark.parametrize("method", METHODS)
def test_events_that_switch_and_wait(method: str) -> None:
    table = {"k": [0.8, 0.6, 1.1, 0.45]}
    times = np.linspace(0, 30, 61) + 0.0137 * (np.arange(61) > 0)  # off the times of events
    compare(model(BURSTS), times, 1e-9, 1e-5, parameters=table, outputs=["X", "Y", "n", "on"], method=method)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("name", "times", "doses"),
    [
        ("bachmann2011", np.linspace(0, 240, 25), None),
        ("cascade96", np.linspace(0, 800, 41) + 0.37, None),
        (
            "qsp73",
            np.linspace(0, 364, 53),
            {"time": 0.0, "target": "D_depot", "amount": 50.0, "every": 28.0, "count": 13},
        ),
    ],
)
def test_example_models(name: str, times: np.ndarray, doses: dict[str, Any] | None, method: str) -> None:
    m = model(examples.path(name))
    for rtol, limit in [(1e-6, 1e-4), (1e-8, 1e-6)]:
        compare(m, times, rtol, limit, parameters=spread(m, 4, 0.2), doses=[doses] if doses else None, method=method)
