"""Values that are missing, from the dropout to the summary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fake_assembly import fake_assembly

from leukinetics import trial

VISITS = ["2 weeks", "4 weeks", "6 weeks"]
LAST = {"at": "8 weeks", "visits": VISITS, "observable": "crp"}


def protocol(**more: Any) -> dict[str, Any]:
    return {
        "trial": {"name": "t", "condition": "inflamed", "duration": "8 weeks", "patients_per_arm": 60, "seed": 3},
        "arm": [
            {"name": "placebo"},
            {"name": "active", "dose": [{"drug": "mab", "amount": "5 mg", "route": "iv", "every": "4 weeks"}]},
        ],
        "dropout": {"rate": 0.99},
        "endpoint": [
            {"id": "change", "kind": "percent_change", **LAST},
            {"id": "median", "kind": "value", "statistic": "median", **LAST},
            {"id": "low", "kind": "responder", "threshold": "<= -30 %", **LAST},
            {"id": "mixed", "kind": "value", "analysis": "mmrm", **LAST},
        ],
        "analysis": {"missing": "last"},
        **more,
    }


@pytest.mark.parametrize("design", ["parallel", "twins"])
def test_the_last_visit_is_carried_forward_whatever_the_analysis(design: str) -> None:
    plan = protocol()
    plan["trial"] = plan["trial"] | {"design": design}
    result = trial.run(trial.prepare(plan, assembly=fake_assembly()))
    x = result.observations.pivot(index=["arm", "patient"], columns="time", values="value")
    carried, baseline = x.ffill(axis=1)[56.0], x[0.0]
    gone = x[56.0].isna()
    assert x[[14.0, 28.0, 42.0]].notna().any(axis=1)[gone].sum() > 20  # who left after a visit
    expected = {
        "change": np.log(carried / baseline).groupby("arm").mean(),
        "median": carried.groupby("arm").median(),
        "low": (carried / baseline <= 0.7).groupby("arm").mean(),
        "mixed": carried.groupby("arm").mean(),
    }
    for arm in result.summary["arms"]:
        for name, row in arm["endpoints"].items():
            assert row["n"] == 60
            assert row["missing"]["imputed"] == gone[arm["name"]].sum()
            if design == "twins" or name in ("median", "low"):  # not adjusted
                told = np.log1p(row["estimate"] / 100) if name == "change" else row["estimate"]
                assert told == pytest.approx(expected[name][arm["name"]], rel=1e-6), name


def test_studies_know_who_was_carried_forward() -> None:
    studies = {
        "uncertainty": {"draws": 2, "patients": 20},
        "sensitivity": {"trajectories": 2, "patients": 4},
        "power": {"sizes": [20], "replicates": 20},
    }
    for name in ("change", "median", "low"):
        plan = protocol(**studies, endpoint=[e for e in protocol()["endpoint"] if e["id"] == name])
        found = trial.run(trial.prepare(plan, assembly=fake_assembly())).summary
        assert found["power"]["pool"] == {"arm": 60, "reference": 60}
        assert found["power"]["curve"][0]["power"] is not None
        assert found["uncertainty"]["contrasts"][0]["sd_patients"] > 0
        assert found["sensitivity"]["base"] is not None
