"""The SBML semantic test suite through the public interface: every case passes or is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import sbml_cases

import leukinetics as lk

CASES = sbml_cases.names()
#: What no solver here does, and the cases that need it; libRoadRunner passes as many of the 300 (258).
REFUSED = {
    "algebraic rules": (
        "00536 00538 00543 00552 00559 00565 00570 00571 00576 00613 00660 00663 00696 00779 00993 01054 01086 "
        "01292 01499 01501 01575 01578 01589 01791 01792"
    ),
    "fast reactions": "00870 00874 00875 00987 01570",
    "the 'delay' function": "00937 00940 00941 00981 00982 00985 01319 01410 01414 01454 01534 01537",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CASES, reason="the test suite's cases are not beside this checkout"),
]


@pytest.mark.parametrize("name", CASES)
def test_case_passes_or_is_refused(name: str) -> None:
    case = sbml_cases.read_case(name)
    for what, names in REFUSED.items():
        if name in names:
            with pytest.raises(lk.UnsupportedModelError, match=rf"{what} (is|are) not supported"):
                lk.load_model(case.model)
            return
    model = lk.load_model(case.model)
    amounts = [v for v in case.variables if v in case.amounts and v in model.species]
    result = model.simulate(case.times, outputs=case.variables, amounts=amounts, rtol=1e-7, atol=1e-11)
    got = np.stack([result[v].to_numpy()[0] for v in case.variables], axis=1)
    assert case.problems(got) == ""
