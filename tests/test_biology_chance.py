"""Chance inside the model: the streams are exact and random enough, and events come as the hazards say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import leukinetics as lk
from leukinetics import biology
from leukinetics.engine.run_in import RunIn
from leukinetics.patients import sample

MODULES = Path(biology.__file__).parent / "modules" / "ms"
A, C, M = 1664525, 1013904223, 2**32
YEAR = 365.25
#: What the modules chance and history read from others, with hazards that are known.
REST = """
luck_trigger = 0.5; luck_relapse = 0.5; trigger_rate = 0.02; history_lead = 0; disease_duration = 0; age = 0;
expected_course = 0;
innate_pulse = 0; relapses = 0; relapse_acute = 0; relapse_residue = 0; relapse_scar = 0;
relapse_lesion_acute = 1; relapse_trigger_acute = 100; relapse_lesion_residue = 1; relapse_lesion_scar = 1;
base = 0.01;
relapse_hazard_lesion := disease*base*(1 + sin(time/50));
relapse_hazard_trigger := disease*base;
"""


def uniforms(luck: float, n: int) -> list[float]:
    """The stream of a patient by whole numbers of any size."""
    k, found = int(luck * M), []
    for _ in range(n):
        k = (A * k + C) % M
        found.append(k / M)
    return found


def streams(patients: int, draws: int) -> np.ndarray:
    """Streams in double arithmetic, (patients, draws)."""
    u = np.floor(M * np.random.default_rng(1).random(patients)) / M
    found = np.empty((patients, draws))
    for j in range(draws):
        x = A * u + C / M
        u = found[:, j] = x - np.floor(x)
    return found


@pytest.fixture(scope="module")
def alone() -> Any:
    """The two modules by themselves, as Antimony."""
    text = (MODULES / "chance.ant").read_text("utf-8"), (MODULES / "history.ant").read_text("utf-8")
    functions, _, rest = text[0].partition("trigger_luck =")
    return lk.load_model(f"{functions}\n{text[1]}\ntrigger_luck ={rest}\n{REST}")


def run(model: Any, times: Any, n: int, outputs: list[str], seed: int = 0, **more: Any) -> Any:
    lucks = np.random.default_rng(seed).random((2, n))
    parameters = {"luck_trigger": lucks[0], "luck_relapse": lucks[1], **more.pop("parameters", {})}
    return model.simulate(times, parameters, outputs=outputs, **more)


def test_the_streams_are_exact_in_doubles() -> None:
    for row in streams(50, 300):
        k = int(row[0] * M)
        for x in row[1:]:
            k = (A * k + C) % M
            assert k / M == x


def test_the_streams_are_random_enough() -> None:
    """10,000 patients of 200 numbers: moments, dependence within a patient, distribution in 1 to 3 dimensions."""
    u = streams(10_000, 200)
    e = -np.log(u + 0.5 / M)
    error = 1.0 / np.sqrt(e.size)
    assert abs(e.mean() - 1.0) < 4 * error and abs(e.var() - 1.0) < 4 * np.sqrt(8) * error
    for lag in (1, 2, 3, 5, 10):
        assert abs(np.corrcoef(u[:, :-lag].ravel(), u[:, lag:].ravel())[0, 1]) < 4.5 * error
        assert abs(np.corrcoef(e[:, :-lag].ravel(), e[:, lag:].ravel())[0, 1]) < 4.5 * error
    assert stats.kstest(u.ravel(), "uniform").pvalue > 1e-3
    within = [stats.kstest(row, "uniform").pvalue for row in u[:1000]]
    assert stats.kstest(within, "uniform").pvalue > 1e-3
    for dimensions, bins in ((2, 64), (3, 20)):
        points = u[:, : 200 // dimensions * dimensions].reshape(-1, dimensions)
        counts, _ = np.histogramdd(points, bins=bins, range=[(0, 1)] * dimensions)
        assert stats.chisquare(counts.ravel()).pvalue > 1e-3


def test_the_model_draws_the_stream(alone: Any) -> None:
    """Times, sizes and the next number of every trigger are those of whole-number arithmetic, on both backends."""
    lucks, rate, times = [0.0, 0.3, 0.987654321, 1.0], 0.02, np.linspace(0.0, 2000.0, 401)
    for backend in ("compiled", "roadrunner"):
        found = alone.simulate(
            times, {"luck_trigger": lucks}, outputs=["next_trigger", "trigger_luck", "innate_pulse"], backend=backend
        )
        for i, luck in enumerate(lucks):
            u = uniforms(luck % 1.0, 200)
            e = -np.log(np.array(u) + 0.5 / M)
            due = np.concatenate([[e[0]], e[0] + np.cumsum(e[2::2])]) / rate
            done = (due[:, None] <= times).sum(axis=0)
            assert np.allclose(found["next_trigger"][i], due[done], rtol=1e-12)
            assert np.array_equal(found["trigger_luck"][i], np.array(u)[2 * done + 1])
            sizes = np.concatenate([[0.0], np.cumsum(e[1::2])])
            assert np.allclose(found["innate_pulse"][i], sizes[done], rtol=1e-12)


def test_triggers_are_a_poisson_process(alone: Any) -> None:
    n, rate = 4000, 0.02
    found = run(alone, np.array([0.0, 1000.0, 2000.0]), n, ["innate_pulse", "next_trigger"], threads=2)
    waiting = found["next_trigger"].values - np.array([0.0, 1000.0, 2000.0])
    for column in waiting.T:  # whenever one looks, the next trigger is an exponential time away
        assert stats.kstest(column * rate, "expon").pvalue > 1e-3
    gained = np.diff(found["innate_pulse"].values, axis=1)
    for column in gained.T:  # compound Poisson with exponential sizes: mean rate t, variance 2 rate t
        assert abs(column.mean() - 20.0) < 4 * np.sqrt(40.0 / n)
        assert abs(column.var() / 40.0 - 1.0) < 4 * np.sqrt(2.6 / n)
    assert abs(np.corrcoef(gained.T)[0, 1]) < 4 / np.sqrt(n)


def test_relapses_follow_their_hazard(alone: Any) -> None:
    """An inhomogeneous Poisson process, with the share of each kind that its hazard has at the time."""
    n, times = 4000, np.array([0.0, 300.0, 900.0])
    found = run(alone, times, n, ["relapses", "relapse_acute", "relapse_scar"], threads=2)
    gathered = 0.01 * (2 * times + 50 * (1 - np.cos(times / 50)))
    counts = found["relapses"].values
    for column, mean in ((counts[:, 1], gathered[1]), (counts[:, 2] - counts[:, 1], gathered[2] - gathered[1])):
        tail = int(stats.poisson.ppf(0.999, mean))
        seen = np.bincount(np.minimum(column.astype(int), tail), minlength=tail + 1)
        share = np.append(stats.poisson.pmf(np.arange(tail), mean), stats.poisson.sf(tail - 1, mean))
        known = share * n >= 5
        cells = [(seen[known], share[known] * n)]
        if not known.all():
            cells.append((seen[~known].sum(keepdims=True), share[~known].sum(keepdims=True) * n))
        observed, expected = (np.concatenate(x) for x in zip(*cells, strict=True))
        assert stats.chisquare(observed, expected).pvalue > 1e-3
    lesion = found["relapse_scar"].values[:, 2]
    mean = 0.01 * (times[2] + 50 * (1 - np.cos(times[2] / 50)))
    assert abs(lesion.mean() - mean) < 4 * np.sqrt(mean / n)
    assert np.allclose(
        found["relapse_acute"], found["relapse_scar"] + 100 * (found["relapses"] - found["relapse_scar"])
    )


def test_nothing_happens_before_onset_nor_in_the_run_in(alone: Any) -> None:
    times = np.array([0.0, 700.0, 701.0, 1500.0])
    asked = {"history_lead": 1000.0, "disease_duration": 299.5}
    outputs = ["innate_pulse", "relapse_gathered", "disease", "next_trigger", "relapses"]
    settled = run(alone, times, 200, outputs, parameters=asked, run_in=RunIn(1e4))
    plain = run(alone, times, 200, outputs, parameters=asked)
    for name in outputs:
        assert np.array_equal(settled[name], plain[name])
    assert np.all(plain["innate_pulse"].values[:, :2] == 0.0) and np.all(plain["relapse_gathered"].values[:, :2] == 0.0)
    assert np.all(plain["disease"].values == [0, 0, 1, 1]) and plain["innate_pulse"].values[:, 3].mean() > 10
    assert np.all(plain["next_trigger"].values[:, 0] > 700.5)
    at_once = run(alone, times, 200, outputs, run_in=RunIn(1e4))  # no history: time 0 is the onset
    assert np.all(at_once["innate_pulse"].values[:, 0] == 0.0) and at_once["innate_pulse"].values[:, 1].mean() > 10
    assert np.allclose(at_once["next_trigger"].values[:, 0] + 700.5, plain["next_trigger"].values[:, 0])


def test_the_expected_course_has_no_events(alone: Any) -> None:
    found = run(alone, np.array([0.0, 5000.0]), 20, ["innate_pulse", "relapses"], parameters={"expected_course": 1.0})
    assert np.all(found["innate_pulse"].values == 0.0) and np.all(found["relapses"].values == 0.0)


def test_patients_with_events_are_the_same_in_any_company() -> None:
    assembly = biology.assemble("ms_rr")
    people = sample(assembly, 24, seed=5)
    people = people[[name for name in people if name in assembly.model.inputs]]
    outputs = ["relapses", "innate_pulse", "trigger_luck", "edss"]
    times = np.linspace(0.0, 3 * YEAR, 13)

    def simulate(rows: Any, threads: int) -> Any:
        return assembly.model.simulate(times, people.loc[rows], outputs=outputs, rtol=1e-5, threads=threads)

    all_of_them, few = simulate(people.index, 2), simulate([20, 3, 11], 1)
    for name in outputs:
        assert np.array_equal(all_of_them[name].sel(patient=[20, 3, 11]), few[name])
    assert float(all_of_them["innate_pulse"].max()) > 0.0
    tight = assembly.model.simulate(times, people, outputs=outputs, rtol=1e-8, atol=1e-10, threads=2)
    assert np.array_equal(tight["trigger_luck"], all_of_them["trigger_luck"])
    assert np.mean(tight["relapses"].values == all_of_them["relapses"].values) > 0.99


@pytest.mark.slow
def test_the_whole_model_with_events_on_libroadrunner() -> None:
    assembly = biology.assemble("ms_rr")
    people = sample(assembly, 2, seed=5)
    people = people[[name for name in people if name in assembly.model.inputs]]
    asked = {"outputs": ["relapses", "innate_pulse", "next_trigger", "gd_lesions", "edss"], "rtol": 1e-8, "atol": 1e-10}
    times = np.linspace(0.0, 3 * YEAR, 37)
    ours, theirs = (assembly.model.simulate(times, people, backend=b, **asked) for b in ("compiled", "roadrunner"))
    for name in asked["outputs"]:
        assert np.allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6), name


def test_luck_is_uniform_and_a_patients_own() -> None:
    assembly = biology.assemble("ms_rr")
    people = sample(assembly, 2000, seed=11)
    for name in ("luck_trigger", "luck_relapse"):
        assert stats.kstest(people[name], "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(people["luck_trigger"], people["luck_relapse"])[0, 1]) < 0.1
    other = sample(assembly, 5, seed=11, first=100, typical={"trigger_rate": 0.01})
    assert np.array_equal(other["luck_trigger"], people["luck_trigger"][100:105])
    assert not {"luck_trigger", "history_lead", "disease_duration"} & set(biology.assemble("healthy").parameters["id"])
