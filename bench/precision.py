"""Work against precision: achieved error and patients per second per core, for a range of tolerances."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bench.problems import F64, Ensemble, Problem
from bench.solvers import Compiled, RoadRunner, Runner, run, solvers

#: Errors at which solvers are compared.
TARGETS = (1e-4, 1e-6)
#: Below this fraction of a state's largest value its error counts as absolute.
FLOOR = 1e-3
TOLERANCES = {
    "rodas5p": (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8),
    "rodas4": (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7),
}
#: A run of this many seconds is not repeated; fewest patients that a slow solver gets.
_LONG, _FEWEST = 6.0, 16
_CONVENTIONAL = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)


@dataclass(frozen=True)
class Point:
    """One run. ``seconds`` is CPU time of the process; ``error`` the rms relative error of ``checked`` patients."""

    rtol: float
    patients: int
    seconds: float
    wall: float
    error: float
    failed: int

    @property
    def speed(self) -> float:
        """Patients per second of one core."""
        return self.patients / self.seconds


@dataclass(frozen=True)
class Truth:
    """Tight values of the first patients, each state's scale, and how far two solvers agree about them."""

    values: F64
    scale: F64
    agreement: float

    def error(self, values: F64) -> float:
        """Root mean square over patients, times and states of the relative error."""
        n = len(values)
        size = np.maximum(np.abs(self.values[:n]), FLOOR * self.scale)
        return float(np.sqrt(np.mean(((values - self.values[:n]) / size) ** 2)))


def truth(problem: Problem, ensemble: Ensemble, checked: int) -> Truth:
    """Our engine at a tight tolerance, checked on a few patients by libRoadRunner at one tighter still."""
    first = ensemble.first(checked)
    engine = Compiled(problem, "rodas5p")
    rough, _ = run(engine, first, 1e-6, np.full(len(problem.states), 1e-12))
    scale = np.abs(rough).max(axis=(0, 1))
    scale = np.where(scale > 0.0, scale, 1.0)
    values, failed = run(engine, first, 1e-11, 1e-11 * FLOOR * scale)
    if failed or not np.isfinite(values).all():
        raise RuntimeError(f"{problem.name}: the tight run failed for {failed} patients")
    few = min(8, checked)
    other, _ = run(RoadRunner(problem), first.first(few), 1e-12, 1e-12 * FLOOR * scale)
    found = Truth(values, scale, math.nan)
    return Truth(values, scale, found.error(other))


def measure(runner: Runner, truth: Truth, ensemble: Ensemble, rtol: float, repeats: int) -> Point:
    """Time ``ensemble`` (best of ``repeats``) and compare its first patients with the truth."""
    atol = rtol * FLOOR * truth.scale
    best, began = (math.inf, math.inf), time.perf_counter()
    for k in range(repeats):
        if k and time.perf_counter() - began > _LONG:
            break
        wall, cpu = time.perf_counter(), time.process_time()
        solved = runner.solve(ensemble, rtol, atol)
        best = min(best, (time.process_time() - cpu, time.perf_counter() - wall))
    values, failed = runner.values(solved)
    n = min(len(truth.values), len(ensemble.values))
    return Point(rtol, len(ensemble.values), best[0], best[1], truth.error(values[:n]), failed)


def at_error(points: list[Point], target: float) -> float | None:
    """Speed at an achieved error, interpolated between runs; None outside what was measured."""
    usable = sorted((p for p in points if p.error > 0.0 and not p.failed), key=lambda p: p.error)
    best = None
    for a, b in pairwise(usable):
        if a.error <= target <= b.error and b.error > a.error:
            x = math.log(target / a.error) / math.log(b.error / a.error)
            speed = math.exp(math.log(a.speed) + x * math.log(b.speed / a.speed))
            best = speed if best is None else max(best, speed)
    return best


def work_precision(problem: Problem, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """All solvers on one problem: points, speeds at the target errors, and the agreement behind the errors."""
    size = problem.patients // (4 if quick else 1)
    checked = 16 if quick else 64
    whole = problem.ensemble(max(size, checked))
    reference = truth(problem, whole, checked)
    say(f"{problem.name}: two solvers agree to {reference.agreement:.1e} about the reference")
    result: dict[str, Any] = {
        "title": problem.title, "varied": len(whole.names), "states": len(problem.states),
        "agreement": reference.agreement, "checked": checked, "solvers": {},
    }  # fmt: skip
    for name, (version, make) in solvers().items():
        try:
            runner = make(problem)
        except Exception as reason:  # a foreign solver that cannot be set up must not end the benchmark
            if name in TOLERANCES:
                raise
            say(f"{problem.name} {name}: left out, {type(reason).__name__}: {reason}")
            continue
        own = name in TOLERANCES
        n = size if own else max(_FEWEST, min(size, _affordable(runner, reference, whole, quick)))
        tolerances = TOLERANCES.get(name, _CONVENTIONAL)
        points = []
        if own:  # the first large run pays for memory that the later ones find ready
            runner.solve(whole.first(n), 1e-3, 1e-3 * FLOOR * reference.scale)
        for rtol in tolerances[::2] if quick else tolerances:
            point = measure(runner, reference, whole.first(n), rtol, 1 if quick else 2)
            points.append(point)
            say(f"{problem.name} {name} rtol {rtol:.0e}: error {point.error:.1e}, {point.speed:,.1f} patients/s")
        speeds = {f"{target:.0e}": at_error(points, target) for target in TARGETS}
        result["solvers"][name] = {
            "version": version, "points": [asdict(p) | {"speed": p.speed} for p in points], "at_error": speeds,
        }  # fmt: skip
    return result


def _affordable(runner: Runner, reference: Truth, whole: Ensemble, quick: bool) -> int:
    """Patients that take a slow solver a few seconds at a middling tolerance."""
    few = measure(runner, reference, whole.first(4), 1e-6, 1)
    return int((0.5 if quick else 4.0) * few.speed)
