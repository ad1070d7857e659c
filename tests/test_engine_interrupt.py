"""Ctrl-C during a simulation: it returns at once, nothing goes on running, and the model can be used again."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from engine_tools import body, model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX systems")

#: Takes hours: a fast oscillator over a long time.
ENDLESS = body("x' = v; v' = -w*w*x; x = 1; v = 0; w = 1000")

CHILD = f"""
import sys, threading
import leukinetics as lk

model = lk.load_model({ENDLESS!r})
model.compiled  # outside of what is interrupted
options = dict(parameters={{"w": [1000.0 + i for i in range(40)]}}, outputs="x", max_steps=10**12, threads=2)

def progress(done, total):
    print("running", flush=True)

try:
    if sys.argv[1] == "stream":
        for part in model.stream([1e9], chunk=20, progress=progress, **options):
            pass
    else:
        model.simulate([1e9], progress=progress, **options)
except KeyboardInterrupt:
    print("interrupted", threading.active_count(), flush=True)
print(model.simulate([0.0], outputs="x")["x"].item(), flush=True)
"""


@pytest.mark.parametrize("what", ["simulate", pytest.param("stream", marks=pytest.mark.slow)])
def test_ctrl_c(what: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, what],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts jobs in the background with the interrupt ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "running\n", child.stderr
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)  # it would take hours
    finally:
        child.kill()
        child.wait()
    lines = [line for line in out.splitlines() if line != "running"]
    assert lines == ["interrupted 1", "1.0"], (out, err)
    assert child.returncode == 0 and err == ""


def test_an_exception_in_progress_stops_all_threads() -> None:
    class StopHere(Exception):
        pass

    def progress(done: int, total: int) -> None:
        raise StopHere

    before = threading.active_count()
    options = {"parameters": {"w": 1000.0 + np.arange(40)}, "outputs": "x", "max_steps": 10**12, "threads": 2}
    with pytest.raises(StopHere):
        model(ENDLESS).simulate([1e9], progress=progress, **options)  # type: ignore[arg-type]
    assert threading.active_count() == before
    assert model(ENDLESS).simulate([0.0], outputs="x")["x"].item() == 1.0


def test_progress_counts_up_to_all() -> None:
    seen: list[tuple[int, int]] = []
    table = {"w": 10.0 + np.arange(50)}
    model(ENDLESS).simulate([10.0], table, outputs="x", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (50, 50) and all(a[0] <= b[0] for a, b in itertools.pairwise(seen))
    seen.clear()
    parts = model(ENDLESS).stream(
        [1.0], table, outputs="x", chunk=16, progress=lambda done, total: seen.append((done, total))
    )
    assert len(list(parts)) == 4
    assert seen[-1] == (50, 50) and all(a[0] <= b[0] for a, b in itertools.pairwise(seen))


def test_a_stream_that_is_left_early_stops() -> None:
    before = threading.active_count()
    parts = model(ENDLESS).stream([1.0], {"w": np.ones(100)}, outputs="x", chunk=10)
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
