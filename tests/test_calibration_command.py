"""``leukinetics calibrate core`` from the command line, on a problem with a known answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calibration_tools import Function, linear_gaussian, logistic_growth
from typer.testing import CliRunner, Result

from leukinetics.calibration.results import read_fit
from leukinetics.cli import app
from leukinetics.commands import calibrate as command
from leukinetics.commands import progress


@pytest.fixture
def problem(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command fits this problem instead of the core."""
    known, _, _ = linear_gaussian()
    monkeypatch.setattr(command, "part_problem", lambda *_, **__: known)
    return known


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["calibrate", *arguments])


def test_a_calibration_writes_its_files_and_says_what_matters(problem: Any, tmp_path: Path) -> None:
    out = tmp_path / "a folder"
    result = run("core", "--out", str(out), "--starts", "2", "--draws", "50", "--profile", "p0,p1")
    assert result.exit_code == 0, result.stderr
    assert "4 parameters fitted to 6 readouts of role calibrate" in result.stderr
    assert "2 of 2 starts agree" in result.stderr
    assert "not informed by the data: p3" in result.stderr
    content = read_fit(out)
    assert content["run"]["starts"] == 2 and content["run"]["seed"] == 1
    assert [p["key"] for p in content["profiles"]] == ["p0", "p1"]
    assert len((out / "core_draws.tsv").read_text().splitlines()) == 51


def test_the_same_seed_gives_the_same_files(problem: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run("core", "--out", str(tmp_path / name), "--sampler", "emcee", "--steps", "60").exit_code == 0
    a, b = (read_fit(tmp_path / name) for name in ("a", "b"))
    for content in (a, b):
        for key in ("seconds", "seconds_to_fit", "candidates_per_second"):
            del content["run"][key]
    assert a == b
    draws = [(tmp_path / name / "core_draws.tsv").read_bytes() for name in ("a", "b")]
    assert draws[0] == draws[1]
    assert a["sampler"]["name"] == "emcee" and a["sampler"]["steps"] == 60


def test_an_interrupted_calibration_is_continued(problem: Any, tmp_path: Path) -> None:
    model = problem.predictor
    assert isinstance(model, Function)
    model.interrupt_after = 4
    stopped = run("core", "--out", str(tmp_path / "run"))
    assert stopped.exit_code == 130 and "go on with --resume" in stopped.stderr
    model.interrupt_after = None
    again = run("core", "--out", str(tmp_path / "run"))
    assert again.exit_code == 1 and "--resume" in again.stderr
    assert run("core", "--out", str(tmp_path / "run"), "--resume").exit_code == 0
    assert run("core", "--out", str(tmp_path / "whole")).exit_code == 0
    resumed, whole = (read_fit(tmp_path / name) for name in ("run", "whole"))
    assert resumed["parameters"] == whole["parameters"]
    assert resumed["objective"] == whole["objective"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["skin"], "There are core, ms, mdd, cachexia"),
        (["core", "--sampler", "nuts"], "joint or laplace or emcee"),
        (["core", "--resume"], "to resume; leave out --resume to begin one"),
        (["core", "--profile", "p9"], "'p9' is not a calibrated parameter"),
        (["core", "--targets", "a,,b"], "has an empty name"),
    ],
)
def test_mistakes_are_one_message(problem: Any, tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run(*arguments, "--out", str(tmp_path / "run"))
    assert result.exit_code == 1
    assert message in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_made_is_one_message(problem: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    result = run("core", "--out", str(tmp_path / "file"))
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("error: ") and "cannot be the calibration's folder" in result.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_a_damaged_folder_is_one_message(problem: Any, tmp_path: Path) -> None:
    assert run("core", "--out", str(tmp_path), "--starts", "1").exit_code == 0
    damaged = tmp_path / "evaluations_00000.npz"
    damaged.write_bytes(damaged.read_bytes()[:100])
    result = run("core", "--out", str(tmp_path), "--starts", "1", "--resume")
    assert result.exit_code == 1 and "evaluations_00000.npz' cannot be read" in result.stderr
    damaged.unlink()
    assert run("core", "--out", str(tmp_path), "--starts", "1", "--resume").exit_code == 0
    (tmp_path / "problem.json").write_text("[]")
    result = run("core", "--out", str(tmp_path), "--resume")
    assert result.exit_code == 1 and "belongs to another calibration" in result.stderr


def test_write_refuses_values_that_came_from_no_file(problem: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(command, "COMMITTED", tmp_path / "results")
    result = run("core", "--out", str(tmp_path / "run"), "--write")
    assert result.exit_code == 1 and "does not come from a file" in result.stderr
    assert not (tmp_path / "results").exists(), "nothing is committed by halves"


def test_the_summary_names_what_fits_worst() -> None:
    from leukinetics.calibration.fit import fit
    from leukinetics.calibration.journal import Journal
    from leukinetics.calibration.posterior import laplace
    from leukinetics.calibration.results import Calibration

    problem = logistic_growth(sigma=0.02, noise=0.2)
    journal = Journal(problem)
    found = fit(journal, starts=1)
    done = Calibration(
        problem,
        found,
        laplace(journal, found, 20, seed=1),
        run={"candidates": 9, "seconds": 1.0, "candidates_per_second": 9.0, "candidates_without_prediction": 0},
    )
    text = "\n".join(command.summary(done))
    worst = problem.readouts[int(np.argmax(np.abs(found.residuals)))].key
    assert f"  {worst}: predicted" in text


def test_a_part_of_the_core_is_not_committed(problem: Any, tmp_path: Path) -> None:
    for option in ("--targets", "--parameters"):
        result = run("core", "--out", str(tmp_path / "run"), "--write", option, "p0")
        assert result.exit_code == 1 and "commits the calibration of all of the interleukin core" in result.stderr


def test_write_commits_values_and_results(problem: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "parameters.tsv"
    lines = ["id\tvalue\tunit", *(f"{p.key}\t{p.value!r}\tdimensionless" for p in problem.parameters)]
    table.write_text("\n".join(lines) + "\n")
    rows = tuple(replace(p, file=table, line=i) for i, p in enumerate(problem.parameters, start=2))
    monkeypatch.setattr(command, "part_problem", lambda *_, **__: replace(problem, parameters=rows))
    monkeypatch.setattr(command, "COMMITTED", tmp_path / "results")
    result = run("core", "--out", str(tmp_path / "run"), "--write")
    assert result.exit_code == 0, result.stderr
    committed = read_fit(tmp_path / "results")
    written = [float(line.split("\t")[1]) for line in table.read_text().splitlines()[1:]]
    assert written == [p["value"] for p in committed["parameters"]]
    assert committed["run"]["patients"] == 16
    assert str(table) in result.stderr


def test_without_a_terminal_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with progress.status_line("begin") as say:
        say("too soon")
        monkeypatch.setattr(progress, "EVERY", 0.0)
        say("step 2")
    assert capsys.readouterr().err == "step 2\n"
