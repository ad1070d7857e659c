"""Lung cancer and cardiovascular events as hazards on the inflammatory milieu: laws of the two, and what drugs do."""

from __future__ import annotations

import numpy as np
import pytest

from leukinetics import biology
from leukinetics.trial.prepare import RUN_IN

YEAR = 365.25
EVENTS = ["cardiovascular_events", "lung_cancer", "cardiovascular_risk", "il6", "crp"]


@pytest.fixture(scope="module")
def assembly() -> biology.Assembly:
    return biology.assemble("post_mi_lung", drugs=["canakinumab", "tocilizumab"])


def levels(assembly: biology.Assembly, dose: dict[str, object] | None = None, **set_: float) -> dict[str, np.ndarray]:
    """Values at time 0 and after one and two years."""
    parameters = {name: [value] for name, value in set_.items()} or None
    found = assembly.model.simulate(
        [0.0, YEAR, 2 * YEAR], parameters, [dose] if dose else None, outputs=EVENTS, run_in=RUN_IN, rtol=1e-8
    )
    assert (found["status"] == 0).all()
    return {name: found[name].to_numpy()[0] for name in EVENTS}


def test_at_rest_events_gather_in_proportion_to_time_and_from_time_0_on(assembly: biology.Assembly) -> None:
    found = levels(assembly)
    for name in ("cardiovascular_events", "lung_cancer"):
        assert found[name][0] == 0
        assert found[name][2] == pytest.approx(2 * found[name][1], rel=1e-4)
    assert found["cardiovascular_events"][1] == pytest.approx(found["cardiovascular_risk"][1], rel=1e-4)  # in a year


def test_hazards_follow_the_published_powers(assembly: biology.Assembly) -> None:
    """ln 1.60 over 1.56 units of ln IL-6; 1.28 per unit of ln CRP."""
    one, other = levels(assembly), levels(assembly, drive_il6_other=1.0)
    ratio = {name: np.log(other[name][1] / one[name][1]) for name in EVENTS}
    assert ratio["il6"] > 0.3
    assert ratio["cardiovascular_events"] == pytest.approx(0.302 * ratio["il6"], rel=1e-3)
    assert ratio["lung_cancer"] == pytest.approx(np.log(1.28) * ratio["crp"], rel=2e-3)


def test_a_receptor_antibody_lowers_the_risk_though_interleukin_6_rises(assembly: biology.Assembly) -> None:
    drug = assembly.drugs["tocilizumab"]
    dose = {
        "time": 0.0, "target": drug.route_target["iv"], "duration": 0.05, "every": 28.0, "count": 13,
        "amount": 600.0 / drug.molar_mass * 1e6,
    }  # fmt: skip
    one, other = levels(assembly), levels(assembly, dose)
    assert other["il6"][1] > 1.5 * one["il6"][1]
    assert other["cardiovascular_events"][1] < 0.9 * one["cardiovascular_events"][1]
    assert other["lung_cancer"][1] < one["lung_cancer"][1]
