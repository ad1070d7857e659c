"""A table in, ready for its study: read with its dictionary, and without its outcomes where the study is blind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.study.setup import blinded
from leukinetics.cohort.table import CohortTable, Dictionary, guess, read_dictionary, read_table
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    Source = str | Path | pd.DataFrame | CohortTable
    Given = Dictionary | str | Path | Mapping[str, Any] | None


def read_study(
    source: Source, dictionary: Given = None, *, sheet: str | None = None, blind: bool = False
) -> CohortTable:
    """The table of a study: a file's, a DataFrame's, or one that was read. ``blind``: columns of outcomes are not read,
    but by what guesses the columns where there is no dictionary. DataError as of
    :func:`leukinetics.cohort.table.read_table`."""
    if isinstance(source, CohortTable):
        if dictionary is not None or sheet is not None:
            raise DataError("A table that was read has its dictionary; give the file to read it with another.")
        return blinded(source) if blind else source
    if not blind:
        return _read(source, dictionary, sheet)
    given = read_dictionary(dictionary)
    if not given.analyte:
        given = _guessed(source, given, sheet)
    return blinded(_read(source, given.model_copy(update={"outcome": []}), sheet))


def _read(source: str | Path | pd.DataFrame, dictionary: Given, sheet: str | None) -> CohortTable:
    if isinstance(source, (str, Path)):
        return read_table(source, dictionary, sheet=sheet)
    return CohortTable.from_frame(source, dictionary)


def _guessed(source: str | Path | pd.DataFrame, given: Dictionary, sheet: str | None) -> Dictionary:
    """A dictionary with all columns."""
    if isinstance(source, (str, Path)) and given == Dictionary():
        found = guess(source, sheet=sheet)
        if found.analyte:
            return found
    return _read(source, given, sheet).dictionary
