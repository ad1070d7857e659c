"""What calibrations of the parts after the core have committed: values, objective, figures."""

from __future__ import annotations

from typing import Any

import pytest

from leukinetics import biology
from leukinetics.calibration.core import part_problem
from leukinetics.calibration.problem import objective
from leukinetics.calibration.results import read_fit
from leukinetics.evidence import load_targets

#: By part, a condition that has its modules, and the drugs of which it has calibrated something.
CONDITIONS = {"ms": "ms_rr", "mdd": "mdd", "cachexia": "cachexia_nsclc"}
DRUGS = {"cachexia": ["clazakizumab"]}
ADVICE = "the model, a prior or a target has changed: run 'leukinetics calibrate {} --write'"


@pytest.fixture(scope="module", params=CONDITIONS)
def part(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def committed(part: str) -> dict[str, Any]:
    return read_fit(part=part)


@pytest.mark.slow
def test_committed_values_still_reach_the_recorded_objective(part: str, committed: dict[str, Any]) -> None:
    problem = part_problem(part, patients=committed["run"]["patients"])
    recorded = {p["key"]: p["value"] for p in committed["parameters"]}
    assert {p.key: p.value for p in problem.parameters} == pytest.approx(recorded, rel=1e-5), ADVICE.format(part)
    z = problem.start()[None]
    reached = float(objective(z, problem.residuals(problem.predict(z)))[0])
    # Rounded to six digits a value can shift an event by a step, and so a count by one.
    assert reached == pytest.approx(committed["objective"]["total"], rel=0.05), ADVICE.format(part)
    assert committed["hashes"]["targets"] == problem.targets_hash, ADVICE.format(part)


def test_committed_values_are_those_of_the_tables(part: str, committed: dict[str, Any]) -> None:
    for row in committed["parameters"]:
        condition, _, name = row["key"].rpartition(".")
        table = biology.assemble(condition or CONDITIONS[part], drugs=DRUGS.get(part, ())).parameters.set_index("id")
        assert table.loc[name, "kind"] == "calibrated", row["key"]
        assert table.loc[name, "published_value"] == pytest.approx(row["value"], rel=1e-5), ADVICE.format(part)
        assert table.loc[name, "prior"] > 0


def test_nothing_of_a_validate_row_is_fitted(committed: dict[str, Any]) -> None:
    assert {r["role"] for r in committed["readouts"]} == {"calibrate"}
    validate = {f"{t.id}.{r.id}" for t in load_targets() for r in t.readout if r.role == "validate"}
    assert validate and not validate & {r["key"] for r in committed["readouts"]}
