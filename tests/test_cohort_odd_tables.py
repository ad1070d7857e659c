"""Whatever the table, every analysis tells numbers that are finite or none, and why; a million rows run."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukinetics.cohort.censored.bivariate import correlation
from leukinetics.cohort.censored.compare import compare
from leukinetics.cohort.censored.correlation import kendall, slope
from leukinetics.cohort.censored.km import reverse_km
from leukinetics.cohort.censored.lognormal import lognormal
from leukinetics.cohort.censored.mixed import mixed
from leukinetics.cohort.censored.ros import ros
from leukinetics.cohort.censored.substitution import substituted_ratio, substitution
from leukinetics.cohort.censored.tobit import tobit
from leukinetics.cohort.odds import adjusted_odds, compare_detection
from leukinetics.cohort.values import Censored


def some(rng: np.random.Generator, n: int) -> Censored:
    """Levels with ties, some missing, some below one or several limits, above one, or between two."""
    y = np.round(np.exp(rng.normal(0, rng.choice([0.1, 1, 3]), n)), rng.choice([0, 1, 3])) + rng.choice([0.01, 1])
    limit = rng.choice([0.02, 0.5, 1.0, 3.0, 50.0], size=n if rng.random() < 0.5 else 1)
    x = Censored.of(np.where(rng.random(n) < 0.1, np.nan, y), np.broadcast_to(limit, n))
    lower, upper = x.lower.copy(), x.upper.copy()
    between = (rng.random(n) < rng.choice([0, 0.2])) & x.observed
    lower[between] *= 0.8
    upper[between] *= 1.3
    upper[(rng.random(n) < rng.choice([0, 0.2])) & x.observed] = np.inf
    return Censored(lower, upper, x.limit, "pg/mL")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([1, 2, 3, 5, 8, 15, 30]))
def test_any_table_has_an_answer(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, z, g = some(rng, n), some(rng, n), rng.choice(["a", "b", "c"], n)
    table = pd.DataFrame({"g": g, "age": rng.normal(50, 10, n), "k": rng.integers(0, 2, n)})
    found: list[Any] = [
        lognormal(x).told(), reverse_km(x).told(), ros(x), compare(x, g), tobit(x, table[["g"]]), tobit(x, table),
        kendall(x, z), slope(x, z), correlation(x, z), substitution(x), substituted_ratio(x, g == "a", g == "b"),
        compare_detection(x.detected(), g, ["a", "b", "c"], "a", ordered=True), adjusted_odds(x.detected(), table),
        mixed(x, np.arange(n) // 2, table),
    ]  # fmt: skip
    json.dumps(found, allow_nan=False)
    for row in found:
        if "estimate" in row and row["estimate"] is None:
            assert row["note"]
        if row.get("ci_low") is not None and row.get("estimate") is not None:
            assert row["ci_low"] <= row["estimate"] * (1 + 1e-6) + 1e-9


@pytest.mark.slow
def test_a_million_rows() -> None:
    rng = np.random.default_rng(5)
    n = 1_000_000
    g = rng.choice(["a", "b"], n)
    y = np.exp(rng.normal(0, 1, n) + np.where(g == "b", 0.02, 0))
    x = Censored.of(y, np.where(np.arange(n) % 2, 0.8, 1.2))
    z = Censored.of(y * np.exp(rng.normal(0, 1, n)), 1.0)
    found = compare(x, g, "a")
    row = found["pairs"][0]
    assert row["ci_low"] < np.exp(0.02) < row["ci_high"] and row["p_peto"] < 1e-6 and row["p_gehan"] < 1e-6
    assert reverse_km(x).quantile(0.75).estimate == pytest.approx(np.exp(0.6745), rel=0.03)
    assert kendall(x, z)["ci_low"] > 0.3
    model = tobit(x, pd.DataFrame({"g": pd.Categorical(g), "age": rng.normal(50, 10, n)}))
    assert model["coefficients"][1]["estimate"] == pytest.approx(row["estimate"], rel=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert correlation(x, z)["estimate"] == pytest.approx(0.5**0.5, abs=0.01)


@pytest.mark.parametrize("unit", ["pg/mL", "dimensionless", ""])
def test_a_ratio_has_no_unit_in_its_warning(unit: str) -> None:
    x = Censored.of(np.random.default_rng(4).lognormal(-1, 1, 80), np.full(80, 0.6), unit, "x")
    warning = substitution(x)["warning"]
    assert "the geometric mean is" in warning and "dimensionless" not in warning
    assert ("pg/mL;" in warning) == (unit == "pg/mL")
