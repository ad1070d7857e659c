"""The screening visit: who could exist, who is plausible, who belongs to the population, who is eligible.

A person is looked at in this order, and the first reason that applies is kept: possible, alive, plausible (true
untreated readouts), selected among people screened, eligible (covariates, then readouts as measured at this visit),
selected among those eligible. Everything depends on the seed and the person's number, never on who else is in the
block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from leukinetics.assays import exact, measure
from leukinetics.patients.criteria import Bound
from leukinetics.trial.prepare import SCREENING, SURVIVAL, Prepared
from leukinetics.trial.simulate import simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

NOT_POSSIBLE = "not a possible person"
NOT_ALIVE = "did not live until time 0"
NOT_SELECTED = "not selected to match the population"
FAILED = "simulation failed"
#: What ``reason`` holds of a person that nobody looked at.
UNSEEN = -1


class Selection(Protocol):
    """Decides for each person whether they belong to a population, see :mod:`leukinetics.trial.selection`."""

    @property
    def among(self) -> str:
        """ "screened" or "enrolled"."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The readouts that it needs."""

    def accepts(self, people: NDArray[np.int64], visit: Visit, candidate: int) -> NDArray[np.bool_]:
        """Who is selected, (people,)."""


@dataclass
class Screened:
    """A block of people, for one or more candidates.

    ``people`` (n,): their numbers; ``eligible``, ``failed`` (candidates, n); ``reason`` (candidates, n): 0 eligible,
    else 1 + the place in :func:`reasons` of the first that applied (:data:`UNSEEN`: the candidate wanted nobody).
    ``columns`` (candidates, n): the patients' table, and "screening.<observable>", the value measured at screening
    (NaN where none was; half the limit of quantification where it was below it).
    """

    people: NDArray[np.int64]
    eligible: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    reason: NDArray[np.int8]
    columns: dict[str, Array]


@dataclass
class Visit:
    """What is known of people at screening, each (candidates, n); readouts are NaN until they are simulated."""

    prepared: Prepared
    columns: Mapping[str, Array]
    true: dict[str, Array]
    measured: dict[str, Array]

    def told(self, name: str) -> Array:
        """A covariate or a patient's own parameter."""
        return self.columns[name] if name in self.columns else np.array(self.prepared.plan.parameters[name].value)


@dataclass(frozen=True)
class Check:
    """A reason to leave people out: the readouts it ``reads``, and who meets it, (candidates, n)."""

    reason: str
    reads: tuple[str, ...]
    meets: Callable[[Visit, NDArray[np.int64]], NDArray[np.bool_]]


def reasons(prepared: Prepared) -> list[str]:
    """The texts of all reasons not to take part, in the order in which they are looked at."""
    return list(dict.fromkeys([*(c.reason for c in checks(prepared, None)), FAILED, NOT_SELECTED]))


def screen(
    prepared: Prepared,
    typical: Sequence[Mapping[str, float]],
    people: NDArray[np.int64],
    wanting: NDArray[np.bool_],
    threads: int | None = None,
    selections: Sequence[Selection] | None = None,
) -> Screened:
    """Screen ``people`` (n,) for candidates with these ``typical`` values; those not ``wanting`` are passed over.

    ``selections``: of each candidate, where the population is matched.
    """
    columns, todo = prepared.columns(people, typical), checks(prepared, selections)
    return look(prepared, columns, people, wanting, todo, seed=prepared.protocol.trial.seed, threads=threads)[0]


def look(
    prepared: Prepared,
    columns: Mapping[str, Array],
    people: NDArray[np.int64],
    wanting: NDArray[np.bool_],
    todo: Sequence[Check],
    *,
    seed: int,
    threads: int | None,
) -> tuple[Screened, Visit]:
    """Go through checks with people who have these ``columns`` and the noise of ``seed``.

    Readouts are simulated once, before the first check that reads any, for those who got so far.
    """
    texts = reasons(prepared)
    good = np.repeat(wanting[:, None], len(people), axis=1)
    reason = np.where(good, 0, UNSEEN).astype(np.int8)
    failed = np.zeros_like(good)
    read = tuple(dict.fromkeys(name for check in todo for name in check.reads))
    visit = Visit(prepared, columns, {}, {})

    def leave(out: NDArray[np.bool_], text: str) -> None:
        if out.any():
            reason[out] = texts.index(text) + 1
            good[out] = False

    for check in todo:
        if check.reads and not visit.true:
            failed = _see(visit, people, good, read, seed, threads)
            leave(failed, FAILED)
        leave(good & ~check.meets(visit, people), check.reason)
    measured = {f"{SCREENING}.{name}": values for name, values in visit.measured.items()}
    return Screened(people, good, failed, reason, dict(columns) | measured), visit


def checks(prepared: Prepared, selections: Sequence[Selection] | None) -> list[Check]:
    """Every check of a trial, in order; those of the selection where ``selections`` are given."""
    return [
        *population_checks(prepared),
        *_selection(selections, "screened"),
        *eligibility_checks(prepared),
        *_selection(selections, "enrolled"),
    ]


def population_checks(prepared: Prepared) -> list[Check]:
    """Who could exist."""
    possible = Check(NOT_POSSIBLE, (), lambda visit, _: prepared.plan.plausible(dict(visit.columns)))
    written = prepared.protocol.population.plausible
    lives = Check(NOT_ALIVE, (SURVIVAL,), lambda visit, _: visit.true[SURVIVAL] >= 0.5)
    known = [lives] if SURVIVAL in prepared.screening else []
    return [possible, *known, *_criteria(prepared, prepared.plausible, written, "not plausible: {}", negate=True)]


def nobodies(prepared: Prepared) -> list[str]:
    """Reasons of people who were made and do not belong to the population: no trial would meet them at screening."""
    matched = [NOT_SELECTED] if prepared.targets and prepared.protocol.population.among == "screened" else []
    return [*(check.reason for check in population_checks(prepared)), *matched]


def eligibility_checks(prepared: Prepared) -> list[Check]:
    """Who may take part."""
    return _criteria(prepared, prepared.criteria, prepared.protocol.eligibility, "{} not met", measured=True)


def _criteria(
    prepared: Prepared,
    criteria: Mapping[str, list[Bound]],
    written: Mapping[str, list[Bound]],
    text: str,
    *,
    measured: bool = False,
    negate: bool = False,
) -> list[Check]:
    """Covariates first: who is left out by them need not be simulated. Reasons have the bounds as they were
    ``written``: an age in years, not in the days that it is kept in."""
    told = [name for name in criteria if prepared.plan.unit_of(name) is not None]
    found = []
    for name in [*told, *(name for name in criteria if name not in told)]:
        for bound, said in zip(criteria[name], written[name], strict=True):
            sign = _OPPOSITE[said.sign] if negate else said.sign
            reason = text.format(f"{name} {sign} {said.value:.10g} {said.unit}".rstrip())
            found.append(Check(reason, () if name in told else (name,), _meets(name, bound, name in told, measured)))
    return found


_OPPOSITE = {">=": "<", "≥": "<", ">": "<=", "<=": ">", "≤": ">", "<": ">="}


def _meets(
    name: str, bound: Bound, told: bool, measured: bool
) -> Callable[[Visit, NDArray[np.int64]], NDArray[np.bool_]]:
    def meets(visit: Visit, _: NDArray[np.int64]) -> NDArray[np.bool_]:
        return bound.holds(visit.told(name) if told else (visit.measured if measured else visit.true)[name])

    return meets


def _selection(selections: Sequence[Selection] | None, among: str) -> list[Check]:
    if not selections or selections[0].among != among:
        return []

    def meets(visit: Visit, people: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.stack([s.accepts(people, visit, k) for k, s in enumerate(selections)])

    return [Check(NOT_SELECTED, selections[0].reads, meets)]


def _see(
    visit: Visit,
    people: NDArray[np.int64],
    good: NDArray[np.bool_],
    names: Sequence[str],
    seed: int,
    threads: int | None,
) -> NDArray[np.bool_]:
    """Simulate and measure those who are still ``good``; who could not be solved, (candidates, n)."""
    prepared, failed = visit.prepared, np.zeros_like(good)
    for name in names:
        visit.true[name], visit.measured[name] = np.full(good.shape, np.nan), np.full(good.shape, np.nan)
    k, i = np.nonzero(good)
    if len(i) == 0:
        return failed
    inputs = {name: values[k, i] for name, values in visit.columns.items()}
    seen = [prepared.screening[name] for name in names]
    before = {o.over: -min(o.over, prepared.lead) for o in seen}  # nobody is known before the simulation begins
    times = np.unique([0.0, *before.values()])
    sources = list(dict.fromkeys(o.source for o in seen))
    result = simulate(prepared, inputs, len(i), times, sources, None, threads)
    failed[k, i] = ~result.ok
    for name in names:
        observable, course = prepared.screening[name], result.values[prepared.screening[name].source]
        values = course[:, -1:]
        if observable.over:
            values = values - course[:, np.searchsorted(times, before[observable.over]), None]
        if observable.assay is None:
            read = exact(values, observable.unit)
        else:
            read = measure(values, observable.assay, seed, [0.0], people[i], visit=SCREENING)
        visit.true[name][k, i] = values[:, 0]
        # A value below the limit of quantification is taken as half of it, as for the endpoints.
        visit.measured[name][k, i] = read.numbers(0.5)[:, 0]
    return failed
