"""Depression as a calibration problem beside the core's: what is fitted, and to what."""

from __future__ import annotations

import pytest

from leukinetics.calibration.core import part_problem
from leukinetics.calibration.parts import PARTS, drawn_before, part_of
from leukinetics.calibration.problem import Problem
from leukinetics.errors import DataError
from leukinetics.evidence import load_targets

PART = PARTS["mdd"]


@pytest.fixture(scope="module")
def blood() -> Problem:
    return part_problem("mdd", ["mdd_blood"], patients=8)


def test_a_target_belongs_to_the_part_whose_modules_its_conditions_add() -> None:
    parts = {t.id: part_of(t) for t in load_targets()}
    assert {name for name, part in parts.items() if part == "mdd"} == {n for n in parts if n.startswith(("mdd_", "one_drug"))}


def test_the_parameters_of_the_core_are_not_fitted_again(blood: Problem) -> None:
    core = drawn_before(PART)
    assert {"il6_loss", "tnf_loss"} <= core
    assert not core & set(blood.names)
    assert {"priming_glia", "mdd.drive_nfkb"} <= set(blood.names)


def test_trials_that_only_predict_are_refused() -> None:
    for name in ("mdd_infliximab", "mdd_anti_cytokine_ra", "mdd_precision"):
        with pytest.raises(DataError, match=f"'{name}' has no readout of role 'calibrate'"):
            part_problem("mdd", [name])
