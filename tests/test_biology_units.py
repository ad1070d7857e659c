"""Units as dimension vectors: what people write, in the model's atoms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukinetics.biology.dimensions import MG, PMOL, parse_unit, to_mass, to_moles
from leukinetics.errors import DataError


@pytest.mark.parametrize(
    ("text", "canonical", "factor"),
    [
        ("pg/mL", "mg/L", 1e-6),
        ("ng/mL", "mg/L", 1e-3),
        ("ug/dL", "mg/L", 1e-2),
        ("g/L", "mg/L", 1e3),
        ("1/day", "1/day", 1.0),
        ("1/h", "1/day", 24.0),
        ("1/min", "1/day", 1440.0),
        ("L/h", "L/day", 24.0),
        ("mL/min", "L/day", 1.44),
        ("mL/min/kg", "L/kg/day", 1.44),
        ("mg/kg", "mg/kg", 1.0),
        ("ng/kg", "mg/kg", 1e-6),
        ("kg/m^2", "kg/m^2", 1.0),
        ("kg/m2", "kg/m^2", 1.0),
        ("cm", "m", 0.01),
        ("nM", "pmol/L", 1e3),
        ("nmol/L", "pmol/L", 1e3),
        ("pmol/L", "pmol/L", 1.0),
        ("L/(pmol*day)", "L/pmol/day", 1.0),
        ("1/(mL/min)", "day/L", 1 / 1.44),
        ("10^9/L", "1/L", 1e9),
        ("1e9/L", "1/L", 1e9),
        ("cells/uL", "1/L", 1e6),
        ("%", "dimensionless", 0.01),
        ("fold", "dimensionless", 1.0),
        ("points", "dimensionless", 1.0),
        ("dimensionless", "dimensionless", 1.0),
        ("week", "day", 7.0),
        ("h", "day", 1 / 24),
        ("degC", "degC", 1.0),
        ("kcal/day", "kcal/day", 1.0),
        ("mIU/L", "IU/L", 1e-3),
        ("µg/L", "mg/L", 1e-3),
        ("d", "day", 1.0),
    ],
)
def test_unit_in_canonical_atoms(text: str, canonical: str, factor: float) -> None:
    unit = parse_unit(text)
    assert str(unit.dimension) == canonical
    assert unit.factor == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "canonical"), [("kg", "kg"), ("mg/kg", "mg/kg"), ("mg", "mg"), ("g", "mg"), ("kJ", "kcal")]
)
def test_body_mass_stays_apart_from_masses(text: str, canonical: str) -> None:
    assert str(parse_unit(text).dimension) == canonical


@pytest.mark.parametrize(
    "text", ["", " ", "/L", "mg/", "mg L", "h-1", "(mg", "mg)", "mg//L", "mmHg", "1/", "3 4", "^2"]
)
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        parse_unit(text)


def test_a_misspelt_unit_gets_a_suggestion() -> None:
    with pytest.raises(DataError, match=r"mgg.*Did you mean"):
        parse_unit("mgg/L")


@given(st.text(alphabet="mgLday/*^()1 023.%kpnuµe9-", max_size=12) | st.text(max_size=12))
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    try:
        unit = parse_unit(text)
    except DataError:
        return
    assert math.isfinite(unit.factor) and unit.factor > 0
    again = parse_unit(str(unit.dimension))  # what is shown can be read again
    assert again.dimension == unit.dimension and again.factor == 1.0


def test_mass_to_moles_and_back() -> None:
    # 20 pg/mL of a protein of 20 kDa are 1 pmol/L.
    unit = parse_unit("pg/mL")
    dimension, factor = to_moles(unit.dimension, 20000.0)
    assert str(dimension) == "pmol/L"
    assert 20 * unit.factor * factor == pytest.approx(1.0, rel=1e-14)
    back, reverse = to_mass(dimension, 20000.0)
    assert back == unit.dimension
    assert factor * reverse == pytest.approx(1.0, rel=1e-14)
    assert to_moles(MG, 1000.0) == (PMOL, 1e6)
    assert to_mass(PMOL**-1, 1e9)[1] == 1.0
