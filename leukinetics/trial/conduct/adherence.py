"""Doses that are missed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.patients.counters import normals, uniforms
from leukinetics.patients.spread import Spread
from leukinetics.trial.courses import Courses, joined
from leukinetics.trial.dosing import Block
from leukinetics.trial.protocol import Adherence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


def with_misses(courses: Courses, adherence: Adherence, seed: int, people: Ints) -> Courses:
    """Courses as planned, one run per block and row, with runs of missed doses told apart.

    Person ``i`` misses a dose with probability ``p_i``, ``logit p_i = logit(missed) + spread z_i``, whenever
    ``u < p_i``; ``z_i`` is standard normal by (seed, person), ``u`` uniform by (seed, person, drug, time of the dose):
    the same in all arms that have a dose of that drug then. The first dose of each entry, a loading dose above all, is
    always taken, and so is background therapy. ``people`` (rows,): numbers of the rows' persons.
    """
    if adherence.missed == 0.0 or not len(courses):
        return courses
    draws = _Draws(adherence, seed, people)
    parts = []
    for i, block in enumerate(courses.blocks):
        ours = courses.take(courses.block == i)
        if block.part == "dose" and block.count > block.opens and len(ours):
            ours = _cut(ours, draws.taken(block)[draws.place[ours.row]])
        parts.append(ours)
    return joined(parts)


class _Draws:
    """Who takes which dose; kept by drug and time, for the arms of a twins design share them."""

    def __init__(self, adherence: Adherence, seed: int, people: Ints) -> None:
        persons, self.place = np.unique(people, return_inverse=True)
        self._seed, self._first, self._persons = seed, int(persons[0]), persons - persons[0]
        z = self._of_persons(normals(seed, "adherence", self._n, self._first))
        spread = Spread("logit", adherence.spread)
        self._p = spread.around(adherence.missed, z) if adherence.spread else np.full(len(z), adherence.missed)
        self._kept: dict[str, Mask] = {}

    def taken(self, block: Block) -> Mask:
        """(persons, count)."""
        found = [self._dose(f"missed:{block.drug}:{block.time + k * block.every:.9g}") for k in range(block.count)]
        if block.opens:
            found[0] = np.ones_like(found[0])
        return np.column_stack(found)

    def _dose(self, name: str) -> Mask:
        if name not in self._kept:
            self._kept[name] = self._of_persons(uniforms(self._seed, name, self._n, self._first)) >= self._p
        return self._kept[name]

    @property
    def _n(self) -> int:
        return int(self._persons[-1]) + 1

    def _of_persons(self, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = drawn[self._persons]
        return found


def _cut(courses: Courses, taken: Mask) -> Courses:
    """One run per row, cut wherever ``taken`` (rows, count) changes."""
    n, count = taken.shape
    begins = np.ones((n, count), dtype=bool)
    begins[:, 1:] = taken[:, 1:] != taken[:, :-1]
    at = np.flatnonzero(begins)
    run, first = np.divmod(at, count)
    length = np.diff(np.append(at, n * count))
    return replace(courses.take(run), first=first, count=length, taken=taken.ravel()[at])
