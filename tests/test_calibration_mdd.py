"""Depression as a calibration problem beside the core's: what is fitted, and to what."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from leukinetics import biology, patients
from leukinetics.calibration.core import part_problem
from leukinetics.calibration.parts import COMMITTED, PARTS, drawn_before, part_of
from leukinetics.calibration.problem import Problem
from leukinetics.errors import DataError
from leukinetics.evidence import load_targets

PART = PARTS["mdd"]


@pytest.fixture(scope="module")
def blood() -> Problem:
    return part_problem("mdd", ["mdd_blood"], patients=8)


def test_a_target_belongs_to_the_part_whose_modules_its_conditions_add() -> None:
    parts = {t.id: part_of(t) for t in load_targets()}
    theirs = {name for name in parts if name.startswith(("mdd_", "one_drug"))}
    assert {name for name, part in parts.items() if part == "mdd"} == theirs


def test_the_parameters_of_the_core_are_not_fitted_again(blood: Problem) -> None:
    core = drawn_before(PART)
    assert {"il6_loss", "tnf_loss"} <= core
    assert not core & set(blood.names)
    assert {"priming_glia", "mdd.drive_nfkb"} <= set(blood.names)


def test_trials_that_only_predict_are_refused() -> None:
    for name in ("mdd_infliximab", "mdd_anti_cytokine_ra", "mdd_precision"):
        with pytest.raises(DataError, match=f"'{name}' has no readout of role 'calibrate'"):
            part_problem("mdd", [name])


def test_draws_of_a_mood_condition_hold_the_part_s_posterior() -> None:
    assembly = biology.assemble("mdd")
    drawn = patients.draws(assembly, 40, seed=3)
    table = pd.read_csv(COMMITTED / PART.draws_file, sep="\t")
    assert len(table) > 50 and {"mood_ifn", "mdd.trait_load"} <= set(table)
    shared = [c for c in table if c in drawn and not c.startswith("effect:")]
    parameters = assembly.parameters.set_index("id")
    factors = (parameters["value"] / parameters["published_value"])[[c.rpartition(".")[2] for c in shared]].to_numpy()
    same = np.isclose(drawn[shared].to_numpy()[:, None], table[shared].to_numpy() * factors, rtol=1e-9).all(axis=2)
    assert same.any(axis=1).all()
