"""An endpoint's patients as arrays: what the analyses compute with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.protocol import Endpoint

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


#: Why a patient has no value, in the column ``missing``.
GONE = ("left", "rule")


@dataclass(frozen=True)
class Rows:
    """One row per patient and arm, sorted by arm and patient.

    ``values`` (rows, visits) at ``times`` (visits,), of which ``visit`` is reported; ``covariates`` (rows, covariates);
    all else (rows,). ``arm`` counts from 0 to ``arms`` - 1. NaN is missing.
    """

    patient: NDArray[np.int64]
    arm: NDArray[np.intp]
    arms: int
    values: Array
    times: Array
    visit: int
    baseline: Array
    covariates: Array
    exposure: Array
    censored: NDArray[np.bool_]
    unit: str

    @property
    def value(self) -> Array:
        """The reported number, (rows,)."""
        return np.asarray(self.values[:, self.visit])

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
        """Some of the rows, in their order."""
        return replace(
            self,
            patient=self.patient[which],
            arm=self.arm[which],
            values=self.values[which],
            baseline=self.baseline[which],
            covariates=self.covariates[which],
            exposure=self.exposure[which],
            censored=self.censored[which],
        )

    def two(self, arm: int, reference: int) -> Rows:
        """The rows of two arms; the reference becomes arm 0, the other one arm 1, in this order."""
        where = np.concatenate([np.flatnonzero(self.arm == reference), np.flatnonzero(self.arm == arm)])
        found = self.take(where)
        return replace(found, arm=(found.arm == arm).astype(np.intp), arms=2)

    def patients(self, arm: int, reference: int, twins: bool) -> int:
        """How many patients there are in two arms; ``twins``, who are in both, count once."""
        here = self.patient[np.isin(self.arm, (arm, reference))]
        return len(np.unique(here)) if twins else len(here)

    def pairs(self, arm: int, reference: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of the patients who are in both arms, patient by patient."""
        here, there = np.flatnonzero(self.arm == arm), np.flatnonzero(self.arm == reference)
        _, i, j = np.intersect1d(self.patient[here], self.patient[there], assume_unique=True, return_indices=True)
        return here[i], there[j]


def rows_of(endpoint: Endpoint, table: pd.DataFrame, arms: Sequence[str], covariates: Sequence[str] = ()) -> Rows:
    """The rows of one endpoint out of its part of the endpoints' table, to which ``covariates`` have been joined.

    Patients whom the solver failed are left out; a value of a patient who left, or of whom a rule had fired where the
    analysis leaves these out, is NaN.
    """
    table = table[(table["missing"] != "failed").to_numpy()]
    gone = table["missing"].isin(GONE).to_numpy()
    codes = {name: i for i, name in enumerate(arms)}
    arm = table["arm"].map(codes).to_numpy()
    patient = table["patient"].to_numpy(dtype=np.int64)
    time = table["time"].to_numpy(dtype=float)
    known = ~np.isnan(arm.astype(float))
    step = int(patient.max(initial=0)) + 1
    who, first, row = np.unique(
        arm[known].astype(np.int64) * step + patient[known], return_index=True, return_inverse=True
    )
    times, column = np.unique(np.nan_to_num(time[known], nan=0.0), return_inverse=True)
    values = np.full((len(who), max(len(times), 1)), np.nan)
    values[row, column] = np.where(gone, np.nan, table["value"].to_numpy(dtype=float))[known]

    def of_patient(name: str) -> Array:
        return np.asarray(table[name].to_numpy(dtype=float)[known][first])

    extra = [of_patient(name) for name in covariates]
    at = endpoint.at if endpoint.at is not None and len(times) else None
    return Rows(
        patient=who % step,
        arm=(who // step).astype(np.intp),
        arms=len(arms),
        values=values,
        times=times if len(times) else np.zeros(1),
        visit=0 if at is None else int(np.argmin(np.abs(times - at))),
        baseline=of_patient("baseline"),
        covariates=np.stack(extra, axis=1) if extra else np.empty((len(who), 0)),
        exposure=of_patient("exposure"),
        censored=table["censored"].to_numpy(dtype=bool)[known][first],
        unit=str(table["unit"].iloc[0]) if len(table) else "",
    )
