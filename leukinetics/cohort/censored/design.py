"""Columns of a model from a table of covariates: numbers as they are, categories against their first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """A column of the model; ``level`` and ``reference`` of a category, None of a number."""

    name: str
    level: str | None = None
    reference: str | None = None

    @property
    def words(self) -> str:
        """As a sentence names it."""
        return self.name if self.level is None else f"{self.name} {self.level}"


@dataclass(frozen=True)
class Design:
    """``matrix`` (rows used, columns) without an intercept, ``used`` (all rows), and ``said``: what was left out."""

    columns: tuple[Column, ...]
    matrix: Array
    used: NDArray[np.bool_]
    said: tuple[str, ...]

    def terms(self) -> dict[str, NDArray[np.intp]]:
        """Positions of the columns of each covariate."""
        found: dict[str, list[int]] = {}
        for i, column in enumerate(self.columns):
            found.setdefault(column.name, []).append(i)
        return {name: np.array(where) for name, where in found.items()}


def design_of(table: pd.DataFrame, use: NDArray[np.bool_]) -> Design:
    """The columns of ``table`` over the rows of ``use`` in which no covariate is missing. A covariate that is the same
    in all of them is left out, and said. DataError where a column is neither numbers nor categories."""
    import pandas as pd

    used = np.asarray(use, dtype=bool) & table.notna().all(axis=1).to_numpy(dtype=bool)
    said = []
    if (missing := int(use.sum() - used.sum())) > 0:
        said.append(f"{missing} rows with a missing covariate are left out")
    columns: list[Column] = []
    parts: list[Array] = []
    for name in table.columns:
        values = table.loc[used, name]
        word = str(name)
        if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
            x = values.to_numpy(dtype=float)
            if not np.isfinite(x).all():
                raise DataError(f"The covariate '{word}' has an infinite number; mark it as missing.")
            if len(x) == 0 or np.ptp(x) == 0:
                said.append(f"'{word}' is left out: it is the same in all")
                continue
            columns.append(Column(word))
            parts.append(x)
            continue
        if pd.api.types.is_datetime64_any_dtype(values):
            raise DataError(
                f"The covariate '{word}' is a date; give numbers (days from the first visit) or categories."
            )
        kinds = values.astype("category").cat.remove_unused_categories()
        levels = list(kinds.cat.categories)
        if len(levels) < 2:
            said.append(f"'{word}' is left out: it is the same in all")
            continue
        codes = kinds.cat.codes.to_numpy()
        for k, level in enumerate(levels[1:], start=1):
            columns.append(Column(word, str(level), str(levels[0])))
            parts.append((codes == k).astype(float))
    matrix = np.column_stack(parts) if parts else np.empty((int(used.sum()), 0))
    return Design(tuple(columns), matrix, used, tuple(said))
