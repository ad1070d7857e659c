"""The solvers behind one interface: values (patients, times, states) of an ensemble at given tolerances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import xarray as xr

from bench import amici, cvode, sundae
from bench.problems import F64, Ensemble, Problem

#: No solver is given up for the number of its steps.
MAX_STEPS = 500_000


class Runner(Protocol):
    """One solver, set up for one problem."""

    def solve(self, ensemble: Ensemble, rtol: float, atol: F64) -> Any:
        """Simulate on one thread: what is timed."""
        ...

    def values(self, solved: Any) -> tuple[F64, int]:
        """Values (patients, times, states) of what ``solve`` returned, and the number of failed patients."""
        ...


def run(runner: Runner, ensemble: Ensemble, rtol: float, atol: F64) -> tuple[F64, int]:
    """Solve and unpack."""
    return runner.values(runner.solve(ensemble, rtol, atol))


class Compiled:
    """Our engine on one thread."""

    def __init__(self, problem: Problem, method: str) -> None:
        self.problem, self.method, self.model = problem, method, problem.model()
        self.solve(problem.ensemble(1), 1e-3, np.full(len(problem.states), 1e-6))  # compiles

    def solve(self, ensemble: Ensemble, rtol: float, atol: F64) -> xr.Dataset:
        """See :class:`Runner`."""
        problem = self.problem
        return self.model.simulate(
            problem.times, ensemble.table(), problem.dose_table(), rtol=rtol, threads=1, method=self.method,
            atol=dict(zip(problem.states, map(float, atol), strict=True)), backend="compiled", max_steps=MAX_STEPS,
        )  # fmt: skip

    def values(self, solved: xr.Dataset) -> tuple[F64, int]:
        """See :class:`Runner`; a patient that libRoadRunner had to solve counts as failed."""
        values = np.stack([solved[s].to_numpy() for s in self.problem.states], axis=2)
        return values, int(np.count_nonzero(solved["status"].to_numpy()))


class RoadRunner:
    """libRoadRunner as its users drive it: one loaded model, reset, parameters set in one call, simulate."""

    def __init__(self, problem: Problem) -> None:
        import roadrunner

        roadrunner.Logger.setLevel(roadrunner.Logger.LOG_CRITICAL)
        self.problem = problem
        self.rr = roadrunner.RoadRunner(problem.model().system.sbml)
        self.rr.timeCourseSelections = [f"[{s}]" for s in problem.states]
        self.rr.integrator.maximum_num_steps = MAX_STEPS
        self.parameters = {p: k for k, p in enumerate(self.rr.model.getGlobalParameterIds())}

    def solve(self, ensemble: Ensemble, rtol: float, atol: F64) -> tuple[F64, int]:
        """See :class:`Runner`."""
        problem, rr = self.problem, self.rr
        rr.integrator.relative_tolerance = rtol
        for state, value in zip(problem.states, atol, strict=True):
            rr.integrator.setIndividualTolerance(state, float(value))
        index = np.array([self.parameters[p] for p in ensemble.names], dtype=np.int32)
        out = np.full((len(ensemble.values), len(problem.times), len(problem.states)), np.nan)
        failed = 0
        for p, values in enumerate(ensemble.values):
            rr.reset()
            rr.model.setGlobalParameterValues(index, values)
            try:
                self._patient(out[p])
            except RuntimeError:
                failed += 1
                out[p] = np.nan
        return out, failed

    def values(self, solved: tuple[F64, int]) -> tuple[F64, int]:
        """See :class:`Runner`."""
        return solved

    def _patient(self, out: F64) -> None:
        problem, rr = self.problem, self.rr
        times = problem.times
        if problem.by_events or not problem.doses:
            out[:] = rr.simulate(times[0], times[-1], len(times))
            return
        stops = [t for t, _ in problem.doses[1:]] + [problem.end]
        for (now, amount), stop in zip(problem.doses, stops, strict=True):
            rr[problem.dosed] = rr[problem.dosed] + amount
            inside = (times >= now) & ((times < stop) | (stop == problem.end))
            wanted = times[inside]
            grid = np.unique(np.concatenate(([now], wanted, [stop])))
            rows = np.asarray(rr.simulate(times=grid.tolist()))
            out[inside] = rows[np.searchsorted(grid, wanted)]


def solvers() -> dict[str, tuple[str, Callable[[Problem], Any]]]:
    """Name -> (version, how to set it up), for what is installed here."""
    import roadrunner

    from leukinetics import __version__

    found: dict[str, tuple[str, Callable[[Problem], Any]]] = {
        "rodas5p": (f"Leukinetics {__version__}", lambda p: Compiled(p, "rodas5p")),
        "rodas4": (f"Leukinetics {__version__}", lambda p: Compiled(p, "rodas4")),
        "roadrunner": (f"libRoadRunner {roadrunner.__version__}", RoadRunner),
    }
    if cvode.version():
        found["cvode"] = (cvode.version() + ", C: our equations, Jacobian and sparse LU", cvode.CvodeRunner)
        found["sundae"] = (cvode.version() + ", Python: our equations and Jacobian", sundae.SundaeRunner)
    if amici.version():
        found["amici"] = (amici.version(), amici.AmiciRunner)
    return found
