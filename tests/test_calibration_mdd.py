"""Depression as a calibration problem beside the core's: what is fitted, to what, and what is committed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from leukinetics import biology, patients
from leukinetics.calibration.core import part_problem
from leukinetics.calibration.parts import COMMITTED, PARTS, drawn_before, part_of
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.results import read_fit
from leukinetics.errors import DataError
from leukinetics.evidence import load_targets

PART = PARTS["mdd"]


@pytest.fixture(scope="module")
def blood() -> Problem:
    return part_problem("mdd", ["mdd_blood"], patients=8)


def test_a_target_belongs_to_the_part_whose_modules_its_conditions_add() -> None:
    parts = {t.id: part_of(t) for t in load_targets()}
    assert {name for name, part in parts.items() if part == "mdd"} == {n for n in parts if n.startswith("mdd_")}


def test_the_parameters_of_the_core_are_not_fitted_again(blood: Problem) -> None:
    core = drawn_before(PART)
    assert {"il6_loss", "tnf_loss"} <= core
    assert not core & set(blood.names)
    assert {"priming_glia", "mdd.drive_nfkb"} <= set(blood.names)


def test_trials_that_only_predict_are_refused() -> None:
    for name in ("mdd_infliximab", "mdd_anti_cytokine_ra", "mdd_precision"):
        with pytest.raises(DataError, match=f"'{name}' has no readout of role 'calibrate'"):
            part_problem("mdd", [name])


# ---- what is committed ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return read_fit(part="mdd")


def test_the_tables_have_the_committed_values(committed: dict[str, Any]) -> None:
    table = biology.assemble("mdd").parameters.set_index("id")["published_value"]
    for row in committed["parameters"]:
        name = row["key"].removeprefix("mdd.")
        assert table[name] == pytest.approx(row["value"], rel=1e-5), name


def test_draws_join_those_of_the_core() -> None:
    draws = pd.read_csv(COMMITTED / PART.draws_file, sep="\t")
    assert len(draws) == 200 and np.isfinite(draws.to_numpy()).all()
    assert not set(draws.columns) & drawn_before(PART)
    drawn = patients.draws(biology.assemble("mdd"), 20, seed=1)
    assert {"mood_ifn", "il6_loss", "mdd.trait_load"} <= set(drawn.columns)
    assert drawn["mood_ifn"].isin(draws["mood_ifn"]).all()
