"""The command line: exit codes, messages, files; with a small stand-in model, and with the real engine."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner, Result

import leukinetics
from leukinetics.cli import app
from leukinetics.commands import files
from leukinetics.engine.doses import read_doses
from leukinetics.engine.expr import Graph
from leukinetics.engine.result import RawResult, to_dataset
from leukinetics.engine.status import Status
from leukinetics.engine.system import DoseTarget, Input
from leukinetics.engine.tables import read_patients, read_times
from leukinetics.errors import DataError

TEXT = """
model one_compartment
  species Gut, Blood
  Gut = 0;  Blood = 0
  absorption:  Gut -> Blood;  ka * Gut
  clearance:   Blood -> ;     CL / V * Blood
  ka = 1;  CL = 2;  V = 20
  Concentration := Blood / V
end
"""


class StandIn:
    """Decay from 1 with rate k: the part of Model that the command line uses."""

    name = "decay"
    species = ["A", "B"]  # noqa: RUF012
    inputs = {"k": Input("k", 1.0)}  # noqa: RUF012
    fails_with: Any = None
    seen: dict[str, Any] = {}  # noqa: RUF012

    def stream(self, times: Any, parameters: Any, doses: Any, outputs: Any, amounts: Any, **options: Any) -> Any:
        StandIn.seen = {"amounts": amounts, "outputs": outputs, **options}
        table = read_patients(parameters, self.inputs)
        graph = Graph()
        read_doses(doses, table.ids, {"A": DoseTarget("A", graph.const(1.0))}, self.species)
        return self._chunks(read_times(times), table, outputs or self.species, options["progress"])

    def _chunks(self, t: Any, table: Any, names: list[str], progress: Any) -> Iterator[xr.Dataset]:
        for i in range(len(table)):
            if i and StandIn.fails_with:
                raise StandIn.fails_with
            k = table.values[i, 0] if table.names else 1.0
            status = np.array([Status.OK if k > 0 else Status.NON_FINITE], dtype=np.int8)
            values = np.repeat(np.exp(-k * t)[None, :, None], len(names), axis=2)
            values[status > 1] = np.nan
            steps = np.array([10])
            progress(i + 1, len(table))
            yield to_dataset(
                RawResult(values, status, steps, steps // 5),
                table.ids[i : i + 1],
                t,
                names,
                {"A": "nmol/L"},
                "d",
                {},
            )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a model file; the model in it is the stand-in."""
    (tmp_path / "m.ant").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(leukinetics, "load_model", lambda path: StandIn())
    monkeypatch.setattr(StandIn, "fails_with", None)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments])


def test_a_run_writes_a_table_and_one_line(folder: Path) -> None:
    pd.DataFrame({"patient": ["a", "b", "c"], "k": [1.0, -1.0, 2.0]}).to_csv("p.csv", index=False)
    done = run("m.ant", "--time", "0:2:0.5", "--patients", "p.csv", "--out", "r.csv")
    assert done.exit_code == 0 and done.stdout == ""
    line = done.stderr.strip()
    assert "\n" not in line
    assert line.startswith("3 patients, 1 failed, 30 steps (6 rejected), ")
    assert line.endswith(f"1 NON_FINITE: {Status.NON_FINITE.advice}")
    found = pd.read_csv("r.csv")
    assert list(found.columns) == ["patient", "time", "A", "B", "status"] and len(found) == 15
    assert found.query("patient == 'b'")["A"].isna().all()
    assert found.query("patient == 'c' and time == 0.5")["A"].item() == np.exp(-1.0)


def test_options_reach_the_engine(folder: Path) -> None:
    options = shlex.split("--rtol 1e-4 --atol 1e-7 --method rodas4 --backend compiled --threads 1 --run-in 50")
    done = run("m.ant", "--time", "0,1", "--outputs", "B, A", "--amounts", "A", *options, "--out", "r.parquet")
    assert done.exit_code == 0, done.stderr
    seen = {key: StandIn.seen[key] for key in StandIn.seen if key not in ("progress", "chunk")}
    assert seen == {
        "outputs": ["B", "A"],
        "amounts": ["A"],
        "rtol": 1e-4,
        "atol": 1e-7,
        "method": "rodas4",
        "backend": "compiled",
        "threads": 1,
        "run_in": 50.0,
    }
    assert list(pd.read_parquet("r.parquet").columns) == ["patient", "time", "B", "A", "status"]


@pytest.mark.parametrize("patients", [1, 3, 40])
def test_figures(folder: Path, patients: int) -> None:
    pd.DataFrame({"k": np.linspace(-0.1, 2, patients)}).to_csv("p.csv", index=False)
    done = run("m.ant", "--time", "0:5:0.1", "--patients", "p.csv", "--out", "r.png")
    assert done.exit_code == 0, done.stderr
    assert (folder / "r.png").read_bytes()[:4] == b"\x89PNG"


MISTAKES = [
    (["--time", "0:5:1", "--out", "r.txt"], "must end in one of"),
    (["--time", "0:5:1", "--out", "no/r.csv"], "folder 'no' does not exist"),
    (["--time", "0:5:1", "--patients", "good.csv", "--out", "./good.csv"], "is an input of this run"),
    (["--time", "0:5:1", "--out", "r.csv", "--outputs", "A,"], "empty name"),
    (["--time", "0:5", "--out", "r.csv"], "start:stop:step"),
    (["--time", "5:0:1", "--out", "r.csv"], "start <= stop"),
    (["--time", "0:5:0", "--out", "r.csv"], "step > 0"),
    (["--time", "0:1e9:1e-3", "--out", "r.csv"], "larger step"),
    (["--time", "soon", "--out", "r.csv"], "neither start:stop:step"),
    (["--time", "2,1", "--out", "r.csv"], "must not decrease"),
    (["--time=-1,1", "--out", "r.csv"], "must not be negative"),
    (["--time", "0,1", "--out", "r.csv", "--set", "k"], "NAME=VALUE"),
    (["--time", "0,1", "--out", "r.csv", "--set", "k=fast"], "NAME=VALUE"),
    (["--time", "0,1", "--out", "r.csv", "--set", "k=1", "--set", "k=2"], "twice"),
    (["--time", "0,1", "--out", "r.csv", "--set", "K=1"], "Did you mean 'k'"),
    (["--time", "0,1", "--out", "r.csv", "--patients", "none.csv"], "no file 'none.csv'"),
    (["--time", "0,1", "--out", "r.csv", "--patients", "m.ant"], "neither .csv nor .parquet"),
    (["--time", "0,1", "--out", "r.csv", "--patients", "broken.csv"], "broken.csv' cannot be read"),
    (["--time", "0,1", "--out", "r.csv", "--patients", "long.csv"], "long.csv' cannot be read"),
    (["--time", "0,1", "--out", "r.csv", "--patients", "broken.parquet"], "broken.parquet' cannot be read"),
    (["--time", "0,1", "--out", "r.csv", "--patients", "text.csv"], "row 2 of 2 .patient 2. is 'x'"),
    (["--time", "0,1", "--out", "r.csv", "--patients", "good.csv", "--set", "k=1"], "give it once"),
    (["--time", "0,1", "--out", "r.csv", "--doses", "doses.csv"], "no species.*Did you mean 'A'"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_a_mistake_is_one_message_and_code_1(folder: Path, arguments: list[str], words: str) -> None:
    (folder / "broken.csv").write_bytes(b"\xff\xfe\x00k\n\x80")
    (folder / "long.csv").write_text("k\n1,2\n")
    (folder / "broken.parquet").write_bytes(b"PAR1 not really")
    (folder / "text.csv").write_text("ID,k\n1,1.0\n2,x\n")
    (folder / "good.csv").write_text("ID,k\n1,1.0\n")
    (folder / "doses.csv").write_text("time,target,amount\n0,a,1\n")
    before = sorted(folder.iterdir())
    done = run("m.ant", *arguments)
    assert done.exit_code == 1
    with pytest.raises(DataError, match=words):
        raise DataError(done.stderr)
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == before


def test_out_is_checked_before_the_model_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leukinetics, "load_model", lambda path: pytest.fail("too late"))
    assert run("m.ant", "--time", "0,1", "--out", str(folder)).exit_code == 1
    assert run("absent.ant", "--time", "0,1", "--out", "r.csv").exit_code == 1


def test_usage_errors_have_code_2(folder: Path) -> None:
    assert run("m.ant", "--time", "0,1").exit_code == 2
    assert run("m.ant", "--time", "0,1", "--out", "r.csv", "--rtol", "small").exit_code == 2
    assert run("m.ant", "--time", "0,1", "--out", "r.csv", "--threads", "0").exit_code == 2
    assert run("m.ant", "--time", "0,1", "--out", "r.csv", "--nonsense").exit_code == 2
    assert CliRunner().invoke(app, ["unknown"]).exit_code == 2


@pytest.mark.parametrize("suffix", ["parquet", "csv", "png"])
@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (DataError("half way"), 1)])
def test_nothing_is_left_half_written(folder: Path, suffix: str, error: Any, code: int) -> None:
    StandIn.fails_with = error
    (folder / "p.csv").write_text("k\n1\n2\n")
    before = sorted(folder.iterdir())
    done = run("m.ant", "--time", "0,1", "--patients", "p.csv", "--out", f"r.{suffix}")
    assert done.exit_code == code
    assert done.stderr.startswith("interrupted" if code == 130 else "error: half way")
    assert sorted(folder.iterdir()) == before


def test_labels_agree_between_tables(folder: Path) -> None:
    (folder / "p.csv").write_text("patient,k\n007,1\n8,2\n")
    (folder / "d.csv").write_text("patient,time,target,amount\n8,0,A,1\n")
    assert run("m.ant", "--time", "0,1", "--patients", "p.csv", "--doses", "d.csv", "--out", "r.parquet").exit_code == 0
    assert pd.read_parquet("r.parquet")["patient"].tolist() == ["007", "007", "8", "8"]
    (folder / "p.csv").write_text("patient,k\n7,1\n8,2\n")
    assert run("m.ant", "--time", "0,1", "--patients", "p.csv", "--doses", "d.csv", "--out", "r.parquet").exit_code == 0
    assert pd.read_parquet("r.parquet")["patient"].tolist() == [7, 7, 8, 8]


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0:1:0.25", [0, 0.25, 0.5, 0.75, 1]),
        ("0:1:0.4", [0, 0.4, 0.8]),
        ("2:2:1", [2]),
        ("0, 1,2.5", [0, 1, 2.5]),
        ("3", [3]),
    ],
)
def test_times(text: str, times: list[float]) -> None:
    np.testing.assert_allclose(files.parse_times(text), times, rtol=1e-15)


@pytest.mark.parametrize("step", [0.1, 0.01, 0.3, 1 / 3, 1e-3])
def test_times_reach_the_stop_and_never_pass_it(step: float) -> None:
    for n in (1, 3, 10, 999, 1000):
        times = files.parse_times(f"0:{n * step!r}:{step!r}")
        assert len(times) == n + 1 and times[-1] == n * step


# ---- the real engine ------------------------------------------------------------------------------


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "leukinetics", *arguments], cwd=cwd, capture_output=True, text=True)


def test_version_and_help_are_quick(tmp_path: Path) -> None:
    assert command("--version", cwd=tmp_path).stdout == f"leukinetics {leukinetics.__version__}\n"
    code = (
        "import sys; from leukinetics.cli import app; "
        "heavy = {'xarray', 'matplotlib', 'pint', 'scipy', 'libsbml', 'antimony', 'roadrunner'}; "
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--patients" in command("simulate", "--help", cwd=tmp_path).stdout


def test_the_real_engine(tmp_path: Path) -> None:
    (tmp_path / "m.ant").write_text(TEXT)
    (tmp_path / "d.csv").write_text("ID,TIME,AMT,EVID,CMT\n1,0,100,1,Gut\n2,0,.,0,.\n2,4,50,1,1\n")
    (tmp_path / "p.csv").write_text("ID,CL\n1,2\n2,4\n")
    done = command(
        *shlex.split("simulate m.ant --time 0:24:1 --patients p.csv --doses d.csv --set V=10 --rtol 1e-8"),
        *shlex.split("--outputs Gut,Concentration --out r.parquet"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("2 patients, 0 failed") and done.stderr.count("\n") == 1
    found = pd.read_parquet(tmp_path / "r.parquet")
    t = np.arange(25.0)
    for patient, dose, start, k in ((1, 100.0, 0.0, 0.2), (2, 50.0, 4.0, 0.4)):
        since = np.maximum(t - start, 0.0)
        given = np.where(t >= start, dose, 0.0)
        one = found[found["patient"] == patient]
        np.testing.assert_allclose(one["Gut"], given * np.exp(-since), rtol=1e-5, atol=1e-6)
        bateman = given / 10 * (np.exp(-k * since) - np.exp(-since)) / (1 - k)
        np.testing.assert_allclose(one["Concentration"], bateman, rtol=1e-5, atol=1e-6)


def test_a_broken_model_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_text("<sbml><nonsense")
    done = command("simulate", "m.xml", "--time", "0,1", "--out", "r.csv", cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["m.xml"]


def test_ctrl_c_stops_a_run_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.ant").write_text(TEXT)
    pd.DataFrame({"CL": np.linspace(1, 3, 400_000)}).to_parquet(tmp_path / "p.parquet")
    arguments = shlex.split("simulate m.ant --time 0:500:1 --patients p.parquet --rtol 1e-10 --out r.parquet")
    with subprocess.Popen(
        [sys.executable, "-m", "leukinetics", *arguments],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts jobs in the background with the interrupt ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        for _ in range(600):  # until the first chunk is on its way to the file
            if process.poll() is not None or any(p.suffix == ".part" for p in tmp_path.iterdir()):
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=20)
    assert process.returncode == 130, message
    assert message == "interrupted: no result was written.\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.ant", "p.parquet"]
