"""Doses per patient in the compiled engine against the closed forms of one-compartment pharmacokinetics."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from engine_tools import METHODS, body, model, solve, values

import leukinetics as lk
from leukinetics.engine.status import Status

TIGHT = {"rtol": 1e-9, "atol": 1e-12}
CL, V, KA = 2.0, 10.0, 1.2

#: A gut amount and a central concentration; amounts go in, concentrations come out.
ORAL = body(
    "compartment V; V = 10",
    "substanceOnly species gut in V; gut = 0",
    "species C in V; C = 0",
    "CL = 2; ka = 1.2",
    "J1: gut -> C; ka*gut",
    "J2: C => ; CL*C",
)


def bolus(t: np.ndarray, dose: float, at: float, cl: float = CL, v: float = V) -> np.ndarray:
    """Concentration after an intravenous bolus."""
    s = np.asarray(t) - at
    return np.where(s >= 0, dose / v * np.exp(-cl / v * np.maximum(s, 0)), 0.0)


def infusion(t: np.ndarray, dose: float, at: float, duration: float, cl: float = CL, v: float = V) -> np.ndarray:
    """Concentration during and after an infusion at a constant rate."""
    s, k = np.asarray(t) - at, cl / v
    during = dose / duration / cl * (1 - np.exp(-k * np.clip(s, 0, duration)))
    return during * np.exp(-k * np.maximum(s - duration, 0))


def oral(t: np.ndarray, dose: float, at: float, ka: float = KA, cl: float = CL, v: float = V) -> np.ndarray:
    """Concentration after an oral dose (Bateman's function)."""
    s, k = np.maximum(np.asarray(t) - at, 0), cl / v
    return dose * ka / (v * (ka - k)) * (np.exp(-k * s) - np.exp(-ka * s))


TIMES = np.linspace(0.0, 48.0, 97)


@pytest.mark.parametrize("method", METHODS)
def test_every_patient_has_doses_of_his_own(method: str) -> None:
    rng = np.random.default_rng(5)
    labels = [f"p{i}" for i in range(20)]
    cl, v = rng.uniform(0.5, 4, 20), rng.uniform(5, 20, 20)
    rows, exact = [], np.zeros((20, len(TIMES)))
    for i, label in enumerate(labels):
        for _ in range(i % 6):
            kind = rng.choice(["bolus", "infusion", "oral"])
            time, amount, duration = rng.uniform(0, 40), rng.uniform(1, 100), rng.uniform(0.1, 12)
            rows.append(
                {
                    "patient": label,
                    "time": time,
                    "amount": amount,
                    "target": "gut" if kind == "oral" else "C",
                    "duration": duration if kind == "infusion" else 0.0,
                }
            )
            if kind == "bolus":
                exact[i] += bolus(TIMES, amount, time, cl[i], v[i])
            elif kind == "infusion":
                exact[i] += infusion(TIMES, amount, time, duration, cl[i], v[i])
            else:
                exact[i] += oral(TIMES, amount, time, KA, cl[i], v[i])
    order = rng.permutation(len(rows))  # rows of the table may come in any order
    patients = pd.DataFrame({"CL": cl, "V": v}, index=pd.Index(labels, name="patient"))
    doses = pd.DataFrame(rows).iloc[order]
    ds = model(ORAL).simulate(TIMES, patients, doses=doses, outputs="C", method=method, **TIGHT)
    np.testing.assert_allclose(ds["C"], exact, rtol=1e-7, atol=1e-9)


def test_the_value_at_the_time_of_a_dose_is_the_one_after_it() -> None:
    doses = [{"time": t, "target": "C", "amount": 10.0} for t in (0.0, 3.0, 12.0)]
    times = np.array([0.0, 0.0, 3.0, 3.0, 6.0, 12.0, 12.0])
    got = solve(ORAL, times, "C", doses=doses, **TIGHT)
    np.testing.assert_allclose(got, sum(bolus(times, 10, t) for t in (0, 3, 12)), rtol=1e-8)
    assert got[0] == 1.0


def test_doses_after_the_last_time_are_ignored() -> None:
    early = [{"time": 1.0, "target": "C", "amount": 5.0}]
    late = [*early, {"time": 10.0 + 1e-9, "target": "C", "amount": 5.0}, {"time": 1e9, "target": "gut", "amount": 1e9}]
    times = np.linspace(0, 10, 11)
    np.testing.assert_array_equal(solve(ORAL, times, "C gut", doses=early), solve(ORAL, times, "C gut", doses=late))


def test_at_time_0_alone() -> None:
    doses = [
        {"time": 0.0, "target": "C", "amount": 5.0},
        {"time": 0.0, "target": "gut", "amount": 7.0, "duration": 2.0},
    ]
    assert solve(ORAL, [0.0], "C gut", doses=doses).tolist() == [[0.5, 0.0]]


def test_repeats_and_doses_at_one_time_add_up() -> None:
    doses = [
        {"time": 2.0, "target": "C", "amount": 10.0, "every": 8.0, "count": 5},
        {"time": 10.0, "target": "C", "amount": 3.0},
        {"time": 10.0, "target": "C", "amount": 4.0},
    ]
    exact = sum(bolus(TIMES, 10, 2 + 8 * i) for i in range(5)) + bolus(TIMES, 7, 10)
    np.testing.assert_allclose(solve(ORAL, TIMES, "C", doses=doses, **TIGHT), exact, rtol=1e-8)


def test_infusions_overlap() -> None:
    plan = [
        (1.0, 30.0, 10.0),
        (5.0, 20.0, 2.0),
        (7.0, 10.0, 0.001),
        (11.0, 30.0, 4.0),
        (11.0, 5.0, 4.0),
        (40.0, 8.0, 100.0),
    ]
    doses = [{"time": t, "target": "C", "amount": a, "duration": d} for t, a, d in plan]
    exact = sum(infusion(TIMES, a, t, d) for t, a, d in plan)
    np.testing.assert_allclose(solve(ORAL, TIMES, "C", doses=doses, **TIGHT), exact, rtol=1e-7, atol=1e-12)


def test_an_infusion_leaves_nothing_behind() -> None:
    """After overlapping infusions with awkward rates the concentration goes to 0, not to a rounding error."""
    doses = [{"time": 0.1 * i, "target": "C", "amount": 1.0 / 3.0 * 10**i, "duration": 0.7 + 0.1 * i} for i in range(8)]
    got = solve(ORAL, [0.0, 1.0, 500.0, 1000.0], "C", doses=doses, rtol=1e-6, atol=1e-20)
    assert got[1] > 1e4 and np.abs(got[2:]).max() < 1e-20


def test_doses_into_concentrations_are_amounts() -> None:
    volume = np.array([0.01, 1.0, 3.0, 1e4])
    doses = [{"time": 1.0, "target": "C", "amount": 6.0}, {"time": 1.0, "target": "C", "amount": 6.0, "duration": 2.0}]
    ds = model(ORAL).simulate([1.0, 3.0], {"V": volume, "CL": 0.0}, doses=doses, outputs="C", **TIGHT)
    np.testing.assert_allclose(ds["C"], np.stack([6 / volume, 12 / volume], axis=1), rtol=1e-9)
    amount = model(ORAL).simulate([1.0, 3.0], {"V": volume, "CL": 0.0}, doses=doses, outputs="C", amounts="C", **TIGHT)
    np.testing.assert_allclose(amount["C"], [[6.0, 12.0]] * 4, rtol=1e-9)


def test_many_species_to_dose_into() -> None:
    n = 40
    text = body(*(f"species s{i}; s{i} = 0; J{i}: s{i} => ; 0.1*s{i}" for i in range(n)))
    doses = [{"time": 0.0, "target": f"s{i}", "amount": i + 1.0} for i in range(n)]
    doses += [{"time": 0.0, "target": f"s{i}", "amount": i + 1.0, "duration": 1.0} for i in range(n)]
    got = values(model(text).simulate([1.0], doses=doses, **TIGHT))[0, 0]
    np.testing.assert_allclose(got, np.arange(1, n + 1) * (np.exp(-0.1) + (1 - np.exp(-0.1)) / 0.1), rtol=1e-8)


# ---- NONMEM's columns --------------------------------------------------------------------------------


def nonmem(**columns: object) -> pd.DataFrame:
    n = max(len(v) if isinstance(v, list) else 1 for v in columns.values())
    return pd.DataFrame({k: v if isinstance(v, list) else [v] * n for k, v in columns.items()})


def test_nonmem_further_doses_and_rates() -> None:
    doses = nonmem(
        ID=[0, 0, 0, 1, 1],
        TIME=[0.0, 4.0, 5.0, 1.0, 20.0],
        AMT=[10.0, 0.0, 24.0, 30.0, 6.0],
        EVID=[1, 0, 1, 1, 1],
        CMT=[2, 2, 2, 1, 2],
        RATE=[0.0, 0.0, 6.0, 0.0, 2.0],
        II=[12.0, 0.0, 0.0, 24.0, 0.0],
        ADDL=[2, 0, 0, 1, 0],
    )
    first = sum(bolus(TIMES, 10, t) for t in (0, 12, 24)) + infusion(TIMES, 24, 5, 4)
    second = oral(TIMES, 30, 1) + oral(TIMES, 30, 25) + infusion(TIMES, 6, 20, 3)
    ds = model(ORAL).simulate(TIMES, {"CL": [CL, CL]}, doses=doses, outputs="C", **TIGHT)
    np.testing.assert_allclose(ds["C"], [first, second], rtol=1e-7, atol=1e-10)


II = 8.0


@pytest.mark.parametrize("backend", ["compiled", "roadrunner"])
@pytest.mark.parametrize("kind", ["bolus", "infusion", "oral"])
def test_steady_state(kind: str, backend: str) -> None:
    """Superposition of infinitely many doses: exp(-k t) becomes exp(-k t) / (1 - exp(-k II))."""
    k, t, dose = CL / V, np.linspace(0, II, 17)[:-1], 40.0
    cmt, rate = {"bolus": ("C", 0.0), "infusion": ("C", 10.0), "oral": ("gut", 0.0)}[kind]
    if kind == "bolus":
        exact = dose / V * np.exp(-k * t) / (1 - np.exp(-k * II))
    elif kind == "oral":
        exact = (
            dose
            * KA
            / (V * (KA - k))
            * (np.exp(-k * t) / (1 - np.exp(-k * II)) - np.exp(-KA * t) / (1 - np.exp(-KA * II)))
        )
    else:
        past = infusion(np.array([II]), dose, 0.0, dose / rate)[0] / (1 - np.exp(-k * II))
        exact = past * np.exp(-k * t) + infusion(t, dose, 0.0, dose / rate)
    doses = nonmem(TIME=0.0, AMT=dose, EVID=1, CMT=cmt, RATE=rate, II=II, SS=1)
    got = solve(ORAL, t, "C", doses=doses, backend=backend, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(got, exact, rtol=3e-7)


def test_steady_state_of_some_patients_with_intervals_of_their_own() -> None:
    doses = nonmem(
        ID=[0, 1, 1, 3], TIME=[0.0, 0.0, 24.0, 5.0], AMT=[10.0, 20.0, 20.0, 7.0], EVID=1, CMT="C",
        II=[6.0, 24.0, 0.0, 0.0], SS=[1, 1, 0, 0], ADDL=[7, 0, 0, 0],
    )  # fmt: skip
    cl = np.array([2.0, 1.0, 3.0, 4.0])
    ds = model(ORAL).simulate(TIMES, {"CL": cl}, doses=doses, outputs="C", rtol=1e-8, atol=1e-11)
    k = cl / V
    exact = [
        sum(bolus(TIMES, 10, -6.0 * i, cl[0]) for i in range(-7, 300)),
        sum(bolus(TIMES, 20, -24.0 * i, cl[1]) for i in range(-1, 300)),
        np.zeros(len(TIMES)),
        bolus(TIMES, 7, 5, cl[3]),
    ]
    assert k[0] == 0.2
    inside = TIMES < 48.0
    np.testing.assert_allclose(ds["C"].to_numpy()[:, inside], np.array(exact)[:, inside], rtol=1e-6, atol=1e-10)


def test_a_steady_state_that_does_not_exist() -> None:
    """Without clearance the amounts grow for ever."""
    doses = nonmem(ID=[0, 1], TIME=0.0, AMT=1.0, EVID=1, CMT="C", II=1.0, SS=1)
    ds = model(ORAL).simulate([0.0, 1.0], {"CL": [0.0, 2.0]}, doses=doses, outputs="C")
    assert ds["status"].values.tolist() == [Status.NOT_SETTLED, Status.OK]
    assert np.isnan(ds["C"][0]).all() and np.isfinite(ds["C"][1]).all()


@pytest.mark.parametrize("backend", ["compiled", "roadrunner"])
@pytest.mark.parametrize(("line", "reason"), [("J2: => D; sin(time)", "time"), ("at (D > 5): D = 0", "events")])
def test_no_steady_state_of_models_with_a_clock(line: str, reason: str, backend: str) -> None:
    text = body("species D; D = 0; J1: D => ; 0.3*D", line)
    doses = nonmem(TIME=0.0, AMT=1.0, EVID=1, CMT="D", II=1.0, SS=1)
    with pytest.raises(lk.UnsupportedModelError, match=f"steady state.*{reason}"):
        model(text).simulate([1.0], doses=doses, backend=backend)


def test_slow_accumulation_settles_within_tolerance() -> None:
    """A half-life of 87 intervals. A round (ten intervals) that changes nothing by more than rtol is not the end:
    what is still to come is 12 times as much, the sum of a geometric series with ratio exp(-0.08).
    """
    k, ii = 0.2, 0.2 / 5
    doses = nonmem(TIME=0.0, AMT=1.0, EVID=1, CMT="C", II=ii, SS=1)
    ds = model(ORAL).simulate([0.0], doses=doses, outputs="C", rtol=1e-6)
    assert Status(ds["status"].item()) in (Status.OK, Status.NOT_SETTLED)
    if ds["status"].item() == Status.OK:
        np.testing.assert_allclose(ds["C"].item(), 0.1 / (1 - np.exp(-k * ii)), rtol=1.3e-5)


# ---- the same plan as events of the model ------------------------------------------------------------

WITH_EVENTS = body(
    "compartment V; V = 10",
    "substanceOnly species gut in V; gut = 0",
    "species C in V; C = 0; rate = 0",
    "J1: gut -> C; 1.2*gut*(1 + 0.2*sin(time))",
    "J2: C => ; 2*C/(1 + C)",
    "J3: => C; rate",
    "at (time >= 2): C = C + 30/V",
    "at (time >= 6): gut = gut + 50",
    "at (time >= 7): rate = 4",
    "at (time >= 17): rate = 0",
)
WITHOUT_EVENTS = "\n".join(line for line in WITH_EVENTS.splitlines() if " at (" not in line)


def test_doses_equal_events_of_the_model() -> None:
    doses = [
        {"time": 2.0, "target": "C", "amount": 30.0},
        {"time": 6.0, "target": "gut", "amount": 50.0},
        {"time": 7.0, "target": "C", "amount": 40.0, "duration": 10.0},
    ]
    with_events = solve(WITH_EVENTS, TIMES, "C gut", **TIGHT)
    with_doses = solve(WITHOUT_EVENTS, TIMES, "C gut", doses=doses, **TIGHT)
    np.testing.assert_allclose(with_doses, with_events, rtol=1e-7, atol=1e-10)
    reference = solve(WITHOUT_EVENTS, TIMES, "C gut", doses=doses, backend="roadrunner", rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(with_doses, reference, rtol=1e-6, atol=1e-9)
