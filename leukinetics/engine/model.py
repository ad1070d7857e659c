"""The model as users meet it: what it contains, and how to simulate it for many patients."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.doses import DoseSchedule, read_doses
from leukinetics.engine.expr import Expr
from leukinetics.engine.options import callback, choice, name_list, positive, tolerances, whole
from leukinetics.engine.request import Request
from leukinetics.engine.result import RawResult, check_output_names, to_dataset
from leukinetics.engine.run_in import RunIn
from leukinetics.engine.status import Status
from leukinetics.engine.system import Input, OdeSystem
from leukinetics.engine.tableau import METHODS
from leukinetics.engine.tables import PatientTable, read_patients, read_times
from leukinetics.engine.toolchain import compiler
from leukinetics.errors import DataError, UnsupportedModelError, suggest

if TYPE_CHECKING:
    import xarray as xr

    from leukinetics.engine.compiled import CompiledModel
#: Ends of the fast path after which the reference path may still succeed.
_WORTH_A_RETRY = (Status.STEP_TOO_SMALL, Status.MAX_STEPS, Status.NON_FINITE, Status.EVENT_STORM)
#: The same for models with events: libRoadRunner steps across events that crowd together, at every tolerance.
_WORTH_A_RETRY_WITH_EVENTS = (Status.STEP_TOO_SMALL, Status.NON_FINITE, Status.EVENT_STORM)

BACKENDS = ("auto", "compiled", "roadrunner")

Progress = Callable[[int, int], None]


class Model:
    """An ODE model read from SBML or Antimony. Made by :func:`leukinetics.load_model`."""

    def __init__(self, system: OdeSystem) -> None:
        self.system = system

    def __repr__(self) -> str:
        s = self.system
        return f"<Model '{s.name}': {len(s.states)} states, {len(s.inputs)} inputs, {len(s.events)} events>"

    @property
    def name(self) -> str:
        """The model's name in its file."""
        return self.system.name

    @property
    def inputs(self) -> dict[str, Input]:
        """What may be set per patient: parameters, compartments, initial values."""
        return self.system.inputs

    @property
    def species(self) -> list[str]:
        """The species, in file order: the default outputs."""
        return list(self.system.species)

    @property
    def observables(self) -> list[str]:
        """Every name that may be asked for as an output."""
        return list(self.system.observables)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the model's SBML text, to record with results."""
        return hashlib.sha256((self.system.sbml or repr(self.system)).encode()).hexdigest()

    @cached_property
    def compiled(self) -> CompiledModel:
        """The compiled form; compiling happens on first use, or the disk cache has it."""

        from leukinetics.engine.compiled import CompiledModel

        return CompiledModel(self.system)

    def __getstate__(self) -> dict[str, Any]:
        return {"system": self.system}  # compiled code is found again in the cache

    # ---- simulation -----------------------------------------------------------------------------

    def simulate(
        self,
        times: Sequence[float] | np.ndarray[Any, Any],
        parameters: Any = None,
        doses: Any = None,
        outputs: str | Sequence[str] | None = None,
        amounts: str | Iterable[str] = (),
        rtol: float = 1e-6,
        atol: float | Mapping[str, float] = 1e-9,
        threads: int | None = None,
        *,
        method: str = "rodas5p",
        backend: str = "auto",
        run_in: RunIn | float | None = None,
        max_steps: int = 1_000_000,
        progress: Progress | None = None,
    ) -> xr.Dataset:
        """Simulate one patient or many from time 0.

        Parameters
        ----------
        times : (times,) ascending, >= 0, in the model's unit of time. The value at the time of a dose is
            the one after the dose.
        parameters : None, or a table with one row a patient: mapping, DataFrame, Arrow table or Dataset.
            Columns are names from :attr:`inputs`; what is not a column keeps the model's value.
        doses : None or a dose table, see :func:`leukinetics.engine.doses.read_doses`.
        outputs : names from :attr:`observables`; None for all species. Species are concentrations ...
        amounts : ... except those named here, which are amounts (names of other observables change nothing).
        rtol, atol : tolerances of the local error, per state ``atol + rtol*|y|``; ``atol`` may be a mapping
            from state to tolerance (states it does not name get 1e-9).
        threads : number of threads; None for all that the process may use. Results do not depend on it.
        method : "rodas5p" (order 5) or "rodas4" (order 4, cheaper at low accuracy).
        backend : "compiled", "roadrunner" (libRoadRunner, one patient at a time), or "auto": compiled
            where the model allows, else libRoadRunner.
        run_in : a :class:`RunIn`, or its limit as a number, to start from a settled state.
        max_steps : steps after which a patient is given up.
        progress : called as ``progress(done, total)`` a few times a second.

        Returns
        -------
        xarray.Dataset with dims (patient, time): one variable per output with its unit, and per patient
        ``status`` (0 and 1 are valid; the values of all others are NaN), ``steps``, ``rejected``.

        Raises
        ------
        DataError
            For unusable times, tables, doses, names or options.
        UnsupportedModelError
            If no backend can run the model, or not the one asked for.
        """

        request, names, units = self._request(times, outputs, amounts, rtol, atol, method, run_in, max_steps)
        threads = None if threads is None else whole("threads", threads)
        callback("progress", progress)
        table = read_patients(parameters, self.inputs)
        schedule = read_doses(doses, table.ids, self.system.dose_targets, self.system.species)
        chosen = self._backend(backend)
        raw = self._run(chosen, request, names, table, schedule, threads, progress)
        return self._label(raw, request, names, units, table, chosen)

    def stream(
        self,
        times: Sequence[float] | np.ndarray[Any, Any],
        parameters: Any = None,
        doses: Any = None,
        outputs: str | Sequence[str] | None = None,
        amounts: str | Iterable[str] = (),
        rtol: float = 1e-6,
        atol: float | Mapping[str, float] = 1e-9,
        threads: int | None = None,
        *,
        chunk: int = 4096,
        method: str = "rodas5p",
        backend: str = "auto",
        run_in: RunIn | float | None = None,
        max_steps: int = 1_000_000,
        progress: Progress | None = None,
    ) -> Iterator[xr.Dataset]:
        """Like :meth:`simulate`, but hand over a Dataset per ``chunk`` patients, in order.

        Memory is bounded by the chunk, and a patient's numbers are bitwise those of :meth:`simulate`.
        """

        chunk = whole("chunk", chunk)
        request, names, units = self._request(times, outputs, amounts, rtol, atol, method, run_in, max_steps)
        threads = None if threads is None else whole("threads", threads)
        callback("progress", progress)
        table = read_patients(parameters, self.inputs)
        schedule = read_doses(doses, table.ids, self.system.dose_targets, self.system.species)
        chosen = self._backend(backend)

        def chunks() -> Iterator[xr.Dataset]:
            for start in range(0, len(table), chunk):
                stop = min(start + chunk, len(table))
                part = PatientTable(table.ids[start:stop], table.names, table.values[start:stop])
                some = schedule.part(start, stop) if schedule is not None else None
                shift = _shifted(progress, start, len(table))
                raw = self._run(chosen, request, names, part, some, threads, shift)
                yield self._label(raw, request, names, units, part, chosen)

        return chunks()

    # ---- inside ---------------------------------------------------------------------------------

    def _request(
        self,
        times: Any,
        outputs: str | Sequence[str] | None,
        amounts: str | Iterable[str],
        rtol: float,
        atol: float | Mapping[str, float],
        method: str,
        run_in: RunIn | float | None,
        max_steps: int,
    ) -> tuple[Request, list[str], dict[str, str]]:
        """Check the options once, before any work is done."""

        names, expressions, units = self._outputs(outputs, amounts)
        check_output_names(names)
        if run_in is not None and not isinstance(run_in, RunIn):
            run_in = RunIn(run_in)
        request = Request(
            times=read_times(times),
            outputs=tuple(expressions),
            rtol=positive("rtol", rtol, below=1.0),
            atol=tolerances(atol, {s.name for s in self.system.states}, self.name),
            method=choice("method", method, list(METHODS)),
            max_steps=whole("max_steps", max_steps),
            run_in=run_in,
        )
        return request, names, units

    def _outputs(
        self, outputs: str | Sequence[str] | None, amounts: str | Iterable[str]
    ) -> tuple[list[str], list[Expr], dict[str, str]]:
        system = self.system
        as_amounts = set(name_list("amounts", amounts))
        for name in sorted(as_amounts - set(system.amounts)):
            if name not in system.observables:
                raise DataError(
                    f"amounts names '{name}', which is no species of '{self.name}'.{suggest(name, system.amounts)}"
                )
            as_amounts.discard(name)  # a compartment or parameter has one value only
        if outputs is None:
            names = [*system.species, *sorted(as_amounts - set(system.species))]
        else:
            names = name_list("outputs", outputs)
        known = system.observables
        for name in names:
            if name not in known:
                raise DataError(
                    f"The output '{name}' is unknown to '{self.name}'.{suggest(str(name), known)} "
                    "Model.observables lists all names."
                )
        expressions = [system.amounts[n] if n in as_amounts else known[n] for n in names]
        units = {n: (system.amount_units if n in as_amounts else system.units).get(n, "") for n in names}
        return names, expressions, units

    def _backend(self, backend: str) -> str:
        choice("backend", backend, BACKENDS)
        refusals = self.system.compiled_refusals
        if backend == "compiled" and refusals:
            raise UnsupportedModelError(
                f"The compiled engine cannot run '{self.name}': it has {', '.join(refusals)}. "
                "Use backend='auto' or backend='roadrunner'."
            )
        if backend == "auto":
            return "roadrunner" if refusals else "compiled"
        return backend

    def _run(
        self,
        backend: str,
        request: Request,
        names: list[str],
        table: PatientTable,
        doses: DoseSchedule | None,
        threads: int | None,
        progress: Progress | None,
    ) -> RawResult:
        if backend == "roadrunner":
            from leukinetics.engine.reference import simulate_reference

            return simulate_reference(self.system, request, table, doses, progress, names)
        raw = self.compiled.run(request, table, doses, threads, progress)
        return self._retry(raw, request, names, table, doses)

    def _retry(
        self,
        raw: RawResult,
        request: Request,
        names: list[str],
        table: PatientTable,
        doses: DoseSchedule | None,
    ) -> RawResult:
        """Give each patient that the integrator gave up one try on the reference path.

        A reference that steps across a singularity returns numbers that mean nothing, so it is run at two
        tolerances: where both agree the status becomes RETRIED, elsewhere the first status stays.
        """

        worth = _WORTH_A_RETRY_WITH_EVENTS if self.system.events else _WORTH_A_RETRY
        rows = np.flatnonzero(np.isin(raw.status, worth))
        if len(rows) == 0:
            return raw
        from leukinetics.engine.reference import simulate_reference  # libRoadRunner takes long to load

        some = doses.take(rows) if doses is not None else None
        try:
            again, finer = (
                simulate_reference(self.system, r, table.take(rows), some, names=names)
                for r in (request, request.tighter(100.0))
            )
        except UnsupportedModelError:  # the reference cannot run this model: the first status stands
            return raw
        solved = (again.status == Status.OK) & (finer.status == Status.OK)
        allowed = 100.0 * (request.rtol * np.abs(finer.values) + request.loosest_atol)
        solved &= (np.abs(again.values - finer.values) <= allowed).all(axis=(1, 2))
        raw.values[rows[solved]] = finer.values[solved]
        raw.status[rows[solved]] = Status.RETRIED
        return raw

    def _label(
        self,
        raw: RawResult,
        request: Request,
        names: list[str],
        units: dict[str, str],
        table: PatientTable,
        backend: str,
    ) -> xr.Dataset:
        from leukinetics import __version__

        attrs: dict[str, Any] = {
            "model": self.name,
            "model_hash": self.hash,
            "leukinetics": __version__,
            "backend": backend,
            "method": request.method if backend == "compiled" else "cvode",
            "rtol": request.rtol,
            "atol": request.atol if isinstance(request.atol, float) else str(dict(request.atol)),
        }
        if backend == "compiled":
            attrs["compiler"] = compiler().identity
        return to_dataset(raw, table.ids, request.times, names, units, self.system.time_unit, attrs)


def _shifted(progress: Progress | None, start: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda done, _: progress(start + done, total)
