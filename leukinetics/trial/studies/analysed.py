"""Values as an endpoint's analysis takes them, and the analysis of one contrast."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.protocol import TIMES, Endpoint, Protocol
from leukinetics.trial.statistics.compare import compare
from leukinetics.trial.statistics.estimates import NotFitted
from leukinetics.trial.statistics.replicates import Kind
from leukinetics.trial.statistics.scale import analysis_of, scale_of, statistic_of

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SAME = 1e-6  # days; a visit is no nearer to another


def closed_form(endpoint: Endpoint) -> Kind | None:
    """The analysis of replicates in closed form; None where there is none.

    A repeated-measures analysis is taken by its last visit (analysis of covariance): without missing values the two
    give the same estimate, with them the model of all visits does a little better.
    """
    analysis = analysis_of(endpoint)
    if analysis in ("ancova", "log_ancova", "mmrm", "log_mmrm"):
        return "ancova"
    if analysis == "risk_difference":
        return "risk_difference"
    if analysis == "unadjusted":
        by: dict[str, Kind] = {"mean": "difference", "geometric_mean": "difference", "proportion": "risk_difference"}
        return by.get(statistic_of(endpoint))
    return None


def reported(endpoint: Endpoint, table: pd.DataFrame) -> pd.DataFrame:
    """One row per patient: of repeated visits the one that is reported."""
    if not endpoint.visits or endpoint.at is None:
        return table
    return table[(table["time"] - endpoint.at).abs() < SAME]


def level(endpoint: Endpoint, table: pd.DataFrame) -> float:
    """What an arm shows of an endpoint: events a day, the share with an event or of responders, else the median."""
    there = reported(endpoint, table)
    there = there[there["value"].notna()]
    if not len(there):
        return math.nan
    if endpoint.kind == "event_rate":
        return float(there["value"].sum() / there["exposure"].sum())
    if endpoint.kind in TIMES:
        return float((~there["censored"].to_numpy(dtype=bool)).mean())
    return float(there["value"].mean() if endpoint.kind == "responder" else there["value"].median())


def on_analysis_scale(endpoint: Endpoint, table: pd.DataFrame) -> tuple[Array, Array]:
    """(values, baselines) of the rows as the analysis takes them, of a percent change the logarithm of the ratio.

    Where a value has no logarithm there is no such analysis, and all values are NaN.
    """
    x, b = table["value"].to_numpy(dtype=float), table["baseline"].to_numpy(dtype=float)
    scale = scale_of(endpoint)
    if analysis_of(endpoint) == "unadjusted" and statistic_of(endpoint) == "geometric_mean":
        scale = replace(scale, logs=True)
    try:
        return scale.checked(x), scale.baseline(b)
    except NotFitted:
        return np.full(len(x), np.nan), b


def compared(
    protocol: Protocol, endpoint: Endpoint, treated: pd.DataFrame, control: pd.DataFrame, design: str
) -> dict[str, Any]:
    """The main row of the contrast of two tables of an endpoint, see :func:`compare`."""
    plan = protocol.analysis
    names = [name for name in plan.covariates if name in treated.columns]
    found = compare(
        endpoint, treated, control, design=design, covariates=names, alpha=plan.alpha, seed=protocol.trial.seed
    )
    return found[0]
