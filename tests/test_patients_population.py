"""Covariates and criteria: what a protocol may say about people, and how it is refused otherwise."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from fake_assembly import fake_assembly
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from leukinetics import DataError, ProtocolError
from leukinetics.patients import make_plan
from leukinetics.patients.convert import convert
from leukinetics.patients.criteria import Bound, parse_criterion
from leukinetics.patients.population import read_distribution
from leukinetics.patients.spread import parse_spread

Z = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)


def test_distributions() -> None:
    weight = read_distribution("weight", {"mean": 92, "sd": 15, "unit": "kg"}, "kg").at(Z)
    assert (weight.mean(), weight.std()) == (pytest.approx(92, abs=0.1), pytest.approx(15, abs=0.1))
    crp = read_distribution("crp_covariate", {"median": 3, "ln": 0.9, "unit": "mg/L"}, "mg/L").at(Z)
    assert (np.median(crp), np.log(crp).std()) == (pytest.approx(3, abs=0.01), pytest.approx(0.9, abs=0.01))
    assert read_distribution("sex", {"proportion": 0.3}, "dimensionless").at(Z).mean() == pytest.approx(0.3, abs=1e-3)
    assert (read_distribution("drive", 31, "dimensionless").at(Z) == 31).all()


def test_truncation_is_that_of_the_distribution() -> None:
    found = read_distribution("x", {"mean": 0, "sd": 1, "low": -0.5, "high": 2, "unit": "kg"}, "kg").at(Z)
    assert found.min() >= -0.5
    assert found.max() <= 2
    assert stats.kstest(found, stats.truncnorm(-0.5, 2).cdf).statistic < 1e-3


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"mean": 92, "unit": "kg"}, "give mean and sd"),
        ({"mean": 92, "sd": 15}, "has no unit"),
        ({"mean": 92, "sd": 15, "unit": "mg/L"}, "'weight': 'mg/L' .* cannot be converted"),
        ({"mean": 92, "sd": 15, "unit": "kg", "low": 90, "high": 80}, "give low below high"),
        ({"mean": 92, "stdev": 15, "unit": "kg"}, "unknown key 'stdev'"),
        ({"mean": "92", "sd": 15, "unit": "kg"}, "finite number"),
        ({"mean": 92, "sd": -1, "unit": "kg"}, "negative spread"),
        ({"mean": 900, "sd": 1, "unit": "kg"}, "outside of"),
        ({"mean": 92, "sd": 1, "low": 100, "unit": "kg"}, "outside of"),
        ({"proportion": 1.5}, "between 0 and 1"),
        ({"median": -1, "ln": 0.5, "low": -5, "unit": "kg"}, "above 0"),
        ("92 kg", "write it like"),
        (True, "write it like"),
    ],
)
def test_an_unusable_distribution_names_what_is_wrong(spec: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_distribution("weight", spec, "kg")


def test_sex_is_one_of_two() -> None:
    assert read_distribution("sex", 1, "").center == 1.0
    for spec in (2, {"value": 0.5}, {"mean": 0.5, "sd": 0.1}):
        with pytest.raises(DataError, match=r"'sex' is 0 \(man\) or 1 \(woman\)"):
            read_distribution("sex", spec, "")


def test_only_what_belongs_to_patients_may_be_set() -> None:
    with pytest.raises(DataError, match="belongs to the model"):
        make_plan(fake_assembly(), {"kloss": {"value": 1, "unit": "1/day"}})
    with pytest.raises(DataError, match="Did you mean 'weight'"):
        make_plan(fake_assembly(), {"wieght": {"value": 70, "unit": "kg"}})
    with pytest.raises(DataError, match="give it one value"):
        make_plan(fake_assembly(), None, {"marker_base": {"mean": 1, "sd": 1, "unit": "pg/mL"}})
    with pytest.raises(DataError, match=r"'marker_base' is -1, and it cannot be negative"):
        make_plan(fake_assembly(), None, {"marker_base": {"value": -1, "unit": "pg/mL"}})
    fixed = make_plan(fake_assembly(), None, {"marker_base": {"value": 0.02, "unit": "ng/mL"}})
    assert fixed.fixed["marker_base"] == pytest.approx(20.0)


def test_spreads_are_read_or_refused() -> None:
    assert parse_spread("", "x") is None
    assert parse_spread(float("nan"), "x") is None
    found = parse_spread("logit 0.5", "x")
    assert found is not None
    assert found.around(0.25, [0.0, 1.0]) == pytest.approx([0.25, 1 / (1 + 3 * np.exp(-0.5))])
    for text in ("ln", "ln -1", "log 0.3", "0.3", "ln 0.3 0.4"):
        with pytest.raises(DataError, match="'x'"):
            parse_spread(text, "'x'")


def test_units_with_a_molar_mass() -> None:
    assert convert(21.0, "pg/mL", "pmol/L", 21_000.0) == pytest.approx(1.0)
    assert convert(1.0, "pmol/L", "pg/mL", 21_000.0) == pytest.approx(21.0)
    assert convert(150, "mg", "pmol", 145_000.0) == pytest.approx(150 / 145_000 * 1e9)
    assert convert(30, "kg/m2", "kg/m^2") == 30
    with pytest.raises(DataError):
        convert(1.0, "pg/mL", "pmol/L")
    with pytest.raises(DataError):
        convert(1.0, "kg", "day", 100.0)
    assert convert(37.5, "degC", "degC") == 37.5
    for unit in ("K", "degF"):
        with pytest.raises(DataError, match="write temperatures in degC"):
            convert(310.0, unit, "degC")
    with pytest.raises(DataError, match="'pgmL' is not a known unit"):
        convert(1.0, "pmol/L", "pgmL", 21_000.0)


def test_criteria() -> None:
    (bound,) = parse_criterion(">= 2 mg/L", "crp")
    assert (bound.sign, bound.value, bound.unit) == (">=", 2.0, "mg/L")
    low, high = parse_criterion("2 to 10 mg/L", "crp")
    assert (low.value, high.value, low.unit, high.unit) == (2.0, 10.0, "mg/L", "mg/L")
    assert len(parse_criterion([">= 2 mg/L", "< 10 mg/L"], "crp")) == 2
    assert bound.holds(np.array([1.0, 2.0, np.nan])).tolist() == [False, True, False]
    for text in ("about 2 mg/L", ">= 2 mgg/L", "10 to 2 mg/L", "2ng/L to 10 mg/L", "=> 2 mg/L", "", ">="):
        with pytest.raises(ProtocolError, match="crp"):
            parse_criterion(text, "crp")
    with pytest.raises(ProtocolError, match="it is '18-75 years'; write such a range as '18 to 75 years'"):
        parse_criterion("18-75 years", "it")
    assert Bound(">", 2.0, "").value_in("dimensionless") == 2.0
    assert Bound(">", 50.0, "%").value_in("fold") == 0.5
    for unit in ("mg/L", "%", "day"):
        with pytest.raises(DataError, match="2 has no unit"):
            Bound(">", 2.0, "").value_in(unit)


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8), st.lists, max_leaves=3)
)
def test_rubbish_is_refused_in_words(rubbish: object) -> None:
    with contextlib.suppress(ProtocolError):
        parse_criterion(rubbish, "x")
    with contextlib.suppress(DataError):
        read_distribution("weight", rubbish, "kg")
    with contextlib.suppress(DataError):
        read_distribution("weight", {"value": rubbish, "unit": rubbish}, "kg")
