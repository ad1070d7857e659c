"""Which arm an enrolled patient goes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.patients.counters import uniforms
from leukinetics.trial.prepare import Prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray


def allocation(prepared: Prepared) -> NDArray[np.int64]:
    """The arm of each enrolled patient of a parallel trial, in the order of enrolment, (needed,).

    Permuted blocks: each run of as many patients as the ratios add up to holds every arm as often as its ratio says,
    in an order that depends on the seed and the block only.
    """
    ratios = [arm.ratio for arm in prepared.protocol.arm]
    order = uniforms(prepared.protocol.trial.seed, "allocation", prepared.needed).reshape(-1, sum(ratios))
    found: NDArray[np.int64] = np.repeat(np.arange(len(ratios)), ratios)[np.argsort(order, axis=1)].ravel()
    return found


def arms_of(prepared: Prepared, first: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(place in the order of enrolment, arm) of every row of the patients enrolled as ``first .. stop - 1``.

    Rows come arm by arm. Twins have a row in each arm.
    """
    places = np.arange(first, stop)
    if prepared.protocol.trial.design == "twins":
        return np.tile(places, prepared.arms), np.repeat(np.arange(prepared.arms), len(places))
    arms = allocation(prepared)[first:stop]
    order = np.argsort(arms, kind="stable")
    return places[order], arms[order]
