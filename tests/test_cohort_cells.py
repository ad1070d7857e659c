"""Single cells and headers: words, numbers as they are written, units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leukinetics.cohort.table.cells import Kind, read_cell
from leukinetics.cohort.table.numbers import read_number
from leukinetics.cohort.table.units_text import spelled


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("<0.5", Kind.BELOW, 0.5), ("< 0,5", Kind.BELOW, 0.5), ("≤0.5 pg/mL", Kind.BELOW, 0.5),
        ("&lt;0.5", Kind.BELOW, 0.5), (">2000", Kind.ABOVE, 2000),
        ("5e-1", Kind.NUMBER, 0.5), ("5×10⁻¹", Kind.NUMBER, 0.5), ("0.5*", Kind.NUMBER, 0.5),
        ("0.5 (est)", Kind.NUMBER, 0.5), ("1,234.5", Kind.NUMBER, 1234.5), ("1.234,5", Kind.NUMBER, 1234.5),
        ("1 234,5", Kind.NUMBER, 1234.5), ("−0.2", Kind.NUMBER, -0.2), ("BLOQ", Kind.BELOW, np.nan),
        ("n.d.", Kind.BELOW, np.nan), ("< LLOQ", Kind.BELOW, np.nan), ("OOR >", Kind.ABOVE, np.nan),
        ("", Kind.MISSING, np.nan), ("N/A", Kind.MISSING, np.nan), ("QNS", Kind.LOST, np.nan),
        ("12.05.2020", Kind.DATE, np.nan), ("1.2.3", Kind.UNKNOWN, np.nan),
        ("<0", Kind.UNKNOWN, np.nan), ("1e999", Kind.UNKNOWN, np.nan),
        ("0.5-0.8", Kind.UNKNOWN, np.nan), ("²", Kind.UNKNOWN, np.nan), ("O.5", Kind.UNKNOWN, np.nan),
    ],
)  # fmt: skip
def test_cells(text: str, kind: Kind, value: float) -> None:
    cell = read_cell(text)
    assert cell.kind == kind and cell.value == pytest.approx(value, nan_ok=True)


@given(st.floats(1e-6, 1e9), st.sampled_from([".", ","]))
def test_numbers_are_read_as_they_are_written(value: float, mark: Any) -> None:
    found = read_number(repr(value).replace(".", mark), mark)
    assert found is not None and found.value == value


@pytest.mark.parametrize(
    ("text", "unit"),
    [("PG/ML", "pg/mL"), ("pg_ml", "pg/mL"), ("μg·L⁻¹", "ug/L"), ("mcg/mL", "ug/mL"), ("pM", "pM"), ("pm", None),
     ("kg/m2", "kg/m^2"), ("6 pg/mL", None), ("n/a", None), ("years", "year"), ("foo", None)],
)  # fmt: skip
def test_units_of_headers(text: str, unit: str | None) -> None:
    assert spelled(text) == unit
