"""From what is in the blood to what the laboratory reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays.measured import Measured
from leukinetics.assays.table import Assay, assay_for
from leukinetics.assays.within_person import People, daily, slow
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

#: Days before time 0 at which people are screened, for what varies over months: trials screen one to four weeks
#: before treatment, so part of what made a person qualify is gone at time 0, and more of it later.
SCREENED_BEFORE = 14.0


def measure(
    values: ArrayLike,
    readout: str | Assay,
    seed: int,
    times: Sequence[float],
    patients: ArrayLike | None = None,
    *,
    unit: str | None = None,
    visit: str = "",
) -> Measured:
    """Measure true ``values`` (..., patients, times) of a readout.

    First how the person differs from their own mean, then the error of the measurement, then the limits of the scale,
    the digits that are reported, and the limits of quantification. On the scale of the spread (ln or plain)

        ``reported = true + slow z_slow(t) + day z_day + analytical z_sample``

    where samples of one day (whole days of ``times``) share ``z_day``, and ``z_slow`` changes over weeks (see
    :func:`leukinetics.assays.within_person.slow`; only of readouts of which both time scales are known). The noise
    depends on (seed, patient, time, readout) only. A value above the upper limit is reported as that limit.

    ``patients``: their numbers, (..., patients), default 0, 1, ... (-1: nobody). ``unit`` of the values, default
    the assay's. ``visit``: name of a visit before time 0, such as "screening", whose day and sample are others than
    those of the same time in the trial, and which is :data:`SCREENED_BEFORE` days earlier for the slow variation.

    Raises DataError for a readout without an assay, or shapes that do not fit.
    """
    true = np.asarray(values, dtype=float)
    assay = assay_for(readout, unit) if isinstance(readout, str) else readout
    if true.ndim < 2 or true.shape[-1] != len(times):
        raise DataError(
            f"The values of '{assay.readout}' have the shape {true.shape}; expected (patients, {len(times)})."
        )
    numbers = np.arange(true.shape[-2]) if patients is None else np.asarray(patients, dtype=np.int64)
    if numbers.shape[-1] != true.shape[-2]:
        raise DataError(f"There are {true.shape[-2]} patients with values, but {numbers.shape[-1]} patient numbers.")
    people = People(seed, numbers)
    stem = f"{assay.readout}{':' + visit if visit else ''}"
    noisy = true
    if assay.slow is not None:
        shift = SCREENED_BEFORE if visit else 0.0
        noisy = assay.slow.around(noisy, slow(people, assay.readout, [t - shift for t in times], assay.memory))
    if assay.day is not None:
        noisy = assay.day.around(noisy, daily(people, stem, times))
    if assay.analytical is not None:
        draws = people.at_times(times, lambda t: people.normals(f"sample:{stem}:{t:.9g}"))
        noisy = assay.analytical.around(noisy, draws)
    if assay.counts:
        draws = people.at_times(times, lambda t: people.normals(f"sample:{stem}:{t:.9g}"))
        noisy = _counted(noisy, draws)
    noisy = np.clip(noisy, assay.floor, assay.ceiling)
    blq = noisy < assay.lloq
    return Measured(np.clip(_rounded(noisy, assay.step), assay.lloq, assay.uloq), blq, assay.unit, assay.lloq)


def _counted(expected: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Poisson counts: the quantiles of standard normal numbers."""
    from scipy.special import ndtr
    from scipy.stats import poisson

    return np.asarray(poisson.ppf(ndtr(normals), np.maximum(expected, 0.0)), dtype=float)


def exact(values: NDArray[np.float64], unit: str) -> Measured:
    """True values as if measured without error or limit."""
    return Measured(values, np.zeros(values.shape, dtype=bool), unit)


def _rounded(values: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """The nearest multiple of ``step`` (0: the values as they are), as the number that its digits spell."""
    if not step:
        return values
    steps = np.rint(values / step)
    inverse = round(1.0 / step)
    return np.asarray(steps / inverse if inverse and abs(inverse * step - 1.0) < 1e-9 else steps * step)
