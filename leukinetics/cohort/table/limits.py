"""The limit of detection of each row: of the analyte, of its batch, in a column, or in the cells themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.table.cells import Kind
from leukinetics.cohort.table.convert_cells import in_unit, one_factor
from leukinetics.cohort.table.dictionary import Analyte
from leukinetics.cohort.table.grid import Grid
from leukinetics.cohort.table.measured import Cells, read_cells
from leukinetics.cohort.table.note import Findings, plural, some
from leukinetics.cohort.table.numbers import Mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]


def declared_limits(
    analyte: Analyte, unit: str | None, grid: Grid, cells: Cells, decimal: Mark, findings: Findings
) -> Array:
    """The limit of each row (rows,) as the dictionary has it; NaN where it has none."""
    if analyte.limit is not None:
        return np.full(len(grid), analyte.limit)
    if analyte.limits is not None:
        return _of_batches(analyte, grid, cells, findings)
    if analyte.limit_column is not None:
        return _of_column(analyte, unit, grid, cells, decimal, findings)
    return np.full(len(grid), np.nan)


def _of_batches(analyte: Analyte, grid: Grid, cells: Cells, findings: Findings) -> Array:
    assert analyte.limits is not None
    column = grid.find(analyte.limits.column)
    known = {k.strip(): v for k, v in analyte.limits.values.items()}
    by_value = np.array([known.get(t.strip(), np.nan) for t in column.texts] or [np.nan])
    found = by_value[column.codes]
    for i, text in enumerate(column.texts):
        rows = (column.codes == i) & (cells.kind != Kind.MISSING)
        if np.isnan(by_value[i]) and rows.any():
            what = f"the batch '{text:.40}' has" if text.strip() else "these rows have no batch, so"
            findings.problem(
                f"{what} no limit of '{analyte.name}'; the dictionary has limits of {some(known)}.",
                cells.in_file(rows),
                column.name,
            )
    unused = [k for k in known if k not in {t.strip() for t in column.texts}]
    if unused:
        findings.note(
            "odd", f"No row is of {some(unused)}, for which there is a limit of '{analyte.name}'.", (), column.name
        )
    return np.asarray(found)


def _of_column(
    analyte: Analyte, unit: str | None, grid: Grid, cells: Cells, decimal: Mark, findings: Findings
) -> Array:
    assert analyte.limit_column is not None
    column = grid.find(analyte.limit_column)
    read = read_cells(column, grid.rows, decimal)
    bad = [
        i
        for i in range(len(column.values))
        if not (
            read.kinds[i] == Kind.MISSING
            or (read.kinds[i] in (Kind.NUMBER, Kind.BELOW) and np.isfinite(read.numbers[i]) and read.numbers[i] > 0)
        )
    ]
    bad = [i for i in bad if read.which([i]).any()]
    if bad:
        findings.problem(
            f"{some(read.text(i) for i in bad)} {'is' if len(bad) == 1 else 'are'} no limit of detection; expected "
            "numbers above 0, or nothing.",
            read.where(bad),
            column.name,
        )
    header = one_factor(column.unit, unit, analyte.observable, column.name, findings)
    own = read.which([i for i, c in read.special.items() if c.unit])
    found = in_unit(read, unit, analyte.observable, findings)
    found = np.where(own, found, found * header)
    found = np.where(found > 0, found, np.nan)
    lacking = np.isnan(found) & (cells.kind != Kind.MISSING)
    if lacking.any():
        rows = cells.in_file(lacking)
        text = f"'{column.name}': {plural(len(rows), 'row')} without a limit of '{analyte.name}'"
        findings.note("odd", text, rows, column.name)
    return np.asarray(found)


def own_limits(
    analyte: Analyte, limit: Array, stated: Array, observed: Array, cells: Cells, findings: Findings
) -> tuple[Array, float | None]:
    """(the limit of each row, the one that was found to be that of all rows).

    ``stated``: the number of cells such as "<0.5" (NaN elsewhere), which is the limit of its row. Where nothing was
    declared and all such cells have the same number, with nothing observed below it, it is the limit of all rows.
    """
    has = np.isfinite(stated)
    if not has.any():
        return limit, None
    name, different = analyte.column, np.unique(stated[has])
    if not np.isfinite(limit).any():
        least = float(np.nanmin(observed)) if np.isfinite(observed).any() else np.inf
        if len(different) == 1 and least >= different[0]:
            findings.note(
                "decision",
                f"'{name}': {plural(int(has.sum()), 'cell')} '<{different[0]:g}' "
                f"{'gives' if has.sum() == 1 else 'give'} the "
                f"limit of detection of all rows, {different[0]:g}",
                cells.in_file(has),
                name,
            )
            return np.full(len(limit), different[0]), float(different[0])
        said = ", ".join(f"{v:g} ({int((stated == v).sum()):,})" for v in different[:6])
        more = f" and {len(different) - 6} more" if len(different) > 6 else ""
        findings.note(
            "decision",
            f"'{name}': the limit of a row is that of its cell '<...': {said}{more}; of rows with a number it is not "
            "known. Give limits by batch, or a limit_column, where they are",
            cells.in_file(has),
            name,
            int(has.sum()),
        )
    else:
        other = has & np.isfinite(limit) & ~np.isclose(stated, limit, rtol=1e-9)
        if other.any():
            findings.note(
                "odd",
                f"'{name}': {plural(int(other.sum()), 'cell')} '<...' {'has' if other.sum() == 1 else 'have'} "
                f"another limit than the one that was given ({_range(limit[other])}), such as {stated[other][0]:g}; a "
                "row's own counts",
                cells.in_file(other),
                name,
            )
    return np.where(has, stated, limit), None


def _range(x: Array) -> str:
    low, high = float(np.min(x)), float(np.max(x))
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
