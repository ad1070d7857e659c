"""The core as a calibration problem: real targets, the real model, few parameters where it is simulated."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from leukinetics import biology, patients
from leukinetics.calibration import core
from leukinetics.calibration.collect import BIOLOGY
from leukinetics.calibration.core import core_problem
from leukinetics.calibration.fit import fit
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.parts import part_of
from leukinetics.calibration.posterior import laplace
from leukinetics.calibration.problem import Problem, objective
from leukinetics.calibration.results import COMMITTED, DRAWS, FIT, Calibration, read_fit, write_results
from leukinetics.calibration.write_back import write_back
from leukinetics.errors import DataError
from leukinetics.evidence import load_targets
from leukinetics.evidence.baselines import baseline_targets

FEW = ["tnf_lps", "tnf_loss", "il6_lps", "il6_loss", "il10_lps"]


@pytest.fixture(scope="module")
def endotoxin() -> Problem:
    return core_problem(["lps_06"], FEW, patients=8)


@pytest.fixture(scope="module")
def everything() -> Problem:
    return core_problem()


def test_only_rows_of_role_calibrate_are_in_the_problem(everything: Problem) -> None:
    targets = [t for t in [*load_targets(), *baseline_targets()] if part_of(t) == "core"]
    expected = [f"{t.id}.{r.id}" for t in targets for r in t.readout if r.role == "calibrate"]
    assert sorted(r.key for r in everything.readouts) == sorted(expected)
    assert {r.role for r in everything.readouts} == {"calibrate"}


def test_nothing_about_a_validate_row_reaches_the_problem(endotoxin: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(**asked: Any) -> Any:
        targets = load_targets(**asked)
        return [
            t.model_copy(
                update={
                    "readout": [
                        r if r.role == "calibrate" else r.model_copy(update={"value": r.value * 1e3, "se": 1e-6})
                        for r in t.readout
                    ]
                }
            )
            for t in targets
        ]

    assert any(r.role == "validate" for t in load_targets() for r in t.readout)
    clean = core_problem(["lps_2_4", "lps_06"], FEW, patients=8)
    monkeypatch.setattr(core, "load_targets", poisoned)
    spoiled = core_problem(["lps_2_4", "lps_06"], FEW, patients=8)
    assert spoiled.fingerprint == clean.fingerprint
    assert spoiled.readouts == clean.readouts


def test_a_target_to_validate_with_cannot_be_calibrated_to() -> None:
    (only,) = (t for t in load_targets() if t.id == "lps_04")
    assert {r.role for r in only.readout} == {"validate"}
    with pytest.raises(DataError, match="'lps_04' has no readout of role 'calibrate'"):
        core_problem(["lps_06", "lps_04"])


def test_every_calibrated_row_that_the_targets_can_meet_is_a_parameter(everything: Problem) -> None:
    table = biology.assemble("healthy", drugs=["lps"]).parameters
    wanted = set(table[(table["kind"] == "calibrated") & (table["owner"] == "core")]["id"])
    assert wanted <= set(everything.names)
    for p in everything.parameters:
        assert p.file is not None and p.file.is_file() and p.line > 0, p.key


def test_names_that_are_not_known_are_refused() -> None:
    with pytest.raises(DataError, match="Did you mean 'lps_06'"):
        core_problem(["lps_6"])
    with pytest.raises(DataError, match=r"'tnf_los' is not a calibrated parameter\. Did you mean 'tnf_loss'"):
        core_problem(["lps_06"], ["tnf_los"])


def test_a_candidate_s_numbers_do_not_depend_on_its_neighbours_or_on_threads(endotoxin: Problem) -> None:
    z = np.random.default_rng(4).normal(size=(5, len(FEW)))
    together = endotoxin.predict(z)
    assert np.isfinite(together).all()
    assert np.array_equal(endotoxin.predict(z[3:4])[0], together[3])
    single = core_problem(["lps_06"], FEW, patients=8, threads=1)
    assert np.array_equal(single.predict(z), together)


def test_known_parameters_are_recovered_from_simulated_data(endotoxin: Problem) -> None:
    truth = np.array([0.8, -0.6, 0.5, 0.7, -0.9])
    simulated = endotoxin.predict(truth[None])[0]
    exact = tuple(replace(r, published=v, sigma=0.01) for r, v in zip(endotoxin.readouts, simulated, strict=True))
    problem = replace(endotoxin, readouts=exact)
    journal = Journal(problem)
    found = fit(journal, starts=2)
    assert journal.failed == 0
    np.testing.assert_allclose(found.z, truth, atol=0.1)
    assert found.objective < 0.5 * (truth**2).sum() + 0.01


def test_committed_draws_are_what_patients_draw_from(endotoxin: Problem, tmp_path: Path) -> None:
    journal = Journal(endotoxin)
    found = fit(journal, starts=1)
    done = Calibration(endotoxin, found, laplace(journal, found, 60, seed=1))
    write_results(done, tmp_path)
    table = pd.read_csv(tmp_path / DRAWS, sep="\t")
    drawn = patients.draws(biology.assemble("healthy", drugs=["lps"]), 40, seed=3, posterior=tmp_path / DRAWS)
    names = endotoxin.names
    fitted = table[names].to_numpy() * np.array([p.to_internal for p in endotoxin.parameters])
    # Row by row: what the data tie together stays together.
    same = np.isclose(drawn[names].to_numpy()[:, None], fitted, rtol=1e-9).all(axis=2)
    assert same.any(axis=1).all()


def test_fitted_values_reach_the_assembled_model(everything: Problem, tmp_path: Path) -> None:
    """Every calibrated number of every file is written to a copy of the biology, which then assembles to them."""
    copy = tmp_path / "biology"
    shutil.copytree(BIOLOGY, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    moved = [replace(p, file=copy / p.file.relative_to(BIOLOGY)) for p in everything.parameters if p.file]
    values = {p.key: float(p.published(p.standard(p.value) + 0.1)) for p in moved}
    write_back(moved, values)
    for condition, drugs in (("healthy", ["lps", "canakinumab"]), ("rheumatoid_arthritis", ["tocilizumab"])):
        table = biology.assemble(condition, drugs=drugs, root=copy).parameters.set_index("id")
        checked = 0
        for p in moved:
            if p.id in table.index and p.condition in (None, condition):
                if p.condition is None and table.loc[p.id, "owner"] == "condition":
                    continue  # the condition's own value stands over the core's
                assert table.loc[p.id, "published_value"] == pytest.approx(values[p.key], rel=1e-5), p.key
                checked += 1
        assert checked > 20
    effects = biology.assemble("healthy", root=copy).genotypes.set_index(["variant", "parameter"])
    for p in moved:
        if p.id.startswith("effect:"):
            _, variant, parameter = p.id.split(":")
            assert effects.loc[(variant, parameter), "effect_per_allele"] == pytest.approx(values[p.key], rel=1e-5)


# ---- what is committed ------------------------------------------------------------------------------


ADVICE = "the model, a prior or a target has changed: run 'leukinetics calibrate core --write'"


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    if not (COMMITTED / FIT).is_file():
        pytest.skip("no calibration has been committed yet")
    return read_fit()


@pytest.mark.slow
def test_committed_values_still_reach_the_recorded_objective(committed: dict[str, Any]) -> None:
    problem = core_problem(patients=committed["run"]["patients"])
    recorded = {p["key"]: p["value"] for p in committed["parameters"]}
    assert {p.key for p in problem.parameters} == set(recorded), ADVICE
    assert {p.key: p.value for p in problem.parameters} == pytest.approx(recorded, rel=1e-5), ADVICE
    z = problem.start()[None]
    reached = float(objective(z, problem.residuals(problem.predict(z)))[0])
    assert reached == pytest.approx(committed["objective"]["total"], rel=0.005, abs=0.02), ADVICE
    assert committed["hashes"]["targets"] == problem.targets_hash, ADVICE


def test_committed_draws_keep_the_prior_of_what_no_row_informs(committed: dict[str, Any], everything: Problem) -> None:
    table = pd.read_csv(COMMITTED / DRAWS, sep="\t")
    fitted = [p["key"] for p in committed["parameters"]]
    assert list(table)[: len(fitted)] == fitted  # what is uncertain and not fitted follows
    assert set(fitted) == set(everything.names), ADVICE
    assert np.isfinite(table.to_numpy()).all()
    recorded = {p["key"]: p for p in committed["parameters"]}
    untouched = [
        p
        for p in everything.parameters
        if abs(recorded[p.key]["contraction"]) < 0.02 and abs(recorded[p.key]["shift_in_prior_sd"]) < 0.05
    ]
    for p in untouched:
        assert not recorded[p.key]["informed"]
        z = p.standard(table[p.key].to_numpy())
        assert abs(z.mean()) < 0.3 and 0.75 < z.std() < 1.25, p.key
