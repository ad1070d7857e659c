"""A table of biomarkers as it was read: samples, censored values, and every decision that was made on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.table.convert_cells import molar_mass
from leukinetics.cohort.table.dictionary import Dictionary
from leukinetics.cohort.table.note import Note
from leukinetics.cohort.values import Censored, quotient
from leukinetics.errors import DataError
from leukinetics.patients.convert import convert

if TYPE_CHECKING:
    import pandas as pd

PERSON, VISIT, TIME, GROUP = "person", "visit", "time", "group"
#: After the name of an outcome: the columns of a time to event and of a count.
EVENT, EXPOSURE = ".event", ".exposure"


@dataclass(frozen=True, eq=False)
class CohortTable:
    """Samples of people, one row each.

    rows : index 0..n-1; ``person`` (str), ``visit`` (str or None), ``time`` (days, NaN where unknown), ``group`` (an
        ordered category, in the dictionary's order; NaN: none); covariates by name (float, binary ones 0 and 1;
        categories as category, the reference first); outcomes by name (float): of a binary one 0 and 1; of a count the
        count, and ``<name>.exposure`` in days (NaN throughout where the table has none); of a time to event the time in
        days, and ``<name>.event`` (1: event, 0: censored); ``row``: the row of the file (the first, where several were
        averaged).
    analytes : by name, aligned with ``rows``.
    dictionary : with all that was guessed filled in.
    notes : every odd cell and every decision.
    source : the file's name.
    """

    rows: pd.DataFrame
    analytes: dict[str, Censored]
    dictionary: Dictionary
    notes: tuple[Note, ...]
    source: str

    @classmethod
    def from_frame(
        cls, frame: pd.DataFrame, dictionary: Dictionary | str | Path | Mapping[str, Any] | None = None
    ) -> CohortTable:
        """The same of a DataFrame: its columns are the table's, its rows count from 1. DataError as for a file."""
        from leukinetics.cohort.table.read import from_frame

        return from_frame(frame, dictionary)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that have rows, in the dictionary's order."""
        have = set(self.rows[GROUP].dropna())
        return tuple(str(g) for g in self.rows[GROUP].cat.categories if g in have)

    @property
    def control(self) -> str | None:
        """The group that others are compared with, if there is one."""
        return None if self.dictionary.group is None else self.dictionary.group.control

    @property
    def repeated(self) -> bool:
        """Whether somebody has several samples."""
        return bool(self.rows[PERSON].duplicated().any())

    def ratio(self, name: str) -> Censored:
        """The ratio of a pair of the dictionary, cerebrospinal fluid to serum, both in one unit. DataError where there
        is no such pair, or their units measure different things."""
        pair = next((p for p in self.dictionary.pair if p.name == name), None)
        if pair is None:
            known = ", ".join(p.name for p in self.dictionary.pair) or "none"
            raise DataError(f"There is no pair '{name:.60}' in '{self.source}'; there are {known}.")
        csf, serum = self.analytes[pair.csf], self.analytes[pair.serum]
        if csf.unit != serum.unit:
            observable = next(a.observable for a in self.dictionary.analyte if a.name == pair.serum)
            serum = serum.scaled(convert(1.0, serum.unit, csf.unit, molar_mass(observable)), csf.unit)
        return quotient(csf, serum, name)
