"""What stands for a value that is missing because the patient left or, if the analysis asks for it, a rule fired.

================  ===================================================================================================
``available``     nothing: the analyses use the values there are (mixed models: as missing at random)
``last``          the last of the endpoint's visits before that has a value; without one as ``baseline``
``baseline``      the patient as at baseline: the baseline itself, no change, not a responder
``worst``         not a responder; else the largest value of all patients (the smallest if ``higher_is_better``)
================  ===================================================================================================

Events are never made up: a rate has the days observed, a time is censored. Times (time_of_maximum, time_to_return,
time_above) have no value at baseline. Patients whom the solver failed stay out of everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.endpoints.table import UNDEFINED
from leukinetics.trial.protocol import EVENTS, Analysis, Endpoint
from leukinetics.trial.statistics.rows import GONE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

IMPUTED = "imputed"
_NO_CHANGE = {"change": 0.0, "percent_change": 0.0, "slope": 0.0, "fold": 1.0, "maximum_fold": 1.0, "responder": 0.0}
_AS_BASELINE = ("value", "average", "maximum", "minimum")


def completed(endpoint: Endpoint, table: pd.DataFrame, plan: Analysis) -> pd.DataFrame:
    """An endpoint's part of the endpoints' table with values in place of those missing; ``missing`` is then "imputed".

    Where nothing stands for it the value of a patient who left, or of whom a rule had fired, is NaN.
    """
    reason = table["missing"].to_numpy(dtype=object)
    gone = np.isin(reason, GONE)
    if endpoint.kind in EVENTS or not gone.any():
        return table
    value = np.where(gone, np.nan, table["value"].to_numpy(dtype=float))
    if plan.missing != "available":
        stand_in = _stand_in(endpoint, table, value, plan)
        filled = gone & ~np.isnan(stand_in)
        value = np.where(filled, stand_in, value)
        reason = np.where(filled, IMPUTED, reason)
    return table.assign(value=value, missing=reason)


def counts(table: pd.DataFrame) -> dict[str, int]:
    """How many patients of an arm have no value at the visit reported, by why; and in how many one was put there."""
    reason = table["missing"].to_numpy(dtype=object)
    return {why: int((reason == why).sum()) for why in (*GONE, UNDEFINED, "failed", IMPUTED)}


def _stand_in(endpoint: Endpoint, table: pd.DataFrame, value: Array, plan: Analysis) -> Array:
    if plan.missing == "worst":
        if endpoint.kind == "responder":
            return np.zeros(len(value))
        known = value[np.isfinite(value)]
        smallest = endpoint.id in plan.higher_is_better
        return np.full(len(value), (known.min() if smallest else known.max()) if len(known) else np.nan)
    if endpoint.kind in _AS_BASELINE:
        start = table["baseline"].to_numpy(dtype=float)
    else:
        start = np.full(len(value), _NO_CHANGE.get(endpoint.kind, np.nan))
    if plan.missing == "baseline":
        return start
    order = table.assign(value=value).sort_values("time", kind="stable")
    before = order.groupby(["arm", "patient"], sort=False)["value"].ffill().reindex(table.index).to_numpy(dtype=float)
    return np.where(np.isnan(before), start, before)
