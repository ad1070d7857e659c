"""Who is in an analysis: people with a marker and a known outcome; covariates as columns of numbers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]


def labelled(measured: Mask, y: ArrayLike) -> tuple[Mask, Mask]:
    """(rows with a marker and a known outcome, which of these are cases). DataError where ``y`` has anything but 1, 0
    and NaN, or another number of rows."""
    label = np.asarray(y, dtype=float)
    if label.shape != measured.shape:
        raise DataError(f"The outcome has {label.size} rows, the marker {measured.size}; they must be the same rows.")
    known = ~np.isnan(label)
    wrong = known & (label != 0) & (label != 1)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(f"Row {i} of the outcome is {label[i]:g}; give 1 for a case, 0 for a control, NaN if unknown.")
    use = measured & known
    return use, np.asarray(label[use] == 1)


@dataclass(frozen=True, eq=False)
class Covariates:
    """Columns of numbers (rows, columns) with their ``names``; NaN where the covariate is missing. A category is a
    column for each of its words but the first, "name: word"."""

    columns: Array
    names: tuple[str, ...]
    of: tuple[str, ...]  # the covariate of each column

    @property
    def known(self) -> Mask:
        """Rows in which none is missing."""
        return np.asarray(~np.isnan(self.columns).any(axis=1))


def covariates_of(table: pd.DataFrame | None, rows: int) -> Covariates:
    """The covariates as columns: numbers and booleans as they are, categories and words against their first category
    (in the order of the categories, else of the alphabet). DataError of another number of rows."""
    import pandas as pd

    if table is None:
        return Covariates(np.empty((rows, 0)), (), ())
    if len(table) != rows:
        raise DataError(f"The covariates have {len(table)} rows and the marker {rows}; they must be the same rows.")
    columns: list[Array] = []
    names: list[str] = []
    of: list[str] = []
    for name in table.columns:
        series = table[name]
        if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
            values = series.to_numpy(dtype=float, na_value=np.nan)
            if np.isinf(values).any():
                raise DataError(f"The covariate '{name}' is infinite in row {int(np.argmax(np.isinf(values)))}.")
            columns.append(values)
            names.append(str(name))
            of.append(str(name))
            continue
        ordered = isinstance(series.dtype, pd.CategoricalDtype)
        words = list(series.cat.categories) if ordered else sorted(series.dropna().unique())
        missing = series.isna().to_numpy()
        for word in words[1:]:
            columns.append(np.where(missing, np.nan, (series == word).to_numpy(dtype=float, na_value=0.0)))
            names.append(f"{name}: {word}")
            of.append(str(name))
    return Covariates(np.stack(columns, axis=1) if columns else np.empty((rows, 0)), tuple(names), tuple(of))


def stream(seed: int, what: str) -> np.random.Generator:
    """Random numbers that depend on the seed and on what they are for."""
    digest = hashlib.sha256(f"{seed}:{what}".encode()).digest()
    return np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))
