"""The fit: exact answers of toy problems, batches, failures, interruption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from calibration_tools import LOGISTIC_TRUTH, Function, linear_gaussian, logistic_growth

from leukinetics.calibration.fit import fit
from leukinetics.calibration.jacobian import jacobian
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.parameters import Parameter, choose
from leukinetics.calibration.problem import PENALTY, Problem, objective
from leukinetics.calibration.readouts import Readout, fitted
from leukinetics.calibration.scales import SCALES, parse_width
from leukinetics.errors import DataError


def test_linear_gaussian_problem_has_its_known_answer() -> None:
    problem, mean, _ = linear_gaussian()
    found = fit(Journal(problem), starts=2)
    np.testing.assert_allclose(found.z, mean, atol=1e-6)
    assert found.agreeing == 2


def test_logistic_growth_is_recovered_from_simulated_data() -> None:
    problem = logistic_growth(sigma=0.002)
    found = fit(Journal(problem), starts=3)
    values = problem.values(found.z[None])[0]
    np.testing.assert_allclose(values, list(LOGISTIC_TRUTH.values()), rtol=0.01)


def test_the_objective_is_the_negative_logarithm_of_the_posterior() -> None:
    problem, mean, covariance = linear_gaussian()
    z = np.random.default_rng(1).normal(size=(5, 4))
    value = objective(z, problem.residuals(problem.predict(z)))
    expected = 0.5 * np.einsum("ci,ij,cj->c", z - mean, np.linalg.inv(covariance), z - mean)
    np.testing.assert_allclose(value - value[0], expected - expected[0], rtol=1e-9)


def test_a_jacobian_is_one_call_and_agrees_with_the_exact_one() -> None:
    problem, _, _ = linear_gaussian()
    model = problem.predictor
    assert isinstance(model, Function)
    found = jacobian(Journal(problem), np.zeros(4))
    assert model.calls == [5]
    at = problem.predict(np.concatenate([np.zeros((1, 4)), np.eye(4)]))
    exact = problem.residuals(at)
    np.testing.assert_allclose(found, (exact[1:] - exact[0]).T, atol=1e-8)


def test_a_validate_row_can_never_enter() -> None:
    problem, _, _ = linear_gaussian()
    judge = replace(problem.readouts[0], key="judge", role="validate", published=1e6)
    assert fitted([*problem.readouts, judge]) == problem.readouts
    for role in ("validate", "input", "", "Calibrate"):
        with pytest.raises(DataError, match="only rows of role 'calibrate' may be fitted"):
            Problem(problem.parameters, (*problem.readouts, replace(judge, role=role)), problem.predictor)


def test_a_prediction_that_is_no_number_costs_much_and_is_counted() -> None:
    def model(values: np.ndarray) -> np.ndarray:
        return np.where(values[:, [0]] > 2.0, np.nan, values[:, [0]] ** 2)

    problem = Problem((Parameter("p", 1.9, 1.0, 1.0),), (Readout("r", 9.0, 0.1),), Function(model))
    journal = Journal(problem)
    assert journal.residuals(np.array([[2.0]]))[0, 0] == PENALTY
    assert journal.failed == 1
    found = fit(journal, starts=2)
    value = problem.values(found.z[None])[0, 0]
    assert 1.8 < value <= 2.0, "the fit stops at the edge of what the model can do"
    assert np.isfinite(found.objective)


def test_derivatives_use_the_side_that_can_be_predicted() -> None:
    def model(values: np.ndarray) -> np.ndarray:
        return np.where(values > 0.005, np.nan, values)

    parameter = Parameter("p", 0.0, 0.0, 1.0, SCALES["sd"])
    problem = Problem((parameter,), (Readout("r", 0.0, 0.5, "linear"),), Function(model))
    for central in (False, True):
        assert jacobian(Journal(problem), np.zeros(1), central)[0, 0] == pytest.approx(2.0)


@pytest.mark.parametrize(("bound", "predicted", "residual"), [
    ("above", 2.0, 0.0), ("above", 0.5, -np.log(2) / 0.1), ("below", 0.5, 0.0), ("below", 2.0, np.log(2) / 0.1),
])  # fmt: skip
def test_a_test_of_sign_costs_only_on_the_wrong_side(bound: str, predicted: float, residual: float) -> None:
    readout = Readout("sign", 1.0, 0.1, "ln", bound=bound)  # type: ignore[arg-type]
    assert readout.residual(np.array([predicted]))[0] == pytest.approx(residual)
    assert np.isnan(readout.residual(np.array([np.nan, -1.0]))).all()


@pytest.mark.parametrize("calls", [1, 2, 3, 5, 8])
def test_an_interrupted_fit_goes_on_to_the_same_numbers(tmp_path: Path, calls: int) -> None:
    whole = fit(Journal(logistic_growth(noise=0.1)), starts=3)
    problem = logistic_growth(noise=0.1)
    model = problem.predictor
    assert isinstance(model, Function)
    model.interrupt_after = calls
    with pytest.raises(KeyboardInterrupt):
        fit(Journal(problem, tmp_path / "run"), starts=3)
    model.interrupt_after = None
    done = sum(model.calls)
    again = fit(Journal(problem, tmp_path / "run", resume=True), starts=3)
    assert np.array_equal(again.z, whole.z)
    assert again.objective == whole.objective
    uninterrupted = logistic_growth(noise=0.1)
    fit(Journal(uninterrupted), starts=3)
    assert done <= sum(model.calls) == sum(uninterrupted.predictor.calls)  # type: ignore[attr-defined]


def test_a_folder_belongs_to_one_problem(tmp_path: Path) -> None:
    problem, _, _ = linear_gaussian()
    Journal(problem, tmp_path / "run")
    with pytest.raises(DataError, match="--resume"):
        Journal(problem, tmp_path / "run")
    other = replace(problem, readouts=(replace(problem.readouts[0], published=9.0), *problem.readouts[1:]))
    with pytest.raises(DataError, match="belongs to another calibration"):
        Journal(other, tmp_path / "run", resume=True)
    (tmp_path / "run" / "problem.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        Journal(problem, tmp_path / "run", resume=True)


def test_scales_invert_each_other_and_refuse_what_has_no_place() -> None:
    for name, value in (("ln", 3.0), ("logit", 0.2), ("sd", -4.0)):
        parameter = Parameter("p", value, value * 0.9, 0.7, SCALES[name])
        assert float(parameter.published(parameter.standard(value))) == pytest.approx(value)
    with pytest.raises(DataError, match="above 0"):
        Parameter("p", 1.0, -1.0, 0.5)
    with pytest.raises(DataError, match="between 0 and 1"):
        Parameter("p", 1.5, 0.5, 0.5, SCALES["logit"])
    assert parse_width("ln 0.3", "x") == (SCALES["ln"], 0.3)
    for text in ("", "ln", "ln x", "log 0.3", "ln -1", "0.3"):
        with pytest.raises(DataError, match="prior width"):
            parse_width(text, "x")


def test_parameters_are_chosen_by_key_or_id() -> None:
    rows = [Parameter("drive", 1, 1, 1, condition="ra"), Parameter("drive", 1, 1, 1, condition="sle"),
            Parameter("kd", 1, 1, 1)]  # fmt: skip
    assert [p.key for p in choose(rows, ["ra.drive", "kd"])] == ["ra.drive", "kd"]
    assert len(choose(rows, ["drive"])) == 2
    with pytest.raises(DataError, match="Did you mean 'kd'"):
        choose(rows, ["kdd"])
