"""CVODE (the SUNDIALS inside scikit-sundae) with a model's own compiled equations; see cvode_driver.c."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.problems import Ensemble, Problem
from leukinetics.engine.breakpoints import breakpoints
from leukinetics.engine.cache import compiled
from leukinetics.engine.codegen.linear import Storage
from leukinetics.engine.codegen.source import kernel_source
from leukinetics.engine.elimination import plan
from leukinetics.engine.kernel import load
from leukinetics.engine.prepare import prepare

#: Members of sundials_t and the library functions behind them.
_TABLE = (
    ("core", "SUNContext_Create"), ("core", "SUNContext_ClearErrHandlers"), ("nvecserial", "N_VNew_Serial"),
    ("core", "N_VGetArrayPointer"), ("sunmatrixdense", "SUNDenseMatrix"), ("sunmatrixdense", "SUNDenseMatrix_Data"),
    ("sunlinsoldense", "SUNLinSol_Dense"), ("cvode", "CVodeCreate"), ("cvode", "CVodeInit"),
    ("cvode", "CVodeReInit"), ("cvode", "CVodeSVtolerances"), ("cvode", "CVodeSetMaxNumSteps"),
    ("cvode", "CVodeSetStopTime"), ("cvode", "CVodeSetLinearSolver"), ("cvode", "CVodeSetJacFn"),
    ("cvode", "CVodeSetUserData"), ("cvode", "CVode"), ("cvode", "CVodeGetNumSteps"),
    ("sunmatrixdense", "SUNMatZero_Dense"), ("sunmatrixdense", "SUNMatCopy_Dense"),
    ("sunmatrixdense", "SUNMatScaleAddI_Dense"), ("sunlinsoldense", "SUNLinSolSetup_Dense"),
    ("sunlinsoldense", "SUNLinSolSolve_Dense"),
)  # fmt: skip

_FIELDS = (
    "i n_patients", "i n_times", "i n_doses", "i n_varied", "i max_steps", "p base", "p varied", "p varied_index",
    "p times", "p atol", "d rtol", "p dose_time", "p dose_amount", "i dose_state", "p out", "p status", "p n_steps",
)  # fmt: skip
_TYPES = {"p": ctypes.c_void_p, "i": ctypes.c_int64, "d": ctypes.c_double}


class _Job(ctypes.Structure):
    _fields_ = [(f[2:], _TYPES[f[0]]) for f in _FIELDS]  # type: ignore[misc]


@cache
def _sundials() -> Any:
    """The table of addresses, or None where scikit-sundae or its libraries are missing."""
    try:
        import sksundae.cvode
    except ImportError:
        return None
    folder = Path(sksundae.__file__).parents[1] / "scikit_sundae.libs"
    addresses = []
    for library, name in _TABLE:
        found = list(folder.glob(f"libsundials_{library}-*"))
        if len(found) != 1:
            return None
        function = getattr(ctypes.CDLL(str(found[0])), name)
        addresses.append(ctypes.cast(function, ctypes.c_void_p).value)
    return (ctypes.c_void_p * len(addresses))(*addresses)


def version() -> str:
    """What ran, for the report; empty if it cannot run here."""
    if _sundials() is None:
        return ""
    import sksundae

    return f"CVODE (SUNDIALS {sksundae.SUNDIALS_VERSION}, scikit-sundae {sksundae.__version__})"


class CvodeRunner:
    """Runs ensembles of one problem; doses are given as jumps of one state."""

    def __init__(self, problem: Problem) -> None:
        system = problem.model().system
        prepared = prepare(system)
        fixed = {q.name for q in [*system.constants, *system.discretes]}
        source = kernel_source(prepared, breakpoints(system.graph, [s.rate for s in system.states], fixed))
        driver = (Path(__file__).parent / "cvode_driver.c").read_text(encoding="utf-8")
        self.lib = load(compiled("#define LANES 1\n" + source.text + driver))
        self._run = self.lib.cv_run
        self._run.argtypes = [ctypes.c_void_p] * 3
        self._run.restype = ctypes.c_int64
        self.index = source.state_index
        self.inputs = list(source.input_names)
        self.base = np.array([i.default for i in system.inputs.values()], dtype=np.float64)
        storage = Storage(plan([set(row) for row in prepared.jacobian]))
        position = {state: k for k, state in enumerate(storage.plan.order)}
        self.pattern = [(position[i], position[j]) for i, row in enumerate(prepared.jacobian) for j in row]
        self.places = np.array([storage.index[entry] for entry in self.pattern], dtype=np.int64)
        self.diagonal = np.array([storage.index[i, i] for i in range(len(self.index))], dtype=np.int64)
        self.problem = problem

    def solve(self, ensemble: Ensemble, rtol: float, atol: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
        """See :class:`bench.solvers.Runner`."""
        problem, n = self.problem, len(ensemble.values)
        out = np.full((n, len(problem.times), len(self.index)), np.nan)
        tolerance = np.empty(len(self.index))
        tolerance[[self.index[s] for s in problem.states]] = atol
        status, steps = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        dose_time, dose_amount = problem.jumps()
        arrays = {
            "base": self.base, "varied": ensemble.values, "times": problem.times, "atol": tolerance,
            "varied_index": np.array([self.inputs.index(v) for v in ensemble.names], dtype=np.int64),
            "dose_time": dose_time, "dose_amount": dose_amount, "out": out, "status": status, "n_steps": steps,
        }  # fmt: skip
        job = _Job(
            n_patients=n, n_times=len(problem.times), n_doses=len(dose_time), n_varied=len(ensemble.names),
            max_steps=500_000, rtol=rtol, dose_state=self.index[problem.dosed] if problem.dosed else 0,
            **{name: a.ctypes.data for name, a in arrays.items()},
        )  # fmt: skip
        code = self._run(ctypes.addressof(_sundials()), ctypes.addressof(job), self.diagonal.ctypes.data)
        if code:
            raise RuntimeError(f"setting up CVODE failed at step {code}")
        return out, int(np.count_nonzero(status))

    def values(self, solved: tuple[NDArray[np.float64], int]) -> tuple[NDArray[np.float64], int]:
        """See :class:`bench.solvers.Runner`."""
        return solved[0][:, :, [self.index[s] for s in self.problem.states]], solved[1]
