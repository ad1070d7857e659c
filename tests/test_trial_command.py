"""``leukinetics trial`` as its users meet it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

import leukinetics as lk
from leukinetics.cli import app
from leukinetics.commands import trial as command
from leukinetics.trial import TrialResult
from leukinetics.trial.folder import is_begun

SPEC = """
[trial]
name = "Two doses"
condition = "metabolic_inflammation"
duration = "8 weeks"
patients_per_arm = 6

[eligibility]
crp = ">= 1 mg/L"

[[arm]]
name = "placebo"

[[arm]]
name = "150 mg"
dose = [{drug = "canakinumab", amount = "150 mg", route = "sc"}]

[schedule]
visits = ["2 weeks", "4 weeks", "8 weeks"]
measure = ["crp"]

[[endpoint]]
id = "crp"
observable = "crp"
kind = "percent_change"
at = "8 weeks"

[[endpoint]]
id = "il6"
observable = "il6"
kind = "fold"
at = "8 weeks"
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "spec.toml"
    file.write_text(SPEC)
    return file


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(app, ["trial", *(str(a) for a in arguments)])


def test_a_protocol_goes_in_and_a_report_comes_out(spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = call(spec, "--out", out, "--chunk", 4, "--threads", 1)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"Two doses: \d+ screened, 6 enrolled, 0 failed", lines[0])
    assert lines[1].split() == ["endpoint", "arm", "reference", "measure", "estimate", "95", "%", "CI", "p"]
    assert re.match(r"crp +150 mg +placebo +percent difference +-\d+\.\d+ +-\d\S* to -\d", lines[2])
    assert lines[3:] == [str(out / "report.html")]
    assert (out / "report.html").stat().st_size > 10_000
    assert lk.open_trial(out).summary == json.loads((out / "summary.json").read_text())
    before = (out / "report.html").read_bytes()
    again = call(spec, "--out", out, "--resume", "--chunk", 4)
    assert again.exit_code == 0
    assert "finished before; nothing was computed" in again.stderr
    assert again.stdout == done.stdout
    assert (out / "report.html").read_bytes() == before
    refused = call(spec, "--out", out)
    assert refused.exit_code == 1
    assert re.match(r"error: '.*out' holds a finished trial; .* --overwrite\.\n$", refused.stderr)
    (out / "report.html").unlink()  # as a kill while it was written would have left it
    (out / "figures" / ".flow.svg.0a1b2c3d.part").write_text("<svg")
    assert call(spec, "--out", out, "--resume").exit_code == 0
    assert (out / "report.html").read_bytes() == before
    assert not list(out.rglob("*.part"))
    short = call(spec, "--out", out, "--overwrite", "--no-report", "--patients", 3)
    assert short.exit_code == 0
    assert short.stdout.splitlines()[-1] == str(out / "summary.json")
    assert not (out / "report.html").exists()


def test_the_python_call_writes_the_same_files(spec: Path, tmp_path: Path) -> None:
    assert call(spec, "--out", tmp_path / "a").exit_code == 0
    found = lk.run_trial(spec, tmp_path / "b")
    for name in ("summary.json", "population.parquet", "endpoints.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "b" / "report.html").is_file()
    assert found.folder == tmp_path / "b"
    assert found.summary == lk.run_trial(spec).summary
    lk.run_trial(spec, tmp_path / "c", patients=2, report=False)
    assert not (tmp_path / "c" / "report.html").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("8 weeks", "8 weks"), "weks"),
        (lambda text: text.replace("condition", "conditon"), "conditon"),
        (lambda text: text.replace('"canakinumab"', '"canakinumb"'), "Did you mean 'canakinumab'"),
        (lambda text: text.replace('">= 1 mg/L"', '">= 1e9 mg/L"'), "were eligible"),
        (lambda text: "[trial", "not valid TOML"),
    ],
)
def test_a_bad_protocol_is_one_message_and_leaves_no_folder(
    tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    spec, out = tmp_path / "spec.toml", tmp_path / "new" / "out"
    spec.write_text(change(SPEC))
    done = call(spec, "--out", out, "--patients", 1)
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "new").exists()


def test_what_is_missing_or_contradicts_itself_is_said(spec: Path, tmp_path: Path) -> None:
    for arguments, said in (
        ((spec,), "--out"),
        ((spec, "--out", spec), "is a file; name a folder"),
        ((spec, "--out", tmp_path / "x", "--resume"), "There is no trial in"),
        ((spec, "--out", tmp_path / "x", "--resume", "--overwrite"), "choose one of the two"),
        ((tmp_path / "none.toml", "--out", tmp_path / "x"), "cannot be read"),
    ):
        done = call(*arguments)
        assert done.exit_code == 1
        assert said in done.stderr
    assert call(spec, "--chunk", 0).exit_code == 2
    assert not (tmp_path / "x").exists()


def test_ctrl_c_leaves_a_folder_that_can_be_resumed(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def impatient(say: Callable[[str], None]) -> Callable[[int, int, str], None]:
        def progress(done: int, total: int, what: str) -> None:
            if what == "treating" and done >= 2:
                raise KeyboardInterrupt

        return progress

    with monkeypatch.context() as patch:
        patch.setattr(command, "timed", impatient)
        stopped = call(spec, "--out", out, "--chunk", 2)
    assert stopped.exit_code == 130
    assert stopped.stderr.endswith(f"interrupted: '{out}' holds what was computed; go on with --resume.\n")
    assert is_begun(out)
    refused = call(spec, "--out", out)
    assert refused.exit_code == 1
    assert "go on with it with --resume" in refused.stderr
    assert call(spec, "--out", out, "--resume", "--no-report").exit_code == 0
    assert call(spec, "--out", tmp_path / "whole", "--no-report").exit_code == 0
    assert (out / "summary.json").read_bytes() == (tmp_path / "whole" / "summary.json").read_bytes()


def test_ctrl_c_while_the_report_is_written(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"

    def stop(folder: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("leukinetics.report.trial.write_report", stop)
        stopped = call(spec, "--out", out, "--patients", 2)
    assert stopped.exit_code == 130
    assert stopped.stderr.endswith(f"interrupted: the trial in '{out}' is finished; --resume writes its report.\n")
    assert call(spec, "--out", out, "--patients", 2, "--resume").exit_code == 0
    assert (out / "report.html").is_file()


def test_a_dry_run_writes_nothing(spec: Path, tmp_path: Path) -> None:
    done = call(spec, "--dry-run", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "Two doses" in done.stdout
    assert not (tmp_path / "out").exists()


def test_progress_tells_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    clock = iter((0.0, 0.0, 30.0, 40.0, 40.0, 50.0))  # looked at twice when a phase begins
    monkeypatch.setattr(command.time, "monotonic", lambda: next(clock))
    progress = command.timed(said.append)
    for done, what in ((0, "treating"), (100, "treating"), (1, "power"), (2, "power")):
        progress(done, 1000, what)
    assert said == [
        "treating: 0 of 1,000",
        "treating: 100 of 1,000, about 4 min left",
        "power: 1 of 1,000",
        "power: 2 of 1,000, about 2.8 h left",
    ]
    assert [command.duration(s) for s in (0.4, 89, 100, 5400)] == ["0 s", "89 s", "2 min", "1.5 h"]


def test_what_was_asked_for_and_not_had_is_said() -> None:
    contrast = {"arm": "b", "reference": "a", "measure": "ratio", "p_value": None}
    found = {
        "trial": "T", "patients": {"screened": 9, "enrolled": 4, "failed": 0},
        "matching": {"targets": [
            {"what": "mean of crp", "unit": "mg/L", "target": 5000.0, "after": 46.6, "reached": False},
            {"what": "mean of age", "unit": "year", "target": 50.0, "after": 50.0, "reached": True},
        ]},
        "arms": [{"name": "a", "endpoints": {"x": {"n": 0}}}, {"name": "b", "endpoints": {"x": {"n": 2}}}],
        "contrasts": [{"endpoint": "x", **contrast, "estimate": None, "ci_low": None, "ci_high": None}],
    }  # fmt: skip
    protocol = SimpleNamespace(analysis=SimpleNamespace(primary=["x"], alpha=0.05))
    lines = command.summary(cast(TrialResult, SimpleNamespace(summary=found, protocol=protocol)))
    assert lines[2].split() == ["x", "b", "a", "ratio", "-", "-", "-"]
    assert lines[3:] == [
        "not reached: mean of crp of 5000 mg/L; the nearest is 46.6 mg/L",
        "x: nobody under 'a' has a value, so that nothing is compared with it",
    ]
