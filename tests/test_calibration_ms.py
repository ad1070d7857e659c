"""Multiple sclerosis as a calibration problem beside the core's: what is fitted, to what, and what is committed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from leukinetics import biology, patients
from leukinetics.calibration.core import core_problem, part_problem
from leukinetics.calibration.fit import Fit
from leukinetics.calibration.joint import joint
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.parameters import Parameter
from leukinetics.calibration.parts import COMMITTED, PARTS, drawn_before, part_of
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.readouts import Readout
from leukinetics.errors import DataError
from leukinetics.evidence import load_targets

PART = PARTS["ms"]


@pytest.fixture(scope="module")
def course() -> Problem:
    """The course of primary progressive disease alone: one condition, no drug."""
    return part_problem("ms", ["ms_ppms_course"], patients=4)


def test_a_target_belongs_to_the_part_whose_modules_its_conditions_add() -> None:
    parts = {t.id: part_of(t) for t in load_targets()}
    assert parts["ms_affirm"] == "ms" and parts["lps_06"] == "core"
    assert parts["ms_csf_il6"] == "ms"  # healthy people at first, patients in its variants
    assert {name.startswith("ms_") for name, part in parts.items() if part == "ms"} == {True}


def test_the_parameters_of_the_core_are_not_fitted_again(course: Problem) -> None:
    core = drawn_before(PART)
    assert {"il6_loss", "tnf_loss"} <= core
    assert not core & set(course.names)
    assert {"compartment_source", "ms_pp.cord_involvement"} <= set(course.names)
    everything = part_problem("ms", ["ms_ppms_course"], patients=4, everything=True)
    assert everything.names[: len(course.names)] == course.names
    assert not core & set(everything.names)
    assert "smouldering_half" in everything.names


def test_targets_and_parts_are_not_mixed_up() -> None:
    with pytest.raises(DataError, match="'ms_affirm' is one of multiple sclerosis, not of the interleukin core"):
        core_problem(["ms_affirm"])
    with pytest.raises(DataError, match="'leukinetics calibrate core' fits to it"):
        part_problem("ms", ["lps_06"])
    with pytest.raises(DataError, match="There are core, ms"):
        part_problem("gout")
    with pytest.raises(DataError, match="'ms_opera' has no readout of role 'calibrate'"):
        part_problem("ms", ["ms_opera"])


def test_what_few_patients_cannot_tell_is_not_fitted(course: Problem) -> None:
    """The sampling error of the prediction stands beside the publication's, at the priors' centres only."""
    (few,) = course.readouts
    (many,) = part_problem("ms", ["ms_ppms_course"], patients=64).readouts
    (published,) = (r for t in load_targets(ids=["ms_ppms_course"]) for r in t.readout if r.role == "calibrate")
    assert few.sigma > many.sigma > published.sigma
    assert part_problem("ms", ["ms_ppms_course"], patients=4).fingerprint == course.fingerprint


def test_draws_with_derivatives_of_fewer_patients_are_exact_for_a_linear_model() -> None:
    slopes = np.array([[2.0, -1.0, 0.5], [0.0, 1.5, 1.0]])

    class Line:
        hash = "line"

        def __call__(self, values: Any) -> Any:
            return np.log(values) @ slopes.T

    parameters = tuple(Parameter(f"p{i}", 1.0, 1.0, 1.0) for i in range(3))
    readouts = tuple(Readout(f"r{j}", v, 0.5, "linear") for j, v in enumerate((1.0, -0.5)))
    problem = Problem(parameters, readouts, Line())
    scaled = slopes / 0.5
    covariance = np.linalg.inv(scaled.T @ scaled + np.eye(3))
    z = covariance @ scaled.T @ (np.array([1.0, -0.5]) / 0.5)
    fit = Fit(z, slopes @ z, problem.residuals((slopes @ z)[None])[0], scaled, 0.0)
    found = joint(Journal(problem), fit, 4000, seed=2, problem=problem)
    assert found.sampler == "joint" and found.reliable, found.why
    assert found.diagnostics["left_out"] < 0.05 * 4000 and len(found.draws) == 4000 - found.diagnostics["left_out"]
    np.testing.assert_allclose(found.draws.mean(axis=0), z, atol=0.06)
    np.testing.assert_allclose(np.cov(found.draws, rowvar=False), covariance, atol=0.06)


def test_draws_combine_both_posteriors_and_keep_each_one_s_rows() -> None:
    assembly = biology.assemble("ms_pp")
    drawn = patients.draws(assembly, 60, seed=3)
    factors = assembly.parameters.set_index("id")["value"] / assembly.parameters.set_index("id")["published_value"]
    picks = []
    for part in (PARTS["core"], PARTS["ms"]):
        table = pd.read_csv(COMMITTED / part.draws_file, sep="\t")
        shared = [c for c in table if c in drawn and not c.startswith("effect:")]
        assert len(shared) > 10, part.id
        scale = factors[[c.rpartition(".")[2] for c in shared]].to_numpy()
        same = np.isclose(drawn[shared].to_numpy()[:, None], table[shared].to_numpy() * scale, rtol=1e-9).all(axis=2)
        assert same.any(axis=1).all(), part.id
        picks.append(same.argmax(axis=1))
    assert abs(np.corrcoef(*picks)[0, 1]) < 0.4  # the parts' rows are picked by streams of their own
    assert "ms_pp.cord_involvement" in drawn


def test_the_core_draws_as_it_did_without_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assembly = biology.assemble("healthy")
    both = patients.draws(assembly, 20, seed=4)
    monkeypatch.setattr(sys.modules["leukinetics.patients.draws"], "LATER", {"posterior:ms": tmp_path / "none.tsv"})
    pd.testing.assert_frame_equal(both, patients.draws(assembly, 20, seed=4), check_exact=True)
