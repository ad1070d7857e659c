"""What users get wrong in calls of simulate and stream: one clear DataError each, before any work is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr
from engine_tools import body, model, values

import leukinetics as lk
from leukinetics import LeukineticsError

TEXT = body(
    "species Glucose, Insulin; Glucose = 1; Insulin = 0; k_elim = 0.5",
    "J: Glucose => ; k_elim*Glucose",
    "double := 2*Glucose; rule' = 1; rule = 0",
)
NAN = float("nan")


def refused(match: str, *args: Any, error: type[Exception] = lk.DataError, **options: Any) -> None:
    """Both ways of simulating refuse, with one line that says ``match``; the stream before it is asked for a chunk."""
    args = args or ([0.0, 1.0],)
    for call in (model(TEXT).simulate, model(TEXT).stream):
        with pytest.raises(error, match=match) as caught:
            call(*args, **options)
        assert isinstance(caught.value, LeukineticsError)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


@pytest.mark.parametrize("value", [0, -1, NAN, "x", None, True, 1, 2.0, [1e-6], 1j, "1e-6"])
def test_rtol(value: Any) -> None:
    refused("rtol", rtol=value)


@pytest.mark.parametrize("value", [0, -1, NAN, "x", None, True, float("inf"), [1], {"Glucose": 0}, {"Glucose": "x"}])
def test_atol(value: Any) -> None:
    refused("atol", atol=value)


def test_atol_names_an_unknown_state() -> None:
    refused("'Glucos'.*Did you mean 'Glucose'", atol={"Glucos": 1e-9})
    refused("no state", atol={1: 1e-9})


@pytest.mark.parametrize(
    ("option", "bad"),
    [
        ("method", ["euler", None, 1, "RODAS4", ["rodas4"]]),
        ("backend", ["gpu", None, 1, []]),
        ("threads", [0, -1, 1.5, "2", True, NAN, [2]]),
        ("max_steps", [0, -1, 1.5, "2", True, NAN, None, 2**70]),
        ("run_in", [0, -1, NAN, "x", True, float("inf"), [1]]),
        ("progress", [5, "x"]),
        ("outputs", [5, [None], [["Glucose"]], b"Glucose", {"Glucose": 1}, [1]]),
        ("amounts", [5, [None], [["Glucose"]], b"Glucose", {"Glucose": 1}, None]),
    ],
)
def test_options(option: str, bad: list[Any]) -> None:
    for value in bad:
        refused("limit" if option == "run_in" else option, **{option: value})


@pytest.mark.parametrize("chunk", [0, -1, 1.5, "x", None, NAN, True, [1]])
def test_chunk(chunk: Any) -> None:
    with pytest.raises(lk.DataError, match="chunk"):
        model(TEXT).stream([1.0], chunk=chunk)


def test_names_are_suggested() -> None:
    refused("'Glucse' is unknown.*'Glucose'", outputs=["Glucse"])
    refused("'insulin' is unknown.*'Insulin'", outputs="insulin")
    refused("'doubel'.*no species", amounts="doubel")
    refused("'Glucosee'.*'Glucose'", amounts=["Glucosee"])
    refused("'k_elm'.*'k_elim'", parameters={"k_elm": 1.0})
    refused("'Glukose'.*'Glucose'", doses=[{"time": 0, "target": "Glukose", "amount": 1}])
    refused("method='rodas5'.*rodas5p", method="rodas5")
    refused("twice", outputs=["Glucose", "Glucose"])


@pytest.mark.parametrize(
    ("times", "match"),
    [
        ([], "empty"), ([NAN], r"times\[0\]"), ([0, 1, NAN], r"times\[2\]"), ([1, 0.5], r"times\[1\] is 0.5"),
        ([-1e-9], "negative"), ([0, float("inf")], r"times\[1\]"), ("x", "times"), (None, "times"), (5, "times"),
        ([[1, 2]], "times"), (["a"], r"times\[0\]"), ({0: 1}, "times"), (np.zeros((2, 2)), "dimensions"),
        ([1j], "times"), (np.array(["a"]), "times"), ([None], r"times\[0\]"), ({1.0, 2.0}, "times"),
    ],
)  # fmt: skip
def test_times(times: Any, match: str) -> None:
    refused(match, times)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        (5, "table"), ("x", "table"), ([1], "table"), ({"k_elim": "a"}, "'a'"), ({"k_elim": NAN}, "NaN"),
        ({"k_elim": [1, NAN]}, "row 2 of 2"), ({"k_elim": []}, "no rows"), ({"k_elim": [[1]]}, "list"),
        ({1: 2}, "text"),
        ({"k_elim": [1, 2], "Glucose": [1]}, "2 values of 'k_elim' but 1"), ({"double": 1}, "'double'.*no input"),
        ({"k_elim": None}, "NaN"), ({"k_elim": float("inf")}, "inf"), ({"k_elim": 1j}, "1j"),
        (pd.DataFrame({"k_elim": ["1", "2"]}), "row 1 of 2"), (pd.DataFrame({"k_elim": []}), "no rows"),
        (pd.DataFrame({"patient": [1, 1], "k_elim": [1, 2]}), "more than one row"),
        (pa.table({"k_elim": [1.0, None]}), "row 2"), (pa.table({"k_elim": ["a"]}), "'a'"),
        (xr.Dataset({"k_elim": (("a", "b"), np.ones((2, 2)))}), "dimensions"),
        (pd.DataFrame([[1, 2]], columns=["k_elim", "k_elim"]), "two columns"),
    ],
)  # fmt: skip
def test_patients(parameters: Any, match: str) -> None:
    refused(match, parameters=parameters)


@pytest.mark.parametrize(
    ("doses", "match"),
    [
        (5, "table"), ("x", "table"), ([5], r"doses\[0\]"), ([{"time": 0}], "'target'"), ({"time": [0]}, "table"),
        ([{"time": 0, "target": "k_elim", "amount": 1}], "no species"),
        ([{"time": 0, "target": "double", "amount": 1}], "no species"),
        ([{"time": 0, "target": "rule", "amount": 1}], "no species"),
        ([{"time": -1, "target": "Glucose", "amount": 1}], "time -1"),
        ([{"time": NAN, "target": "Glucose", "amount": 1}], "NaN"),
        ([{"time": 0, "target": "Glucose", "amount": "x"}], "'x'"),
        ([{"time": 0, "target": "Glucose", "amount": -1}], "negative"),
        ([{"time": 0, "target": "Glucose", "amount": float("inf")}], "inf"),
        ([{"time": 0, "target": "Glucose", "amount": 1, "duration": -1}], "duration"),
        ([{"time": 0, "target": "Glucose", "amount": 1, "every": 1}], "count"),
        ([{"time": 0, "target": "Glucose", "amount": 1, "patient": "nobody"}], "nobody"),
        ([{"time": 0, "target": "Glucose", "amount": 1, "ammount": 1}], "ammount"),
        ([{"time": 0, "target": 7, "amount": 1}], "give a name"),
        ([{"TIME": 0, "AMT": 1, "CMT": 9}], "number 9"),
        ([{"TIME": 0, "AMT": 1, "CMT": "Glucose", "EVID": 4}], "reset"),
        ([{"TIME": 0, "AMT": 1, "CMT": "Glucose", "RATE": -2}], "not supported"),
        ([{"TIME": 0, "AMT": 1, "CMT": "Glucose", "SS": 1}], "II"), ([{"TIME": 0, "AMT": 1, "amount": 1}], "mixes"),
    ],
)  # fmt: skip
def test_doses(doses: Any, match: str) -> None:
    refused(match, doses=doses)


def test_a_model_that_only_the_reference_can_run() -> None:
    """The gamma function of a state has no derivative rule, which is found when the model is compiled."""
    text = body("x' = -factorial(x); x = 1.5")
    with pytest.raises(lk.UnsupportedModelError, match="gamma"):
        lk.load_model(text).simulate([1.0], outputs="x", backend="compiled")


def test_numbers_of_numpy_are_numbers() -> None:
    plain = model(TEXT).simulate([0.0, 1.0], rtol=1e-4, atol=1e-7, threads=1, max_steps=500)
    ours = model(TEXT).simulate(
        np.array([0, 1], dtype=np.float32),
        rtol=np.float64(1e-4),
        atol=np.float64(1e-7),
        threads=np.int64(1),
        max_steps=np.int32(500),
        outputs=np.array(["Glucose", "Insulin"]),
    )
    np.testing.assert_array_equal(values(plain), values(ours))


def test_no_outputs_at_all() -> None:
    ds = model(TEXT).simulate([0.0, 1.0], {"k_elim": [1.0, 2.0]}, outputs=[])
    assert ds.sizes == {"patient": 2, "time": 2} and (ds["status"] == 0).all()


def test_nothing_is_changed_by_a_call() -> None:
    """Tables of the user are read, never written."""
    patients = pd.DataFrame({"k_elim": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="patient"))
    doses = pd.DataFrame({"time": [1.0, 0.0], "target": "Glucose", "amount": 1.0})
    times = np.array([0.0, 1.0, 2.0])
    copies = patients.copy(), doses.copy(), times.copy()
    model(TEXT).simulate(times, patients, doses)
    pd.testing.assert_frame_equal(patients, copies[0])
    pd.testing.assert_frame_equal(doses, copies[1])
    np.testing.assert_array_equal(times, copies[2])
