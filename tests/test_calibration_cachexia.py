"""Cachexia as a calibration problem: what is uncertain of conditions without a tumour."""

from __future__ import annotations

from leukinetics import biology
from leukinetics.calibration.collect import uncertain


def test_what_a_condition_sets_to_nothing_is_not_uncertain() -> None:
    """A factor on a tumour of 0 kg leaves no tumour; where there is one its mass is uncertain."""
    keys = {p.key for p in uncertain([biology.assemble("healthy_body"), biology.assemble("cachexia_nsclc")])}
    assert "healthy_body.tumour_burden" not in keys
    assert {"tumour_burden", "cachexia_nsclc.tumour_burden"} & keys
