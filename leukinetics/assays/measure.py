"""From what is in the blood to what the laboratory reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays.measured import Measured
from leukinetics.assays.table import Assay, assay_for
from leukinetics.errors import DataError
from leukinetics.patients.counters import normals

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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

    First the person's deviation of the day, then the error of the measurement, then the limits. The noise
    depends on (seed, patient, time, readout) only; all samples of one day (whole days of ``times``) share the
    person's deviation.

    ``patients``: their numbers, (..., patients), default 0, 1, ... (-1: nobody). ``unit`` of the values, default
    the assay's. ``visit`` tells apart visits at one time (screening and start of treatment).

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
    noisy = true.copy()
    count = int(numbers.max(initial=0)) + 1
    stem = f"{assay.readout}{':' + visit if visit else ''}"
    if assay.within_person is not None:
        days = {np.floor(t): normals(seed, f"day:{stem}:{np.floor(t):.0f}", count) for t in times}
        noisy = assay.within_person.around(noisy, _by_patient([days[np.floor(t)] for t in times], numbers))
    if assay.analytical is not None:
        draws = [normals(seed, f"sample:{stem}:{t:.9g}", count) for t in times]
        noisy = assay.analytical.around(noisy, _by_patient(draws, numbers))
    blq = noisy < assay.lloq
    return Measured(np.clip(noisy, assay.lloq, assay.uloq), blq, assay.unit, assay.lloq)


def exact(values: NDArray[np.float64], unit: str) -> Measured:
    """True values as if measured without error or limit."""
    return Measured(values, np.zeros(values.shape, dtype=bool), unit)


def _by_patient(draws: list[NDArray[np.float64]], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """(..., patients, times) out of one stream per time."""
    return np.stack(draws, axis=-1)[numbers]
