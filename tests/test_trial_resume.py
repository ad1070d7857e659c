"""A trial that is killed, at any moment, and gone on with is the trial that was never killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trial_runner
from fake_assembly import fake_assembly
from test_trial_run import protocol

from leukinetics import DataError, trial
from leukinetics.trial import folder as folders
from leukinetics.trial.journal import RUN

RUNNER = Path(trial_runner.__file__)

SMALL: dict[str, Any] = {
    "trial_patients_per_arm": 12,
    "eligibility": {"crp": ">= 3 mg/L"},
    "schedule": {"visits": ["2 weeks", "4 weeks"], "measure": ["crp"]},
    "dropout": {"rate": 0.5},
}
STUDIES: dict[str, Any] = {
    "uncertainty": {"draws": 4, "patients": 8},
    "power": {"sizes": [5, 10], "replicates": 20},
    "sensitivity": {"method": "morris", "trajectories": 2, "patients": 4},
}


class Runs:
    """Runs one trial in processes of their own, in folders below ``place``."""

    def __init__(self, place: Path, text: dict[str, Any], **options: Any) -> None:
        self.place, self.options = place, options
        self.file = place / "protocol.json"
        self.file.write_text(json.dumps(text))
        self.whole = place / "whole"
        done, self.computed = self.run(self.whole)
        assert done == 0
        self.files = contents(self.whole)

    def start(self, out: Path, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, str(RUNNER), str(self.file), str(out), json.dumps(self.options | options)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def run(self, out: Path, **options: Any) -> tuple[int, list[str]]:
        process = self.start(out, **options)
        told, _ = process.communicate(timeout=600)
        return process.returncode, told.split()

    def finish(self, out: Path) -> list[str]:
        """Resume, or begin where nothing was kept, in this process; what was computed."""
        computed: list[str] = []
        kept = folders.is_begun(out) or folders.is_finished(out)
        trial_runner.run(self.file, out, computed.append, **{**self.options, "resume": kept})
        assert contents(out) == self.files
        assert not (out / RUN).exists()
        assert not list(out.rglob("*.part"))
        return computed


def contents(out: Path) -> dict[str, bytes]:
    """All files but the one that knows the time of day."""
    return {
        str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file() and p.name != "provenance.json"
    }


def test_a_trial_killed_at_a_write_goes_on_where_it_was(tmp_path: Path) -> None:
    runs = Runs(tmp_path, protocol(**SMALL), chunk=5)
    assert len(runs.computed) >= 4  # blocks and chunks
    for n, when in ((2, "after"), (6, "before"), (9, "after")):
        out = tmp_path / f"{n}"
        code, first = runs.run(out, kill=[n, when])
        assert code == -signal.SIGKILL
        second = runs.finish(out)
        # The last of the first run may have its name, and the process no time to tell.
        assert len(first) + len(second) in (len(runs.computed), len(runs.computed) - 1)
        assert not set(first) & set(second)
    found = trial.open_trial(tmp_path / "6")
    assert found.summary == json.loads((runs.whole / "summary.json").read_text())


@pytest.mark.slow
def test_a_trial_killed_at_every_write_goes_on_where_it_was(tmp_path: Path) -> None:
    runs = Runs(tmp_path, protocol(**SMALL, **STUDIES), chunk=5)
    code, n = -signal.SIGKILL, 0
    while code == -signal.SIGKILL:  # one file more at each attempt
        n += 1
        out = tmp_path / f"{n}"
        code, _ = runs.run(out, kill=[n, "before" if n % 2 else "after"])
        runs.finish(out)
    assert n > 20


@pytest.mark.slow
def test_a_trial_killed_at_random_moments_goes_on_where_it_was(tmp_path: Path) -> None:
    began = time.monotonic()
    runs = Runs(tmp_path, protocol(**SMALL, **STUDIES), chunk=2)
    took = time.monotonic() - began
    moments = np.random.default_rng(7).uniform(0.2, 1.0, 20) * took
    for i, moment in enumerate(moments):
        out = tmp_path / f"{i}"
        process = runs.start(out)
        time.sleep(float(moment))
        process.kill()
        process.communicate()
        runs.finish(out)


def test_a_kill_again_and_again_in_one_folder(tmp_path: Path) -> None:
    runs = Runs(tmp_path, protocol(**SMALL), chunk=5)
    out = tmp_path / "killed"
    for _ in range(3):
        code, _ = runs.run(out, kill=[4, "after"], resume=folders.is_begun(out))
        assert code == -signal.SIGKILL
    runs.finish(out)


def interrupted(out: Path, **options: Any) -> Any:
    """A prepared trial, run up to its second chunk in ``out``."""
    ready = trial.prepare(protocol(**SMALL), assembly=fake_assembly())

    def stop(done: int, total: int, what: str) -> None:
        if what == "treating" and done >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trial.run(ready, out, chunk=5, progress=stop, **options)
    return ready


def test_what_has_changed_is_refused_by_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ready = interrupted(out)
    before = contents(out)
    other = trial.prepare(protocol(**{**SMALL, "trial_seed": 4}), assembly=fake_assembly())
    with pytest.raises(DataError, match=r"the protocol was [0-9a-f]{12} and is [0-9a-f]{12}; the seed was 3 and is 4"):
        trial.run(other, out, resume=True)
    with pytest.raises(DataError, match=r"number of patients per arm \(--patients\) was 12 and is 13"):
        trial.run(ready, out, patients=13, resume=True)
    with pytest.raises(DataError, match=r"the chunk size \(--chunk\) was 5 and is 6"):
        trial.run(ready, out, chunk=6, resume=True)
    with pytest.raises(DataError, match="the typical values was none and is"):
        trial.run(ready, out, typical={"KD": 2.0}, resume=True)
    with pytest.raises(DataError, match="go on with it with --resume, or replace it with --overwrite"):
        trial.run(ready, out)
    with pytest.raises(DataError, match="choose one of the two"):
        trial.run(ready, out, resume=True, overwrite=True)
    assert contents(out) == before
    found = trial.run(ready, out, resume=True)  # the chunk size is the one it was begun with
    assert found.summary == trial.run(ready).summary


def test_a_finished_trial_is_opened_and_nothing_is_computed(tmp_path: Path) -> None:
    ready = trial.prepare(protocol(**SMALL), assembly=fake_assembly())
    first = trial.run(ready, tmp_path / "out", chunk=5)
    before = contents(tmp_path / "out")
    said: list[str] = []
    again = trial.run(ready, tmp_path / "out", resume=True, progress=lambda *what: said.append(str(what)))
    assert (again.summary, said) == (first.summary, [])
    assert contents(tmp_path / "out") == before
    with pytest.raises(DataError, match="the number of patients per arm"):
        trial.run(ready, tmp_path / "out", patients=4, resume=True)
    with pytest.raises(DataError, match=r"There is no trial in '.*nothing' to resume"):
        trial.run(ready, tmp_path / "nothing", resume=True)
    assert not (tmp_path / "nothing").exists()


def test_a_damaged_part_is_made_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ready = interrupted(out)
    chunk = next((out / RUN).rglob("chunk-00000.tables"))
    chunk.write_bytes(chunk.read_bytes()[:-50])
    assert trial.run(ready, out, resume=True).summary == trial.run(ready).summary
    ready = interrupted(out, overwrite=True)
    next((out / "observations").glob("01-*-00000.parquet")).unlink()
    found = trial.run(ready, out, resume=True)
    assert len(found.observations) == len(trial.run(ready).observations)
