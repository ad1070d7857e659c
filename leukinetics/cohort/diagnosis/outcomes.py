"""What a marker is to predict: a yes or no, a number, a count over a time observed, a time to an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

#: What a coefficient is told as.
MEASURES = {
    "binary": "odds_ratio",
    "continuous": "difference",
    "count": "rate_ratio",
    "time_to_event": "hazard_ratio",
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """``value`` (rows,), NaN unknown: 1 or 0; a number; how many events; days until the event or the end of follow-up.

    ``event`` (time_to_event): 1 where the event was seen, 0 where follow-up ended before. ``exposure`` (count): days
    observed. DataError names the first row (from 0) that is none of these.
    """

    kind: str
    value: Array
    event: Array
    exposure: Array
    name: str = ""
    unit: str = ""

    @classmethod
    def of(
        cls,
        kind: str,
        value: ArrayLike,
        *,
        event: ArrayLike | None = None,
        exposure: ArrayLike | None = None,
        name: str = "",
        unit: str = "",
    ) -> Outcome:
        """From columns; every count without an ``exposure`` has the same."""
        if kind not in MEASURES:
            raise DataError(f"The outcome is of kind '{kind}'; known are {', '.join(MEASURES)}.")
        if kind == "time_to_event" and event is None:
            raise DataError(f"{_of(name)}a time to an event needs a column that says whether the event was seen.")
        try:
            y = np.array(value, dtype=float)
            seen = np.ones(len(y)) if event is None else np.array(event, dtype=float)
            days = np.ones(len(y)) if exposure is None else np.array(exposure, dtype=float)
        except (TypeError, ValueError) as error:
            raise DataError(f"{_of(name)}value, event and exposure must be numbers, one per row.") from error
        if not len(y) == len(seen) == len(days):
            raise DataError(f"{_of(name)}value, event and exposure have {len(y)}, {len(seen)} and {len(days)} rows.")
        return cls(kind, y, seen, days, name, unit)

    def __post_init__(self) -> None:
        known, y = self.known, self.value
        wrong, said = {
            "binary": ((y != 0) & (y != 1), "1 for yes, 0 for no"),
            "continuous": (~np.isfinite(y), "a number"),
            "count": ((y < 0) | (y != np.round(y)) | ~(self.exposure > 0), "a whole number of 0 or more, in some time"),
            "time_to_event": (~(y >= 0) | np.isinf(y), "a time of 0 or more"),
        }[self.kind]
        wrong = known & wrong
        if wrong.any():
            i = int(np.argmax(wrong))
            raise DataError(f"{_of(self.name)}row {i} is {y[i]:g}; give {said}, or NaN if unknown.")
        if self.kind == "time_to_event":
            odd = known & (self.event != 0) & (self.event != 1)
            if odd.any():
                i = int(np.argmax(odd))
                raise DataError(f"{_of(self.name)}the event of row {i} is {self.event[i]:g}; give 1 if seen, else 0.")

    @property
    def known(self) -> Mask:
        """Rows with an outcome."""
        return ~(np.isnan(self.value) | np.isnan(self.event) | np.isnan(self.exposure))

    @property
    def events(self) -> int:
        """How many cases or events there are; of numbers how many rows."""
        if self.kind == "continuous":
            return int(self.known.sum())
        return int((self.event if self.kind == "time_to_event" else self.value)[self.known].sum())

    def take(self, where: ArrayLike) -> Outcome:
        """Some rows: a mask, or their numbers."""
        rows = np.asarray(where)
        return Outcome(self.kind, self.value[rows], self.event[rows], self.exposure[rows], self.name, self.unit)

    def __len__(self) -> int:
        return len(self.value)


def _of(name: str) -> str:
    return f"Outcome '{name}': " if name else "Outcome: "
