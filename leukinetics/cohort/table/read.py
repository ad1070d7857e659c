"""From a file of samples to a table of people, censored values and notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from leukinetics.cohort.table.analytes import read_analyte
from leukinetics.cohort.table.cohort_table import GROUP, PERSON, TIME, VISIT, CohortTable
from leukinetics.cohort.table.dictionary import Dictionary, Format, Outcome
from leukinetics.cohort.table.dictionary_file import dictionary_toml, read_dictionary
from leukinetics.cohort.table.duplicates import resolve
from leukinetics.cohort.table.files import from_table, open_grid
from leukinetics.cohort.table.grid import Grid
from leukinetics.cohort.table.guess import Reasons, guess_columns
from leukinetics.cohort.table.measured import marks_of
from leukinetics.cohort.table.note import Findings, plural, some
from leukinetics.cohort.table.numbers import Mark
from leukinetics.cohort.table.others import Context, read_covariate, read_outcome
from leukinetics.cohort.table.people import groups, persons, times, visits, without_empty, without_left_out
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Given = Dictionary | str | Path | Mapping[str, Any] | None
#: In the notes that name columns: of no use, and of outcomes.
UNUSED, AS_OUTCOME = " not used: ", " as the outcome "
_HINT = "A dictionary to start from is written by: leukinetics cohort {file} --write-dictionary dictionary.toml"


@dataclass
class _Reading:
    """A file on its way to a table."""

    grid: Grid
    given: Dictionary
    findings: Findings
    filled: Dictionary
    decimal: Mark
    why: Reasons


def read_table(path: str | Path, dictionary: Given = None, *, sheet: str | None = None) -> CohortTable:
    """Read a table of biomarkers: a CSV, TSV, Excel or Parquet file with one row per sample.

    ``dictionary``: what its columns are (:class:`Dictionary`, its TOML file or content); without one, or one without
    analytes, it is guessed where that is unambiguous. ``sheet``: of an Excel workbook.

    DataError names the file, the rows, the column, what was found and what to do; of several problems all are told.
    Everything that was decided is in the table's ``notes``.
    """
    given = read_dictionary(dictionary)
    findings = Findings(Path(path).name)
    try:
        return _table(_open(path, given, sheet, findings))
    except DataError as error:
        if dictionary is None and "dictionary" in str(error):
            raise DataError(f"{error}\n{_HINT.format(file=path)}") from None
        raise


def from_frame(frame: pd.DataFrame, dictionary: Given = None) -> CohortTable:
    """The same of a DataFrame, whose rows count from 1."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{type(frame).__name__} is no table; give a pandas DataFrame, or the path of a file.")
    given = read_dictionary(dictionary)
    findings = Findings("DataFrame")
    return _table(_reading(from_table(frame, "DataFrame", findings), given, given.table, findings))


def guess(path: str | Path, *, sheet: str | None = None) -> Dictionary:
    """What a table seems to be, column by column, with what can be read from it (units, limits) filled in.

    DataError where the file cannot be opened; what else is wrong with it is left out (:func:`guess_toml` tells it).
    """
    return _guessed(path, sheet)[0]


def guess_toml(path: str | Path, *, sheet: str | None = None) -> str:
    """The TOML of :func:`guess`, to be edited: comments say why each guess was made, and what has to be decided."""
    found, why, problem, notes = _guessed(path, sheet)
    head = [f"What the columns of {Path(path).name} are; made by leukinetics cohort, to be looked at and corrected."]
    if problem:
        head += ["", "TO DO before it can be analysed:", *(f"  {line}" for line in problem.splitlines())]
    if notes:
        head += ["", "Seen in the table:", *(f"  {text}" for text in notes)]
    return dictionary_toml(found, why, [*head, "", "All keys: docs/cohorts.md."])


def _guessed(path: str | Path, sheet: str | None) -> tuple[Dictionary, Reasons, str, list[str]]:
    findings = Findings(Path(path).name)
    reading = _open(path, Dictionary(), sheet, findings)
    try:
        table = _table(reading)
        return table.dictionary, reading.why, "", [n.text for n in table.notes]
    except DataError as error:
        with suppress(DataError):
            _tell_unused(reading.grid, reading.filled, findings)
        return reading.filled, reading.why, str(error), [n.text for n in findings.notes]


def _open(path: str | Path, given: Dictionary, sheet: str | None, findings: Findings) -> _Reading:
    form = given.table if sheet is None else given.table.model_copy(update={"sheet": sheet})
    grid, form = open_grid(path, form, findings)
    return _reading(grid, given, form, findings)


def _reading(grid: Grid, given: Dictionary, form: Format, findings: Findings) -> _Reading:
    decimal = _decimal(grid, form, findings)
    form = form.model_copy(update={"decimal": decimal})
    filled = given.model_copy(update={"table": form})
    why: Reasons = {}
    if not given.analyte:
        with gathered(findings):
            filled, why = guess_columns(grid, filled, decimal, findings)
        _tell_guess(filled, why, findings)
    return _Reading(grid, given, findings, filled, decimal, why)


def _decimal(grid: Grid, form: Format, findings: Findings) -> Mark:
    """The mark of decimals: declared, or what the numbers prove."""
    if form.decimal is not None:
        return form.decimal
    marks = marks_of(grid.columns)
    decimal: Mark = "," if marks.comma > marks.point else "."
    if marks.either_comma and not marks.comma and not marks.point:
        findings.problem(
            f"'{marks.either_comma}' may have a decimal comma or a mark of thousands, and no other number tells; say "
            "decimal "
            '= "," or "." in [table] of a dictionary.'
        )
    elif decimal == ",":
        findings.note("decision", f"Numbers have a decimal comma ({plural(marks.comma, 'different cell')} show it).")
    return decimal


def _tell_guess(filled: Dictionary, why: Reasons, findings: Findings) -> None:
    said = [
        f"'{e.column}' as {e.name} ({why.get(('analyte', n), 'by its name')})" for n, e in enumerate(filled.analyte)
    ]
    said += [f"'{e.column}' as the covariate {e.name}" for e in filled.covariate]
    said += [f"'{e.column}'{AS_OUTCOME}{e.name} ({_kind(e)})" for e in filled.outcome]
    said += [f"'{v}' as the {k}" for k in ("id", "visit", "time") if (v := getattr(filled.table, k))]
    said += [f"'{filled.group.column}' as the group"] if filled.group else []
    if said:
        findings.note("decision", f"Without a dictionary, columns are taken by what they look like: {'; '.join(said)}.")


def _kind(outcome: Outcome) -> str:
    """An outcome's kind, with the other column that it has."""
    parts = [outcome.kind.replace("_", " ")]
    if outcome.event is not None:
        parts.append(f"events where '{outcome.event}' is '{outcome.positive}'")
    elif outcome.positive is not None:
        parts.append(f"'{outcome.positive}' counts as 1")
    if outcome.exposure is not None:
        parts.append(f"over '{outcome.exposure}'")
    return ", ".join(parts)


@contextmanager
def gathered(findings: Findings) -> Iterator[None]:
    """A DataError about one part becomes a problem of the table, so that other parts are looked at too."""
    try:
        yield
    except DataError as error:
        findings.problem(str(error))
    except ValidationError as error:  # of a guess: headers can be longer than names may be
        findings.problem(f"what was guessed cannot be used ({error.errors()[0]['msg']}); write a dictionary.")


def _table(reading: _Reading) -> CohortTable:
    import pandas as pd

    filled, findings, decimal = reading.filled, reading.findings, reading.decimal
    findings.raise_if_any()
    form = filled.table
    for key in ("id", "visit", "time"):
        if (name := getattr(form, key)) is not None:
            with gathered(findings):
                form = form.model_copy(update={key: reading.grid.find(name).name})
    findings.raise_if_any()
    grid = without_empty(reading.grid, form, findings)
    with gathered(findings):
        grid = without_left_out(filled.group, grid, findings)
    if not len(grid):
        findings.problem("no row of a sample is left.")
    findings.raise_if_any()
    people = persons(form, grid, findings)
    frame: dict[str, Any] = {"row": grid.rows, PERSON: pd.Series(people, dtype="str")}
    frame[VISIT] = pd.Series(visits(form, grid), dtype=object)
    frame[TIME] = times(form, grid, people, decimal, findings)
    group = filled.group
    with gathered(findings):
        frame[GROUP], group = groups(filled, grid, findings)
    on = Context(grid, decimal, tuple(form.missing), findings)
    analytes: dict[str, Censored] = {}
    entries: dict[str, list[Any]] = {"analyte": [], "covariate": [], "outcome": []}
    for analyte in filled.analyte:
        with gathered(findings):
            measured = read_analyte(analyte, grid, decimal, form.missing, findings)
            analytes[analyte.name] = measured.values
            entries["analyte"].append(measured.analyte)
    for covariate in filled.covariate:
        with gathered(findings):
            frame[covariate.name], entry = read_covariate(covariate, on)
            entries["covariate"].append(entry)
    for outcome in filled.outcome:
        with gathered(findings):
            columns, told = read_outcome(outcome, on)
            frame |= columns
            entries["outcome"].append(told)
    findings.raise_if_any()
    if not any(x.n for x in analytes.values()):
        findings.problem("no analyte has a measurement in any row.")
    rows = pd.DataFrame(frame)
    if form.id is not None:
        rows, analytes = resolve(rows, analytes, form.duplicates, form.id, findings)
    findings.raise_if_any()
    dictionary = filled.model_copy(update={"table": form, "group": group, **entries})
    _tell_groups(rows, analytes, findings)
    _tell_unused(grid, dictionary, findings)
    return CohortTable(rows, analytes, dictionary, tuple(findings.notes), findings.source)


def _tell_groups(rows: pd.DataFrame, analytes: Mapping[str, Censored], findings: Findings) -> None:
    """Groups that are too small to be compared, in all or in one analyte."""
    have = rows[GROUP].dropna()
    if have.empty:
        return
    sizes = have.value_counts()
    one = [str(g) for g, n in sizes.items() if n == 1]
    if one:
        where = [int(r) for r in rows.loc[rows[GROUP].isin(one), "row"]]
        findings.note("odd", f"Only one sample is in {'the group' if len(one) == 1 else 'each of'} {some(one)}", where)
    for one_name, other in _alike(sizes):
        where = [int(r) for r in rows.loc[rows[GROUP] == one_name, "row"]]
        text = (
            f"The groups '{one_name}' ({int(sizes[one_name])}) and '{other}' ({int(sizes[other])}) are nearly called "
            "alike"
        )
        findings.note("odd", f"{text}; give labels in [group] of a dictionary where they are one", where)
    if (sizes > 0).sum() == 1:
        findings.note("odd", f"All samples are in the one group '{sizes.index[0]}'; there is nothing to compare.")
    for name, x in analytes.items():
        counts = rows[GROUP][x.measured].value_counts()
        none = [str(g) for g, n in sizes.items() if n > 0 and counts.get(g, 0) == 0]
        if none and x.n:
            findings.note("odd", f"{name} was measured in nobody of {some(none)}.", column=name)


def _alike(sizes: Any) -> Iterator[tuple[str, str]]:
    """Small groups whose name looks like a misspelt one of a large group."""
    for one, n in sizes.items():
        for other, many in sizes.items():
            small = 0 < n <= 3 and n < 0.1 * many + 1 and one != other and n < many
            digits = re.sub(r"\d", "", str(one)) == re.sub(r"\d", "", str(other))
            if small and not digits and SequenceMatcher(None, str(one).lower(), str(other).lower()).ratio() >= 0.8:
                yield str(one), str(other)


def _tell_unused(grid: Grid, dictionary: Dictionary, findings: Findings) -> None:
    form = dictionary.table
    used: set[str | None] = {form.id, form.visit, form.time}
    used |= {dictionary.group.column} if dictionary.group else set()
    for entry in (*dictionary.analyte, *dictionary.covariate, *dictionary.outcome):
        for key in ("column", "unit_column", "limit_column", "event", "exposure"):
            used.add(getattr(entry, key, None))
        if (batches := getattr(entry, "limits", None)) is not None:
            used.add(batches.column)
    names = {grid.find(u).name for u in used if u is not None}
    left = [c.name for c in grid.columns if c.name not in names and c.filled]
    if left:
        text = f"{plural(len(left), 'column')}{UNUSED}{some(left, 12)}."
        findings.note("decision", text, count=len(left))


def notes_text(notes: Iterable[Any]) -> list[str]:
    """Notes as lines of text, the odd ones first."""
    order = {"odd": 0, "dropped": 1, "decision": 2}
    return [n.text for n in sorted(notes, key=lambda n: order[n.severity])]
