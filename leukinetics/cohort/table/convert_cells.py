"""Numbers of cells in the unit of their column: units in cells, in a column of units, of molar amounts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.table.cells import Kind
from leukinetics.cohort.table.grid import Grid
from leukinetics.cohort.table.measured import Cells
from leukinetics.cohort.table.note import Findings, plural, some
from leukinetics.cohort.table.units_text import spelled
from leukinetics.errors import LeukineticsError
from leukinetics.patients.convert import convert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def column_unit(declared: str | None, cells: Cells, findings: Findings) -> str | None:
    """The unit of a column's plain numbers: what was declared, else the header's, else that of all its cells with one.

    A problem where the header contradicts what was declared.
    """
    header, name = cells.column.unit, cells.column.name
    if declared and header and _factor(declared, header, None) != 1.0:
        findings.problem(
            f"the dictionary says {declared}, the header {header}; the numbers have one unit: correct one of the two.",
            column=name,
        )
    if declared or header:
        return declared or header
    own = Counter(c.unit for c in cells.special.values() if c.unit)
    return next(iter(own)) if len(own) == 1 else None


def in_unit(cells: Cells, unit: str | None, observable: str | None, findings: Findings) -> Array:
    """The number of each row, converted to ``unit`` where its cell has another; problems where that is impossible."""
    factors = np.ones(len(cells.kinds))
    for own in sorted({c.unit for c in cells.special.values() if c.unit}):
        values = [i for i, c in cells.special.items() if c.unit == own]
        factor = _need(own, unit, observable, cells.where(values), cells, findings)
        if factor != 1.0:
            rows = cells.where(values)
            findings.note(
                "decision",
                f"'{cells.column.name}': {plural(len(rows), 'cell')} in {own} converted to {unit} (times {factor:g})",
                rows,
                cells.column.name,
            )
        factors[values] = factor
    return np.asarray((cells.numbers * factors)[cells.column.codes])


def unit_factors(
    grid: Grid, column: str, unit: str | None, observable: str | None, cells: Cells, findings: Findings
) -> Array:
    """By row, what its number is multiplied with, as the column of units says; 1 where the cell has a unit itself."""
    units = grid.find(column)
    factors = np.ones(len(units.values))
    needed = cells.kind != Kind.MISSING
    own = cells.which([i for i, c in cells.special.items() if c.unit])
    for i, text in enumerate(units.texts):
        rows = (units.codes == i) & needed & ~own
        if not rows.any():
            continue
        where = cells.in_file(rows)
        if not text.strip():
            findings.note(
                "decision",
                f"'{cells.column.name}': rows without a unit in '{units.name}' count in {unit}",
                where,
                units.name,
            )
            continue
        read = spelled(text)
        if read is None:
            findings.problem(f"'{text:.40}' is no unit that is known; write it like pg/mL.", where, units.name)
            continue
        factors[i] = _need(read, unit, observable, where, cells, findings)
        if factors[i] != 1.0:
            findings.note(
                "decision",
                f"'{cells.column.name}': {plural(len(where), 'number')} in {read} (column '{units.name}') converted "
                f"to {unit} (times {factors[i]:g})",
                where,
                cells.column.name,
            )
    return np.where(own, 1.0, factors[units.codes])


def one_factor(own: str | None, unit: str | None, observable: str | None, column: str, findings: Findings) -> float:
    """What the numbers of a whole column (as that of limits) are multiplied with."""
    if not own or not unit or own == unit:
        return 1.0
    factor = _factor(own, unit, observable)
    if factor is None:
        findings.problem(
            f"its unit {own} cannot be converted to {unit}; correct the header or the dictionary.", column=column
        )
        return 1.0
    if factor != 1.0:
        findings.note("decision", f"'{column}': converted from {own} to {unit} (times {factor:g}).", column=column)
    return factor


def _need(
    own: str, unit: str | None, observable: str | None, rows: list[int], cells: Cells, findings: Findings
) -> float:
    if own == unit:
        return 1.0
    if unit is None:
        others = sorted({c.unit for c in cells.special.values() if c.unit})
        findings.problem(
            f"cells are in {some(others)}, and nothing says what numbers without a unit are in; give unit = "
            f'"{others[0]}" in its [[analyte]].',
            rows,
            cells.column.name,
        )
        return 1.0
    factor = _factor(own, unit, observable)
    if factor is None:
        molar = any("mol" in u or u.endswith("M") for u in (own, unit))
        what = "; correct the cells, or the unit of the column"
        if molar and observable is None:
            what = "; name the 'observable' of the model, whose molar mass it takes"
        findings.problem(f"{own} cannot be converted to {unit}{what}.", rows, cells.column.name)
        return 1.0
    return factor


def _factor(own: str, unit: str, observable: str | None) -> float | None:
    try:
        return convert(1.0, own, unit, molar_mass(observable))
    except LeukineticsError:
        return None


def molar_mass(observable: str | None) -> float | None:
    """The molar mass (g/mol) of the molecule that a readout of the model is about, where both are known."""
    if observable is None:
        return None
    from leukinetics.biology.folder import load

    biology = load(None)
    readout = biology.readouts.get(observable)
    entity = biology.entities.get(readout.entity) if readout is not None else None
    return None if entity is None else entity.molar_mass
