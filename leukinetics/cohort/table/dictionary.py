"""The data dictionary of a table of biomarkers: which column is what, in which unit, with which limit.

It is TOML, made by :func:`leukinetics.cohort.table.guess` and edited by whoever knows the table. A dictionary with
``[[analyte]]`` says all that is used of the table; without one, columns are guessed. What it does not say of the file
(encoding, delimiter, decimal mark, rows of the header), of units and of limits is read from the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from leukinetics import units
from leukinetics.cohort.table.units_text import is_unit, spelled
from leukinetics.errors import LeukineticsError
from leukinetics.trial.protocol import Part
from leukinetics.trial.protocol.fields import AboveZero, Between, Count, Name, Truth

Matrix = Literal["csf", "serum", "plasma", "other"]
#: Names that columns of a cohort's rows have already.
RESERVED = ("person", "visit", "time", "group", "row")
_WORDS: Any = Field(default_factory=list)


def _unit(value: object) -> object:
    """A unit as it is spelled elsewhere; what is none is left for :func:`unit_problem`."""
    return (spelled(value) or value) if isinstance(value, str) else value


Unit = Annotated[str, BeforeValidator(_unit)]


class Format(Part):
    """``[table]``: the file, and who was sampled when."""

    sheet: Annotated[Name | None, Field(description="of an Excel workbook; its only one by default")] = None
    encoding: Annotated[Name | None, Field(description='of a text file, such as "utf-8" or "cp1252"')] = None
    delimiter: Annotated[Literal[",", ";", "\t", "|"] | None, Field(description="between cells of a text file")] = None
    decimal: Annotated[Literal[".", ","] | None, Field(description="mark of decimals in numbers that are text")] = None
    header_rows: Annotated[list[Count], Field(description="rows of the header, such as [1] or [2, 3]")] = _WORDS
    skip_rows: Annotated[list[Count], Field(description="rows that are no samples, such as totals")] = _WORDS
    missing: Annotated[list[str], Field(description='more words for "not measured"')] = _WORDS
    id: Annotated[Name | None, Field(description="column of the patient; each row is one of its own without")] = None
    visit: Annotated[Name | None, Field(description="column of the visit's name")] = None
    time: Annotated[Name | None, Field(description="column of the sample's time: numbers or dates")] = None
    time_unit: Annotated[Unit, Field(description="of these numbers")] = "day"
    dates: Annotated[Literal["dmy", "mdy", "ymd"] | None, Field(description="order in dates such as 3/4/2020")] = None
    duplicates: Annotated[
        Literal["error", "first", "mean", "samples"],
        Field(description="rows of one patient and visit: refused, the first kept, averaged, or repeated samples"),
    ] = "error"

    def problems(self) -> Iterator[tuple[str, str]]:
        if any(b != a + 1 for a, b in zip(self.header_rows, self.header_rows[1:], strict=False)):
            yield "header_rows", "the rows of a header follow each other, such as [2, 3]."
        yield from unit_problem("time_unit", self.time_unit, "day")


class Groups(Part):
    """``[group]``: who is compared."""

    column: Annotated[Name, Field(description="column of the group")]
    control: Annotated[Name | None, Field(description="the group that others are compared with")] = None
    order: Annotated[list[Name], Field(description="of the groups, in figures and for a trend")] = _WORDS
    labels: Annotated[dict[str, Name], Field(description='what codes stand for, such as {"0" = "controls"}')] = Field(
        default_factory=dict
    )
    leave_out: Annotated[list[Name], Field(description="groups whose rows are not used")] = _WORDS

    def problems(self) -> Iterator[tuple[str, str]]:
        if len(set(self.order)) != len(self.order):
            yield "order", "a group is in the order twice."
        if self.control is not None and self.order and self.control not in self.order:
            yield "control", f"the control '{self.control:.60}' is not in the order."
        if self.control in self.leave_out:
            yield "control", f"the control '{self.control:.60}' is left out."


class Batches(Part):
    """Limits of detection by batch (plate, laboratory, period)."""

    column: Annotated[Name, Field(description="column of the batch")]
    values: Annotated[dict[str, AboveZero], Field(min_length=1, description="limit by batch, in the analyte's unit")]


class Analyte(Part):
    """``[[analyte]]``: something that is measured, with its limit of detection (in ``unit``, as all its numbers)."""

    name: Annotated[Name, Field(description="unique")]
    column: Annotated[Name, Field(description="column of the values")]
    unit: Annotated[Unit | None, Field(description="of the numbers; by default the header's")] = None
    unit_column: Annotated[Name | None, Field(description="column of the row's unit, converted to `unit`")] = None
    matrix: Annotated[Matrix | None, Field(description="what it is measured in")] = None
    limit: Annotated[AboveZero | None, Field(description="limit of detection of all rows")] = None
    limit_column: Annotated[Name | None, Field(description="column of the row's limit")] = None
    limits: Annotated[Batches | None, Field(description="limits by batch: {column, values}")] = None
    upper_limit: Annotated[AboveZero | None, Field(description="numbers at or above it are known to be above it")] = (
        None
    )
    quantification_limit: Annotated[AboveZero | None, Field(description="of `flagged`")] = None
    below: Annotated[list[str], Field(description='more words for "below the limit"')] = _WORDS
    flagged: Annotated[
        Literal["observed", "interval", "below"],
        Field(description="numbers with a mark, as 0.5*: as they stand, between the limits, or below"),
    ] = "observed"
    observable: Annotated[Name | None, Field(description="the model's readout, for molar masses and predictions")] = (
        None
    )
    transform: Annotated[Literal["log", "none"], Field(description="the scale on which levels are compared")] = "log"

    def problems(self) -> Iterator[tuple[str, str]]:
        given = [k for k in ("limit", "limit_column", "limits") if getattr(self, k) is not None]
        if len(given) > 1:
            yield given[1], f"'{given[0]}' and '{given[1]}' both say what the limit is; keep one."
        if self.limit is not None and self.upper_limit is not None and self.upper_limit <= self.limit:
            yield "upper_limit", f"the upper limit {self.upper_limit:g} is not above the limit {self.limit:g}."
        if self.flagged == "interval" and self.quantification_limit is None:
            yield "flagged", "\"interval\" needs 'quantification_limit', the upper end of the interval."
        if None not in (self.limit, self.quantification_limit) and self.quantification_limit < self.limit:  # type: ignore[operator]
            yield "quantification_limit", f"the limit of quantification is below that of detection, {self.limit:g}."
        if self.unit:
            yield from unit_problem("unit", self.unit)


class Pair(Part):
    """``[[pair]]``: an analyte in cerebrospinal fluid and in serum (or plasma) of the same sample, and their ratio."""

    name: Annotated[Name, Field(description="unique")]
    csf: Annotated[Name, Field(description="the analyte in cerebrospinal fluid")]
    serum: Annotated[Name, Field(description="the analyte in serum or plasma")]


class Covariate(Part):
    """``[[covariate]]``: what is known of a patient beside the analytes."""

    name: Annotated[Name, Field(description="unique")]
    column: Annotated[Name, Field(description="its column")]
    kind: Annotated[Literal["continuous", "binary", "category"], Field(description="binary: 1 where `positive`")]
    unit: Annotated[Unit | None, Field(description="of a continuous one; by default the header's")] = None
    positive: Annotated[str | None, Field(description="the word that counts as 1")] = None
    reference: Annotated[str | None, Field(description="the category that others are compared with")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        for key, kind in (("positive", "binary"), ("reference", "category"), ("unit", "continuous")):
            if getattr(self, key) and self.kind != kind:
                yield key, f'\'{key}\' belongs to kind "{kind}", not to "{self.kind}".'
        if self.unit:
            yield from unit_problem("unit", self.unit)


class Outcome(Part):
    """``[[outcome]]``: what is found, or happens later."""

    name: Annotated[Name, Field(description="unique")]
    column: Annotated[Name, Field(description="its column; of time_to_event that of the time")]
    kind: Annotated[Literal["binary", "continuous", "count", "time_to_event"], Field(description="what it is")]
    event: Annotated[Name | None, Field(description="of time_to_event: column that tells events from censoring")] = None
    exposure: Annotated[Name | None, Field(description="of count: column of the time over which was counted")] = None
    unit: Annotated[Unit | None, Field(description="of numbers; of times and exposures days by default")] = None
    positive: Annotated[str | None, Field(description="the word that counts as 1 (in `event`, as an event)")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if (self.kind == "time_to_event") != (self.event is not None):
            yield (
                "event",
                "'event', the column that tells events from censoring, and kind \"time_to_event\" go together.",
            )
        if self.exposure is not None and self.kind != "count":
            yield "exposure", "'exposure' belongs to kind \"count\"."
        if self.positive is not None and self.kind not in ("binary", "time_to_event"):
            yield "positive", f"'positive' has no use in kind \"{self.kind}\"."
        if self.unit and self.kind in ("count", "time_to_event"):
            yield from unit_problem("unit", self.unit, "day")
        elif self.unit:
            yield from unit_problem("unit", self.unit)


class TableAnalysis(Part):
    """``[analysis]``: what is asked of the table."""

    alpha: Annotated[Between, Field(description="two-sided level; intervals are at 1 - alpha")] = 0.05
    contrasts: Annotated[
        list[Annotated[list[Name], Field(min_length=2, max_length=2)]],
        Field(description="pairs [group, reference]; by default each against the control, or all without one"),
    ] = _WORDS
    covariates: Annotated[list[Name], Field(description="of adjusted models")] = _WORDS
    trend: Annotated[Truth, Field(description="test a trend along the order of the groups")] = False
    correct: Annotated[Literal["holm", "bh"], Field(description="p values of several comparisons: Holm or BH")] = "holm"
    limits: Annotated[
        dict[str, AboveZero], Field(description="a common limit by analyte, as if all rows had been measured with it")
    ] = Field(default_factory=dict)
    detection: Annotated[Truth, Field(description="shares detected")] = True
    levels: Annotated[Truth, Field(description="censored levels")] = True
    correlation: Annotated[Truth, Field(description="between analytes, of pairs")] = True
    diagnosis: Annotated[Truth, Field(description="ROC curves and cut-offs of groups and binary outcomes")] = True
    prognosis: Annotated[Truth, Field(description="outcomes by marker")] = True
    subtypes: Annotated[Truth, Field(description="mixtures and thresholds")] = True
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True, description="of resampling")] = 1
    bootstrap: Annotated[Count, Field(description="resamples")] = 500


class Dictionary(Part):
    """A whole dictionary. ``text`` and ``file``: the TOML that it was read from, if any."""

    _text: str = PrivateAttr("")
    _file: str = PrivateAttr("")

    table: Annotated[Format, Field(description="the file, and who was sampled when")] = Field(default_factory=Format)
    group: Annotated[Groups | None, Field(description="who is compared")] = None
    analyte: Annotated[list[Analyte], Field(description="what is measured")] = _WORDS
    pair: Annotated[list[Pair], Field(description="cerebrospinal fluid with serum")] = _WORDS
    covariate: Annotated[list[Covariate], Field(description="what else is known")] = _WORDS
    outcome: Annotated[list[Outcome], Field(description="what is found, or happens later")] = _WORDS
    analysis: Annotated[TableAnalysis, Field(description="what is asked")] = Field(default_factory=TableAnalysis)

    @property
    def text(self) -> str:
        """The TOML text that this was read from; empty for one that was made."""
        return self._text

    def problems(self) -> Iterator[tuple[str, str]]:
        analytes = [a.name for a in self.analyte]
        seen: set[str] = set(RESERVED)
        for key, entries in (("analyte", self.analyte), ("covariate", self.covariate), ("outcome", self.outcome)):
            for entry in entries:
                if entry.name in seen:
                    why = "the rows have a column of this name" if entry.name in RESERVED else "something else has it"
                    yield key, f"the name '{entry.name:.60}' is taken: {why}; choose another."
                seen.add(entry.name)
        if not self.analyte and (self.pair or self.covariate or self.outcome):
            yield "analyte", "there is no [[analyte]]; name what is measured, or leave all columns to be guessed."
        for pair in self.pair:
            for key, name in (("csf", pair.csf), ("serum", pair.serum)):
                if name not in analytes:
                    yield (
                        "pair",
                        f"'{pair.name:.60}': {key} = '{name:.60}' is no analyte; there are {', '.join(analytes)}.",
                    )
            if pair.csf == pair.serum:
                yield "pair", f"'{pair.name:.60}': both are '{pair.csf:.60}'."
        if len({p.name for p in self.pair} | set(analytes)) < len(self.pair) + len(set(analytes)):
            yield "pair", "two pairs, or a pair and an analyte, have the same name."
        for name in self.analysis.limits:
            if name not in analytes and self.analyte:
                yield "analysis", f"limits: there is no analyte '{name:.60}'; there are {', '.join(analytes)}."
        covariates = [c.name for c in self.covariate]
        for name in self.analysis.covariates:
            if name not in covariates:
                yield (
                    "analysis",
                    f"covariates: there is no covariate '{name:.60}'; there are {', '.join(covariates) or 'none'}.",
                )


def unit_problem(key: str, unit: str, like: str | None = None) -> Iterator[tuple[str, str]]:
    """A problem where a unit is unknown, or none of the kind of ``like``."""
    try:
        if like is not None or not is_unit(unit):
            units.convert(1.0, unit, like or unit)
    except LeukineticsError as error:
        yield key, str(error)
