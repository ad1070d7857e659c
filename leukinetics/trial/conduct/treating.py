"""Treating rows of patients as the protocol says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.conduct.adherence import with_misses
from leukinetics.trial.conduct.dropout import leaving
from leukinetics.trial.conduct.rules import changed, watches
from leukinetics.trial.courses import Courses, planned
from leukinetics.trial.dosing import AFTER_SAMPLE
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.simulate import Simulated, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass
class Treated:
    """What became of rows of patients.

    simulated : true values of every observable, (rows, prepared.times), and each row's status.
    left : (rows,) day at which the patient left the trial, inf: never. Samples at or after it are missing; that of
        time 0 never is.
    fired : by rule, (rows,) day at which it fired, inf: never.
    missed, given : (rows,) doses of the arm's ``dose`` that were missed and given, rescue doses with the latter.
        Background therapy is not counted, nor is what was due at or after ``left``.
    """

    simulated: Simulated
    left: Array
    fired: dict[str, Array]
    missed: Ints
    given: Ints


def treat(
    prepared: Prepared, columns: dict[str, Array], people: Ints, arms: Ints, threads: int | None = None
) -> Treated:
    """Treat rows of patients, numbered ``people`` (rows,), in ``arms`` (rows,); each of ``columns`` is (rows,).

    A row's result depends on its columns, person and arm and on the protocol, not on what other rows there are. See
    :mod:`leukinetics.trial.conduct` for how. ProtocolError for dropout by the doublings of what is 0 in somebody.
    """
    rows, protocol = len(people), prepared.protocol
    rules = watches(prepared)
    courses = with_misses(planned(prepared.blocks, arms), protocol.adherence, protocol.trial.seed, people)
    found = simulate(prepared, columns, rows, prepared.times, list(prepared.observables), courses, threads)
    fired = {watch.rule.id: np.full(rows, np.inf) for watch in rules}
    left, sent_away = np.full(rows, np.inf), np.full(rows, np.inf)
    dropout = protocol.dropout
    read = {watch.rule.observable for watch in rules}
    read |= {dropout.observable} if dropout is not None and dropout.observable is not None else set()
    look = np.arange(rows)
    while len(look):
        values = {name: found.values[name][look] for name in read}
        left[look] = np.minimum(sent_away[look], leaving(prepared, values, people[look]))
        due = np.full((len(rules), rows), np.inf)
        for i, watch in enumerate(rules):
            waiting = np.isin(arms[look], watch.arms) & np.isinf(fired[watch.rule.id][look])
            moment = watch.due(prepared, values[watch.rule.observable], people[look])
            due[i, look] = np.where(waiting & (moment < left[look]), moment, np.inf)
        now = due.min(axis=0, initial=np.inf)
        other = np.zeros(rows, dtype=bool)
        for i, watch in enumerate(rules):  # several at one visit: in the order of the protocol
            moment = np.where(due[i] == now, due[i], np.inf)
            courses, differs = changed(courses, watch.rule, moment, protocol.trial.duration)
            other |= differs
            fired[watch.rule.id] = np.minimum(fired[watch.rule.id], moment)
            if watch.rule.leaves:
                sent_away = np.minimum(sent_away, moment + AFTER_SAMPLE)
        look = np.flatnonzero(np.isfinite(now))
        _again(prepared, columns, found, courses, np.flatnonzero(other), now, threads)
    left[left >= protocol.trial.duration] = np.inf
    return Treated(found, left, fired, *_counts(courses, left))


def _again(
    prepared: Prepared,
    columns: dict[str, Array],
    found: Simulated,
    courses: Courses,
    rows: Ints,
    since: Array,
    threads: int | None,
) -> None:
    """Simulate ``rows`` once more and take what comes after ``since`` (all rows,) into ``found``; what was read until
    then has been acted upon and stays as it is."""
    if not len(rows):
        return
    part = {name: values[rows] for name, values in columns.items()}
    names = list(prepared.observables)
    new = simulate(prepared, part, len(rows), prepared.times, names, courses.of_rows(rows), threads)
    later = (prepared.times >= since[rows, None] + AFTER_SAMPLE) | ~new.ok[:, None]
    for name in names:
        found.values[name][rows] = np.where(later, new.values[name], found.values[name][rows])
    found.status[rows] = new.status


def _counts(courses: Courses, left: Array) -> tuple[Ints, Ints]:
    """(missed, given): doses due before each row left, (rows,)."""
    due = courses.before(left[courses.row])
    ours = courses.of_block("part") != "background" if len(courses) else np.zeros(0, dtype=bool)
    found = []
    for mask in (ours & ~courses.taken, ours & courses.taken):
        found.append(np.bincount(courses.row[mask], due[mask], minlength=len(left)).astype(np.int64))
    return found[0], found[1]
