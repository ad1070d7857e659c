"""Models in other processes and in bounded memory; what importing the package loads."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_tools import body, model, values

import leukinetics as lk

TEXT = body(
    "species A, B; A = 1; B = 0; k = 0.5; n = 0", "J1: A -> B; k*A", "J2: B => ; B^1.5", "at (B > 0.2): n = n + 1"
)
TIMES = [0.0, 1.0, 5.0]


def run(m: lk.Model) -> np.ndarray:
    return values(m.simulate(TIMES, {"k": [0.5, 1.0, 2.0]}, [{"time": 1.0, "target": "A", "amount": 1.0}]))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_before_and_after_use(protocol: int) -> None:
    fresh = lk.load_model(TEXT)
    early = pickle.loads(pickle.dumps(fresh, protocol))
    want = run(fresh)
    late = pickle.loads(pickle.dumps(fresh, protocol))
    for copy in (early, late):
        assert (run(copy) == want).all()
        assert copy.hash == fresh.hash and copy.name == fresh.name
        assert list(copy.inputs) == list(fresh.inputs) and copy.species == fresh.species


def test_a_pickled_model_is_small() -> None:
    assert len(pickle.dumps(lk.load_model(TEXT))) < 50_000


@pytest.mark.slow
def test_other_processes() -> None:
    want = run(model(TEXT))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for got in pool.map(run, [model(TEXT)] * 3):
            assert (got == want).all()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_after_a_fork() -> None:
    want = run(model(TEXT))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for got in pool.map(run, [model(TEXT)] * 3, chunksize=1):
            assert (got == want).all()


def test_importing_is_light() -> None:
    heavy = ["matplotlib", "libsbml", "antimony", "roadrunner", "pint", "scipy", "xarray", "typer", "rich", "ziglang"]
    code = f"import leukinetics, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]" and done.stderr == ""


STREAM = """
import sys
import numpy as np
import leukinetics as lk
from leukinetics import examples
from leukinetics.engine.stream import write_parquet

n = 100_000
model = lk.load_model(examples.path("bachmann2011"))
rng = np.random.default_rng(1)
names = [name for name, i in model.inputs.items() if i.kind == "parameter" and i.default > 0][:10]
table = {name: model.inputs[name].default * rng.lognormal(0, 0.3, n) for name in names}
chunks = model.stream(np.linspace(0, 240, 50), table, outputs=model.species[:5], rtol=1e-4, atol=1e-6)
write_parquet(chunks, sys.argv[1])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(peak.split()[1])  # of this program: ru_maxrss would begin at the size of the one that started it
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status is of Linux")
def test_a_hundred_thousand_patients_stream_to_a_file_within_a_gigabyte(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "result.parquet"
    done = subprocess.run([sys.executable, "-c", STREAM, str(path)], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * 1024 < 1e9
    file = pq.ParquetFile(path)
    assert file.metadata.num_rows == 100_000 * 50
    assert file.schema_arrow.names[:2] == ["patient", "time"] and len(file.schema_arrow.names) == 8
    last = file.read_row_group(file.num_row_groups - 1).to_pandas()
    assert last["patient"].iloc[-1] == 99_999 and (last["status"] == "OK").mean() > 0.99
