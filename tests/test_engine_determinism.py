"""A patient's numbers are bitwise the same alone, in any order, any subset, any chunk and with any threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from engine_tools import METHODS, body, model
from hypothesis import given, settings
from hypothesis import strategies as st

import leukinetics as lk

#: Nonlinear, explicit in time, with a jump in time, an event with a delay, and a species to dose into.
TEXT = body(
    "compartment V; V = 3",
    "species A in V, B in V, R in V; A = 1; B = 0; R = 1",
    "k = 0.5; h = 1.7; kout = 0.3; t0 = 4; hits = 0",
    "J1: A -> B; V*k*A^h/(1 + A^h)*(1 + 0.3*sin(time))",
    "J2: B => ; V*kout*B*R",
    "J3: => R; V*0.2*piecewise(1, time < t0, 2)",
    "J4: R => ; V*0.2*R",
    "at 0.5 after (B > 0.4): hits = hits + 1, R = 0.5*R",
)
OUTPUTS = ["A", "B", "R", "hits", "J1"]
TIMES = np.array([0.0, 0.0, 0.5, 1.0, 2.5, 4.0, 4.5, 9.0, 20.0])
N = 43

rng = np.random.default_rng(11)
PATIENTS = pd.DataFrame(
    {
        "k": 0.5 * rng.lognormal(0, 0.5, N),
        "h": rng.uniform(0.6, 4, N),
        "kout": 0.3 * rng.lognormal(0, 0.5, N),
        "t0": rng.uniform(0, 25, N),
        "V": rng.uniform(1, 5, N),
        "A": rng.uniform(0, 3, N),
    },
    index=pd.Index([f"p{i:02d}" for i in range(N)], name="patient"),
)


def _doses() -> pd.DataFrame:
    """0 to 6 doses a patient, some at the same time, some infusions, some after the end, some repeated."""
    rows = []
    for i, label in enumerate(PATIENTS.index):
        for _ in range(i % 7):
            rows.append(
                {
                    "patient": label,
                    "time": float(rng.choice([0.0, 1.0, 2.5, rng.uniform(0, 25)])),
                    "target": str(rng.choice(["A", "B"])),
                    "amount": rng.uniform(0, 4),
                    "duration": float(rng.choice([0.0, 0.0, rng.uniform(0.1, 6)])),
                    "every": 3.0 if i % 3 == 0 else np.nan,
                    "count": 3.0 if i % 3 == 0 else np.nan,
                }
            )
    return pd.DataFrame(rows)


DOSES = _doses()
SETTINGS: dict[str, dict[str, Any]] = {
    "rodas5p": {"doses": DOSES},
    "rodas4": {"doses": DOSES, "method": "rodas4"},
    "run-in": {"doses": DOSES, "run_in": lk.RunIn(500.0, tolerance=1e-2, window=0.1)},
    "no doses": {"rtol": 1e-4},
}
each_setting = pytest.mark.parametrize("setting", SETTINGS)


def simulate(patients: pd.DataFrame, **options: Any) -> xr.Dataset:
    doses = options.pop("doses", None)
    if doses is not None:
        doses = doses[doses["patient"].isin(patients.index)]
    return model(TEXT).simulate(TIMES, patients, doses=doses, outputs=OUTPUTS, **options)


@pytest.fixture(scope="module", params=SETTINGS)
def case(request: pytest.FixtureRequest) -> tuple[xr.Dataset, dict[str, Any]]:
    """The result for all patients, and the options that gave it."""
    options = SETTINGS[request.param]
    return simulate(PATIENTS, threads=1, **options), options


def same(a: xr.Dataset, b: xr.Dataset) -> None:
    """Equal to the last bit, statuses and steps included."""
    for name in [*OUTPUTS, "status", "steps", "rejected"]:
        x, y = a[name].to_numpy(), b[name].to_numpy()
        assert x.shape == y.shape and x.tobytes() == y.tobytes(), name


def test_the_ensemble_is_not_trivial(case: tuple[xr.Dataset, dict[str, Any]]) -> None:
    whole, options = case
    assert (whole["status"] == 0).all()
    assert len(np.unique(whole["steps"])) > 10
    assert len(np.unique(whole["hits"][:, -1])) > 1 or "run_in" in options


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_and_repetition(case: tuple[xr.Dataset, dict[str, Any]], threads: int) -> None:
    whole, options = case
    same(whole, simulate(PATIENTS, threads=threads, **options))


def test_alone(case: tuple[xr.Dataset, dict[str, Any]]) -> None:
    whole, options = case
    for i in [0, 1, 6, 13, N - 1]:
        same(whole.isel(patient=[i]), simulate(PATIENTS.iloc[[i]], **options))


def test_reversed(case: tuple[xr.Dataset, dict[str, Any]]) -> None:
    whole, options = case
    same(whole.isel(patient=slice(None, None, -1)), simulate(PATIENTS.iloc[::-1], **options))


@pytest.mark.parametrize("chunk", [1, 3, 8, 17, 1000])
def test_chunks(case: tuple[xr.Dataset, dict[str, Any]], chunk: int) -> None:
    whole, options = case
    parts = list(model(TEXT).stream(TIMES, PATIENTS, outputs=OUTPUTS, chunk=chunk, **options))
    assert [part.sizes["patient"] for part in parts] == [min(chunk, N - s) for s in range(0, N, chunk)]
    joined = xr.concat(parts, "patient", combine_attrs="override")
    same(whole, joined)
    assert joined["patient"].values.tolist() == list(PATIENTS.index)


def test_a_patient_many_times_over(case: tuple[xr.Dataset, dict[str, Any]]) -> None:
    """Equal patients get equal numbers, whichever lane they ride in."""
    whole, options = case
    label = PATIENTS.index[12]
    copies = pd.DataFrame([PATIENTS.loc[label]] * 21, index=pd.Index([f"c{i}" for i in range(21)], name="patient"))
    doses = options.get("doses")
    if doses is not None:
        own = doses[doses["patient"] == label]
        doses = pd.concat([own.assign(patient=c) for c in copies.index])
    got = simulate(copies, **{**options, "doses": doses})
    for i in range(21):
        same(whole.isel(patient=[12]), got.isel(patient=[i]))


@settings(max_examples=25)
@given(
    rows=st.lists(st.integers(0, N - 1), unique=True, min_size=1, max_size=N),
    threads=st.integers(1, 3),
    method=st.sampled_from(METHODS),
)
def test_any_selection_in_any_order(rows: list[int], threads: int, method: str) -> None:
    options: dict[str, Any] = {"doses": DOSES, "method": method}
    whole = simulate(PATIENTS, **options)
    same(whole.isel(patient=rows), simulate(PATIENTS.iloc[rows], threads=threads, **options))


def test_companions_that_fail_change_nothing(case: tuple[xr.Dataset, dict[str, Any]]) -> None:
    """Every other patient blows up in the initial value, the rates or the steps."""
    whole, options = case
    bad = pd.DataFrame({"k": 1e300, "h": 200.0, "kout": -40.0, "t0": 1.0, "V": 1e-300, "A": 1e300}, index=["bad"])
    mixed = pd.concat([pd.concat([PATIENTS.iloc[[i]], bad.rename(index={"bad": f"bad{i}"})]) for i in range(N)])
    mixed.index.name = "patient"
    got = simulate(mixed, **{**options, "max_steps": 10_000})
    assert (got["status"][1::2] > 1).any()
    good = got.isel(patient=slice(0, None, 2))
    for name in OUTPUTS:
        assert good[name].to_numpy().tobytes() == whole[name].to_numpy().tobytes()


def test_two_simulations_at_once() -> None:
    """One model used from two threads of Python."""
    from concurrent.futures import ThreadPoolExecutor

    whole = simulate(PATIENTS, doses=DOSES)
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda _: simulate(PATIENTS, doses=DOSES, threads=2), range(4)):
            same(whole, result)


def test_events_at_the_ends_of_steps_and_within_them() -> None:
    """Neighbours whose events lie elsewhere in the step must not change where a patient's event is found."""
    text = body(
        "x' = 1 - k*x; x = 0; n = 0", "at (x > 0.8/k): x = 0.1/k, n = n + 1", "at (time >= 3): n = n + 10", "k = 1"
    )
    k, times = np.linspace(0.3, 3.0, 203), np.linspace(0.0, 12.0, 25)
    together = model(text).simulate(times, {"k": k}, outputs=["x", "n"], threads=1)
    for order in (np.arange(203)[::-1], np.random.default_rng(0).permutation(203)):
        apart = model(text).simulate(times, {"k": k[order]}, outputs=["x", "n"], threads=2)
        for name in ("x", "n"):
            np.testing.assert_array_equal(apart[name].to_numpy(), together[name].to_numpy()[order])
