"""What the columns of a table seem to be, by their headers and cells, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from leukinetics.cohort.table import known
from leukinetics.cohort.table.cells import Kind, folded
from leukinetics.cohort.table.convert_cells import molar_mass
from leukinetics.cohort.table.dictionary import (
    RESERVED,
    Analyte,
    Covariate,
    Dictionary,
    Format,
    Groups,
    Matrix,
    Outcome,
    Pair,
)
from leukinetics.cohort.table.grid import Column, Grid
from leukinetics.cohort.table.header import split_unit
from leukinetics.cohort.table.measured import Cells, read_cells
from leukinetics.cohort.table.note import Findings, some
from leukinetics.cohort.table.numbers import Mark
from leukinetics.cohort.table.others import labels_of_two, positive_word
from leukinetics.cohort.table.people import labels_of
from leukinetics.cohort.table.units_text import is_concentration, is_time
from leukinetics.errors import LeukineticsError
from leukinetics.patients.convert import convert

#: A column of categories has no more of them; a table is looked at by so many of its rows.
MOST_GROUPS = 12
#: Kinds of cells that measurements have.
_MEASURED = (Kind.NUMBER, Kind.BELOW, Kind.ABOVE)
#: What a header calls the values themselves.
VALUE_WORDS = ("value", "values", "result", "results", "conc", "concentration")
#: Answers that, in a column called "censored", may be read either way.
_CODES = frozenset({"0", "1", "yes", "no", "y", "n", "true", "false", "ja", "nein"})
Reasons = dict[tuple[str | int, ...], str]


@dataclass
class _Columns:
    """The columns that have found no use yet."""

    grid: Grid
    form: Format
    decimal: Mark
    findings: Findings
    why: Reasons = field(default_factory=dict)
    left: dict[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = {c.name: c for c in self.grid.columns}

    def use(self, column: Column) -> Column:
        self.left.pop(column.name, None)
        return column

    def named(self, pattern: Any) -> list[Column]:
        """Columns that a pattern of headers fits."""
        return [c for c in self.left.values() if pattern.fullmatch(folded(c.base))]

    def cells(self, column: Column) -> Cells:
        return read_cells(column, self.grid.rows, self.decimal, self.form.missing)


def guess_columns(grid: Grid, given: Dictionary, decimal: Mark, findings: Findings) -> tuple[Dictionary, Reasons]:
    """A dictionary that says what the columns seem to be, and why; what may be one of several things is a problem."""
    columns = _Columns(grid, given.table, decimal, findings)
    form = _form(columns)
    group = given.group or _group(columns)
    if given.group is not None:
        columns.use(grid.find(given.group.column))
    covariates = list(_covariates(columns))
    outcomes = list(_times_to_event(columns))
    _one_below_another(columns)
    analytes = list(_analytes(columns))
    outcomes += list(_outcomes(columns))
    if not analytes:
        findings.problem(
            "no column was found to hold a biomarker: neither by its name, nor by a unit such as pg/mL in its "
            f"header, nor by cells such as <0.5; there are {', '.join(grid.names[:20])}. Name it in an [[analyte]] of "
            "a dictionary."
        )
        return given.model_copy(update={"table": form, "group": group}), columns.why
    taken: set[str] = set()
    found = Dictionary(
        table=form,
        group=group,
        analyte=[_unique(a, taken) for a in analytes],
        covariate=[_unique(c, taken) for c in covariates],
        outcome=[_unique(o, taken) for o in outcomes],
        analysis=given.analysis,
    )
    return found.model_copy(update={"pair": list(_pairs(found.analyte, columns.why))}), columns.why


def _one_below_another(columns: _Columns) -> None:
    """Problems of tables that have the analytes, or the matrices, of one sample in rows one below another."""
    for column in columns.left.values():
        labels = _labels(column)
        if not 2 <= len(labels) <= MOST_GROUPS * 5:
            continue
        what = ""
        if all(known.is_analyte(known.matrix_of(label)[1]) for label in labels):
            what = "analytes"
        elif all(label in known.MATRICES for label in labels):
            what = "matrices"
        if what:
            columns.findings.problem(
                f"it names {what} ({some(sorted(labels))}), so that a sample has several rows; expected one row per "
                "sample with a column for each. Make such a table of it (in pandas with pivot, in R with pivot_wider).",
                (),
                column.name,
            )


def _form(columns: _Columns) -> Format:
    form, why = columns.form, columns.why
    update: dict[str, Any] = {}
    for key in ("id", "visit", "time"):
        if (name := getattr(form, key)) is not None:
            columns.use(columns.grid.find(name))
    if form.id is None and (found := columns.named(known.ID)):
        # A person rather than a sample, and what tells more of them apart.
        best = max(found, key=lambda c: ("sample" not in folded(c.base), "id" in known.words(c.base), len(c.values)))
        update["id"] = columns.use(best).name
        why["table", "id"] = "by its name"
    person = update.get("id", form.id)
    own = None if person is None else columns.grid.find(person)
    if own is not None and len(own.values) < len(columns.grid):
        for key, pattern in (("visit", known.VISIT), ("time", known.TIME)):
            if getattr(form, key) is None and (found := columns.named(pattern)):
                update[key] = columns.use(found[0]).name
                why["table", key] = "by its name; patients have several rows"
                if key == "time" and found[0].unit and is_time(found[0].unit):
                    update["time_unit"] = found[0].unit
                elif key == "time" and (unit := _time_word(found[0].base)):
                    update["time_unit"] = unit
    return form.model_copy(update=update)


def _time_word(name: str) -> str | None:
    words = {w.rstrip("s") for w in known.words(name)}
    return next((unit for unit in ("day", "week", "month", "year") if unit in words), None)


def _group(columns: _Columns) -> Groups | None:
    found = [c for c in columns.named(known.GROUP) if 1 <= len(_labels(c)) <= MOST_GROUPS]
    first = [c for c in found if known.GROUP_FIRST.fullmatch(folded(c.base))]
    if len(first) == 1:
        found = first
    if len(found) > 1:
        columns.findings.problem(
            f"the columns {some(c.name for c in found)} may all say who is compared; name one as column in [group] "
            "of a dictionary."
        )
    if not found:
        return None
    columns.why["group", "column"] = f"by its name; {len(_labels(found[0]))} groups"
    return Groups(column=columns.use(found[0]).name)


def _labels(column: Column) -> set[str]:
    return {folded(label) for label in labels_of(column) if label is not None}


def _covariates(columns: _Columns) -> Iterator[Covariate]:
    n = 0
    for column in list(columns.left.values()):
        for pattern, usual, kind, unit in known.COVARIATES:
            if not pattern.fullmatch(folded(column.base)):
                continue
            name = usual or column.base
            positive = positive_word(sorted({t for t in labels_of_two(column) if t}), False) or None
            why = "by its name"
            if kind == "continuous":
                if _mostly_numbers(columns.cells(column)):
                    yield Covariate(name=name, column=columns.use(column).name, kind=kind, unit=column.unit or unit)  # type: ignore[arg-type]
                else:
                    break
            elif positive is not None and len(_labels(column)) == 2:
                yield Covariate(name=name, column=columns.use(column).name, kind="binary", positive=positive)
            elif 2 <= len(_labels(column)) <= MOST_GROUPS:
                yield Covariate(name=name, column=columns.use(column).name, kind="category")
                why = "by its name; which word counts as 1 is not known, so that each is a category"
            else:
                break
            columns.why["covariate", n] = why
            n += 1
            break


def _mostly_numbers(cells: Cells) -> bool:
    kinds = cells.kind
    filled = int((kinds != Kind.MISSING).sum())
    return filled > 0 and 2 * int((kinds == Kind.NUMBER).sum()) >= filled


def _analytes(columns: _Columns) -> Iterator[Analyte]:
    limits = {c.name: key for c in columns.left.values() if (key := _limit_of(c)) is not None}
    units = {c.name: key for c in columns.left.values() if (key := _part_of(c, ("unit", "units"))) is not None}
    found: list[tuple[Column, Matrix | None, str, str]] = []
    for column in list(columns.left.values()):
        if column.name in limits or column.name in units:
            continue
        matrix, rest = known.matrix_of(column.base)
        why = _why_analyte(columns.cells(column), rest, column.unit)
        if why:
            found.append((columns.use(column), matrix, rest, why))
    for n, (column, matrix, rest, why) in enumerate(found):
        columns.why["analyte", n] = why
        update: dict[str, Any] = {}
        keys = {_key(column.base), known.bare(rest)}
        for kind, parts in (("limit_column", limits), ("unit_column", units)):
            own = [name for name, key in parts.items() if key in keys or (key == "" and len(found) == 1)]
            if len(own) == 1:
                update[kind] = columns.use(columns.grid.find(own[0])).name
                columns.why["analyte", n, kind] = "by its name"
            elif len(own) > 1:
                text = f"the columns {some(own)} may all be the {kind.replace('_', ' ')} of '{column.name}'"
                columns.findings.problem(f"{text}; name one in its [[analyte]] of a dictionary.")
        rest = " ".join(w for w in rest.split() if w.casefold() not in VALUE_WORDS) or rest
        name = f"{rest} {'CSF' if matrix == 'csf' else matrix}" if matrix else rest
        observable = _observable(rest, matrix, column.unit)
        yield Analyte(name=name, column=column.name, unit=column.unit, matrix=matrix, observable=observable, **update)


def _why_analyte(cells: Cells, name: str, unit: str | None) -> str | None:
    kinds = cells.kind
    filled = int((kinds != Kind.MISSING).sum())
    measured = sum(int((kinds == k).sum()) for k in _MEASURED)
    if not measured:
        return None
    if known.is_analyte(name):
        return "by its name"
    if unit is not None and is_concentration(unit):
        return f"by its unit, {unit}"
    stated = (c.kind in (Kind.BELOW, Kind.ABOVE) and c.value == c.value for c in cells.special.values())
    if 2 * measured >= filled and any(stated):
        return 'by cells such as "<0.5"'
    return None


def _observable(name: str, matrix: Matrix | None, unit: str | None) -> str | None:
    """The model's readout, where it is in a unit that the column's can be converted to."""
    from leukinetics.assays import assay_for

    found = known.observable_of(name, matrix)
    if found is None or unit is None:
        return None
    try:
        convert(1.0, unit, assay_for(found).unit, molar_mass(found))
    except LeukineticsError:
        return None
    return found


def _limit_of(column: Column) -> str | None:
    """The key of the analyte whose limit a column seems to be; "" for a limit of no name."""
    words = known.words(column.base)
    rest = [w for w in words if not known.LIMIT.fullmatch(w) and w not in ("detection", "of", "limit")]
    return known.bare(" ".join(rest)) if len(rest) < len(words) else None


def _part_of(column: Column, parts: tuple[str, ...]) -> str | None:
    words = known.words(column.base)
    rest = [w for w in words if w not in parts]
    return known.bare(" ".join(rest)) if len(rest) < len(words) else None


def _key(name: str) -> str:
    """A header without what merged headers call the values themselves."""
    words = [w for w in known.words(name) if w not in VALUE_WORDS]
    return known.bare(" ".join(words))


def _times_to_event(columns: _Columns) -> Iterator[Outcome]:
    for column in columns.named(known.DURATION):
        found = known.DURATION.fullmatch(folded(column.base))
        what = (found["what"] if found else None) or ""
        likely = {c.name: c for p in (known.EVENT, known.BINARY) for c in columns.named(p)}
        events = [
            c
            for c in likely.values()
            if c is not column and positive_word(sorted(_labels(c)), True) and len(_labels(c)) == 2
        ]
        of_any = [c for c in events if known.ANY_EVENT.fullmatch(folded(c.base))]
        own = [c for c in events if what and what in folded(c.base)] or of_any
        if not own and what in ("", "death", "event"):
            own = [c for c in events if known.EVENT.fullmatch(folded(c.base))]
        others = [c for c in of_any if c not in own]
        if len(own) == 1 and others:
            columns.findings.problem(
                f"the columns {some(c.name for c in (*own, *others))} may all tell the events of '{column.name}'; name "
                "one as event of an [[outcome]] of a dictionary."
            )
        if len(own) != 1:
            continue
        if known.CENSORED.fullmatch(folded(own[0].base)) and _labels(own[0]) <= _CODES:
            one = positive_word(sorted(_labels(own[0])), True)
            columns.findings.problem(
                f"'{one}' may mean that there was an event by '{column.name}', or that it was censored; say which "
                "means an event, with event and positive in an [[outcome]] of a dictionary.",
                (),
                own[0].name,
            )
        columns.why["outcome", "time_to_event", column.name] = "by the names of both columns"
        unit = column.unit if column.unit and is_time(column.unit) else _time_word(column.base)
        event, positive = columns.use(own[0]), positive_word(sorted(_labels(own[0])), True)
        name = f"time to {what.replace('_', ' ')}" if what else column.base
        yield Outcome(
            name=name,
            column=columns.use(column).name,
            kind="time_to_event",
            event=event.name,
            positive=positive,
            unit=unit,
        )


def _outcomes(columns: _Columns) -> Iterator[Outcome]:
    exposures = columns.named(known.EXPOSURE)
    for column in columns.named(known.COUNT):
        cells = columns.cells(column)
        if not _mostly_numbers(cells) or len(_labels(column)) <= 2:
            continue
        over = next((c for c in exposures if _mostly_numbers(columns.cells(c))), None)
        unit = None
        if over is not None:
            columns.use(over)
            unit = over.unit if over.unit and is_time(over.unit) else _time_word(over.base)
        yield Outcome(
            name=column.base,
            column=columns.use(column).name,
            kind="count",
            exposure=None if over is None else over.name,
            unit=unit,
        )
    for column in [*columns.named(known.BINARY), *columns.named(known.COUNT)]:
        labels = sorted({t for t in labels_of_two(column) if t})
        if column.name in columns.left and len(labels) == 2 and (positive := positive_word(labels, True)):
            yield Outcome(name=column.base, column=columns.use(column).name, kind="binary", positive=positive)
    for column in columns.named(known.CONTINUOUS):
        if _mostly_numbers(columns.cells(column)) and len(column.values) > 2:
            yield Outcome(name=column.base, column=columns.use(column).name, kind="continuous", unit=column.unit)


def _pairs(analytes: list[Analyte], why: Reasons) -> Iterator[Pair]:
    """Analytes of one name in cerebrospinal fluid and in serum, or else plasma."""
    csf = [a for a in analytes if a.matrix == "csf"]
    for one, matrix in product(csf, ("serum", "plasma")):
        others = [a for a in analytes if a.matrix == matrix and _plain(a) == _plain(one)]
        if len(others) == 1:
            stem = known.matrix_of(split_unit(one.column)[0])[1]
            yield Pair(name=f"{stem} CSF/{matrix}", csf=one.name, serum=others[0].name)


def _plain(analyte: Analyte) -> str:
    return known.bare(known.matrix_of(split_unit(analyte.column)[0])[1])


def _unique(entry: Any, taken: set[str]) -> Any:
    """The entry under a name that nothing else has."""
    name, n = entry.name, 2
    while name in taken or name in RESERVED:
        name, n = f"{entry.name} ({n})", n + 1
    taken.add(name)
    return entry if name == entry.name else entry.model_copy(update={"name": name})
