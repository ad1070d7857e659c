"""The benchmark's own parts: its models, its error measure, its interpolation, and that its solvers agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from bench.precision import FLOOR, Point, Truth, at_error  # noqa: E402
from bench.problems import PROBLEMS, SPREAD  # noqa: E402
from bench.solvers import run, solvers  # noqa: E402
from bench.trial import _error, _ours, _peer, _rows, protocol  # noqa: E402
from leukinetics.examples import names, path  # noqa: E402
from leukinetics.trial import prepare  # noqa: E402


def test_synthetic_models_are_what_their_script_writes(tmp_path):
    subprocess.run([sys.executable, str(ROOT / "bench" / "make_models.py"), str(tmp_path)], check=True)
    for written in tmp_path.iterdir():
        assert written.read_text(encoding="utf-8") == path(written.stem).read_text(encoding="utf-8")
    assert {p.name for p in PROBLEMS} <= set(names())


@pytest.mark.parametrize(("name", "states"), [("bachmann2011", 25), ("qsp73", 73), ("cascade96", 96)])
def test_models_have_the_size_in_their_name(name, states):
    problem = next(p for p in PROBLEMS if p.name == name)
    system = problem.model().system
    assert len(system.states) == states
    assert sorted(s.name for s in system.states) == sorted(problem.states)


def test_an_ensemble_keeps_its_first_patients_and_has_the_spread():
    problem = PROBLEMS[0]
    few, many = problem.ensemble(10), problem.ensemble(2000)
    np.testing.assert_array_equal(few.values, many.values[:10])
    np.testing.assert_allclose(np.log(many.values).std(axis=0), SPREAD, rtol=0.1)
    assert "Epo" not in few.names
    assert not any(n.startswith("init_") for n in few.names)


def test_the_error_is_relative_and_has_a_floor():
    values = np.array([[[1.0, 0.0]], [[2.0, 0.0]]])
    truth = Truth(values, np.array([2.0, 1.0]), 0.0)
    assert truth.error(values) == 0.0
    shifted = values + np.array([1e-3, FLOOR * 1e-3])
    assert truth.error(shifted) == pytest.approx(np.sqrt((1e-6 + 0.25e-6 + 2e-6) / 4))


def test_interpolation_needs_runs_on_both_sides():
    points = [Point(1e-3, 100, 1.0, 1.0, 1e-3, 0), Point(1e-5, 100, 4.0, 4.0, 1e-5, 0)]
    assert at_error(points, 1e-4) == pytest.approx(50.0)
    assert at_error(points, 1e-6) is None
    assert at_error([*points[:1], Point(1e-5, 100, 4.0, 4.0, 1e-5, 1)], 1e-4) is None


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_all_solvers_agree(problem):
    ensemble = problem.ensemble(3)
    atol = np.full(len(problem.states), 1e-13)
    reference, failed = run(solvers()["rodas5p"][1](problem), ensemble, 1e-9, atol)
    assert failed == 0
    scale = np.abs(reference).max(axis=(0, 1))
    size = np.maximum(np.abs(reference), FLOOR * np.where(scale > 0.0, scale, 1.0))
    for name, (_, make) in solvers().items():
        if name in ("amici", "rodas5p"):  # AMICI takes minutes to build a model
            continue
        values, failed = run(make(problem), ensemble, 1e-9, atol)
        assert failed == 0, name
        assert np.sqrt(np.mean(((values - reference) / size) ** 2)) < 2e-6, name


@pytest.mark.slow
def test_both_simulators_of_the_trial_do_the_same_work():
    prepared = prepare(protocol(2))
    columns, people, arms = _rows(prepared)
    ours, _ = _ours(prepared, columns, people, arms, 1e-7)
    peer, _ = _peer(prepared, columns, arms, 1e-7)
    assert ours.shape == peer.shape == (8, 17, 2)
    assert _error(peer, ours) < 1e-5
