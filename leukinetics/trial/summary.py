"""The summary of a trial: an estimate per arm and endpoint, and contrasts between arms."""

from __future__ import annotations

import math
from typing import Any

from leukinetics.trial.endpoints import DEFAULT_STATISTIC
from leukinetics.trial.outcome import Outcome
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.reference import reference_arm
from leukinetics.trial.statistics import contrast, estimate


def summarise(outcome: Outcome) -> dict[str, Any]:
    """What ``summary.json`` holds, of the first candidate. A number that cannot be had is None."""
    protocol = outcome.prepared.protocol
    people, ok = outcome.people[0], outcome.ok[0]
    enrolled = int((outcome.enrolled.people[0] >= 0).sum())
    broken = {int(p) for p in people[(people >= 0) & ~ok]}
    return {
        "trial": protocol.trial.name,
        "seed": protocol.trial.seed,
        "model_hash": outcome.prepared.assembly.model.hash,
        "patients": {
            "screened": int(outcome.enrolled.screened[0]),
            "enrolled": enrolled,
            "failed": len(broken) + int(outcome.enrolled.failed[0]),
        },
        "arms": [
            {
                "name": arm.name,
                "n": int(ok[i].sum()),
                "endpoints": {e.id: _of_arm(outcome, e, i) for e in protocol.endpoint},
            }
            for i, arm in enumerate(protocol.arm)
        ],
        "contrasts": [
            _of_pair(outcome, e, i, reference_arm(protocol, e))
            for e in protocol.endpoint
            for i in range(len(protocol.arm))
            if i != reference_arm(protocol, e)
        ],
    }


def statistic_of(endpoint: Endpoint) -> str:
    """The statistic that sums up an endpoint: the protocol's, or that of its kind."""
    return endpoint.statistic or DEFAULT_STATISTIC[endpoint.kind]


def _of_arm(outcome: Outcome, endpoint: Endpoint, arm: int) -> dict[str, Any]:
    name, seed = statistic_of(endpoint), outcome.prepared.protocol.trial.seed
    values = outcome.endpoints[endpoint.id]
    found = estimate(values.numbers[0, arm], name, seed, endpoint.id)
    return {
        "estimate": _number(found.estimate),
        "se": _number(found.se),
        "ci_low": _number(found.low),
        "ci_high": _number(found.high),
        "n": found.n,
        "unit": values.unit,
        "statistic": name,
        "censored": int(values.censored[0, arm].sum()),
    }


def _of_pair(outcome: Outcome, endpoint: Endpoint, arm: int, reference: int) -> dict[str, Any]:
    protocol = outcome.prepared.protocol
    values = outcome.endpoints[endpoint.id].numbers[0]
    measure, found = contrast(
        values[arm],
        values[reference],
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
