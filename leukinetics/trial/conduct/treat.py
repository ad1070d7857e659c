"""Treating rows of patients as the protocol says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.courses import planned
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
    """Treat rows of patients, numbered ``people`` (rows,), in ``arms`` (rows,); each of ``columns`` is (rows,)."""
    rows = len(people)
    courses = planned(prepared.blocks, arms)
    found = simulate(prepared, columns, rows, prepared.times, list(prepared.observables), courses, threads)
    ours = courses.of_block("part") != "background"
    given = np.bincount(courses.row[ours], courses.count[ours], minlength=rows).astype(np.int64)
    return Treated(found, np.full(rows, np.inf), {}, np.zeros(rows, dtype=np.int64), given)
