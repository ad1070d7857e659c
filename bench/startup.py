"""Time to the first trajectory, in fresh processes: cold (empty cache of compiled models) and warm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from bench.problems import Problem

_CHILD = """
import json, sys, time
start = time.perf_counter()
import leukinetics as lk
imported = time.perf_counter()
model = lk.load_model(sys.argv[1])
read = time.perf_counter()
doses = json.loads(sys.argv[3])
model.simulate([0.0, float(sys.argv[2])], doses=doses, threads=1)
done = time.perf_counter()
print(json.dumps({"import": imported - start, "read": read - imported, "first": done - imported}))
"""


def startup(problem: Problem, repeats: int) -> dict[str, Any]:
    """Seconds: the import, and from the import to the first result, without and with the compiled model cached."""
    from leukinetics.examples import path

    with tempfile.TemporaryDirectory(prefix="bench-cache-") as folder:
        environment = os.environ | {"LEUKINETICS_CACHE": folder}
        command = [
            sys.executable, "-c", _CHILD, str(path(problem.name)), str(problem.end), json.dumps(problem.dose_table()),
        ]  # fmt: skip

        def once() -> dict[str, float]:
            run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
            return found

        cold = once()
        warm = [once() for _ in range(repeats)]
    return {
        "import": min(w["import"] for w in warm),
        "read": min(w["read"] for w in warm),
        "cold": cold["first"],
        "warm": min(w["first"] for w in warm),
    }
