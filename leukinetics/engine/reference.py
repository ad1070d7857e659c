"""The same simulation on libRoadRunner (CVODE), one patient after another: slow, general, independent.

It is the oracle of the tests, the second try for patients that the fast path gives up, and what runs models
with constructs that the compiled engine does not know. Rates, rules and events come from libRoadRunner's own
reading of the SBML. Start values come from ours, because libRoadRunner cannot re-evaluate initial
assignments for other parameters without compiling anew; at the model's own values both readings must agree,
else the model is refused.

Conventions: the value at the time of a dose is the one after the dose, at the time of an event the one after
the event; a dose comes before events of the same time. ``rtol`` and ``atol`` go to CVODE, which takes
``atol`` on amounts and the smallest one for all. Steps are not counted (0).

Traps of libRoadRunner 2.10 that are handled: ``reset()`` keeps what events did to boundary species and
parameters (a full reset does not, and every value is set by hand); no reset forgets delayed events (the model
is loaded anew); identifiers become properties of the Python class (switched off); a parameter called ``time``
cannot be read (renamed); a step may jump over the window of a trigger such as ``x > 1 and x < 1.1`` (both
ends are watched); an event whose delay is NaN never happens (delays are summed); changing a state by hand
fires no events (doses are events there); the order of events of equal priority is left to chance (seeded);
SUNDIALS prints to the terminal (silenced).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.reference_model import ReferenceModel
from leukinetics.engine.reference_plan import Actions, Dose, doses_of, timeline
from leukinetics.engine.reference_refuse import refuse
from leukinetics.engine.reference_sbml import (
    DELAYS,
    DOSE_GIVEN,
    DOSE_TIME,
    NEVER,
    amount_parameter,
    rate_parameter,
)
from leukinetics.engine.result import RawResult
from leukinetics.engine.status import Status
from leukinetics.engine.system import OdeSystem
from leukinetics.errors import UnsupportedModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.engine.doses import DoseSchedule
    from leukinetics.engine.request import Request
    from leukinetics.engine.tables import PatientTable

    F64 = NDArray[np.float64]

#: Rows of output per call; libRoadRunner's own limit is higher.
_ROWS = 20_000
#: As in the compiled engine: intervals per round, and rounds, to a steady state under repeated doses.
_INTERVALS, _ROUNDS = 10, 200


class _Failure(Exception):
    """One patient could not be solved."""

    def __init__(self, status: Status) -> None:
        self.status = status


def simulate_reference(
    system: OdeSystem,
    request: Request,
    table: PatientTable,
    doses: DoseSchedule | None,
    progress: Callable[[int, int], None] | None = None,
    names: Sequence[str] | None = None,
) -> RawResult:
    """Simulate every patient of ``table``; values (patients, times, outputs), statuses; no step counts.

    ``names`` are the observables behind ``request.outputs``; without them they are looked up.

    Raises UnsupportedModelError for models, doses and run-ins that libRoadRunner cannot do or would get
    wrong. What fails for one patient alone is that patient's status, and its values are NaN.
    """
    refuse(system, request, doses)
    n = len(table)
    values = np.full((n, len(request.times), len(request.outputs)), np.nan)
    status = np.full(n, Status.INTERRUPTED, dtype=np.int8)
    simulator = _Simulator(system, request, table, doses, names)
    for p in range(n):
        try:
            values[p] = simulator.patient(p)
            status[p] = Status.OK
        except _Failure as failure:
            status[p] = failure.status
        except RuntimeError as error:  # events of time 0, for example, may cascade without end
            status[p] = _status(str(error))
        if progress is not None:
            progress(p + 1, n)
    return RawResult(values, status, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))


class _Simulator:
    """Runs the patients of one table through a :class:`ReferenceModel`."""

    def __init__(
        self,
        system: OdeSystem,
        request: Request,
        table: PatientTable,
        doses: DoseSchedule | None,
        names: Sequence[str] | None,
    ) -> None:
        self.request, self.doses = request, doses
        self.selected: list[str] = []
        atol = request.atol
        self.atol = atol if isinstance(atol, float) else min(atol.values())
        targets = doses.targets if doses is not None else ()
        infused = targets if doses is not None and np.any(doses.duration > 0.0) else ()
        self.model = ReferenceModel(system, table, targets, infused, self._configure)
        outputs = self.model.selections(request.outputs, names)
        self.n_out = len(outputs)
        self.selected = outputs + self.model.state_selections
        self._configure(self.model.rr)

    def _configure(self, rr: Any) -> None:
        rr.integrator.relative_tolerance = self.request.rtol
        rr.integrator.absolute_tolerance = self.atol
        rr.integrator.maximum_num_steps = self.request.max_steps
        if self.selected:
            try:
                rr.timeCourseSelections = self.selected
            except RuntimeError as error:
                raise UnsupportedModelError(f"libRoadRunner cannot report an output: {error}") from None

    def patient(self, p: int) -> F64:
        """Values (times, outputs) of patient ``p``; raises _Failure."""
        plan, interval = doses_of(self.doses, p)
        actions = timeline([] if interval > 0.0 else plan)
        run_in = self.request.run_in
        before = interval > 0.0 or run_in is not None
        at_once = Actions({}, {}) if before else actions.pop(0.0, Actions({}, {}))
        if not self.model.restart(p, list(at_once.boluses.items())):
            raise _Failure(Status.BAD_INITIAL)
        self._act(Actions({}, at_once.rates))
        if interval > 0.0:
            self._repeat_to_steady_state(plan[0], interval)
            actions = timeline(plan)
        elif run_in is not None:
            self._settle(run_in.limit, run_in.settling_time, run_in.tolerance)
        rows = self._follow(actions, self.request.times)
        if self.model.adapted.watches_delays and np.isnan(self.model.read(DELAYS)):
            raise _Failure(Status.NON_FINITE)
        if not np.isfinite(rows[:, self.n_out :]).all() and np.isfinite(self.model.start[p]).all():
            raise _Failure(Status.NON_FINITE)
        return rows[:, : self.n_out]

    # ---- from one action to the next --------------------------------------------------------------------

    def _follow(self, actions: dict[float, Actions], times: F64) -> F64:
        """Simulate from time 0; rows (times, outputs and states), after the actions of their time."""
        last = float(times[-1])
        self._act(actions.get(0.0))
        if last == 0.0:  # one short step makes the events of time 0 happen; its end is not used
            first = min((t for t in actions if t > 0.0), default=1.0)
            return np.repeat(self._simulate(np.array([0.0, 1e-9 * first]))[:1], len(times), axis=0)
        rows = np.empty((len(times), len(self.selected)))
        now = 0.0
        for stop in sorted({t for t in actions if 0.0 < t < last} | {last}):
            inside = (times >= now) & (times < stop)
            rows[inside] = self._segment(now, stop, times[inside], actions.get(stop))
            now = stop
        rows[times == last] = np.array(self.model.rr.getSelectedValues())
        return rows

    def _segment(self, now: float, stop: float, wanted: F64, at_stop: Actions | None) -> F64:
        """Rows at the ``wanted`` times, now <= t < stop; then what happens at ``stop``."""
        grid = np.unique(np.concatenate(([now], wanted, [stop])))
        if at_stop is None or not at_stop.boluses or not self.model.dose_events:
            rows = self._simulate(grid)
            self._act(at_stop)
        else:
            # A moment earlier, so that events of the same time already see the dose.
            grid[-1] = max(stop - 64.0 * np.spacing(stop), 0.5 * (grid[-2] + stop))
            self._announce(grid[-1], at_stop.boluses)
            rows = self._simulate(grid)
            if self.model.rr.getValue(DOSE_GIVEN) != grid[-1]:
                raise _Failure(Status.REFERENCE_FAILED)
            self._announce(NEVER, dict.fromkeys(at_stop.boluses, 0.0))
            self._simulate(np.array([grid[-1], stop]))
            self._act(Actions({}, at_stop.rates))
        return rows[np.searchsorted(grid, wanted)]

    def _announce(self, time: float, boluses: Mapping[str, float]) -> None:
        """Set the event that gives doses."""
        self.model.rr.setValue(DOSE_TIME, time)
        for species, amount in boluses.items():
            self.model.rr.setValue(amount_parameter(species), amount)

    def _act(self, actions: Actions | None) -> None:
        if actions is not None:
            for species, amount in actions.boluses.items():
                self.model.add(species, amount)
            for species, rate in actions.rates.items():
                self.model.rr.setValue(rate_parameter(species), rate)

    def _simulate(self, times: F64) -> F64:
        """Rows at ``times``, the first of which is the present."""
        parts = range(0, len(times) - 1, _ROWS)
        try:
            rows = [np.array(self.model.rr.simulate(times=times[i : i + _ROWS + 1].tolist()))[i > 0 :] for i in parts]
            return np.concatenate(rows)
        except RuntimeError as error:
            raise _Failure(_status(str(error))) from None

    # ---- before time 0 -------------------------------------------------------------------------------------

    def _settle(self, limit: float, window: float, tolerance: float) -> None:
        """Simulate until no state changes within ``window`` by more than the tolerance."""
        now, ahead = 0.0, window
        while now < limit:
            until = min(now + ahead, limit)
            rows = self._simulate(np.array([now, until, until + window]))[1:, self.n_out :]
            if self._still(rows[0], rows[1], tolerance, tolerance * self.atol):
                return
            now, ahead = until + window, 2.0 * ahead
        raise _Failure(Status.NOT_SETTLED)

    def _repeat_to_steady_state(self, first: Dose, interval: float) -> None:
        repeated = [Dose(k * interval, first.species, first.amount, first.duration) for k in range(_INTERVALS)]
        actions, end = timeline(repeated), np.array([_INTERVALS * interval])
        before = np.array(self.model.rr.getSelectedValues())[self.n_out :]
        for _ in range(_ROUNDS):
            after = self._follow(actions, end)[0, self.n_out :]
            self._act(Actions({}, dict.fromkeys(self.model.infusions, 0.0)))
            if self._still(before, after, self.request.rtol, self.atol):
                return
            before = after
        raise _Failure(Status.NOT_SETTLED)

    def _still(self, before: F64, after: F64, relative: float, absolute: float) -> bool:
        return bool(np.all(np.abs(after - before) <= relative * np.abs(after) + absolute))


def _status(message: str) -> Status:
    if "CV_TOO_MUCH_WORK" in message:
        return Status.MAX_STEPS
    if "cascaded events" in message:
        return Status.EVENT_STORM
    if "RHSFUNC" in message:
        return Status.NON_FINITE
    if any(word in message for word in ("CONV_FAILURE", "ERR_FAILURE", "TOO_CLOSE")):
        return Status.STEP_TOO_SMALL
    return Status.REFERENCE_FAILED
