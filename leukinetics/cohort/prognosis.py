"""What happens later to people with and without a detectable marker: endpoints of a trial, by its analyses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.detection import detected
from leukinetics.cohort.plan import GROUP, PERSON, Plan
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.statistics.compare import compare

if TYPE_CHECKING:
    import pandas as pd


def outcome(table: pd.DataFrame, plan: Plan, limit: float, group: str, endpoint: Endpoint) -> dict[str, Any]:
    """People of a group with a detectable marker against those without, by the endpoint's own analysis (negative
    binomial regression of events, Cox's model of times, analysis of covariance of changes, ...)."""
    mine = table[(table[GROUP] == group).to_numpy()]
    seen = detected(mine, limit)
    both = rows(mine, endpoint)
    one, other = both[seen], both[~seen]
    found: dict[str, Any] = {"group": group, "outcome": endpoint.id, "detected": len(one), "n": len(both)}
    if len(one) == 0 or len(other) == 0:
        nothing = {"measure": None, "estimate": None, "ci_low": None, "ci_high": None, "p_value": None}
        return found | nothing | {"analysis": "not estimated: all or none are detected"}
    row = compare(endpoint, one, other, design="parallel", alpha=plan.alpha, seed=plan.seed)[0]
    row.pop("n")
    return found | row


def rows(table: pd.DataFrame, endpoint: Endpoint) -> pd.DataFrame:
    """The people's outcome as a trial's statistics take it (:func:`leukinetics.trial.endpoints.endpoint_table`)."""
    import pandas as pd

    value = table[f"{endpoint.id}.value"].to_numpy(dtype=float)
    return pd.DataFrame(
        {
            "patient": table[PERSON].to_numpy(dtype=np.int64),
            "endpoint": endpoint.id,
            "time": np.nan if endpoint.at is None else endpoint.at,
            "value": value,
            "baseline": table[f"{endpoint.id}.baseline"].to_numpy(dtype=float),
            "unit": "",
            "censored": table[f"{endpoint.id}.censored"].fillna(False).to_numpy(dtype=bool),
            "exposure": table[f"{endpoint.id}.exposure"].to_numpy(dtype=float),
            "missing": np.where(np.isnan(value), "left", "").astype(object),
        }
    )
