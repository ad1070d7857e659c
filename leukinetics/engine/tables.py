"""Tables that users hand over, checked and turned into plain arrays: patients and times.

Rows are counted from 1 in messages ("row 4 of 100"), entries of ``times`` in Python's way (``times[3]``).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leukinetics.engine.columns import (
    as_frame,
    check_names,
    read_labels,
    read_numbers,
    read_series,
    show,
    some,
)
from leukinetics.engine.system import Input
from leukinetics.errors import DataError, suggest

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS = ("patient", "ID")  # the columns that may hold a patient's label


@dataclass(frozen=True)
class PatientTable:
    """One row a patient: ``values[i, j]`` is the number of input ``names[j]`` for patient ``ids[i]``.

    ``values`` is float64, C-contiguous, (patients, len(names)), finite. Inputs not named keep their defaults.
    """

    ids: pd.Index
    names: tuple[str, ...]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.int64]) -> PatientTable:
        """The table of the patients ``rows`` alone, in that order."""
        return PatientTable(self.ids[rows], self.names, np.ascontiguousarray(self.values[rows]))


def read_patients(parameters: Any, inputs: Mapping[str, Input]) -> PatientTable:
    """Check a table of patients against the model's inputs.

    ``parameters``: None (one patient with the model's own values); a mapping of name to a number or a 1-d
    array; a pandas.DataFrame, pyarrow.Table or another Arrow table (one row a patient, labels in a column
    ``patient`` or ``ID`` or in the index); an xarray.Dataset with one dimension. An index without a name
    that repeats itself is no label: its rows are numbered from 0.

    Raises DataError for unknown names, text, missing or infinite values, repeated labels, columns of
    unequal length, a table without rows and anything that is no table.
    """
    if parameters is None:
        return PatientTable(_numbered(1), (), np.empty((1, 0)))
    ids, columns, n = _columns(parameters)
    labels = [c for c in columns if c in LABELS and c not in inputs]
    if len(labels) > 1:
        raise DataError("The patient table has both a column 'patient' and a column 'ID'; keep one of them.")
    if labels:
        label = columns.pop(labels[0])
        ids = read_labels(label if isinstance(label, pd.Series) else [label] * n, f"column '{labels[0]}'")
    ids = _numbered(n) if ids is None else ids
    if n == 0:
        raise DataError("The patient table has no rows; give one row for each patient.")
    repeated = ids[ids.duplicated()].unique()
    if len(repeated):
        raise DataError(
            f"The patient table has {len(repeated)} patient label(s) in more than one row, first "
            f"{some(map(show, repeated))}; give every patient a label of its own."
        )
    unknown = [c for c in columns if c not in inputs]
    if unknown:
        more = f" (and {len(unknown) - 1} more unknown names)" if len(unknown) > 1 else ""
        raise DataError(
            f"The patient table names {unknown[0]!r}{more}, which is no input of the model."
            + (suggest(unknown[0], inputs) if inputs else " The model has no inputs.")
        )
    values = np.empty((n, len(columns)))
    for j, (name, column) in enumerate(columns.items()):
        if isinstance(column, pd.Series):
            values[:, j] = read_numbers(column, f"Column '{name}' of the patient table", ids)
        else:
            values[:, j] = read_numbers(pd.Series([column]), f"The value of '{name}'", single=True)
    return PatientTable(ids, tuple(columns), values)


def read_times(times: Any) -> NDArray[np.float64]:
    """Return output times as a float64 array (times,): finite, >= 0, non-decreasing, at least one.

    Raises DataError that names the entry otherwise.
    """
    column = read_series(times, "times")
    if not isinstance(column, pd.Series):
        raise DataError(f"times must be a list or 1-d array of numbers such as [0, 1, 2], not {show(times)}.")
    found = read_numbers(column, "times", indexed=True)
    if not len(found):
        raise DataError("times is empty; give at least one time at which results are wanted.")
    negative = np.flatnonzero(found < 0)
    if len(negative):
        i = int(negative[0])
        raise DataError(f"times[{i}] is {found[i]:g}; simulations start at 0, so times must not be negative.")
    down = np.flatnonzero(np.diff(found) < 0)
    if len(down):
        i = int(down[0])
        raise DataError(
            f"times must not decrease, but times[{i}] is {found[i]:g} and times[{i + 1}] is "
            f"{found[i + 1]:g}; sort them."
        )
    return found


def _columns(parameters: Any) -> tuple[pd.Index | None, dict[str, Any], int]:
    """Split a table into (labels or None, columns as Series or scalars, number of rows)."""
    xr = sys.modules.get("xarray")  # nobody can hand over a Dataset without having imported xarray
    if xr is not None and isinstance(parameters, xr.Dataset):
        return _dataset_columns(parameters)
    if isinstance(parameters, Mapping):
        check_names(parameters, "The patient table")
        columns = {name: read_series(value, f"'{name}' of the patient table") for name, value in parameters.items()}
        lengths = {name: len(c) for name, c in columns.items() if isinstance(c, pd.Series)}
        if len(set(lengths.values())) > 1:
            first = next(iter(lengths))
            other = next(name for name in lengths if lengths[name] != lengths[first])
            raise DataError(
                f"The patient table has {lengths[first]} values of '{first}' but {lengths[other]} of "
                f"'{other}'; give one value per patient for each, or a single number for all."
            )
        return None, columns, next(iter(lengths.values()), 1)
    frame = as_frame(parameters, "The patient table")
    index = frame.index
    labelled = any(name in LABELS for name in frame.columns)
    plain = index.nlevels == 1 and index.name is None and (labelled or _repeats(index))
    ids = None if plain or not len(frame) else read_labels(index, "the index of the patient table")
    return ids, {name: frame[name] for name in frame.columns}, len(frame)


def _dataset_columns(dataset: Any) -> tuple[pd.Index | None, dict[str, Any], int]:
    """The same for a Dataset with at most one dimension, whose coordinate gives the labels."""
    if len(dataset.dims) > 1:
        raise DataError(
            f"The patient table is a Dataset with dimensions {', '.join(map(repr, dataset.dims))}; "
            "it must have a single one, with one entry for each patient."
        )
    check_names(dataset.data_vars, "The patient table")
    columns = {
        name: read_series(var.values, f"'{name}' of the patient table") for name, var in dataset.data_vars.items()
    }
    if not dataset.dims:
        return None, columns, 1
    dim, n = next(iter(dataset.sizes.items()))
    index = dataset.indexes.get(dim)
    return (None if index is None else read_labels(index, f"the coordinate '{dim}'")), columns, n


def _repeats(index: pd.Index) -> bool:
    try:
        return not index.is_unique
    except TypeError:  # lists and the like, which read_labels refuses
        return False


def _numbered(n: int) -> pd.Index:
    return pd.Index(np.arange(n), name="patient")
