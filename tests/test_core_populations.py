"""What conditions and variants share: parameters taken over from another condition, linked genotypes."""

from __future__ import annotations

import numpy as np

from leukinetics import biology, patients


def test_a_condition_like_another_takes_over_its_parameters() -> None:
    there = biology.assemble("metabolic_inflammation").parameters.set_index("id")
    here = biology.assemble("post_mi").parameters.set_index("id")
    names = there.index[there["owner"] == "condition"]
    assert len(names) >= 3
    for name in names:
        assert here.loc[name, "value"] == there.loc[name, "value"]
        assert here.loc[name, "file"] == there.loc[name, "file"]


def test_a_draw_of_the_shared_parameter_serves_both() -> None:
    key = "metabolic_inflammation.drive_nlrp3"
    for condition in ("metabolic_inflammation", "post_mi"):
        assembly = biology.assemble(condition)
        table = patients.sample(assembly, 4, seed=1, typical={key: 3.25})
        assert np.allclose(table["drive_nlrp3"], 3.25)
        assert key in patients.draws(assembly, 2, seed=1).columns


def test_linked_variants_travel_together() -> None:
    table = patients.sample(biology.assemble("healthy"), 4000, seed=2)
    linked = np.corrcoef(table["rs16944"], table["rs1143627"])[0, 1]
    free = np.corrcoef(table["rs16944"], table["rs2228145"])[0, 1]
    assert linked > 0.8
    assert abs(free) < 0.06
