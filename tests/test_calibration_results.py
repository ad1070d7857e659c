"""What a calibration writes: its two files, and the fitted values in the tables they came from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from calibration_tools import Function, linear_gaussian, logistic_growth

from leukinetics.calibration.fit import fit
from leukinetics.calibration.identifiability import directions, profile
from leukinetics.calibration.journal import Journal
from leukinetics.calibration.parameters import Parameter
from leukinetics.calibration.posterior import laplace, laplace_covariance
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.readouts import Readout
from leukinetics.calibration.results import Calibration, read_fit, write_results
from leukinetics.calibration.scales import SCALES
from leukinetics.calibration.write_back import write_back
from leukinetics.errors import DataError

TSV = (
    "# a comment, with value\tin it\r\n"
    "id\tvalue\tunit\tkind\tnote\r\n"
    "kd\t1.50\tnmol/L\tcalibrated\tkeeps its note \r\n"
    "\r\n"
    "other\t1.50\tnmol/L\tmeasured\t\r\n"
    "share\t0.3\tdimensionless\tcalibrated"
)
TOML = """# a drug
id = "drug"
[pk.parameters.CL]   # clearance
value = 0.174
unit = "L/day"
[pk.parameters.F]
# value = 0.9 was an earlier figure
value = 7e-1   # bioavailability
uncertainty = "logit 0.5"
[binding]
KD = { value = 1.5, prior = 1.5, unit = "nmol/L" }
"""


def finished(problem: Problem) -> Calibration:
    journal = Journal(problem)
    found = fit(journal, starts=2)
    return Calibration(problem, found, laplace(journal, found, 200, seed=1), run={"seed": 1})


def test_the_files_say_what_was_found(tmp_path: Path) -> None:
    problem, _, covariance = linear_gaussian()
    done = finished(problem)
    write_results(done, tmp_path / "out")
    content = read_fit(tmp_path / "out")
    last = content["parameters"][-1]
    assert last["key"] == "p3" and not last["informed"] and abs(last["contraction"]) < 0.1
    assert content["not_informed"][-1] == "p3"
    first = content["parameters"][0]
    width = problem.parameters[0].width
    assert first["sd_on_scale"] == pytest.approx(np.sqrt(covariance[0, 0]) * width, rel=0.1)
    assert first["low"] < first["value"] < first["high"]
    assert content["objective"]["total"] == pytest.approx(done.fit.objective)
    assert [row["key"] for row in content["readouts"]] == [f"r{j}" for j in range(6)]
    assert {row["role"] for row in content["readouts"]} == {"calibrate"}
    assert content["directions"][-1] == {"singular_value": 0.0, "parameters": {"p3": 1.0}}
    assert content["sampler"]["reliable"] is True
    assert content["hashes"]["problem"] == problem.fingerprint
    table = pd.read_csv(tmp_path / "out" / "core_draws.tsv", sep="\t")
    assert table.shape == (200, 4)
    np.testing.assert_allclose(table, problem.values(done.posterior.draws), rtol=1e-5, atol=1e-12)


def test_readouts_that_no_parameter_moves_are_named() -> None:
    def model(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, 0 * values + 3, 0 * values + 3, 0 * values + 3], axis=1)

    data = (
        Readout("moved", 2.0, 0.1),
        Readout("fixed", 2.0, 0.1),
        Readout("holds", 2.0, 0.1, bound="above"),
        Readout("fails", 4.0, 0.1, bound="above"),
    )
    problem = Problem((Parameter("p", 1.0, 1.0, 1.0),), data, Function(model))
    assert finished(problem).unmoved == ["fixed", "fails"]


def test_a_prediction_that_is_no_number_is_written_as_null(tmp_path: Path) -> None:
    def model(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.full_like(values, np.nan)], axis=1)

    rows = (Parameter("p", 1.0, 1.0, 1.0),)
    problem = Problem(rows, (Readout("good", 2.0, 0.1), Readout("never", 2.0, 0.1)), Function(model))
    write_results(finished(problem), tmp_path)
    content = json.loads((tmp_path / "core_fit.json").read_text())
    assert content["readouts"][1]["predicted"] is None


def test_what_is_not_there_or_broken_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--write"):
        read_fit(tmp_path)
    (tmp_path / "core_fit.json").write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        read_fit(tmp_path)


def tables(folder: Path) -> list[Parameter]:
    (folder / "parameters.tsv").write_bytes(TSV.encode())
    (folder / "drug.toml").write_text(TOML)
    tsv, toml = folder / "parameters.tsv", folder / "drug.toml"
    return [
        Parameter("kd", 1.5, 1.5, 0.3, file=tsv, line=3),
        Parameter("share", 0.3, 0.3, 0.5, SCALES["logit"], file=tsv, line=6),
        Parameter("drug_CL", 0.174, 0.174, 0.1, file=toml, line=3),
        Parameter("drug_F", 0.7, 0.7, 0.1, SCALES["logit"], file=toml, line=6),
        Parameter("drug_KD", 1.5, 1.5, 0.1, file=toml, line=11),
    ]


def test_fitted_values_are_written_and_nothing_else_is_touched(tmp_path: Path) -> None:
    parameters = tables(tmp_path)
    values = {"kd": 1.23456789, "share": 0.31, "drug_CL": 0.2, "drug_F": 0.65, "drug_KD": 2.5e-7}
    changed = write_back(parameters, values)
    assert {path.name for path in changed} == {"parameters.tsv", "drug.toml"}
    tsv = (tmp_path / "parameters.tsv").read_bytes().decode()
    assert tsv == TSV.replace("kd\t1.50", "kd\t1.23457").replace("share\t0.3", "share\t0.31")
    expected = TOML.replace("value = 0.174", "value = 0.2").replace("value = 7e-1", "value = 0.65")
    assert (tmp_path / "drug.toml").read_text() == expected.replace("{ value = 1.5", "{ value = 2.5e-07")
    # The same again changes no file.
    again = [replace(p, value=float(f"{values[p.key]:.6g}")) for p in parameters]
    assert write_back(again, values) == []


def test_a_row_that_has_moved_stops_everything(tmp_path: Path) -> None:
    parameters = tables(tmp_path)
    (tmp_path / "drug.toml").write_text(TOML.replace("0.174", "0.2"))
    with pytest.raises(DataError, match=r"drug\.toml', line 3, no longer holds the value 0\.174 of 'drug_CL'"):
        write_back(parameters, {"kd": 2.0, "drug_CL": 0.3})
    assert (tmp_path / "parameters.tsv").read_bytes().decode() == TSV
    with pytest.raises(DataError, match="no longer holds"):
        write_back([replace(parameters[0], line=5)], {"kd": 2.0})
    with pytest.raises(DataError, match="does not come from a file"):
        write_back([replace(parameters[0], file=None)], {"kd": 2.0})


def test_directions_tell_what_the_data_know() -> None:
    """Only a + b is measured: one direction is known, the difference is not."""
    rows = tuple(Parameter(n, 0.0, 0.0, 1.0, SCALES["sd"]) for n in "ab")
    problem = Problem(rows, (Readout("sum", 1.0, 0.1, "linear"),), Function(lambda v: v.sum(axis=1, keepdims=True)))
    found = fit(Journal(problem), starts=1)
    known, unknown = directions(problem.names, found)
    assert known.singular_value == pytest.approx(np.sqrt(2) / 0.1)
    assert known.weights == pytest.approx({"a": np.sqrt(0.5), "b": np.sqrt(0.5)})
    assert unknown.singular_value == 0.0
    covariance = laplace_covariance(found.jacobian)
    assert covariance[0, 1] / covariance[0, 0] < -0.95


def test_a_profile_is_a_parabola_where_the_problem_is_linear() -> None:
    problem, mean, covariance = linear_gaussian()
    journal = Journal(problem)
    found = profile(journal, fit(journal, starts=1), "p1", points=5)
    z = problem.parameters[1].standard(found.values)
    expected = 0.5 * (z - mean[1]) ** 2 / covariance[1, 1]
    np.testing.assert_allclose(found.objective - found.objective.min(), expected, atol=1e-4)


def test_a_profile_of_the_only_parameter() -> None:
    problem = Problem((Parameter("p", 1.0, 1.0, 1.0),), (Readout("r", 2.0, 0.1),), Function(lambda v: v))
    journal = Journal(problem)
    assert profile(journal, fit(journal, starts=1), "p", points=3).objective.argmin() == 1
    assert logistic_growth().names == ["growth", "capacity", "initial"]
