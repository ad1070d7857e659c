"""Quantities with units."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukinetics.errors import DataError
from leukinetics.units import convert, parse_quantity


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("300 mg", 300, "mg"),
        ("4 weeks", 4, "weeks"),
        (" 3 mg/L ", 3, "mg/L"),
        ("25 kg/m^2", 25, "kg/m^2"),
        ("1e3 IU/kg", 1000, "IU/kg"),
        ("50 %", 50, "%"),
        ("-.5 nmol", -0.5, "nmol"),
        ("2mg/kg/day", 2, "mg/kg/day"),
        ("0.3 1/day", 0.3, "1/day"),
    ],
)
def test_quantities(text: str, value: float, unit: str) -> None:
    assert parse_quantity(text) == (value, unit)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5 weks", "Did you mean 'week'"),
        ("5 mgg", "Did you mean 'mg'"),
        ("300", "no unit"),
        ("mg", "begin with a number"),
        ("3,5 mg", "comma"),
        ("1e999 mg", "too large"),
        ("3 9**9**9", "not a unit"),
        ("3 mg L", "not a unit"),
        (None, "not a quantity"),
    ],
)
def test_mistakes_are_named(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_quantity(text)


def test_conversion() -> None:
    assert convert(2, "weeks", "days") == 14
    assert convert(1, "mg/L", "ug/mL") == pytest.approx(1)
    assert convert(3, "mcg", "ng") == pytest.approx(3000)
    assert convert(37, "degC", "kelvin") == pytest.approx(310.15)
    with pytest.raises(DataError, match="measure different things"):
        convert(1, "mg", "nmol")
    with pytest.raises(DataError, match="not a known unit"):
        convert(1, "mg", "nmoll")


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=12), st.from_regex(r"[0-9]{1,3} ?[a-zA-Z%*/^() 0-9]{0,9}")))
def test_rubbish_gives_data_errors_only(text: str) -> None:
    try:
        value, unit = parse_quantity(text)
    except DataError:
        return
    assert isinstance(value, float) and unit


@given(st.floats(-1e6, 1e6), st.sampled_from(["mg", "kg", "ug", "g"]), st.sampled_from(["mg", "ng", "g"]))
def test_there_and_back(value: float, here: str, there: str) -> None:
    assert convert(convert(value, here, there), there, here) == pytest.approx(value, rel=1e-12, abs=1e-300)
