"""A model compiled for ensembles: prepares, compiles (or finds in the cache) and runs the kernel."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.engine.breakpoints import breakpoints
from leukinetics.engine.buffers import output_buffer
from leukinetics.engine.cache import compiled
from leukinetics.engine.codegen.source import KernelSource, kernel_source, observe_source
from leukinetics.engine.dose_arrays import dose_arrays
from leukinetics.engine.doses import DoseSchedule
from leukinetics.engine.expr import Expr
from leukinetics.engine.kernel import DoseArrays, Job, Kernel, available_threads, observer
from leukinetics.engine.prepare import Prepared, prepare
from leukinetics.engine.request import Request
from leukinetics.engine.result import RawResult
from leukinetics.engine.status import Status
from leukinetics.engine.system import OdeSystem, State
from leukinetics.engine.tableau import METHODS
from leukinetics.engine.tables import PatientTable
from leukinetics.errors import UnsupportedModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    F64 = NDArray[np.float64]

#: Before an SS=1 dose: intervals per round, and rounds, that may pass until the pattern has settled.
_INTERVALS, _ROUNDS = 10, 200


class CompiledModel:
    """The compiled form of one :class:`OdeSystem`. Build it once, run it for any number of patients."""

    def __init__(self, system: OdeSystem) -> None:
        if not system.states:  # only constants and explicit time: integrate nothing, once
            g = system.graph
            system.states.append(State("(nothing)", g.zero, g.zero))
        self.system = system
        self._prepared: Prepared = prepare(system)
        fixed = {q.name for q in [*system.constants, *system.discretes]}
        jumping = [*(s.rate for s in system.states), *(e.trigger for e in system.events)]
        breaks = breakpoints(system.graph, jumping, fixed)
        self.source: KernelSource = kernel_source(self._prepared, breaks)
        self.kernel = Kernel(compiled(self.source.text))
        self._observers: dict[tuple[Expr, ...], tuple[ctypes.CDLL, int]] = {}

    def run(
        self,
        request: Request,
        table: PatientTable,
        doses: DoseSchedule | None,
        threads: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> RawResult:
        """Simulate every patient of ``table``; returns values (patients, times, outputs) and statuses."""
        arrays = None
        if doses is not None:
            arrays = dose_arrays(doses, self.system.dose_targets, self.source.state_index, self.source.factor_slots)
        n_threads = available_threads(threads)
        y_start, ended = None, None
        if doses is not None and np.any(doses.steady_state > 0.0):
            y_start, ended = self._steady_start(request, table, doses, n_threads)
        out = output_buffer((len(table), len(request.times), len(request.outputs)))
        job = self._job(request, table, out, arrays, request.times, request.outputs)
        job.y_start = y_start
        if y_start is not None:
            job.run_in = (0.0, 0.0, 0.0)  # the steady start has settled already
        self.kernel.run(job, n_threads, progress)
        status = job.status.astype(np.int8)
        if ended is not None:
            status[ended != Status.OK] = ended[ended != Status.OK]
            out[ended != Status.OK] = np.nan
        return RawResult(out, status, job.steps - job.rejected, job.rejected)

    def _job(
        self,
        request: Request,
        table: PatientTable,
        out: F64,
        doses: DoseArrays | None,
        times: F64,
        outputs: Sequence[Expr],
    ) -> Job:
        index = {name: k for k, name in enumerate(self.source.input_names)}
        base = np.array([i.default for i in self.system.inputs.values()] or [0.0], dtype=np.float64)
        needed, observe = self._observe(tuple(outputs))
        run_in = request.run_in
        return Job(
            base=base,
            varied_index=np.array([index[n] for n in table.names], dtype=np.int64),
            varied=table.values,
            times=times,
            needed=needed,
            n_out=len(outputs),
            observe=observe,
            out=out,
            rtol=request.rtol,
            atol=self._tolerances(request.atol),
            max_steps=request.max_steps,
            method=METHODS[request.method].code,
            doses=doses,
            run_in=(run_in.limit, run_in.settling_time, run_in.tolerance) if run_in else (0.0, 0.0, 0.0),
        )

    def _tolerances(self, atol: Mapping[str, float] | float) -> F64:
        rows = np.empty(len(self.source.state_index))
        for name, row in self.source.state_index.items():
            rows[row] = atol if isinstance(atol, float) else atol.get(name, atol[""])
        return rows

    def _observe(self, outputs: tuple[Expr, ...]) -> tuple[NDArray[np.int64], int | None]:
        """Rows of the states that ``outputs`` need, and the function that computes outputs from states."""
        g = self.system.graph
        names = [str(g.values[e]) if g.ops[e] == "sym" else "" for e in outputs]
        distinct = len(set(names)) == len(names)  # the kernel interpolates a state once
        if distinct and all(n in self.source.state_index for n in names):
            return np.array([self.source.state_index[n] for n in names], dtype=np.int64), None
        if outputs not in self._observers:
            self._observers[outputs] = observer(compiled(observe_source(self._prepared, self.source, outputs)))
        used = g.symbols(outputs)
        needed = sorted(row for name, row in self.source.state_index.items() if name in used)
        return np.array(needed, dtype=np.int64), self._observers[outputs][1]

    def _steady_start(
        self, request: Request, table: PatientTable, doses: DoseSchedule, threads: int
    ) -> tuple[F64, NDArray[np.int8]]:
        """States just before the first dose of patients whose first dose is marked SS=1, and all statuses so far.

        Their dose is repeated every II, ten intervals a round, until a round changes no state by more than
        the tolerance; patients without the mark start as the model does (and may fail already). Every round
        begins at time 0, so models that look at the clock or have events have no such state.
        """
        g, what = self.system.graph, f"A steady state before the first dose of '{self.system.name}' is not possible"
        if self.system.events:
            raise UnsupportedModelError(f"{what}: the model has events.")
        if g.time in g.reachable([s.rate for s in self.system.states]):
            raise UnsupportedModelError(f"{what}: its rates depend on time.")
        n, n_states = len(table), len(self.source.state_index)
        interval = np.broadcast_to(doses.steady_state, (n,))
        asked = interval > 0.0
        no_times = np.zeros(1)
        y = np.empty((n, n_states))
        first = self._job(request, table, np.empty((n, 1, 0)), None, no_times, ())
        first.y_end = y
        self.kernel.run(first, threads)
        ended = first.status.astype(np.int8)
        unsettled = asked & (ended == Status.OK)
        for _ in range(_ROUNDS):
            rows = np.flatnonzero(unsettled)
            if len(rows) == 0:
                break
            for ii in np.unique(interval[rows]):
                some = rows[interval[rows] == ii]
                before = y[some]
                job = self._repeat_first_dose(request, table, doses, some, float(ii))
                job.y_start = np.ascontiguousarray(before)
                job.y_end = np.empty_like(before)
                job.run_in = (0.0, 0.0, 0.0)
                self.kernel.run(job, threads)
                y[some] = job.y_end
                small = np.abs(job.y_end - before) <= request.rtol * np.abs(job.y_end) + job.atol
                ended[some] = job.status
                unsettled[some] = (job.status == Status.OK) & ~small.all(axis=1)
        ended[unsettled] = Status.NOT_SETTLED
        return y, ended

    def _repeat_first_dose(
        self,
        request: Request,
        table: PatientTable,
        doses: DoseSchedule,
        rows: NDArray[np.int64],
        interval: float,
    ) -> Job:
        first = doses.offsets[:-1][rows] if not doses.shared else np.zeros(len(rows), dtype=np.int64)
        repeated = DoseSchedule(
            targets=doses.targets,
            offsets=np.arange(len(rows) + 1, dtype=np.int64) * _INTERVALS,
            time=np.tile(np.arange(_INTERVALS) * interval, len(rows)),
            amount=np.repeat(doses.amount[first], _INTERVALS),
            duration=np.repeat(doses.duration[first], _INTERVALS),
            target=np.repeat(doses.target[first], _INTERVALS),
            shared=False,
            steady_state=np.zeros(len(rows)),
        )
        arrays = dose_arrays(repeated, self.system.dose_targets, self.source.state_index, self.source.factor_slots)
        end = np.array([_INTERVALS * interval])
        return self._job(request, table.take(rows), np.empty((len(rows), 1, 0)), arrays, end, ())
