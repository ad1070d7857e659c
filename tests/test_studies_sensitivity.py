"""Sensitivity: SALib's indices of functions whose indices are known, and of a trial's contrast."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from fake_assembly import fake_assembly

from leukinetics import ProtocolError, trial
from leukinetics.patients import draws
from leukinetics.trial.protocol import Endpoint, Sensitivity
from leukinetics.trial.studies import question, sensitivity
from leukinetics.trial.studies.indices import indices, points, swings
from leukinetics.trial.studies.question import contrast_of
from leukinetics.trial.studies.still import hold_still, true_effect
from leukinetics.trial.studies.varied import varied


def test_morris_of_a_linear_function_is_its_coefficients() -> None:
    slopes = np.array([3.0, -2.0, 0.0, 0.5])
    u = points("morris", 4, 6, seed=1)
    assert u.shape == (6 * 5, 4)
    assert np.isin(np.round(u * 3, 9), [0, 1, 2, 3]).all()
    found, failed = indices("morris", u, 7.0 + u @ slopes, seed=1)
    assert failed == 0
    assert found["mu_star"] == pytest.approx(np.abs(slopes))
    assert found["sigma"] == pytest.approx(np.zeros(4), abs=1e-12)
    assert found["mu_star_ci"] == pytest.approx(np.zeros(4), abs=1e-12)


def test_morris_sees_interactions_and_curvature() -> None:
    u = points("morris", 3, 40, seed=2)
    found, _ = indices("morris", u, u[:, 0] * u[:, 1] + u[:, 2] ** 2, seed=2)
    assert (found["sigma"] > 0.1).all()
    # On levels 0, 1/3, 2/3, 1 steps of 2/3 go 0 to 2/3 or 1/3 to 1: slopes 2/3 and 4/3.
    assert found["mu_star"][2] == pytest.approx(1.0, abs=0.15)


def test_sobol_of_a_linear_function_is_its_share_of_the_variance() -> None:
    slopes = np.array([3.0, -2.0, 0.0])
    u = points("sobol", 3, 512, seed=3)
    assert u.shape == (512 * 5, 3)
    found, _ = indices("sobol", u, u @ slopes, seed=3)
    shares = slopes**2 / (slopes**2).sum()
    assert found["S1"] == pytest.approx(shares, abs=0.02)
    assert found["ST"] == pytest.approx(shares, abs=0.02)


def test_sobol_of_the_ishigami_function() -> None:
    """sin x1 + 7 sin² x2 + 0.1 x3⁴ sin x1 on -pi to pi, whose variances are known in closed form."""
    a, b = 7.0, 0.1
    first = 0.5 * (1 + b * math.pi**4 / 5) ** 2
    second, third = a**2 / 8, 8 * b**2 * math.pi**8 / 225
    total = first + second + third
    u = points("sobol", 3, 2048, seed=4)
    x = math.pi * (2 * u - 1)
    y = np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])
    found, _ = indices("sobol", u, y, seed=4)
    assert found["S1"] == pytest.approx(np.array([first, second, 0]) / total, abs=0.03)
    assert found["ST"] == pytest.approx(np.array([first + third, second, third]) / total, abs=0.03)
    truth = np.array([first, second, 0]) / total
    assert (np.abs(found["S1"] - truth) <= 2 * found["S1_ci"] + 1e-9).all()


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_runs_that_failed_take_their_trajectory_with_them_and_nothing_else(method: Any) -> None:
    u = points(method, 3, 64, seed=5)
    block = 4 if method == "morris" else 5
    y = u @ np.array([1.0, 2.0, 0.0])
    y[[7, 8 * block]] = np.nan
    found, failed = indices(method, u, y, seed=5)
    assert failed == 2
    leading = found["mu_star" if method == "morris" else "ST"]
    assert leading[2] == pytest.approx(0.0, abs=1e-9)
    assert leading[1] > leading[0] > 0.1
    none, _ = indices(method, u, np.full(len(u), np.nan), seed=5)
    assert all(np.isnan(values).all() for values in none.values())
    flat, _ = indices(method, u, np.ones(len(u)), seed=5)
    assert all((np.isnan(v) if method == "sobol" else v == 0).all() for v in flat.values())


@pytest.mark.parametrize("method", ["morris", "sobol"])
@pytest.mark.parametrize("seed", [0, 9])
def test_numbers_depend_on_the_seed_alone(method: Any, seed: int) -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    u = points(method, 3, 8, seed=seed)
    y = np.sin(5 * u).sum(axis=1)
    once, _ = indices(method, u, y, seed=seed)
    np.random.uniform(size=3)  # noqa: NPY002
    twice, _ = indices(method, points(method, 3, 8, seed=seed), y, seed=seed)
    assert all(np.array_equal(once[k], twice[k]) for k in once)
    assert not np.array_equal(u, points(method, 3, 8, seed=seed + 1))
    np.random.seed(0)  # noqa: NPY002
    assert len(before)


def prepared(**more: Any) -> Any:
    dose = {"drug": "mab", "amount": "5 mg", "route": "iv", "every": "4 weeks"}
    head = {"name": "t", "condition": "inflamed", "duration": "8 weeks", "patients_per_arm": 20, "seed": 3}
    given = {
        "trial": head | more.pop("trial", {}),
        "arm": [{"name": "placebo"}, {"name": "low", "dose": [dose]}, {"name": "high", "dose": [dose, dose]}],
        "endpoint": [
            {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "8 weeks", "noise": True},
            {"id": "level", "observable": "mab", "kind": "value", "at": "8 weeks"},
        ],
        "sensitivity": {"trajectories": 6, "patients": 16},
        **more,
    }
    return trial.prepare(given, assembly=fake_assembly())


def test_the_parameters_that_matter_come_first() -> None:
    ready = prepared()
    found = sensitivity(ready)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["endpoint"], found["arm"], found["reference"]) == ("crp", "high", "placebo")
    assert (found["measure"], found["method"]) == ("percent_difference", "morris")
    assert (found["runs"], found["failed_runs"]) == (6 * (1 + draws(ready.assembly, 1, 1).shape[1]), 0)
    names = [p["name"] for p in found["parameters"]]
    assert names[0] == "KD"
    rows = {p["name"]: p for p in found["parameters"]}
    assert rows["KD"]["mu_star"] > rows["mab_CL"]["mu_star"] > 1.0
    # A relative fall does not depend on how much CRP there is.
    idle = ("share", "inflamed.drive", "crp_base", "effect:rs1:crp_base")
    assert all(rows[name]["mu_star"] < 1e-3 for name in idle)
    kd = rows["KD"]
    assert (kd["kind"], kd["unit"], kd["value"]) == ("calibrated", "ug/L", 1000.0)
    assert kd["low"] == pytest.approx(1000 * math.exp(-0.5 * 1.96), rel=0.1)
    assert kd["high"] == pytest.approx(1000 * math.exp(0.5 * 1.96), rel=0.1)
    assert rows["effect:rs1:crp_base"]["unit"] == "ln per allele"
    assert all(p["mu_star_ci"] >= 0 and p["sigma"] >= 0 for p in found["parameters"])


def test_the_base_is_the_true_contrast_of_the_same_people() -> None:
    ready = prepared(dropout={"rate": 0.5}, eligibility={"crp": ">= 2 mg/L"})
    found = sensitivity(ready)
    model = hold_still(ready, contrast_of(ready.protocol, None, None), 16)
    small = model.prepared
    assert [a.name for a in small.protocol.arm] == ["placebo", "high"]
    outcome = trial.run_candidates(small, [{}])
    fall, none = (np.log1p(outcome.values("crp", arm)[0] / 100) for arm in ("high", "placebo"))
    assert found["base"] == pytest.approx(100 * math.expm1((fall - none).mean()), rel=1e-6)
    assert np.isfinite(fall).all()  # nobody leaves
    assert np.abs(none).max() < 1e-3  # no noise
    # The people stay those who are eligible with the model's own values.
    assert np.array_equal(model.people, outcome.enrolled.people[0])
    y = model.run([{}, {"inflamed.drive": 0.01}], None)
    assert np.isfinite(y).all()
    assert y[1] == pytest.approx(y[0], rel=1e-3)


def test_sobol_takes_a_power_of_two_and_named_parameters() -> None:
    study = {"method": "sobol", "samples": 12, "patients": 8, "parameters": ["KD", "drive"], "endpoint": "level"}
    found = sensitivity(prepared(sensitivity={**study, "arm": "low"}))
    assert (found["runs"], found["arm"], found["measure"]) == (16 * 4, "low", "difference")
    assert {p["name"] for p in found["parameters"]} == {"KD", "inflamed.drive"}
    assert all(p["ST"] is None for p in found["parameters"])  # the level depends on neither
    found = sensitivity(prepared(sensitivity={**study, "parameters": ["KD", "mab_CL"], "endpoint": "crp"}))
    rows = {p["name"]: p for p in found["parameters"]}
    assert list(rows) == ["KD", "mab_CL"]
    assert rows["KD"]["ST"] > 0.7
    assert {"S1", "S1_ci", "ST", "ST_ci"} <= rows["KD"].keys()


def test_numbers_do_not_depend_on_batches_threads_or_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = prepared()
    whole = sensitivity(ready, threads=2)
    kept: dict[str, str] = {}

    def keep(name: str, compute: Any) -> Any:
        if name not in kept:
            kept[name] = json.dumps(compute(), allow_nan=False)
        return json.loads(kept[name])

    monkeypatch.setattr(question, "MOST_ROWS", 10 * 32)
    assert sensitivity(ready, keep, threads=1) == whole
    assert len(kept) == 5
    kept.pop(sorted(kept)[2])
    assert sensitivity(ready, keep) == whole


def test_runs_that_cannot_be_simulated_are_counted() -> None:
    ready = prepared()
    found = sensitivity(ready, typical={"kloss": -1e6})
    assert found["failed_runs"] == found["runs"]
    assert found["base"] is None
    assert all(p["mu_star"] is None for p in found["parameters"])


def test_what_is_varied() -> None:
    ready = prepared()
    everything = varied(ready, Sensitivity(), {})
    assert set(everything.names) == set(draws(ready.assembly, 1, 1).columns)
    ends = everything.values(np.array([[u] * len(everything.names) for u in (0.0, 0.5, 1.0)]))
    column = draws(ready.assembly, 4096, 3)["mab_CL"]
    assert [e["mab_CL"] for e in ends] == pytest.approx(np.quantile(column, [0.025, 0.5, 0.975]))
    assert varied(ready, Sensitivity(kinds=["assumed"]), {}).names == ["share"]
    assert "KD" not in varied(ready, Sensitivity(), {"KD": 2.0}).names
    with pytest.raises(ProtocolError, match=r"'KDD' is no uncertain parameter .* Did you mean 'KD'"):
        varied(ready, Sensitivity(parameters=["KDD"]), {})
    with pytest.raises(ProtocolError, match="no uncertain parameter of kind assumed"):
        varied(ready, Sensitivity(parameters=["KD"], kinds=["assumed"]), {})


def end(kind: str, **more: Any) -> Endpoint:
    return Endpoint(id="e", observable="crp", kind=kind, **more)


def test_true_effects() -> None:
    a, b = np.array([[1.0, 2.0, np.nan], [4.0, 4.0, 4.0]]), np.array([[2.0, 4.0, 9.0], [1.0, 2.0, 8.0]])
    both = np.array([True, True, False])
    assert true_effect(end("value", at="1 d"), a, b) == pytest.approx([-1.5, (12 - 11) / 3])
    ratio = [0.5, 4 / 16 ** (1 / 3)]
    assert true_effect(end("fold", at="1 d"), a, b) == pytest.approx(ratio)
    percent = [100 * (math.sqrt(1.01 * 1.02 / (1.02 * 1.04)) - 1)]
    assert true_effect(end("percent_change", at="1 d"), a, b)[:1] == pytest.approx(percent)
    window = {"every": "1 d"}
    assert true_effect(end("event_rate", **window), a, b) == pytest.approx([3 / 6, 12 / 11])
    hazards = math.log(np.exp(-a[0, both]).mean()) / math.log(np.exp(-b[0, both]).mean())
    assert true_effect(end("time_to_event", **window), a, b)[0] == pytest.approx(hazards)
    seen = end("time_to_event", threshold=">= 3 mg/L", **window)
    x, y = np.array([[1.0, 0.0, 0.0, 0.0]]), np.array([[1.0, 1.0, 0.0, 0.0]])
    assert true_effect(seen, x, y)[0] == pytest.approx(math.log(0.75) / math.log(0.5))
    responder = end("responder", at="1 d", threshold="< 3 mg/L")
    assert true_effect(responder, x, y) == pytest.approx([-0.25])
    assert true_effect(end("value", at="1 d", statistic="median"), a, b) == pytest.approx([-1.5, 2.0])
    assert true_effect(end("fold", at="1 d", statistic="geometric_mean"), a, b) == pytest.approx(ratio)


@pytest.mark.parametrize(("kind", "measure"), [("event_rate", "rate_ratio"), ("time_to_event", "hazard_ratio")])
def test_episodes_keep_the_noise_that_makes_them(kind: str, measure: str) -> None:
    episode = {"id": "e", "observable": "crp", "kind": kind, "every": "1 week", "threshold": ">= 4 mg/L"}
    found = sensitivity(prepared(endpoint=[{**episode, "noise": True}], sensitivity={"trajectories": 2}))
    assert found["measure"] == measure
    assert 0 < found["base"] < 1  # the antibody prevents them
    without = sensitivity(prepared(endpoint=[episode], sensitivity={"trajectories": 2}))
    assert without["base"] != found["base"]


def test_events_at_random_are_taken_by_their_expected_number() -> None:
    # Of a level that stands still there are none; of one that accumulates, its rise over the window.
    window = {"id": "e", "observable": "mab", "every": "1 d", "from": "3 d", "to": "10 d"}
    ready = prepared(endpoint=[{**window, "kind": "time_to_event"}])
    small = hold_still(ready, contrast_of(ready.protocol, None, None), 4).prepared
    assert [(e.id, e.kind, e.at) for e in small.protocol.endpoint] == [("start", "value", 3.0), ("end", "value", 10.0)]


def test_a_tornado_moves_one_parameter_at_a_time() -> None:
    ready = prepared(sensitivity={"method": "tornado", "patients": 16})
    found = sensitivity(ready)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    count = draws(ready.assembly, 1, 1).shape[1]
    assert (found["method"], found["runs"], found["failed_runs"]) == ("tornado", 2 * count, 0)
    rows = {p["name"]: p for p in found["parameters"]}
    assert found["parameters"][0]["name"] == "KD"
    # The higher KD, the weaker the drug: CRP falls less.
    kd = rows["KD"]
    assert kd["effect_low"] < found["base"] < kd["effect_high"]
    assert kd["swing"] == pytest.approx(kd["effect_high"] - kd["effect_low"])
    model = hold_still(ready, contrast_of(ready.protocol, None, None), 16)

    factor = [p for p in varied(ready, Sensitivity(), {}).alone() if "KD" in p]
    assert model.run(factor, None) == pytest.approx([kd["effect_low"], kd["effect_high"]])
    assert all(rows[name]["swing"] < 1e-3 for name in ("share", "inflamed.drive", "crp_base"))


def test_a_run_of_a_tornado_that_failed_costs_its_parameter_alone() -> None:
    found, failed = swings(np.array([1.0, 3.0, math.nan, 2.0, 5.0, 4.0]))
    assert failed == 1
    np.testing.assert_array_equal(found["swing"], [2.0, math.nan, 1.0])
