"""How many steps of the solver a patient of a trial may take: more, the more doses and days there are."""

from __future__ import annotations

from typing import Any

import pytest
from conducted import mab, ready, rule

from leukinetics import trial
from leukinetics.trial.outcome import run_candidates
from leukinetics.trial.simulate import MAX_STEPS, STEPS_OF_A_DAY, STEPS_OF_A_DOSE, max_steps


def test_doses_and_days_are_allowed_their_steps() -> None:
    weeks = ready(arms=[[mab(every="1 week")], [mab(every="1 day")]])
    days = int(weeks.protocol.trial.duration)
    assert max_steps(weeks) == MAX_STEPS + STEPS_OF_A_DOSE * days + STEPS_OF_A_DAY * days
    rescued = ready(
        arms=[[mab(every="1 week")], [mab(every="1 day")]],
        rule=[rule(at=["8 weeks"], action="rescue", dose=[mab(every="1 week", count=3)])],
    )
    assert max_steps(rescued) == max_steps(weeks) + 3 * STEPS_OF_A_DOSE


@pytest.mark.slow
def test_doses_twice_a_day_for_three_years_are_solved() -> None:
    dose: dict[str, Any] = {"drug": "minocycline", "amount": "100 mg", "route": "po", "every": "12 h"}
    protocol = {
        "trial": {"name": "t", "condition": "ms_cis", "duration": "3 years", "patients_per_arm": 4, "seed": 1},
        "arm": [{"name": "minocycline", "dose": [dose]}],
        "endpoint": [{"id": "edss", "observable": "edss", "kind": "change", "at": "3 years"}],
    }
    found = run_candidates(trial.prepare(protocol), [{}])  # more than MAX_STEPS steps of each of them
    assert found.ok.all()
