"""Multiple sclerosis in the brain: what age acts on, and what drugs that pass the barrier do there."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from leukinetics import biology

YEAR = 365.25
READ = [
    "axons_lost", "cord_reserve", "gait_score", "relapse_hazard_trigger", "demyelinated", "trigger_activity",
    "nfl", "microglia", "lesion_births", "btk_blood", "btk_cns",
]  # fmt: skip
YOUNG = {"age": 30 * YEAR, "expected_course": 1.0}
OLD = YOUNG | {"age": 50 * YEAR}
#: Age does not reach what precedes the loss of axons: attacks, compartment, repair.
AGELESS_CAUSES = {"immune_age_scale": 1e6 * YEAR, "compartment_age_scale": 1e6 * YEAR, "repair_age": 1e3 * YEAR}


@cache
def _assembly(*drugs: str) -> biology.Assembly:
    return biology.assemble("ms_rr", list(drugs))


def _at(
    years: float, changes: dict[str, float], drug: str = "", amount: float = 0.0, since: float = 5.0, every: float = 1
) -> dict[str, float]:
    """Values ``years`` after onset, the drug given daily since ``since``."""
    assembly = _assembly(*filter(None, [drug]))
    doses = None
    if drug:
        target = next(iter(assembly.drugs[drug].route_target.values()))
        count = int((years - since) * YEAR / every)
        doses = [{"time": since * YEAR, "target": target, "amount": amount, "every": every, "count": count}]
    found = assembly.model.simulate([years * YEAR], pd.DataFrame([changes]), doses, outputs=READ, max_steps=100_000)
    assert int(found["status"][0]) == 0
    return {name: float(found[name].to_numpy()[0, 0]) for name in READ}


def test_age_takes_reserve_and_not_axons() -> None:
    young, old = _at(10, YOUNG | AGELESS_CAUSES), _at(10, OLD | AGELESS_CAUSES)
    assert old["axons_lost"] == pytest.approx(young["axons_lost"], rel=0.06)  # the core ages a little
    assert old["cord_reserve"] / young["cord_reserve"] == pytest.approx(np.exp(-0.02 * 20), rel=1e-6)
    assert old["gait_score"] > 1.5 * young["gait_score"]


def test_triggers_bring_fewer_relapses_with_age() -> None:
    young, old = _at(10, YOUNG), _at(10, OLD)

    def per_bare(x: dict[str, float]) -> float:
        return x["relapse_hazard_trigger"] / (x["demyelinated"] / (x["demyelinated"] + 0.03)) / x["trigger_activity"]

    assert per_bare(old) / per_bare(young) == pytest.approx(np.exp(-20 / 16), rel=1e-3)


def test_an_s1p_modulator_does_nothing_to_glia_where_nothing_infiltrates() -> None:
    alone = YOUNG | {"autoimmunity": 0.0, "cns_bcell_share": 0.0}  # B cells behind the barrier come from blood in part
    assert _at(7, alone, "fingolimod", 0.5)["microglia"] == pytest.approx(_at(7, alone)["microglia"], rel=2e-3)
    strong, ablated = (_at(7, YOUNG | {"glia_s1p": x}, "fingolimod", 0.5)["microglia"] for x in (1.0, 0.0))
    assert strong < 0.99 * ablated < 0.99 * _at(7, YOUNG)["microglia"]


def test_btk_is_lost_in_proportion_to_small_doses_and_less_in_the_brain() -> None:
    found = {d: _at(5.2, YOUNG, "tolebrutinib", d) for d in (0.0005, 0.001, 5.0, 60.0)}
    lost = {d: 1 / x["btk_blood"] - 1 for d, x in found.items()}  # of the balance of making and losing
    assert lost[0.001] == pytest.approx(2 * lost[0.0005], rel=0.02)
    assert 100 * lost[0.001] < lost[5.0] < lost[60.0]
    for x in found.values():
        assert x["btk_blood"] < x["btk_cns"] < 1
    assert found[5.0]["btk_cns"] > 2 * found[60.0]["btk_cns"]


def test_inhibited_b_cells_still_help_where_depleted_ones_do_not() -> None:
    inhibited = _at(6, YOUNG, "tolebrutinib", 60.0)["lesion_births"]
    no_help = _at(6, YOUNG | {"bcell_btk_share": 1.0}, "tolebrutinib", 60.0)["lesion_births"]
    assert no_help < 0.7 * inhibited < 0.7 * _at(6, YOUNG)["lesion_births"]


def test_minocycline_holds_cells_out_by_gelatinase() -> None:
    births = _at(6, YOUNG, "minocycline", 200.0)["lesion_births"] / _at(6, YOUNG)["lesion_births"]
    without = YOUNG | {"passage_mmp": 0.0}
    other = _at(6, without, "minocycline", 200.0)["lesion_births"] / _at(6, without)["lesion_births"]
    assert births < 0.985 * other < 0.985


def test_spared_axons_show_in_neurofilament() -> None:
    def fall(**changes: float) -> float:
        return 1 - _at(7, OLD | changes, "trkb_agonist", 100.0)["nfl"] / _at(7, OLD | changes)["nfl"]

    assert fall() > 0.01
    assert abs(fall(nfl_slow=0.0)) < 0.01 < fall(nfl_slow=1e6)
