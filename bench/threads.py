"""Wall time of one ensemble on 1, 2, 4, ... threads; the numbers must not change."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from bench.problems import Problem
from leukinetics.engine.kernel import available_threads


def scaling(problem: Problem, quick: bool) -> dict[str, Any]:
    """Patients per second by number of threads (best of three), and whether all results are bitwise equal."""
    n = problem.patients * (1 if quick else 4)
    model, ensemble = problem.model(), problem.ensemble(n).table()
    cores = available_threads(None)
    counts = sorted({2**k for k in range(cores.bit_length())} | {cores})
    counts = [c for c in counts if c <= cores]
    outputs = problem.states[:5]
    first, points, same = None, [], True
    for count in counts:
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            run = model.simulate(
                problem.times, ensemble, problem.dose_table(), outputs, rtol=1e-5, threads=count, backend="compiled"
            )
            best = min(best, time.perf_counter() - start)
        values = np.stack([run[o].to_numpy() for o in outputs])
        first = values if first is None else first
        same = same and bool(np.array_equal(first, values, equal_nan=True))
        points.append({"threads": count, "speed": n / best})
    return {"patients": n, "points": points, "bitwise_equal": same}
