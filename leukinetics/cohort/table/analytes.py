"""From the cells of an analyte to what is known of each sample."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.table.cells import TWO_MEANINGS, Kind, folded
from leukinetics.cohort.table.check_cells import CODES, check_cells, check_codes, check_marks, like_code
from leukinetics.cohort.table.convert_cells import column_unit, in_unit, unit_factors
from leukinetics.cohort.table.dictionary import Analyte
from leukinetics.cohort.table.grid import Grid
from leukinetics.cohort.table.limits import declared_limits, own_limits
from leukinetics.cohort.table.measured import Cells, read_cells
from leukinetics.cohort.table.note import Findings, plural, some
from leukinetics.cohort.table.numbers import Mark
from leukinetics.cohort.table.units_text import spelled
from leukinetics.cohort.values import Censored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

#: So large a share of numbers alike, the lowest of all, looks like something put in place of what was not detected.
TIED, FEWEST = 0.1, 5
#: A limit so much below all numbers looks like one in another unit.
FAR = 1000.0


@dataclass(frozen=True)
class Measured:
    """An analyte's values, and its entry with unit and limit filled in."""

    values: Censored
    analyte: Analyte


def read_analyte(analyte: Analyte, grid: Grid, decimal: Mark, missing: Iterable[str], findings: Findings) -> Measured:
    """The values of an analyte, row by row. What cannot be used is added to the problems, its rows are then missing."""
    column = grid.find(analyte.column)
    cells = read_cells(column, grid.rows, decimal, missing, analyte.below)
    check_cells(cells, findings, ", or below = [...] to its [[analyte]], where it means below the limit")
    check_marks(cells, decimal, findings)
    unit = column_unit(analyte.unit, cells, findings)
    if unit is None and analyte.unit_column is not None:
        unit = _usual_unit(grid, analyte.unit_column)
    number = in_unit(cells, unit, analyte.observable, findings)
    if analyte.unit_column is not None:
        number = number * unit_factors(grid, analyte.unit_column, unit, analyte.observable, cells, findings)
    if unit is None:
        findings.note("odd", f"'{column.name}': no unit is known, from header, cells or dictionary.", (), column.name)
    filled = analyte.model_copy(update={"column": column.name, "unit": unit})
    limit = declared_limits(filled, unit, grid, cells, decimal, findings)
    observed = np.where((cells.kind == Kind.NUMBER) & (number > 0), number, np.nan)
    stated = np.where(cells.kind == Kind.BELOW, number, np.nan)
    limit, common = own_limits(filled, limit, stated, observed, cells, findings)
    if common is not None:
        filled = filled.model_copy(update={"limit": common})
    lower, upper = _intervals(filled, cells, number, limit, findings)
    _look_at(filled, cells, observed, limit, lower, upper, findings)
    return Measured(Censored(lower, upper, limit, unit or "", analyte.name), filled)


def _intervals(analyte: Analyte, cells: Cells, number: Array, limit: Array, findings: Findings) -> tuple[Array, Array]:
    """Between what each value is known to lie."""
    is_number = cells.kind == Kind.NUMBER
    lower, upper = np.where(is_number, number, np.nan), np.where(is_number, number, np.nan)
    known = np.isfinite(limit)
    _mark_flagged(analyte, cells, number, limit, lower, upper, findings)
    _not_above_zero(is_number & (number <= 0), known, number, cells, findings)
    low = is_number & np.where(known, number < limit, number <= 0) & (lower == upper)
    below = cells.kind == Kind.BELOW
    end = np.where(np.isfinite(number) & below, number, limit)
    lacking = below & np.isnan(end)
    if lacking.any():
        words = [cells.text(i).strip() for i in cells.of_kind(Kind.BELOW) if np.isnan(cells.numbers[i])]
        findings.problem(
            f"{some(words)} {'means' if len(words) == 1 else 'mean'} below a limit, and nothing says which; give "
            "limit, limit_column or limits in its [[analyte]] of a dictionary.",
            cells.in_file(lacking),
            cells.column.name,
        )
    low = low | (below & ~lacking)
    lower, upper = np.where(low, 0.0, lower), np.where(low, end, upper)
    lower, upper = _above(analyte, cells, number, lower, upper, findings)
    unusable = np.isnan(lower) | np.isnan(upper) | ~(upper > 0)
    return np.where(unusable, np.nan, lower), np.where(unusable, np.nan, upper)


def _not_above_zero(bad: Mask, known: Mask, number: Array, cells: Cells, findings: Findings) -> None:
    name = cells.column.name
    negative = number[bad & (number < 0)]
    if len(negative) and np.isin(-negative, [1, 7, 8, 9, *CODES]).all():
        codes = bad & (number < 0)
        told = list(dict.fromkeys(f"{v:.0f}" for v in negative))
        listed = ", ".join(f'"{v}"' for v in told)
        findings.problem(
            f"{some(told)} {like_code(told)}, and no concentration is below 0; add missing = [{listed}] to [table] of "
            f"a dictionary where it means not measured, or below = [{listed}] to its [[analyte]] where it means below "
            "the limit.",
            cells.in_file(codes),
            name,
        )
        bad = bad & ~codes
    for what, mask in (("0", bad & (number == 0)), ("a number below 0", bad & (number < 0))):
        if (mask & ~known).any():
            rows = cells.in_file(mask & ~known)
            findings.problem(
                f"{plural(len(rows), 'cell')} {'has' if len(rows) == 1 else 'have'} {what}, which no concentration is; "
                "where this means below the limit, give limit in its [[analyte]] of a dictionary.",
                rows,
                name,
            )
        if (mask & known).any():
            rows = cells.in_file(mask & known)
            text = f"'{name}': {plural(len(rows), 'cell')} with {what} {_count(rows)} as below the limit"
            findings.note("decision", text, rows, name)


def _mark_flagged(
    analyte: Analyte, cells: Cells, number: Array, limit: Array, lower: Array, upper: Array, findings: Findings
) -> None:
    """Numbers with a mark, as "0.5*": as they stand, between the limits of detection and quantification, or below."""
    values = [i for i, c in cells.special.items() if c.flagged and c.kind == Kind.NUMBER]
    flagged = cells.which(values) & (number > 0)
    if not flagged.any():
        return
    name, rows = cells.column.name, cells.in_file(flagged)
    head = (
        f"'{name}': {plural(len(rows), 'number')} with a mark, as '{cells.text(values[0]).strip():.30}', {_count(rows)}"
    )
    if analyte.flagged == "observed":
        findings.note("decision", f'{head} as observed (flagged = "interval" or "below" would change this)', rows, name)
        return
    highest = analyte.quantification_limit
    if analyte.flagged == "below":
        end = np.fmax(np.fmax(limit, number), highest or 0.0)
        lower[flagged], upper[flagged] = 0.0, end[flagged]
        findings.note(
            "decision", f"{head} as below {'the limit of quantification' if highest else 'themselves'}", rows, name
        )
        return
    assert highest is not None
    inside = flagged & (number <= highest)
    lower[inside], upper[inside] = np.where(np.isfinite(limit), limit, 0.0)[inside], highest
    if inside.any():
        where = cells.in_file(inside)
        findings.note("decision", f"{head} as between the limits of detection and quantification", where, name)
    if (flagged & ~inside).any():
        where = cells.in_file(flagged & ~inside)
        text = (
            f"'{name}': {plural(len(where), 'number')} with a mark above the limit of quantification {highest:g}, "
            "taken as observed"
        )
        findings.note("odd", text, where, name)


def _above(
    analyte: Analyte, cells: Cells, number: Array, lower: Array, upper: Array, findings: Findings
) -> tuple[Array, Array]:
    """Values known only to be above a limit."""
    name, above = cells.column.name, cells.kind == Kind.ABOVE
    most = math.inf if analyte.upper_limit is None else analyte.upper_limit
    lacking = above & ~np.isfinite(number) & (most == math.inf)
    if lacking.any():
        findings.problem(
            f"{plural(int(lacking.sum()), 'cell')} {_say(lacking)} above a limit that nothing states; give "
            "upper_limit in its "
            "[[analyte]] of a dictionary.",
            cells.in_file(lacking),
            name,
        )
    high = (cells.kind == Kind.NUMBER) & (number >= most)
    if high.any():
        rows = cells.in_file(high)
        text = (
            f"'{name}': {plural(len(rows), 'number')} at or above the upper limit {most:g} {_count(rows)} as above it"
        )
        findings.note("decision", text, rows, name)
    least = np.where(np.isfinite(number) & above, number, np.where(lacking, np.nan, most))
    any_above = (above | high) & ~lacking
    return np.where(any_above, least, lower), np.where(any_above, np.inf, upper)


def _look_at(
    analyte: Analyte, cells: Cells, observed: Array, limit: Array, lower: Array, upper: Array, findings: Findings
) -> None:
    """Notes: words for below, numbers below the limit, and what looks like a limit that is wrong."""
    name = cells.column.name
    for value in cells.of_kind(Kind.BELOW):
        if np.isnan(cells.numbers[value]):
            rows, word = cells.where([value]), cells.text(value).strip()
            doubt = ""
            if folded(word) in TWO_MEANINGS and folded(word) not in map(folded, analyte.below):
                doubt = f'; where it means "not done", add missing = ["{word}"] to [table] of a dictionary'
            text = f"'{name}': {plural(len(rows), 'cell')} '{word:.40}' {_count(rows)} as below the limit{doubt}"
            findings.note("decision", text, rows, name)
    known = np.isfinite(limit) & np.isfinite(observed)
    low = known & (observed < limit) & (lower == 0)
    if low.any():
        rows = cells.in_file(low)
        half = low & (np.isclose(observed, limit / 2) | np.isclose(observed, limit / math.sqrt(2)))
        alike = (
            f", of which {int(half.sum()):,} are half the limit, or the limit by √2, as if put in its place"
            if half.any()
            else ""
        )
        text = f"'{name}': {plural(len(rows), 'number')} below the limit {_count(rows)} as below it{alike}"
        findings.note("decision", text, rows, name)
    measured = np.isfinite(lower)
    unit = f" {analyte.unit}" if analyte.unit else ""
    if not measured.any():
        findings.note("odd", f"'{name}': no row has a measurement.", (), name)
        return
    if (lower[measured] == 0).all():
        top = float(np.nanmax(observed)) if np.isfinite(observed).any() else None
        high = f"; the highest number in it is {top:g}{unit}, so that the limit may be in another unit" if top else ""
        n = int(measured.sum())
        findings.note("odd", f"'{name}': everything that was measured ({n:,}) is below the limit{high}.", (), name, n)
        return
    seen = np.sort(observed[(lower == upper) & np.isfinite(observed)])
    if known.any() and len(seen) and seen[0] >= FAR * float(np.nanmax(limit)):
        text = (
            f"'{name}': the limit {np.nanmax(limit):g}{unit} is far below the lowest number, {seen[0]:g}: is it in "
            "another unit?"
        )
        findings.note("odd", text, (), name)
    check_codes(cells, np.where(lower == upper, observed, np.nan), findings)
    ties = int((seen == seen[0]).sum()) if len(seen) else 0
    if ties >= max(FEWEST, TIED * len(seen)) and ties < len(seen) and not (lower[measured] == 0).any():
        rows = cells.in_file((observed == seen[0]) & (lower == upper))
        findings.note(
            "odd",
            f"'{name}': {ties:,} of {len(seen):,} numbers are exactly {seen[0]:g}{unit}, the lowest of all, and "
            "nothing is marked "
            "as below a limit: if this stands for what was not detected, give limit in its [[analyte]] of a dictionary",
            rows,
            name,
        )


def _usual_unit(grid: Grid, column: str) -> str | None:
    """The unit that most rows have in a column of units."""
    units = grid.find(column)
    counts: Counter[str] = Counter()
    for text, n in zip(units.texts, units.counts(), strict=True):
        if found := spelled(text):
            counts[found] += int(n)
    return counts.most_common(1)[0][0] if counts else None


def _count(rows: list[int]) -> str:
    return "counts" if len(rows) == 1 else "count"


def _say(mask: Mask) -> str:
    return "says" if mask.sum() == 1 else "say"
