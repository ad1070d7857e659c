"""CVODE as a Python user has it: scikit-sundae's own interface, with our compiled equations as callbacks.

Every evaluation passes through Python, which costs a few microseconds; cvode.py does without.
"""

from __future__ import annotations

import ctypes
import warnings
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix

from bench.cvode import CvodeRunner
from bench.problems import F64, Ensemble, Problem

MAX_STEPS = 500_000


class SundaeRunner:
    """Dense up to 50 states, above that the sparse solver (SuperLU_MT)."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        own = CvodeRunner(problem)
        self.own = own
        library = own.lib
        self._start, self._rhs, self._jacobian = library.one_start, library.one_rhs, library.one_jacobian
        for function in (self._start, self._rhs, self._jacobian):
            function.restype = None
        self._start.argtypes = [ctypes.c_void_p] * 2
        self._rhs.argtypes = [ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p]
        self._jacobian.argtypes = [ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
        n = len(own.index)
        rows, columns = np.array(own.pattern, dtype=np.int64).T
        # places + 1, so that no stored zero is dropped; CSC order is the order of sksundae's sparse template
        places = csc_matrix(coo_matrix((own.places + 1.0, (rows, columns)), shape=(n, n)))
        self.places = np.ascontiguousarray(places.data.astype(np.int64) - 1)
        self.entries = np.empty(len(self.places))
        self.rows = places.indices
        self.columns = np.repeat(np.arange(n), np.diff(places.indptr))
        self.sparse = n > 50
        self.pattern = places.astype(bool).astype(float)

    def _options(self, rtol: float, atol: F64) -> dict[str, Any]:
        options: dict[str, Any] = {"rtol": rtol, "atol": atol, "max_num_steps": MAX_STEPS, "jacfn": self._fill}
        return options | ({"linsolver": "sparse", "sparsity": self.pattern} if self.sparse else {})

    def _evaluate(self, t: float, y: F64, yp: F64) -> None:
        self._rhs(t, y.ctypes.data, yp.ctypes.data)

    def _fill(self, t: float, y: F64, yp: F64, out: F64) -> None:
        self._jacobian(t, y.ctypes.data, self.places.ctypes.data, len(self.places), self.entries.ctypes.data)
        if self.sparse:
            out[:] = self.entries
        else:
            out[self.rows, self.columns] = self.entries

    def solve(self, ensemble: Ensemble, rtol: float, atol: F64) -> tuple[F64, int]:
        """See :class:`bench.solvers.Runner`."""
        from sksundae.cvode import CVODE

        problem, index = self.problem, self.own.index
        tolerance = np.empty(len(index))
        tolerance[[index[s] for s in problem.states]] = atol
        with warnings.catch_warnings():  # that the pattern is not needed for its own differences
            warnings.simplefilter("ignore")
            solver = CVODE(self._evaluate, **self._options(rtol, tolerance))
        inputs, y0 = self.own.base.copy(), np.empty(len(index))
        where = [self.own.inputs.index(n) for n in ensemble.names]
        times = problem.times
        stops = [t for t, _ in problem.doses if t > 0.0] + [problem.end]
        amounts = dict(problem.doses)
        out = np.full((len(ensemble.values), len(times), len(index)), np.nan)
        failed = 0
        for p, values in enumerate(ensemble.values):
            inputs[where] = values
            self._start(inputs.ctypes.data, y0.ctypes.data)
            y, now = y0.copy(), 0.0
            for stop in stops:
                if now in amounts:
                    y[index[problem.dosed]] += amounts[now]
                inside = (times >= now) & ((times < stop) | (stop == problem.end))
                grid = np.unique(np.concatenate(([now], times[inside], [stop])))
                if len(grid) == 2:  # two times mean every internal step
                    grid = np.array([now, 0.5 * (now + stop), stop])
                solution = solver.solve(grid, y)
                if not solution.success or len(solution.t) != len(grid):
                    failed += 1
                    break
                out[p, inside] = solution.y[np.searchsorted(grid, times[inside])]
                y, now = solution.y[-1].copy(), stop
        return out, failed

    def values(self, solved: tuple[F64, int]) -> tuple[F64, int]:
        """See :class:`bench.solvers.Runner`."""
        return self.own.values(solved)
