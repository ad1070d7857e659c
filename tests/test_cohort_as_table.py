"""Virtual cohorts written as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from leukinetics.cohort import read_cohort, run_cohort
from leukinetics.cohort.table import CohortTable, read_table
from leukinetics.cohort.table.write import virtual_table
from leukinetics.errors import DataError, ProtocolError


def test_a_virtual_cohort_is_a_table_too(tmp_path: Path) -> None:
    outcome = [
        {"id": "attacks", "observable": "relapses", "kind": "event_rate", "every": "1 d"},
        {"id": "later", "observable": "crp", "kind": "value", "at": "4 weeks"},
        {"id": "first", "observable": "relapses", "kind": "time_to_event", "every": "1 d"},
    ]
    protocol = read_cohort(
        {
            "cohort": {"name": "x", "control": "controls", "follow_up": "4 weeks"},
            "group": [
                {"name": "controls", "condition": "healthy", "n": 2},
                {"name": "MS", "condition": "ms_rr", "n": 2},
            ],
            "marker": {"observable": "il6_csf", "limit": "2 pg/mL"},
            "activity": {"groups": ["MS"], "any": {"crp": ">= 1 mg/L"}},
            "prognosis": {"groups": ["MS"], "outcome": outcome},
            "analysis": {"covariates": ["age", "sex"]},
        }
    )
    nothing = [np.nan, np.nan]
    people = pd.DataFrame(
        {
            "person": range(4), "group": ["controls"] * 2 + ["MS"] * 2, "age": [30.25, 40.0, 50.0, 60.0],
            "sex": [1.0, 0.0, 1.0, 1.0], "marker": [0.13, 1.9, 2.0, 17.3], "below": [True, False, False, False],
            "active": [*nothing, 1.0, 0.0],
            "attacks.value": [*nothing, 2.0, 0.0], "attacks.exposure": [*nothing, 28.0, 20.0],
            "later.value": [*nothing, 1.5, 2.5],
            "first.value": [*nothing, 12.0, 28.0], "first.censored": [False, False, False, True],
        }
    )  # fmt: skip
    made, (cells, dictionary) = tmp_path / "table.csv", virtual_table(protocol, people)
    cells.to_csv(made, index=False)
    assert "<2" in made.read_text()
    table = read_table(made, dictionary)
    x = table.analytes["il6_csf"]
    assert (x.lower.tolist(), x.upper.tolist(), x.unit) == ([0, 0, 2, 17.3], [2, 2, 2, 17.3], "pg/mL")
    assert table.groups == ("controls", "MS") and table.control == "controls"
    assert table.rows["age"].tolist() == people["age"].tolist() and table.rows["sex"].tolist() == [1, 0, 1, 1]
    last = table.rows.iloc[3]
    assert (last["attacks"], last["attacks.exposure"], last["active"], last["later"]) == (0, 20, 0, 2.5)
    assert (last["first"], last["first.event"]) == (28, 0)
    assert table.dictionary.analysis.covariates == ["age", "sex"]
    with pytest.raises(DataError, match="give a higher one"):
        virtual_table(protocol, people.assign(marker=[5.0, 1.9, 2.0, 17.3]))


def test_a_virtual_cohort_has_further_markers_and_the_same_people() -> None:
    given: dict[str, Any] = {
        "cohort": {"name": "x", "control": "controls", "follow_up": "1 week"},
        "group": [{"name": n, "condition": c, "n": 6} for n, c in (("controls", "healthy"), ("CKD", "ckd"))],
        "marker": {"observable": "il6_csf", "limit": "1 pg/mL", "limits": [1, 2]},
    }
    alone = run_cohort(given)
    further = [{"observable": "il6", "limit": "1.5 pg/mL"}, {"observable": "crp", "limit": "2 mg/L"}]
    more = run_cohort(given | {"marker": given["marker"] | {"further": further}})
    assert alone.people.equals(more.people[alone.people.columns])
    assert alone.summary == more.summary
    frame, dictionary = virtual_table(more.protocol, more.people)
    table = CohortTable.from_frame(frame, dictionary)
    assert list(table.analytes) == ["il6_csf", "il6", "crp"]
    assert [p.name for p in table.dictionary.pair] == ["il6_index"]
    il6, crp = table.analytes["il6"], table.analytes["crp"]
    assert il6.limits.tolist() == [1.5] and crp.limits.tolist() == [2.0]
    seen = more.people["further.il6"].to_numpy() >= 1.5
    assert il6.observed.tolist() == seen.tolist() and 0 < seen.sum() < 12
    assert np.array_equal(il6.lower[seen], more.people["further.il6"].to_numpy()[seen])
    for wrong, word in (
        ([{"observable": "il6_csf", "limit": "1 pg/mL"}], "twice"),
        ([{"observable": "crp", "limit": "< 1 mg/L"}], "one quantity"),
        ([{"observable": "crp", "limit": "0.01 mg/L"}], "below the assay's own"),
        ([{"observable": "disease", "limit": "1 mg/L"}], "no assay"),
    ):
        with pytest.raises(ProtocolError, match=word):
            run_cohort(given | {"marker": given["marker"] | {"further": wrong}})
