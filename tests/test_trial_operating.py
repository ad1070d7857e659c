"""Operating characteristics of the whole pipeline: patients, allocation, dropout, noise, analysis.

One large trial is simulated; each run of consecutive patients of it is a trial of its own, since people come and are
allocated in the order of their numbers. With two untreated arms every test rejects at its level; with a drug, the
intervals hold what the analysis finds in all patients together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from leukinetics.trial import Protocol, prepare, run
from leukinetics.trial.statistics.compare import compare

TRIALS, PER_ARM = 300, 50
LEVEL = 0.05
PROTOCOL: dict[str, Any] = {
    "trial": {
        "name": "operating characteristics",
        "condition": "metabolic_inflammation",
        "duration": "12 weeks",
        "patients_per_arm": TRIALS * PER_ARM,
        "seed": 5,
        "design": "parallel",
        "baseline": "screening",
    },
    "eligibility": {"crp": ">= 2 mg/L"},
    "arm": [{"name": "control"}, {"name": "treated"}],
    "dropout": {"rate": 0.3, "observable": "crp", "hazard_ratio": 1.5},
    "endpoint": [
        {"id": "relative", "observable": "crp", "kind": "percent_change", "at": "12 weeks", "noise": True},
        {"id": "change", "observable": "haemoglobin", "kind": "change", "at": "12 weeks", "noise": True},
        {
            "id": "repeated", "observable": "crp", "kind": "percent_change", "at": "12 weeks", "noise": True,
            "visits": ["4 weeks", "8 weeks"], "analysis": "log_mmrm",
        },
        {
            "id": "responder", "observable": "crp", "kind": "responder", "at": "12 weeks", "threshold": "< 2 mg/L",
            "noise": True,
        },
        {
            "id": "episodes", "observable": "crp", "kind": "event_rate", "from": "0 d", "to": "12 weeks",
            "every": "2 weeks", "threshold": "> 5 mg/L", "noise": True,
        },
        {
            "id": "first", "observable": "crp", "kind": "time_to_event", "from": "0 d", "to": "12 weeks",
            "every": "2 weeks", "threshold": "< 2 mg/L", "noise": True,
        },
    ],
}  # fmt: skip
IDS = [e["id"] for e in PROTOCOL["endpoint"]]


def replicates(protocol: dict[str, Any]) -> tuple[Protocol, dict[str, list[pd.DataFrame]]]:
    """The protocol, and for each endpoint the table of every replicate trial; last, that of all patients."""
    prepared = prepare(protocol)
    result = run(prepared)
    place = pd.Series(np.arange(len(result.population)) // (2 * PER_ARM), index=result.population.index)
    found = {}
    for name in IDS:
        table = result.endpoints[result.endpoints["endpoint"] == name]
        trial = place.loc[table["patient"]].to_numpy()
        found[name] = [table[trial == k] for k in range(TRIALS)] + [table]
    return prepared.protocol, found


def contrasts(protocol: Protocol, name: str, tables: list[pd.DataFrame]) -> list[dict[str, Any]]:
    """The main contrast of each table."""
    endpoint = next(e for e in protocol.endpoint if e.id == name)
    found = []
    for table in tables:
        parts = {str(arm): part for arm, part in table.groupby("arm")}
        found.append(compare(endpoint, parts["treated"], parts["control"], design="parallel")[0])
    return found


def near(count: int, share: float) -> bool:
    """Whether a count among the trials is one that ``share`` gives in all but 2 of 1,000 cases."""
    low, high = binom.ppf([0.001, 0.999], TRIALS, share)
    return bool(low <= count <= high)


@pytest.fixture(scope="module")
def untreated() -> tuple[Protocol, dict[str, list[pd.DataFrame]]]:
    return replicates(PROTOCOL)


@pytest.fixture(scope="module")
def treated() -> tuple[Protocol, dict[str, list[pd.DataFrame]]]:
    dose = {"drug": "canakinumab", "amount": "50 mg", "route": "sc", "every": "4 weeks"}
    return replicates(PROTOCOL | {"arm": [{"name": "control"}, {"name": "treated", "dose": [dose]}]})


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_two_untreated_arms_differ_as_often_as_the_level_says(name: str, untreated: Any) -> None:
    protocol, tables = untreated
    p = [c["p_value"] for c in contrasts(protocol, name, tables[name][:-1])]
    assert None not in p
    assert near(sum(x < LEVEL for x in p), LEVEL), f"{sum(x < LEVEL for x in p)} of {TRIALS} rejected"


@pytest.mark.slow
@pytest.mark.parametrize("name", IDS)
def test_intervals_hold_the_effect_as_often_as_they_say(name: str, treated: Any) -> None:
    protocol, tables = treated
    *single, whole = contrasts(protocol, name, tables[name])
    truth = whole["estimate"]
    held = sum(c["ci_low"] <= truth <= c["ci_high"] for c in single)
    assert near(held, 1 - LEVEL), f"{held} of {TRIALS} intervals hold {truth}"
    assert whole["p_value"] < 1e-4  # there is an effect to be held
