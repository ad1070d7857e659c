"""Eligibility by what happened before screening."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leukinetics import ProtocolError
from leukinetics.trial import prepare, run_candidates
from leukinetics.trial.screen import screen
from leukinetics.trial.simulate import simulate
from leukinetics.trial.times import past


def protocol(condition: str = "ms_rr", **eligibility: str) -> dict[str, Any]:
    return {
        "trial": {"name": "past", "condition": condition, "duration": "12 weeks", "patients_per_arm": 10, "seed": 3},
        "eligibility": eligibility,
        "arm": [{"name": "untreated"}],
        "endpoint": [{"id": "e", "observable": "relapses", "kind": "event_rate", "every": "12 weeks"}],
    }


def test_a_name_says_how_far_back_to_look() -> None:
    assert past("relapses over 1 year") == ("relapses", pytest.approx(365.25))
    assert past("relapses over 26 weeks") == ("relapses", 182.0)
    assert past("crp") == ("crp", 0.0)
    assert past("crp over the top") == ("crp over the top", 0.0)


def test_people_are_screened_by_what_happened_in_the_year_before() -> None:
    name = "relapses over 1 year"
    ready = prepare(protocol(**{name: ">= 1"}))
    people = np.arange(60)
    found = screen(ready, [{}], people, np.array([True]))
    columns = {key: values[0] for key, values in found.columns.items() if not key.startswith("screening.")}
    seen = simulate(ready, columns, len(people), np.array([-365.25, 0.0]), ["relapses"], None, None)
    course = seen.values["relapses"]
    assert (found.eligible[0] == (course[:, 1] - course[:, 0] >= 1)).all()
    assert 0 < found.eligible.sum() < len(people)
    assert found.columns[f"screening.{name}"][0] == pytest.approx(course[:, 1] - course[:, 0])
    outcome = run_candidates(ready, [{}])
    assert outcome.people[0, 0].tolist() == people[found.eligible[0]][:10].tolist()
    assert "relapses over 1 year" not in ready.observables


def test_a_past_needs_a_history_and_an_observable() -> None:
    with pytest.raises(ProtocolError, match="has no history, so 'crp' has no past"):
        prepare(
            protocol("post_mi", **{"crp over 1 year": ">= 1 mg/L"})
            | {"endpoint": [{"id": "e", "observable": "crp", "kind": "value", "at": "12 weeks"}]}
        )
    with pytest.raises(ProtocolError, match="the model has no 'relapse'"):
        prepare(protocol(**{"relapse over 1 year": ">= 1"}))


def test_a_past_is_not_farther_back_than_the_history() -> None:
    prepare(protocol(**{"relapses over 10 years": ">= 1"}))
    with pytest.raises(ProtocolError, match="farther back than anybody is followed before time 0"):
        prepare(protocol(**{"relapses over 100 years": ">= 1"}))
