"""Dose tables in both dialects."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukinetics.engine.doses import DoseSchedule, read_doses
from leukinetics.engine.expr import Graph
from leukinetics.engine.system import DoseTarget
from leukinetics.errors import DataError
from tests.test_tables import frames, names, quick, rubbish

GRAPH = Graph()
TARGETS = {name: DoseTarget(name, GRAPH.const(1.0)) for name in ("A", "B")}
SPECIES = ["A", "B", "fixed"]
IDS = pd.Index(["p1", "p2", "p3"], name="patient")


def read(doses: Any, ids: pd.Index = IDS) -> DoseSchedule | None:
    return read_doses(doses, ids, TARGETS, SPECIES)


def some(doses: Any, ids: pd.Index = IDS) -> DoseSchedule:
    found = read(doses, ids)
    assert found is not None
    return found


@quick
@given(st.one_of(frames(), rubbish, st.lists(st.dictionaries(names, rubbish), max_size=4)))
def test_rubbish_gives_data_errors_only(thing: object) -> None:
    try:
        found = read(thing, pd.RangeIndex(3))
    except DataError as error:
        assert "\n" not in str(error)
        return
    if found is not None:
        check(found, 3)


@quick
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "patient": st.sampled_from(list(IDS)),
                "time": st.floats(0, 50),
                "target": st.sampled_from("AB"),
            },
            optional={
                "duration": st.sampled_from([0.0, 0.5, 5.0]),
                "every": st.floats(0.1, 9),
                "count": st.integers(1, 5),
            },
        ),
        min_size=1,
        max_size=8,
    )
)
def test_schedules_hold_every_dose_once(rows: list[dict[str, Any]]) -> None:
    wanted = []
    for i, row in enumerate(rows):
        row["amount"] = float(i)
        if "every" not in row or "count" not in row:
            row.pop("every", None), row.pop("count", None)
        for k in range(row.get("count", 1)):
            when = row["time"] + k * row.get("every", 0.0)
            wanted.append((row["patient"], when, row["target"], row["amount"], row.get("duration", 0.0)))
    found = some(rows)
    check(found, 3)
    owners = np.repeat(IDS, np.diff(found.offsets))
    got = zip(
        owners,
        found.time,
        [found.targets[t] for t in found.target],
        found.amount,
        found.duration,
        strict=True,
    )
    assert sorted(got) == sorted(wanted)


def check(found: DoseSchedule, n: int) -> None:
    """The promises of the docstring of DoseSchedule."""
    assert len(found.offsets) == (2 if found.shared else n + 1) == len(found.steady_state) + 1
    assert found.offsets[0] == 0 and found.offsets[-1] == len(found.time)
    assert found.offsets.dtype == np.int64 and found.target.dtype == np.int32
    for a, b in zip(found.offsets, found.offsets[1:], strict=False):
        assert (np.diff(found.time[a:b]) >= 0).all()
    for numbers in (found.time, found.amount, found.duration):
        assert numbers.dtype == np.float64 and np.isfinite(numbers).all() and (numbers >= 0).all()
    assert set(found.target.tolist()) == set(range(len(found.targets)))
    for p in np.flatnonzero(found.steady_state):
        first = found.offsets[p]
        assert found.time[first] == 0 and found.duration[first] <= found.steady_state[p]


def test_doses_without_a_patient_are_shared() -> None:
    found = some([{"time": 7, "target": "B", "amount": 2}, {"time": 0, "target": "A", "amount": 1, "duration": 0.5}])
    assert found.shared and found.targets == ("B", "A")
    assert found.offsets.tolist() == [0, 2] and found.time.tolist() == [0, 7]
    assert found.duration.tolist() == [0.5, 0] and found.target.tolist() == [1, 0]
    assert found.part(1, 2) is found


def test_nonmem() -> None:
    frame = pd.DataFrame(
        {
            "ID": [1, 1, 2, 2],
            "TIME": [0.0, 5.0, 0.0, 1.0],
            "AMT": [100.0, np.nan, 50.0, 10.0],
            "EVID": [1, 0, 1, 1],
            "CMT": [1, 7, 2, 2],
            "RATE": [50.0, 0, 0, 0],
            "II": [12.0, 0, 0, 2.0],
            "ADDL": [2.0, 0, 0, 1.0],
            "SS": [1, 0, 0, 0],
            "DV": [0.0, 3.3, 0, 0],
        }
    )
    found = some(frame, pd.Index([1, 2, 3]))
    check(found, 3)
    assert found.offsets.tolist() == [0, 3, 6, 6]
    assert found.time.tolist() == [0, 12, 24, 0, 1, 3]
    assert found.duration.tolist() == [2, 2, 2, 0, 0, 0]
    assert [found.targets[t] for t in found.target] == ["A"] * 3 + ["B"] * 3
    assert found.steady_state.tolist() == [12, 0, 0]
    part = found.part(1, 3)
    assert part.offsets.tolist() == [0, 3, 3] and part.time.tolist() == [0, 1, 3]
    lower = some(frame.rename(columns=str.lower), pd.Index([1, 2, 3]))
    np.testing.assert_array_equal(lower.time, found.time)


def test_nonmem_with_named_compartments_and_without_evid() -> None:
    found = some(pd.DataFrame({"TIME": [0, 1, 2], "AMT": [1.0, 0.0, 2.0], "CMT": ["B", "x", "1"]}))
    assert found.shared and found.time.tolist() == [0, 2]
    assert [found.targets[t] for t in found.target] == ["B", "A"]


def test_no_doses() -> None:
    assert read(None) is None and read([]) is None and read(pd.DataFrame()) is None
    assert read(pd.DataFrame({"TIME": [0], "AMT": [0.0], "EVID": [0], "CMT": [1]})) is None


def own(**changes: Any) -> list[dict[str, Any]]:
    return [{"time": 0, "target": "A", "amount": 1, **changes}]


def nonmem(**changes: Any) -> pd.DataFrame:
    return pd.DataFrame([{"ID": "p1", "TIME": 0, "AMT": 1, "EVID": 1, "CMT": 1, **changes}])


@pytest.mark.parametrize(
    ("doses", "words"),
    [
        (own(target="b"), "no species.*Did you mean 'B'"),
        (own(target="fixed"), "cannot be dosed"),
        (own(target=2), "give a name"),
        (own(time=-1), "time -1"),
        (own(time=float("nan")), "'time'.*missing"),
        (own(amount="1"), "'amount'.*'1'"),
        (own(amount=-1), "negative"),
        (own(duration=-1), "negative"),
        (own(patient="pp1"), "'pp1', who is not among the 3 patients.*Did you mean 'p1'"),
        (own(patient=1), "whole numbers, those of the patients text"),
        (own(every=1), "need a 'count'"),
        (own(count=3), "'every'"),
        (own(every=1, count=2.5), "whole number from 1"),
        (own(every=1, count=1e12), "more than 100,000,000 doses"),
        (own(every=1e308, count=9), "beyond any finite time"),
        (own(amount=1e300, duration=1e-300), "not finite"),
        (own(AMT=1), "mixes"),
        (own(rate=1), "mixes"),
        (own(dose=1), "column 'dose'"),
        ([{"time": 0, "target": "A"}], "no column 'amount'"),
        ([7], r"doses\[0\] is 7"),
        (nonmem(EVID=3), "EVID 3: a reset is not supported"),
        (nonmem(EVID=4), "EVID 4"),
        (nonmem(EVID=9), "EVID 9"),
        (nonmem(RATE=-1), "RATE -1"),
        (nonmem(RATE=-2), "RATE -2"),
        (nonmem(RATE=5, AMT=0), "endless"),
        (nonmem(CMT=4), "number 4; they are numbered from 1 to 3"),
        (nonmem(CMT=3), "'fixed'"),
        (nonmem(ADDL=2), "interval II"),
        (nonmem(SS=1), "interval II"),
        (nonmem(SS=1, II=1, TIME=2), "at time 0 only"),
        (nonmem(SS=1, II=1, RATE=0.1), "within II"),
        (nonmem(SS=2, II=1), "SS 2"),
        (nonmem(WT=70), "column 'WT'"),
        (nonmem(AMT="."), "na_values"),
        (nonmem(amt=1), "all in upper or all in lower"),
        (nonmem().drop(columns="CMT"), "no column CMT"),
        (pd.concat([nonmem(TIME=3), nonmem(TIME=1)]), "Row 2 of 2.*TIME 1.*later time"),
        (pd.concat([nonmem(), nonmem(SS=1, II=1)]), "first dose"),
    ],
)
def test_mistakes_are_named(doses: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read(doses)


@pytest.mark.parametrize("dialect", ["own", "nonmem"])
def test_large_tables_are_quick(dialect: str) -> None:
    n, each = 100_000, 13
    who, when = np.repeat(np.arange(n), each), np.tile(np.arange(each) * 28.0, n)
    frame = pd.DataFrame({"patient": who, "time": when, "target": "A", "amount": 1.0})
    if dialect == "nonmem":
        frame = pd.DataFrame({"ID": who, "TIME": when, "CMT": 1, "AMT": 1.0, "EVID": 1})
    start = time.perf_counter()
    assert some(frame, pd.RangeIndex(n)).offsets[-1] == n * each
    assert time.perf_counter() - start < 5  # 0.4 s on one core; a loop over rows takes far longer
