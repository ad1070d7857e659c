"""Analysis of covariance against statsmodels and a published example; twins; tests of interaction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statistics_tools import endpoint, stacked, table

from leukinetics.trial.statistics.compare import compare, fit, interaction
from leukinetics.trial.statistics.rows import Rows, rows_of

#: Bacilli before and after an antibiotic (A, D) or control (F): Snedecor and Cochran's example of leprosy, which the
#: documentation of SAS works out as "Analysis of Covariance" of PROC GLM.
LEPROSY = {
    "A": "11 6 8 0 5 2 14 8 19 11 6 4 10 13 6 1 11 8 3 0",
    "D": "6 0 6 2 7 3 8 1 18 18 8 4 19 14 8 9 5 1 15 9",
    "F": "16 13 13 10 11 18 9 5 21 23 16 12 12 5 12 16 7 1 12 20",
}


def leprosy() -> pd.DataFrame:
    pairs = [np.array(numbers.split(), dtype=float).reshape(-1, 2) for numbers in LEPROSY.values()]
    return stacked(*(table(a, x[:, 1], x[:, 0], 100 * i) for i, (a, x) in enumerate(zip(LEPROSY, pairs, strict=True))))


def parallel(seed: int = 1, n: int = 40) -> pd.DataFrame:
    """Two arms, a percent change, an age; some left."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, arm in enumerate(("control", "treated")):
        value = 100 * (rng.lognormal(-0.3 * i, 0.4, n) - 1)
        gone = np.arange(n) % 9 == 4
        parts.append(
            table(
                arm,
                np.where(gone, np.nan, value),
                rng.lognormal(1.0, 0.5, n),
                n * i,
                age=rng.normal(50.0, 9.0, n),
                missing=np.where(gone, "left", ""),
            )
        )
    return stacked(*parts)


def compared(e: Any, data: pd.DataFrame, **more: Any) -> dict[str, Any]:
    two = [data[data["arm"] == a] for a in ("treated", "control")]
    return compare(e, *two, **{"design": "parallel", **more})[0]


def test_published_example() -> None:
    rows = rows_of(endpoint("value"), leprosy(), list(LEPROSY))
    found = fit(endpoint("value"), rows, 2, [], twins=False, alpha=0.05, seed=1)
    assert [a.estimate for a in found.arms] == pytest.approx([6.7149635, 6.8239348, 10.1611017], abs=1e-7)
    a, d = (found.contrasts[i][0].found for i in (0, 1))
    assert (a.estimate, a.se) == pytest.approx((-3.446138280, 1.88678065), abs=1e-8)
    assert (d.estimate, d.se) == pytest.approx((-3.337166948, 1.85386642), abs=1e-8)


@pytest.mark.parametrize(("kind", "analysis"), [("percent_change", None), ("value", None), ("fold", None)])
def test_equal_to_statsmodels(kind: str, analysis: str | None) -> None:
    data = parallel()
    if kind == "fold":
        data["value"] = 1 + data["value"] / 100
    found = compared(endpoint(kind, analysis=analysis), data, covariates=["age"], alpha=0.1)
    logs = kind != "value"
    used = data.dropna(subset=["value"]).assign(
        y=lambda d: np.log(1 + d["value"] / 100) if kind == "percent_change" else d["value"],
        b=lambda d: np.log(d["baseline"]) if logs else d["baseline"],
    )
    if kind == "fold":
        used["y"] = np.log(used["value"])
    model = smf.ols("y ~ C(arm, Treatment('control')) + b + age", used).fit()
    name = "C(arm, Treatment('control'))[T.treated]"
    low, high = model.conf_int(alpha=0.1).loc[name]
    back = {"percent_change": lambda x: 100 * (np.exp(x) - 1), "fold": np.exp, "value": lambda x: x}[kind]
    told = [found[k] for k in ("estimate", "ci_low", "ci_high")]
    assert told == pytest.approx([back(x) for x in (model.params[name], low, high)], rel=1e-7)
    assert found["p_value"] == pytest.approx(model.pvalues[name], rel=1e-7)
    assert found["n"] == len(used)
    assert found["measure"] == {"percent_change": "percent_difference", "fold": "ratio", "value": "difference"}[kind]


def test_twins_are_compared_within_patients() -> None:
    data = parallel()
    data["patient"] %= 40
    x, y = (data.loc[data["arm"] == a, "value"].to_numpy() for a in ("treated", "control"))
    test = stats.ttest_rel(x, y, nan_policy="omit")
    found = compared(endpoint("value"), data, design="twins")
    assert found["estimate"] == pytest.approx(np.nanmean(x - y), rel=1e-7)
    assert found["p_value"] == pytest.approx(test.pvalue, rel=1e-7)
    low, high = test.confidence_interval()
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((low, high), rel=1e-7)
    relative = compared(endpoint("percent_change"), data, design="twins")
    logs = np.log(1 + x / 100) - np.log(1 + y / 100)
    assert relative["estimate"] == pytest.approx(100 * (np.exp(np.nanmean(logs)) - 1), rel=1e-7)
    assert relative["n"] == int((~np.isnan(logs)).sum())


@pytest.mark.parametrize("twins", [False, True])
def test_interaction_is_that_of_the_linear_model(twins: bool) -> None:
    data = parallel()
    if twins:
        data["patient"] %= 40
    rows = rows_of(endpoint("value"), data, ["control", "treated"], ["age"])
    part = rows.patient % 3
    dummies = (part[:, None] == np.array([1, 2])).astype(float)
    found = interaction(endpoint("value"), rows, dummies, twins=twins)
    if twins:
        wide = data.pivot(index="patient", columns="arm", values="value")
        used = pd.DataFrame({"y": wide["treated"] - wide["control"], "part": wide.index % 3}).dropna()
        expected = smf.ols("y ~ C(part)", used).fit().f_pvalue
    else:
        used = data.assign(part=data["patient"] % 3).dropna(subset=["value"])
        whole, apart = (smf.ols(f"value ~ C(arm) {sign} C(part) + baseline + age", used).fit() for sign in ("+", "*"))
        expected = apart.compare_f_test(whole)[1]
    assert found == pytest.approx(expected, rel=1e-6)


def test_baselines_without_a_logarithm_leave_nobody_out() -> None:
    rng = np.random.default_rng(2)
    control, treated = (
        table(a, rng.lognormal(1, 0.5, 20), rng.lognormal(1, 0.5, 20), k) for a, k in (("c", 0), ("t", 50))
    )
    values = endpoint("value", analysis="log_ancova")
    some = control.assign(baseline=np.where(np.arange(20) < 3, 0.0, control["baseline"]))
    found = compare(values, treated, some, design="parallel")[0]
    assert found["estimate"] is None
    assert "3 of the baselines have no logarithm" in found["analysis"]
    # A drug has no level in anybody: there is no such covariate.
    nobody = compare(values, treated.assign(baseline=0.0), control.assign(baseline=0.0), design="parallel")[0]
    assert nobody["n"] == 40
    assert nobody["analysis"].endswith("(arm)")


def test_a_logarithm_that_cannot_be_taken_is_said() -> None:
    data = parallel()
    data.loc[3, "value"] = -100.0
    found = compared(endpoint("percent_change"), data)
    assert found["estimate"] is None
    assert "1 of the values have no logarithm" in found["analysis"]
    assert compared(endpoint("percent_change", analysis="ancova"), data)["estimate"] is not None


@pytest.mark.parametrize("design", ["parallel", "twins"])
@pytest.mark.parametrize(
    "value", [[], [1.0], [1.0, 1.0], [2.0] * 6, [np.nan] * 6, [1.0, np.nan, 3.0]], ids=lambda v: f"{len(v)}-{v[:1]}"
)
@pytest.mark.parametrize("kind", ["value", "percent_change", "responder", "event_rate", "time_to_event"])
def test_too_little_gives_no_numbers_and_no_error(kind: str, value: list[float], design: str) -> None:
    number = np.minimum(value, 1.0) if kind == "responder" else np.array(value)
    two = [table("x", number, 1.0, exposure=100.0, censored=np.arange(len(value)) % 2 == 1) for _ in range(2)]
    for row in compare(endpoint(kind), *two, design=design):
        low, high = row["ci_low"], row["ci_high"]
        assert (low is None) == (high is None)
        assert low is None or low <= row["estimate"] <= high
        if len(value) < 2 and kind in ("value", "percent_change"):
            assert low is None


def test_mmrm_of_too_little() -> None:
    e = endpoint("value", analysis="mmrm", visits=["14 d"])
    for value in ([1.0], [2.0] * 8, [np.nan] * 5):
        two = [stacked(table("x", value, 1.0, time=14.0), table("x", value, 1.0)) for _ in range(2)]
        for design in ("parallel", "twins"):
            row = compare(e, *two, design=design)[0]
            assert row["ci_low"] is None
            assert row["p_value"] is None


def rows_of_two(data: pd.DataFrame) -> Rows:
    return rows_of(endpoint("value"), data, ["control", "treated"])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from(["value", "percent_change", "responder", "event_rate", "time_to_event"]),
    st.sampled_from(["parallel", "twins"]),
)
def test_symmetries(seed: int, kind: str, design: str) -> None:
    """Labels swapped: the sign (or the ratio) turns over. The order of the patients is of no account."""
    rng = np.random.default_rng(seed)
    n = 25
    numbers = {
        "value": lambda: rng.normal(3.0, 1.0, n),
        "percent_change": lambda: 100 * (rng.lognormal(0, 0.5, n) - 1),
        "responder": lambda: rng.integers(0, 2, n),
        "event_rate": lambda: rng.poisson(2.0, n),
        "time_to_event": lambda: np.ceil(rng.exponential(5.0, n)),
    }[kind]
    parts = [
        table("x", numbers(), rng.lognormal(0, 1, n), exposure=rng.uniform(50, 100, n), censored=rng.random(n) < 0.3)
        for _ in range(2)
    ]
    e = endpoint(kind)
    found, swapped = compare(e, *parts, design=design)[0], compare(e, *parts[::-1], design=design)[0]
    ratio = kind in ("event_rate", "time_to_event")

    def turned(x: float) -> float:
        return 1 / x if ratio else 100 * (1 / (1 + x / 100) - 1) if kind == "percent_change" else -x

    assert swapped["estimate"] == pytest.approx(turned(found["estimate"]), rel=1e-5, abs=1e-7)
    assert swapped["ci_low"] == pytest.approx(turned(found["ci_high"]), rel=1e-5, abs=1e-7)
    assert swapped["p_value"] == pytest.approx(found["p_value"], rel=1e-5)
    mixed = [p.iloc[rng.permutation(n)].reset_index(drop=True) for p in parts]
    again = compare(e, *mixed, design=design)[0]
    for key in ("estimate", "ci_low", "ci_high", "p_value"):
        assert again[key] == pytest.approx(found[key], rel=1e-6, abs=1e-9)
