"""Peak memory of streaming to Parquet against the number of patients, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Any

OUTPUTS = ("pSTAT5", "npSTAT5", "CIS", "SOCS3", "STAT5")
POINTS = 50

_CHILD = """
import resource, sys
from pathlib import Path
import numpy as np
import leukinetics as lk
from bench.problems import PROBLEMS
from leukinetics.engine.stream import write_parquet
problem, n = PROBLEMS[0], int(sys.argv[1])
table = problem.ensemble(n).table()
times = np.linspace(0.0, problem.end, int(sys.argv[3]))
chunks = problem.model().stream(times, table, outputs=sys.argv[4].split(","), rtol=1e-5)
write_parquet(chunks, sys.argv[2])
status = Path("/proc/self/status")  # getrusage would include the process that started this one
if status.exists():
    line = next(l for l in status.read_text().splitlines() if l.startswith("VmHWM"))
    print(int(line.split()[1]) * 1024)
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak * (1 if sys.platform == "darwin" else 1024))
"""


def peak_memory(patients: tuple[int, ...]) -> dict[str, Any]:
    """Megabytes at the peak, by number of patients (25 states, 50 times, 5 outputs)."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
        for n in patients:
            command = [
                sys.executable, "-c", _CHILD, str(n), f"{folder}/out.parquet", str(POINTS), ",".join(OUTPUTS),
            ]  # fmt: skip
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append({"patients": n, "megabytes": int(run.stdout.splitlines()[-1]) / 1e6})
    return {"points": found, "times": POINTS, "outputs": len(OUTPUTS)}
