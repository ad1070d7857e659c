"""What the trial's own laboratory reads of its patients on the way: the same numbers that endpoints are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays import measure
from leukinetics.trial.endpoints import BELOW
from leukinetics.trial.prepare import SCREENING, Prepared
from leukinetics.trial.sampling_times import places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]


def readings(prepared: Prepared, name: str, values: Array, people: Ints, visits: Array) -> tuple[Array, Array]:
    """(an observable at ``visits``, (rows, visits); its baseline, (rows,)), in the observable's unit.

    ``values``: true ones, (rows, prepared.times). Measured where there is an assay, with the noise that the sample of
    that person and time has whoever looks at it; half the limit stands for what is below it. True values otherwise.
    """
    observable = prepared.observables[name]
    own = observable.times[places(visits, observable.times)]  # to the bit, for the noise is by time
    true, at_zero = values[:, places(own, prepared.times)], values[:, :1]
    if observable.assay is None:
        return true, at_zero[:, 0]
    seed = prepared.protocol.trial.seed
    visit = SCREENING if prepared.protocol.trial.baseline == SCREENING else ""
    read = measure(true, observable.assay, seed, list(own), people).numbers(BELOW)
    baseline = measure(at_zero, observable.assay, seed, [0.0], people, visit=visit).numbers(BELOW)
    return read, baseline[:, 0]
