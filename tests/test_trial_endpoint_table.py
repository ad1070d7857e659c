"""Slopes, repeated visits, and the table that statistics and report read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from leukinetics import ProtocolError
from leukinetics.assays import Measured, exact
from leukinetics.trial.endpoints import Samples, Values, endpoint_table, endpoint_values, slope, visit_times
from leukinetics.trial.protocol import Analysis, Endpoint

INF = np.inf
WEEKS = 7.0 * np.arange(5)


def endpoint(kind: str, **more: Any) -> Endpoint:
    return Endpoint.model_validate({"id": "e", "observable": "crp", "kind": kind} | more)


def table(made: Endpoint, values: Values, after_rule: str = "used", **more: Any) -> pd.DataFrame:
    """Three patients 4, 2, 9 in two arms, where nothing else is said."""
    protocol = SimpleNamespace(
        arm=[SimpleNamespace(name="placebo"), SimpleNamespace(name="active")],
        analysis=Analysis(after_rule=after_rule),
        trial=SimpleNamespace(duration=28.0),
    )
    given = {
        "people": np.array([4, 2, 9]),
        "arms": np.array([0, 1, 0]),
        "left": np.full(3, INF),
        "fired": {},
        "ok": np.ones(3, dtype=bool),
    }
    return endpoint_table(SimpleNamespace(protocol=protocol), made, values, **(given | more))  # type: ignore[arg-type]


def samples(x: Any, visits: bool = True) -> Samples:
    x = np.array(x, dtype=float)
    repeated = exact(x[:, 1:], "mg/L") if visits else None
    return Samples(WEEKS[-1:], exact(x[:, -1:], "mg/L"), exact(x[:, :1], "mg/L"), WEEKS[1:], repeated)


def test_slopes_are_least_squares_of_the_samples_there_are() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(5.0, 1.0, (2, 40, 5))
    x[..., 3:][:, ::2] = np.nan
    found = slope(WEEKS, x)
    for index in np.ndindex(2, 40):
        there = ~np.isnan(x[index])
        assert found[index] == pytest.approx(365.25 * np.polyfit(WEEKS[there], x[index][there], 1)[0])
    x[0, 0, 1:] = np.nan
    assert np.isnan(slope(WEEKS, x)[0, 0])


def test_the_slope_has_its_unit_per_year() -> None:
    x = 2.0 + np.array([[1.0], [-3.0], [np.nan]]) * WEEKS / 365.25
    made = endpoint("slope", every="1 week")
    given = Samples(WEEKS, exact(x, "mg/L"), exact(x[:, :1], "mg/L"))
    found = endpoint_values(made, given)
    assert found.unit == "mg/L/year"
    assert found.numbers[:2] == pytest.approx([1.0, -3.0])
    assert np.isnan(found.numbers[2])
    monthly = endpoint_values(endpoint("slope", every="1 week", unit="ug/mL/week"), given)
    assert monthly.numbers[:2] == pytest.approx(np.array([1.0, -3.0]) * 7 / 365.25)
    assert endpoint_values(made, Samples(WEEKS, exact(x, ""), exact(x[:, :1], ""))).unit == "1/year"
    with pytest.raises(ProtocolError, match="endpoint 'e', unit"):
        endpoint_values(endpoint("slope", every="1 week", unit="mg/L"), given)


def test_every_visit_of_a_repeated_measures_analysis_has_its_row() -> None:
    made = endpoint("percent_change", at="4 weeks", analysis="log_mmrm", visits=["1 week", "2 weeks", "3 weeks"])
    assert visit_times(made).tolist() == [7.0, 14.0, 21.0, 28.0]
    assert visit_times(endpoint("value", at="4 weeks")).tolist() == []
    x = [[10, 9, 8, 7, 6], [10, 20, np.nan, np.nan, np.nan], [np.nan] * 5]
    values = endpoint_values(made, samples(x))
    found = table(made, values, left=np.array([INF, 10.0, INF]), ok=np.array([True, True, False]))
    assert found["patient"].tolist() == [4] * 4 + [9] * 4 + [2] * 4
    assert found["arm"].tolist() == ["placebo"] * 8 + ["active"] * 4
    assert found["time"].tolist() == [7.0, 14.0, 21.0, 28.0] * 3
    assert found["value"][:4].tolist() == pytest.approx([-10.0, -20.0, -30.0, -40.0])
    assert found["missing"].tolist() == [""] * 4 + ["failed"] * 4 + ["", "left", "left", "left"]
    assert found["value"].isna().tolist() == [False] * 4 + [True] * 4 + [False] + [True] * 3
    assert (found["unit"] == "%").all()
    assert found["baseline"][[0, 8]].tolist() == [10.0, 10.0]
    assert (values.numbers[:1] == values.repeated[28.0][:1]).all()


def test_one_row_each_without_repeated_visits() -> None:
    made = endpoint("change", at="4 weeks", unit="g/L")
    found = table(made, endpoint_values(made, samples([[4, 1, 1, 1, 1000], [4, 1, 1, 1, 2], [4, 1, 1, 1, 3]], False)))
    assert found["time"].tolist() == [28.0] * 3
    assert found["value"].tolist() == pytest.approx([0.996, -0.001, -0.002])
    assert found["baseline"].tolist() == pytest.approx([0.004] * 3)  # in the unit of the change
    assert list(found) == [
        "patient", "arm", "endpoint", "time", "value", "baseline", "unit", "censored", "exposure", "blq", "missing",
    ]  # fmt: skip
    assert found.dtypes[["patient", "time", "value", "exposure"]].tolist() == [np.int64, float, float, float]
    assert found.dtypes[["censored", "blq"]].tolist() == [bool, bool]
    windowed = endpoint("average", every="1 week")
    x = np.ones((3, 5))
    values = endpoint_values(windowed, Samples(WEEKS, exact(x, "mg/L"), exact(x[:, :1], "mg/L")))
    assert table(windowed, values)["time"].isna().all()


def test_who_left_has_no_window_but_the_slope_so_far() -> None:
    x = np.array([[1.0, 2.0, np.nan, np.nan, np.nan], [1.0, np.nan, np.nan, np.nan, np.nan], [1.0, 2.0, 3.0, 4.0, 5.0]])
    left = np.array([10.0, 3.0, INF])
    given = Samples(WEEKS, exact(x, "mg/L"), exact(x[:, :1], "mg/L"))
    missing = {}
    for kind in ("slope", "average", "maximum", "time_to_return", "event_rate", "time_to_event"):
        made = endpoint(kind, every="1 week", **({"threshold": ">= 3 mg/L"} if "event" in kind else {}))
        found = table(made, endpoint_values(made, given), arms=np.zeros(3, dtype=int), left=left)
        missing[kind] = dict(zip(found["patient"], found["missing"], strict=True))
        assert (found["value"].isna() == (found["missing"] != "")).all()
    whole = {4: "left", 2: "left", 9: ""}
    assert missing["average"] == missing["maximum"] == missing["time_to_return"] == whole
    assert missing["slope"] == missing["event_rate"] == {4: "", 2: "left", 9: ""}
    assert missing["time_to_event"] == {4: "", 2: "", 9: ""}


@pytest.mark.parametrize("kind", ["percent_change", "fold", "maximum_fold"])
def test_relative_to_a_baseline_of_0_there_is_no_number(kind: str) -> None:
    """Not an infinite one, and it is counted as missing: of a drug before it is given, of a score at its floor."""
    x = [[0.0, 3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 1.0, 1.0, 1.0]]
    if kind == "maximum_fold":
        made = endpoint(kind, every="1 week")
        values = endpoint_values(made, Samples(WEEKS, exact(np.array(x), "mg/L"), exact(np.array(x)[:, :1], "mg/L")))
    else:
        made = endpoint(kind, at="4 weeks", analysis="mmrm", visits=["1 week", "2 weeks", "3 weeks"])
        values = endpoint_values(made, samples(x))
    found = table(made, values).set_index("patient")
    for patient in (4, 2):
        assert found.loc[[patient], "value"].isna().all()
        assert (found.loc[[patient], "missing"] == "undefined").all()
    assert np.isfinite(found.loc[[9], "value"]).all()
    assert (found.loc[[9], "missing"] == "").all()


def test_samples_after_a_rule_are_said_to_be_only_where_the_analysis_asks() -> None:
    made = endpoint("value", at="4 weeks", analysis="mmrm", visits=["1 week", "2 weeks", "3 weeks"])
    values = endpoint_values(made, samples(np.ones((3, 5))))
    fired = {"stop": np.array([14.0, INF, INF]), "rescue": np.array([INF, 7.0, INF])}
    assert (table(made, values, fired=fired)["missing"] == "").all()
    found = table(made, values, after_rule="missing", fired=fired)
    # the sample of the visit at which a rule fires comes before what it does
    assert found["missing"].tolist() == ["", "", "rule", "rule", "", "", "", "", "", "rule", "rule", "rule"]
    assert (found["value"] == 1.0).all()


def test_nobody_has_no_row_and_any_shape_will_do() -> None:
    made = endpoint("value", at="4 weeks")
    read = Measured(np.array([[0.5], [2.0], [3.0]]), np.array([[True], [False], [False]]), "mg/L", 0.5)
    values = endpoint_values(made, Samples(WEEKS[-1:], read, read))
    found = table(made, values, people=np.array([4, -1, 9]))
    assert found["patient"].tolist() == [4, 9]
    assert found["value"].tolist() == [0.25, 3.0]
    assert found["blq"].tolist() == [True, False]
    two = Measured(np.ones((1, 2, 3, 1)), np.zeros((1, 2, 3, 1), dtype=bool), "mg/L")
    values = endpoint_values(made, Samples(WEEKS[-1:], two, two)).take(0)
    found = table(made, values, arms=np.arange(2)[:, None])
    assert found["patient"].tolist() == [2, 4, 9] * 2
    assert found["arm"].tolist() == ["placebo"] * 3 + ["active"] * 3
