"""The SBML semantic test suite through the public interface: every case passes or is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import sbml_cases

import leukinetics as lk

CASES = sbml_cases.names()
#: As many as libRoadRunner passes, of 300.
PASSES = 258

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CASES, reason="the test suite's cases are not beside this checkout"),
]


@pytest.fixture(scope="module")
def passed() -> set[str]:
    """Names of the cases that have passed."""
    return set()


@pytest.mark.parametrize("name", CASES)
def test_case_passes_or_is_refused(name: str, passed: set[str]) -> None:
    case = sbml_cases.read_case(name)
    try:
        model = lk.load_model(case.model)
        amounts = [v for v in case.variables if v in case.amounts and v in model.species]
        result = model.simulate(case.times, outputs=case.variables, amounts=amounts, rtol=1e-7, atol=1e-11)
    except lk.UnsupportedModelError as refusal:
        assert str(refusal)
        return
    got = np.stack([result[v].to_numpy()[0] for v in case.variables], axis=1)
    assert case.problems(got) == ""
    passed.add(name)


@pytest.mark.skipif(len(CASES) != 300, reason="the count is for the 300 cases")
def test_as_many_cases_pass_as_with_libroadrunner(passed: set[str]) -> None:
    assert len(passed) >= PASSES
