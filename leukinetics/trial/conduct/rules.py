"""Rules: when they fire, and what becomes of the doses then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.conduct.readings import readings
from leukinetics.trial.courses import Courses, joined, split
from leukinetics.trial.dosing import Block
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Rule
from leukinetics.trial.sampling_times import rule_times

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Watch:
    """A rule ready to be looked at: its visits (days), its bounds in the observable's unit, the arms it holds in."""

    rule: Rule
    visits: Array
    limits: list[float]
    arms: Ints

    def due(self, prepared: Prepared, values: Array, people: Ints) -> Array:
        """When the rule's criterion is met for the first time by rows with true ``values`` (rows, prepared.times);
        (rows,), inf: never."""
        x, baseline = readings(prepared, self.rule.observable, values, people, self.visits)
        met = np.ones(x.shape, dtype=bool)
        with np.errstate(invalid="ignore", divide="ignore"):
            for bound, limit in zip(self.rule.when, self.limits, strict=True):
                compared = 100.0 * (x / baseline[:, None] - 1.0) if _of_change(bound.unit) else x
                met &= bound.holds(compared, limit)
        n = self.rule.consecutive
        if n > len(self.visits):
            return np.full(len(x), np.inf)
        in_a_row = np.asarray(np.lib.stride_tricks.sliding_window_view(met, n, axis=1).all(axis=-1))
        return np.where(in_a_row.any(axis=1), self.visits[n - 1 :][in_a_row.argmax(axis=1)], np.inf)


def watches(prepared: Prepared) -> list[Watch]:
    """The protocol's rules."""
    found = []
    for rule in prepared.protocol.rule:
        unit = prepared.observables[rule.observable].unit
        limits = [b.value if _of_change(b.unit) else b.value_in(unit) for b in rule.when]
        arms = np.flatnonzero([not rule.arms or arm.name in rule.arms for arm in prepared.protocol.arm])
        found.append(Watch(rule, rule_times(rule, prepared.protocol.trial.duration), limits, arms))
    return found


def changed(courses: Courses, rule: Rule, fired: Array, end: float) -> tuple[Courses, Mask]:
    """(the courses after ``rule`` fired at ``fired`` (rows,), inf: not; of which rows (rows,) they are others now).

    ``end``: the trial's, at or after which nothing is given.
    """
    if rule.action == "rescue":
        added = _rescue(courses.blocks, rule.id, fired, end)
        return joined([courses, added]), np.isin(np.arange(len(fired)), added.row)
    concerned = np.array([_concerns(rule, block) for block in courses.blocks], dtype=bool)[courses.block]
    keep = np.where(concerned, courses.before(fired[courses.row]), courses.count)
    early, late = split(courses, keep)
    others = np.isin(np.arange(len(fired)), late.row)
    if rule.action == "stop":
        return early, others
    return joined([early, replace(late, factor=late.factor * (rule.factor or 1.0))]), others


def _concerns(rule: Rule, block: Block) -> bool:
    """Whether a rule stops or changes the doses of a block; rescue doses only where it names their drug."""
    if not rule.drugs:
        return block.part == "dose"
    return block.part != "background" and block.drug in rule.drugs


def _rescue(blocks: list[Block], rule: str, fired: Array, end: float) -> Courses:
    """The doses that a rule adds for the rows of which it fired."""
    row = np.flatnonzero(np.isfinite(fired))
    own = [i for i, block in enumerate(blocks) if block.rule == rule]
    n = len(row) * len(own)
    found = Courses(
        blocks,
        np.repeat(np.array(own, dtype=np.int64), len(row)),
        np.tile(row, len(own)),
        np.zeros(n, dtype=np.int64),
        np.repeat(np.array([blocks[i].count for i in own], dtype=np.int64), len(row)),
        np.tile(fired[row], len(own)),
        np.ones(n),
        np.ones(n, dtype=bool),
    )
    return split(found, found.before(np.full(n, end)))[0]


def _of_change(unit: str) -> bool:
    return unit in ("%", "percent")
