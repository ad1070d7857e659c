"""The summary of a trial: an estimate per arm and endpoint, and contrasts between arms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from leukinetics.trial.endpoints import DEFAULT_STATISTIC
from leukinetics.trial.protocol import Endpoint, Protocol
from leukinetics.trial.reference import reference_arm
from leukinetics.trial.statistics import contrast, estimate

if TYPE_CHECKING:
    import pandas as pd


def analyse(protocol: Protocol, endpoints: pd.DataFrame, population: pd.DataFrame) -> dict[str, Any]:
    """The arms and contrasts of ``summary.json``. A number that cannot be had is None."""
    found = {e.id: _by_arm(protocol, endpoints[endpoints["endpoint"] == e.id]) for e in protocol.endpoint}
    return {
        "arms": [
            {
                "name": arm.name,
                "n": int(
                    (endpoints[endpoints["arm"] == arm.name].groupby("patient")["missing"].first() != "failed").sum()
                ),
                "endpoints": {e.id: _of_arm(protocol, found[e.id], e, i) for e in protocol.endpoint},
            }
            for i, arm in enumerate(protocol.arm)
        ],
        "contrasts": [
            _of_pair(protocol, found[e.id], e, i, reference_arm(protocol, e))
            for e in protocol.endpoint
            for i in range(len(protocol.arm))
            if i != reference_arm(protocol, e)
        ],
    }


def _solved(table: pd.DataFrame) -> int:
    return int(table.loc[table["missing"] != "failed", "patient"].nunique())


def _by_arm(protocol: Protocol, table: pd.DataFrame) -> list[pd.DataFrame]:
    return [table[table["arm"] == arm.name].groupby("patient").last() for arm in protocol.arm]


def statistic_of(endpoint: Endpoint) -> str:
    """The statistic that sums up an endpoint: the protocol's, or that of its kind."""
    return endpoint.statistic or DEFAULT_STATISTIC[endpoint.kind]


def _of_arm(protocol: Protocol, tables: list[pd.DataFrame], endpoint: Endpoint, arm: int) -> dict[str, Any]:
    name, table = statistic_of(endpoint), tables[arm]
    found = estimate(table["value"].to_numpy(), name, protocol.trial.seed, endpoint.id)
    return {
        "estimate": _number(found.estimate),
        "se": _number(found.se),
        "ci_low": _number(found.low),
        "ci_high": _number(found.high),
        "n": found.n,
        "unit": table["unit"].iloc[0] if len(table) else "",
        "statistic": name,
        "censored": int(table["censored"].sum()),
    }


def _of_pair(
    protocol: Protocol, tables: list[pd.DataFrame], endpoint: Endpoint, arm: int, reference: int
) -> dict[str, Any]:
    measure, found = contrast(
        tables[arm]["value"].to_numpy(),
        tables[reference]["value"].to_numpy(),
        statistic_of(endpoint),
        paired=protocol.trial.design == "twins",
        seed=protocol.trial.seed,
        label=endpoint.id,
    )
    return {
        "endpoint": endpoint.id,
        "arm": protocol.arm[arm].name,
        "reference": protocol.arm[reference].name,
        "measure": measure,
        "estimate": _number(found.estimate),
        "ci_low": _number(found.low),
        "ci_high": _number(found.high),
        "p_value": _number(found.p),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
