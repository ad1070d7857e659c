"""The studies on the real model: does what they say make sense?"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from leukinetics import trial
from leukinetics.trial.studies import question, studies
from leukinetics.trial.studies.tables import tables

PROTOCOL: dict[str, Any] = {
    "trial": {
        "name": "canakinumab", "condition": "post_mi", "duration": "52 weeks", "patients_per_arm": 120,
        "design": "parallel",
    },
    "eligibility": {"crp": ">= 2 mg/L"},
    "arm": [
        {"name": "placebo"},
        {"name": "150 mg", "dose": [
            {"drug": "canakinumab", "amount": "150 mg", "route": "sc", "every": "13 weeks"},
        ]},
    ],
    "endpoint": [
        {"id": "crp", "observable": "crp", "kind": "percent_change", "at": "52 weeks", "noise": True},
        {"id": "below", "observable": "crp", "kind": "time_to_event", "every": "13 weeks", "from": "13 weeks",
         "threshold": "< 2 mg/L", "noise": True},
    ],
    "uncertainty": {"draws": 16, "patients": 60},
    "power": {"sizes": [5, 20, 80], "replicates": 400, "biomarker": "crp", "enrichment": [2.0, 6.0], "unit": "mg/L"},
    "sensitivity": {
        "trajectories": 4, "patients": 16,
        "parameters": ["il6_il1_share", "canakinumab_CL", "canakinumab_KD_il1b", "gc_half", "astrocyte_slowness"],
    },
}  # fmt: skip


@pytest.mark.slow
def test_the_studies_of_a_trial_after_infarction(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = trial.prepare(PROTOCOL)
    endpoints, population = tables(trial.run_candidates(prepared, [{}]), 0)
    found = studies(prepared, endpoints, population)
    json.dumps(found, allow_nan=False)
    uncertainty, power, sensitivity = (found[k] for k in ("uncertainty", "power", "sensitivity"))
    assert uncertainty is not None
    assert power is not None
    assert sensitivity is not None
    assert uncertainty["failed_draws"] == 0
    crp, below = uncertainty["contrasts"]
    assert crp["low"] < sensitivity["base"] < crp["high"] < 0  # canakinumab lowers CRP, by what is not quite known
    assert below["measure"] == "hazard_ratio"
    assert below["median"] > 1
    assert 2 < crp["sd_parameters"] < 20
    shares = [row["power"] for row in power["curve"]]
    assert shares == sorted(shares)
    assert shares[-1] > 0.99
    assert all(row["assurance"] <= 1 for row in power["curve"])
    assert 5 < power["n_for_target"] < 60
    low, high = power["enrichment"]
    assert high["share"] < low["share"] < 1
    assert high["screened_for_target"] > low["screened_for_target"] / 2
    names = [p["name"] for p in sensitivity["parameters"]]
    assert names[0] == "il6_il1_share"  # how much of IL-6 hangs on IL-1 at all
    assert set(names[-2:]) == {"gc_half", "astrocyte_slowness"}  # no business of IL-1 and CRP
    monkeypatch.setattr(question, "MOST_ROWS", 7 * 120)
    again = studies(prepared, endpoints, population, threads=1)
    assert again == found


@pytest.mark.slow
def test_a_trial_so_large_that_only_the_parameters_are_left() -> None:
    large = trial.prepare({**PROTOCOL, "power": None, "sensitivity": None}, patients=5000)
    endpoints, population = tables(trial.run_candidates(trial.prepare(PROTOCOL, patients=4), [{}]), 0)
    found = studies(large, endpoints, population)["uncertainty"]
    assert found is not None
    assert found["contrasts"][0]["share_parameters"] > 0.9
    spread = np.subtract(*np.quantile(found["contrasts"][0]["values"], [0.84, 0.16])) / 2
    assert found["contrasts"][0]["sd_parameters"] == pytest.approx(spread, rel=0.6)
