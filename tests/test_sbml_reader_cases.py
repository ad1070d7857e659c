"""The reader against the SBML semantic test suite, by the plain interpreter. Skipped where that is absent."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle import Case, simulate, suite_cases
from oracle_events import simulate_events

from leukinetics.engine.sbml import read_model
from leukinetics.errors import UnsupportedModelError

CASES = suite_cases()
#: Thousands of events, too slow for this interpreter in the quick run.
STORMS = {"00952", "01591", "01605"}
QUICK = [case for i, case in enumerate(CASES) if i % 4 == 0 and case.name not in STORMS]
REST = [case for case in CASES if case not in QUICK]

pytestmark = pytest.mark.skipif(not CASES, reason="the SBML test suite is not there")


def check(folder: Path) -> None:
    try:
        system = read_model(folder / "model.xml")
    except UnsupportedModelError as refusal:
        text = (folder / "model.xml").read_text()
        assert str(refusal).startswith("line ")
        assert any(word in text for word in ("algebraicRule", "symbols/delay", 'fast="true"'))
        return
    assert Case(folder).mismatch(system, simulate_events if system.events else simulate) == ""


@pytest.mark.parametrize("folder", QUICK, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    check(folder)


@pytest.mark.slow
@pytest.mark.parametrize("folder", REST, ids=lambda folder: folder.name)
def test_other_case(folder: Path) -> None:
    check(folder)
