"""Patient tables and times: what is accepted, and one clear DataError for everything else."""

from __future__ import annotations

import datetime
import time
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leukinetics.engine.status import Status
from leukinetics.engine.system import Input
from leukinetics.engine.tables import read_patients, read_times
from leukinetics.errors import DataError

INPUTS = {name: Input(name, 1.0) for name in ("k1", "k2", "Vmax", "S0")}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.decimals(allow_nan=True),
    st.datetimes(),
    st.just(pd.NA),
    st.just(pd.NaT),
    st.just(object()),
    st.just(10**400),
)
rubbish = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner) | st.dictionaries(st.text(max_size=2), inner),
)
names = st.one_of(
    st.sampled_from([*INPUTS, "patient", "ID", "time", "target", "amount", "duration", "every", "count"]),
    st.sampled_from(["TIME", "AMT", "EVID", "CMT", "RATE", "II", "ADDL", "SS", "id", "amt", "cmt"]),
    st.text(max_size=3),
    st.integers(0, 2),
)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """DataFrames with columns of any kind, names that may repeat, and any index."""
    n = draw(st.integers(0, 4))
    entries = st.one_of(
        st.lists(scalars, min_size=n, max_size=n),
        st.lists(rubbish, min_size=n, max_size=n),
        st.lists(st.floats(0, 10), min_size=n, max_size=n),
        st.lists(st.integers(0, 5), min_size=n, max_size=n),
        st.lists(st.sampled_from(["A", "k1", "1"]), min_size=n, max_size=n),
    )
    columns = draw(st.lists(st.tuples(names, entries, st.booleans()), max_size=6))
    series = [pd.Series(e, dtype=object) for _, e, _ in columns]
    made = [s.infer_objects() if infer else s for s, (_, _, infer) in zip(series, columns, strict=True)]
    frame = pd.concat(made, axis=1) if made else pd.DataFrame(index=range(n))
    frame.columns = pd.Index([c for c, _, _ in columns], dtype=object)
    if draw(st.booleans()) and len(frame) == n:
        frame.index = pd.Index(draw(st.lists(scalars, min_size=n, max_size=n)), dtype=object)
    return frame


quick = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(st.one_of(frames(), rubbish, st.dictionaries(names, rubbish)))
def test_rubbish_for_patients_gives_data_errors_only(thing: object) -> None:
    try:
        table = read_patients(thing, INPUTS)
    except DataError as error:
        assert "\n" not in str(error)
        return
    assert np.isfinite(table.values).all()
    assert table.values.shape == (len(table.ids), len(table.names))
    assert table.ids.is_unique and len(table) >= 1


@quick
@given(st.one_of(rubbish, st.lists(scalars), frames()))
def test_rubbish_for_times_gives_data_errors_only(thing: object) -> None:
    try:
        times = read_times(thing)
    except DataError:
        return
    assert times.ndim == 1 and len(times) and (np.diff(times) >= 0).all() and times[0] >= 0


@quick
@given(
    st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from(["frame", "mapping", "arrow", "dataset"]),
)
def test_every_kind_of_table_gives_the_same_numbers(rows: list[list[float]], kind: str) -> None:
    columns = {name: np.array([r[j] for r in rows]) for j, name in enumerate(("k2", "S0", "k1"))}
    table: object = {
        "frame": lambda: pd.DataFrame(columns),
        "mapping": lambda: columns,
        "arrow": lambda: pa.table(columns),
        "dataset": lambda: xr.Dataset({name: ("row", c) for name, c in columns.items()}),
    }[kind]()
    found = read_patients(table, INPUTS)
    assert found.names == ("k2", "S0", "k1")
    assert found.values.flags.c_contiguous and found.values.dtype == np.float64
    np.testing.assert_array_equal(found.values, np.array(rows))
    assert list(found.ids) == list(range(len(rows)))


def test_one_patient_and_scalars() -> None:
    assert len(read_patients(None, INPUTS)) == 1
    assert len(read_patients({}, INPUTS)) == 1
    mixed = read_patients({"k1": 2, "k2": [3, Decimal("4.5")], "S0": np.float32(1)}, INPUTS)
    np.testing.assert_array_equal(mixed.values, [[2, 3, 1], [2, 4.5, 1]])


def test_labels() -> None:
    values = {"k1": [1.0, 2.0]}
    assert list(read_patients({"patient": ["a", "b"], **values}, INPUTS).ids) == ["a", "b"]
    assert list(read_patients(pd.DataFrame({"ID": [7.0, 9.0], **values}), INPUTS).ids) == [7, 9]
    assert list(read_patients(pd.DataFrame(values, index=pd.Index([5, 6], name="nr")), INPUTS).ids) == [5, 6]
    assert list(read_patients(pd.DataFrame(values, index=[5, 6]), INPUTS).ids) == [5, 6]
    assert list(read_patients(pd.DataFrame(values, index=[5, 5]), INPUTS).ids) == [0, 1]
    dataset = xr.Dataset({"k1": ("who", [1.0, 2.0])}, coords={"who": ["x", "y"]})
    assert list(read_patients(dataset, INPUTS).ids) == ["x", "y"]


def test_an_input_may_be_called_like_a_label() -> None:
    table = read_patients({"ID": [1.5, 2.5]}, {"ID": Input("ID", 0.0)})
    np.testing.assert_array_equal(table.values, [[1.5], [2.5]])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"K1": 1}, "no input.*Did you mean 'k1'"),
        ({"k1": 1, "x": 2, "y": 3}, "'x'.*1 more"),
        ({"k1": [1, 2], "k2": [1, 2, 3]}, "2 values of 'k1' but 3 of 'k2'"),
        ({"k1": [1.0, float("nan"), float("inf")]}, "row 2 of 3 .*missing.*row 3 of 3 .*inf"),
        ({"k1": "1.5"}, "'k1' is '1.5'"),
        (pd.DataFrame({"patient": ["p", "q"], "k1": ["1", "2"]}), "row 1 of 2 .patient 'p'. is '1'"),
        (pd.DataFrame({"k1": [datetime.datetime(2020, 1, 1)]}), "Timestamp"),
        (pd.DataFrame({"k1": []}), "no rows"),
        ({"k1": []}, "no rows"),
        (pd.DataFrame({"ID": [1, 1], "k1": [1, 2]}), "more than one row, first 1"),
        (pd.DataFrame({"ID": [1], "patient": [1], "k1": [1]}), "both a column"),
        (pd.DataFrame([[1, 2]], columns=["k1", "k1"]), "two columns named 'k1'"),
        (pd.DataFrame({0: [1]}), "column named 0"),
        ({"k1": np.ones((2, 2))}, "2 dimensions"),
        (xr.Dataset({"k1": (("a", "b"), np.ones((2, 2)))}), "'a', 'b'"),
        ([1, 2], "must be a table"),
        (pd.DataFrame({"patient": [1.5], "k1": [1]}), "whole numbers or all text"),
    ],
)
def test_mistakes_are_named(table: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_patients(table, INPUTS)


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([], "empty"),
        ([0, -1], r"times\[1\] is -1"),
        ([0, 2, 1], r"times\[1\] is 2 and times\[2\] is 1"),
        ([0, float("nan")], r"times\[1\] is missing"),
        ([0, "a"], r"times\[1\] is 'a'"),
        (5, "list or 1-d array"),
        ("0:10", "list or 1-d array"),
        (np.ones((2, 2)), "2 dimensions"),
    ],
)
def test_times_that_are_refused(times: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_times(times)


def test_times_that_are_accepted() -> None:
    for times in ([0, 1, 1, 2.5], np.array([0, 1, 1, 2.5]), pd.Series([0, 1, 1, 2.5], index=[3, 2, 1, 0])):
        np.testing.assert_array_equal(read_times(times), [0, 1, 1, 2.5])


def test_large_tables_are_quick() -> None:
    n = 100_000
    inputs = {f"k{j}": Input(f"k{j}", 1.0) for j in range(10)}
    frame = pd.DataFrame(np.ones((n, 10)), columns=list(inputs))
    start = time.perf_counter()
    read_patients(frame.assign(patient=[f"P{i}" for i in range(n)]), inputs)
    assert time.perf_counter() - start < 2  # 0.05 s on one core; a loop over rows takes many seconds


def test_statuses_have_advice_and_stable_numbers() -> None:
    assert [s.value for s in Status] == list(range(10))
    assert [s.name for s in Status if s.ok] == ["OK", "RETRIED"]
    assert all(s.advice.endswith(".") for s in Status)
