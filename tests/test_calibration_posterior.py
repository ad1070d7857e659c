"""The samplers against posteriors that are known exactly, and their diagnostics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration_tools import Function, linear_gaussian, logistic_growth

from leukinetics.calibration.diagnostics import autocorrelation_time, effective_size, smooth_weights, split_rhat
from leukinetics.calibration.ensemble import ensemble
from leukinetics.calibration.fit import fit
from leukinetics.calibration.joint import joint
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.parameters import Parameter
from leukinetics.calibration.posterior import laplace, laplace_covariance
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.readouts import Readout
from leukinetics.calibration.scales import SCALES
from leukinetics.errors import DataError


def test_laplace_is_exact_for_a_linear_gaussian_problem() -> None:
    problem, mean, covariance = linear_gaussian()
    journal = Journal(problem)
    found = fit(journal, starts=1)
    np.testing.assert_allclose(laplace_covariance(found.jacobian), covariance, atol=1e-7)
    posterior = laplace(journal, found, draws=400, seed=2)
    assert posterior.reliable and posterior.sampler == "laplace, importance weighted"
    assert posterior.diagnostics["effective_size"] > 1000
    np.testing.assert_allclose(posterior.mean, mean, atol=0.1)
    np.testing.assert_allclose(posterior.covariance, covariance, atol=0.1)
    np.testing.assert_allclose(posterior.draws.std(axis=0), np.sqrt(np.diag(covariance)), rtol=0.15)


def test_joint_draws_are_those_of_the_known_posterior() -> None:
    problem, mean, covariance = linear_gaussian()
    journal = Journal(problem)
    found = joint(journal, fit(journal, starts=1), draws=4000, seed=5)
    assert found.reliable and found.sampler == "joint" and found.draws.shape == (4000, 4)
    np.testing.assert_allclose(found.draws.mean(axis=0), mean, atol=0.06)
    np.testing.assert_allclose(np.cov(found.draws, rowvar=False), covariance, atol=0.06)


def test_what_was_not_fitted_is_drawn_together_with_what_was() -> None:
    problem, mean, covariance = linear_gaussian()
    few = Problem(problem.parameters[:2], problem.readouts, _first_two(problem))
    found = joint(Journal(problem), fit(Journal(few), starts=1), draws=4000, seed=5)
    assert found.others is not None and [p.key for p in found.others.parameters] == ["p2", "p3"]
    together = np.column_stack([found.draws, found.others.draws])
    np.testing.assert_allclose(together.mean(axis=0), mean, atol=0.06)
    np.testing.assert_allclose(np.cov(together, rowvar=False), covariance, atol=0.06)
    with pytest.raises(DataError, match="do not hold the 4 fitted ones"):
        joint(Journal(few), fit(Journal(problem), starts=1), draws=4, seed=5)


def _first_two(problem: Problem) -> Function:
    rest = [p.value for p in problem.parameters[2:]]
    return Function(lambda values: problem.predictor(np.column_stack([values, np.tile(rest, (len(values), 1))])))


def test_a_parameter_that_no_readout_informs_keeps_its_prior() -> None:
    problem, _, _ = linear_gaussian()
    journal = Journal(problem)
    found = fit(journal, starts=1)
    for posterior in (laplace(journal, found, 400, seed=2), ensemble(problem, found, 400, seed=2, steps=400)):
        assert abs(posterior.draws[:, -1].mean()) < 0.15
        assert posterior.draws[:, -1].std() == pytest.approx(1.0, abs=0.12)


def test_joint_draws_are_exact_for_a_linear_gaussian_problem() -> None:
    problem, mean, covariance = linear_gaussian()
    journal = Journal(problem)
    posterior = joint(journal, fit(journal, starts=1), draws=4000, seed=2)
    assert posterior.reliable and posterior.diagnostics["objective_over_linear"] == pytest.approx(1.0, abs=0.15)
    np.testing.assert_allclose(posterior.mean, mean, atol=0.06)
    np.testing.assert_allclose(posterior.covariance, covariance, atol=0.06)


def test_joint_draws_hold_what_was_not_fitted_to_the_figures_too() -> None:
    """Fitted: all but two parameters. The two are drawn with the rest: one posterior, whichever were fitted."""
    whole, mean, covariance = linear_gaussian()
    part = Problem(whole.parameters[:-2], whole.readouts, Function(_padded(whole)))
    found = fit(Journal(part), starts=1)
    posterior = joint(Journal(whole), found, draws=4000, seed=5)
    assert posterior.others is not None and len(posterior.others.parameters) == 2
    together = np.column_stack([posterior.draws, posterior.others.draws])
    np.testing.assert_allclose(together.mean(axis=0), mean, atol=0.06)
    np.testing.assert_allclose(np.cov(together, rowvar=False), covariance, atol=0.06)
    assert together[:, -1].std() == pytest.approx(1.0, abs=0.05)  # no readout informs it


def test_joint_draws_follow_a_posterior_that_is_not_normal() -> None:
    problem = logistic_growth(sigma=0.3, noise=0.2)
    journal = Journal(problem)
    found = fit(journal, starts=2)
    quick, chain = joint(journal, found, 1000, seed=3), ensemble(problem, found, draws=1000, seed=3, steps=3000)
    assert quick.reliable
    np.testing.assert_allclose(quick.mean, chain.mean, atol=0.15)
    np.testing.assert_allclose(quick.draws.std(axis=0), chain.draws.std(axis=0), rtol=0.2)


def _padded(whole: Problem) -> Any:
    """The predictions of ``whole`` with its last two parameters at the centre of their priors."""

    def predict(values: Any) -> Any:
        rest = np.array([p.prior for p in whole.parameters[-2:]])
        return whole.predictor(np.column_stack([values, np.tile(rest, (len(values), 1))]))

    return predict


def test_the_ensemble_finds_the_known_posterior_and_says_that_it_converged() -> None:
    problem, mean, covariance = linear_gaussian()
    found = fit(Journal(problem), starts=1)
    posterior = ensemble(problem, found, draws=400, seed=1, steps=3000)
    assert posterior.reliable, posterior.why
    assert posterior.diagnostics["split_rhat"] < 1.05
    np.testing.assert_allclose(posterior.mean, mean, atol=0.08)
    np.testing.assert_allclose(posterior.covariance, covariance, atol=0.1)


def test_samplers_agree_on_a_posterior_that_is_not_normal() -> None:
    problem = logistic_growth(sigma=0.3, noise=0.2)
    journal = Journal(problem)
    found = fit(journal, starts=2)
    weighted = laplace(journal, found, draws=1000, seed=3)
    chain = ensemble(problem, found, draws=1000, seed=3, steps=3000)
    assert weighted.reliable and chain.reliable
    scale = np.sqrt(np.diag(chain.covariance))
    assert np.abs((weighted.mean - chain.mean) / scale).max() < 0.15
    np.testing.assert_allclose(np.sqrt(np.diag(weighted.covariance)), scale, rtol=0.15)


def test_a_posterior_far_from_normal_is_not_passed_off_as_laplace() -> None:
    """A ring: the Laplace approximation at any of its points misses nearly all of it."""
    rows = tuple(Parameter(n, 0.6, 0.0, 1.0, SCALES["sd"]) for n in "ab")
    problem = Problem(
        rows, (Readout("ring", 1.0, 0.01, "linear"),), Function(lambda v: (v**2).sum(axis=1, keepdims=True))
    )
    journal = Journal(problem)
    posterior = laplace(journal, fit(journal, starts=1), draws=50, seed=1)
    assert not posterior.reliable
    assert posterior.sampler == "laplace"
    assert "--sampler emcee" in posterior.why


def test_an_ensemble_that_was_cut_short_says_so() -> None:
    problem, _, _ = linear_gaussian()
    posterior = ensemble(problem, fit(Journal(problem), starts=1), draws=20, seed=1, steps=20)
    assert not posterior.reliable
    assert "has not converged" in posterior.why
    assert posterior.draws.shape == (20, 4)


def test_an_interrupted_ensemble_goes_on_to_the_same_draws(tmp_path: Path) -> None:
    problem, _, _ = linear_gaussian()
    found = fit(Journal(problem), starts=1)
    whole = ensemble(problem, found, draws=30, seed=4, steps=60)
    model = problem.predictor
    assert isinstance(model, Function)
    model.interrupt_after = len(model.calls) + 57
    with pytest.raises(KeyboardInterrupt):
        ensemble(problem, found, draws=30, seed=4, steps=60, folder=tmp_path)
    model.interrupt_after = None
    before = len(model.calls)
    again = ensemble(problem, found, draws=30, seed=4, steps=60, folder=tmp_path)
    assert np.array_equal(again.draws, whole.draws)
    assert len(model.calls) - before < 90, "it did not begin anew"


def test_autocorrelation_time_of_a_known_process() -> None:
    rng = np.random.default_rng(0)
    chain = np.zeros((20_000, 4, 1))
    for i in range(1, len(chain)):
        chain[i] = 0.8 * chain[i - 1] + rng.normal(size=(4, 1))
    assert autocorrelation_time(chain)[0] == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.1)
    assert split_rhat(chain)[0] == pytest.approx(1.0, abs=0.01)
    chain[:, 0] += 3.0
    assert split_rhat(chain)[0] > 1.2


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_k_hat_finds_the_shape_of_a_pareto_tail(shape: float) -> None:
    uniform = np.random.default_rng(2).random(20_000)
    _, k = smooth_weights(-shape * np.log(uniform))
    assert k == pytest.approx(shape, abs=0.12)


def test_equal_weights_lose_nothing() -> None:
    logs, k = smooth_weights(np.zeros(500))
    assert k == -np.inf
    assert effective_size(logs) == pytest.approx(500)
