"""Endpoints and statistics against results worked out by hand or by scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from leukinetics import DataError, ProtocolError
from leukinetics.assays import Measured, exact
from leukinetics.trial.endpoints import Samples, endpoint_values
from leukinetics.trial.protocol import Endpoint
from leukinetics.trial.statistics import contrast, estimate, statistic

TIMES = np.array([0.0, 1.0, 2.0, 4.0])
X = np.array([[2.0, 6.0, 4.0, 1.0], [2.0, 2.0, 8.0, 4.0], [np.nan] * 4])


def number(kind: str, **more: Any) -> list[float]:
    """The endpoint of the patients above, whose baseline is the first sample."""
    windowed = "every" in more
    made = Endpoint.model_validate(
        {"id": "e", "observable": "crp", "kind": kind} | ({} if windowed else {"at": "4 d"}) | more
    )
    samples = X if windowed else X[:, -1:]
    times = TIMES if windowed else TIMES[-1:]
    given = Samples(times, exact(samples, "mg/L"), exact(X[:, :1], "mg/L"))
    return endpoint_values(made, given).numbers.tolist()


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("value", {}, [1.0, 4.0]),
        ("value", {"unit": "ug/mL"}, [1.0, 4.0]),
        ("value", {"unit": "g/L"}, [0.001, 0.004]),
        ("change", {}, [-1.0, 2.0]),
        ("percent_change", {}, [-50.0, 100.0]),
        ("fold", {}, [0.5, 2.0]),
        ("responder", {"threshold": "< 2 mg/L"}, [1.0, 0.0]),
        ("responder", {"threshold": "<= -50 %"}, [1.0, 0.0]),
        ("responder", {"threshold": "0.5 to 5 mg/L"}, [1.0, 1.0]),
        ("average", {"every": "1 d"}, [14 / 4, 19 / 4]),
        ("maximum", {"every": "1 d"}, [6.0, 8.0]),
        ("maximum_fold", {"every": "1 d"}, [3.0, 4.0]),
        ("minimum", {"every": "1 d"}, [1.0, 2.0]),
        ("time_of_maximum", {"every": "1 d", "unit": "h"}, [24.0, 48.0]),
        # from 6 at day 1 over 4 at day 2 to 1 at day 4: 2.2 is reached 1.8/3 of two days after day 2
        ("time_to_return", {"every": "1 d", "margin": 0.1}, [1 + 2 * 1.8 / 3, 2.0]),
        # above 3: from 0.25 to 1, to 2, and a third of the two days; from 1 + 1/6 on
        ("time_above", {"every": "1 d", "threshold": "3 mg/L"}, [0.75 + 1 + 2 / 3, 5 / 6 + 2]),
    ],
)
def test_kinds(kind: str, more: dict[str, Any], expected: list[float]) -> None:
    found = number(kind, **more)
    assert found[:2] == pytest.approx(expected)
    assert np.isnan(found[2])  # a patient without a valid simulation


def test_a_patient_who_has_not_returned_is_censored_at_the_end_of_the_window() -> None:
    made = Endpoint.model_validate({"id": "e", "observable": "crp", "kind": "time_to_return", "every": "1 d"})
    found = endpoint_values(made, Samples(TIMES, exact(X, "mg/L"), exact(X[:, :1], "mg/L")))
    assert found.censored.tolist() == [False, True, False]
    assert found.numbers[1] == 2.0


def test_a_sample_below_the_limit_counts_as_half_of_it() -> None:
    made = Endpoint.model_validate({"id": "e", "observable": "crp", "kind": "value", "at": "4 d"})
    read = Measured(np.array([[0.4], [3.0]]), np.array([[True], [False]]), "mg/L", 0.4)
    assert endpoint_values(made, Samples(TIMES[-1:], read, read)).numbers.tolist() == [0.2, 3.0]


def test_units_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ProtocolError, match="endpoint 'e', unit"):
        number("value", unit="day")
    with pytest.raises(ProtocolError, match="has no unit to change"):
        number("fold", unit="mg/L")
    with pytest.raises(ProtocolError, match="endpoint 'e', threshold"):
        number("responder", threshold="< 2 day")


def test_statistics_leave_out_patients_without_a_value() -> None:
    values = np.array([[1.0, 2.0, 4.0, np.nan], [np.nan] * 4])
    for name, expected in {
        "mean": 7 / 3, "median": 2.0, "geometric_mean": 2.0, "sd": np.std([1, 2, 4], ddof=1),
        "sd_ln": np.log(2), "p90": 3.6, "proportion": 7 / 3,
    }.items():  # fmt: skip
        found = statistic(values, name)
        assert found[0] == pytest.approx(expected)
        assert np.isnan(found[1])
    with pytest.raises(DataError, match="Did you mean 'median'"):
        statistic(values, "medain")


def test_estimates_agree_with_textbook_formulas() -> None:
    x = np.random.default_rng(1).lognormal(1.0, 0.5, 400)
    mean = estimate(x, "mean", 1, "x")
    assert (mean.estimate, mean.se) == (pytest.approx(x.mean()), pytest.approx(stats.sem(x)))
    gm = estimate(x, "geometric_mean", 1, "x")
    assert gm.estimate == pytest.approx(stats.gmean(x))
    assert np.log(gm.high / gm.low) == pytest.approx(2 * stats.t.ppf(0.975, 399) * stats.sem(np.log(x)))
    responders = estimate((x > 3).astype(float), "proportion", 1, "x")
    wilson = stats.binomtest(int((x > 3).sum()), 400).proportion_ci(method="wilson")
    assert (responders.low, responders.high) == (pytest.approx(wilson.low), pytest.approx(wilson.high))
    median = estimate(x, "median", 1, "x")
    assert median.se == pytest.approx(np.sqrt(np.pi / 2) * 0.5 * median.estimate / 20, rel=0.25)
    assert estimate(x, "median", 1, "x") == median
    assert estimate(np.array([np.nan]), "median", 1, "x").n == 0


def test_contrasts_use_the_pairs_of_twins() -> None:
    rng = np.random.default_rng(2)
    x = rng.lognormal(1.0, 1.0, 300)
    y = x * rng.lognormal(-0.5, 0.1, 300)
    measure, paired = contrast(y, x, "geometric_mean", paired=True, seed=1, label="x")
    assert measure == "ratio"
    assert paired.low < np.exp(-0.5) < paired.high
    _, apart = contrast(y, x, "geometric_mean", paired=False, seed=1, label="x")
    assert apart.estimate == pytest.approx(paired.estimate)
    assert apart.high / apart.low > paired.high / paired.low
    measure, difference = contrast(y, x, "mean", paired=False, seed=1, label="x")
    welch = stats.ttest_ind(y, x, equal_var=False)
    assert measure == "difference"
    assert difference.p == pytest.approx(welch.pvalue)
    _, medians = contrast(y, x, "median", paired=True, seed=1, label="x")
    assert medians.low < np.median(y) - np.median(x) < medians.high


def test_intervals_of_medians_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for i in range(300):
        found = estimate(rng.lognormal(0.0, 0.8, 60), "median", i, "x")
        hits += found.low <= 1.0 <= found.high
    assert 0.90 <= hits / 300 <= 0.99
