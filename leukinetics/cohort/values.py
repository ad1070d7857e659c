"""Measurements of which some are known only to lie below a limit, above one, or between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]

_ADVICE = (
    "values below a limit are no numbers: ask for detected(), for a model of leukinetics.cohort.censored, or, only to "
    "show what it would give, for substituted()"
)


@dataclass(frozen=True, eq=False)
class Censored:
    """Measurements of one analyte, each known to lie in [``lower``, ``upper``], on the analyte's own scale.

    ``lower`` equal to ``upper``: observed; ``lower`` 0: below ``upper``; ``upper`` infinite: above ``lower``; another
    interval: between the two; both NaN: not measured. ``limit``: the limit of detection that applied to the row, NaN
    where it is unknown. All are (rows,), copied and read-only. DataError names the first row (from 0) that is none of
    these.
    """

    lower: Array
    upper: Array
    limit: Array
    unit: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        arrays = {k: _column(getattr(self, k), k) for k in ("lower", "upper", "limit")}
        lower, upper, limit = arrays.values()
        if not len(lower) == len(upper) == len(limit):
            raise DataError(
                f"{self._of()}lower, upper and limit have {len(lower)}, {len(upper)} and {len(limit)} rows; "
                "give each as many."
            )
        with np.errstate(invalid="ignore"):
            apart = np.isnan(lower) != np.isnan(upper)
            wrong = apart | (lower < 0) | (upper < lower) | (upper == 0) | np.isinf(lower)
            wrong |= (lower == 0) & np.isinf(upper)
            bad_limit = (limit < 0) | np.isinf(limit)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise DataError(
                f"{self._of()}row {i} lies in [{lower[i]:g}, {upper[i]:g}], which is no measurement: levels are above "
                "0, those below a limit in [0, limit], those above one in [limit, inf], and missing ones NaN twice."
            )
        if bad_limit.any():
            i = int(np.argmax(bad_limit))
            raise DataError(f"{self._of()}row {i} has the limit {limit[i]:g}; give a number above 0, or NaN.")
        for name, values in arrays.items():
            object.__setattr__(self, name, values)

    @classmethod
    def of(cls, values: ArrayLike, limit: ArrayLike, unit: str = "", name: str = "") -> Censored:
        """Numbers with their limit of detection, one or one per row: below it all that is kept is that they are, at
        or above it they are observed. NaN: missing; a NaN limit: observed as it is."""
        x = _column(values, "values")
        least = np.array(np.broadcast_to(np.asarray(limit, dtype=float), x.shape))
        with np.errstate(invalid="ignore"):
            below = x < least
        return cls(np.where(below, 0.0, x), np.where(below, least, x), least, unit, name)

    @classmethod
    def together(cls, parts: Sequence[Censored]) -> Censored:
        """The rows of several, one after another; they have one unit."""
        if len({p.unit for p in parts}) != 1:
            raise DataError(f"Rows to be joined have the units {sorted({p.unit for p in parts})}; convert them to one.")
        lower, upper, limit = (np.concatenate([getattr(p, k) for p in parts]) for k in ("lower", "upper", "limit"))
        return cls(lower, upper, limit, parts[0].unit, parts[0].name)

    @property
    def observed(self) -> Mask:
        """Rows whose number is known."""
        return np.asarray(self.lower == self.upper)

    @property
    def below(self) -> Mask:
        """Rows known only to be below ``upper``."""
        return np.asarray((self.lower == 0) & (self.upper > 0))

    @property
    def above(self) -> Mask:
        """Rows known only to be above ``lower``."""
        return np.isinf(self.upper)

    @property
    def between(self) -> Mask:
        """Rows known only to lie between two numbers above 0, such as the limits of detection and quantification."""
        return np.asarray((self.lower > 0) & (self.lower < self.upper) & ~np.isinf(self.upper))

    @property
    def missing(self) -> Mask:
        """Rows that were not measured."""
        return np.isnan(self.lower)

    @property
    def measured(self) -> Mask:
        """Rows of which something is known."""
        return ~np.isnan(self.lower)

    @property
    def n(self) -> int:
        """How many rows are measured."""
        return int(self.measured.sum())

    @property
    def share_below(self) -> float:
        """Share of the measured rows that are below a limit; NaN of none."""
        return float(self.below.sum() / self.n) if self.n else float("nan")

    @property
    def limits(self) -> Array:
        """The distinct limits of measured rows, ascending."""
        return np.unique(self.limit[self.measured & ~np.isnan(self.limit)])

    def take(self, where: ArrayLike) -> Censored:
        """Some rows: a mask, or their numbers."""
        rows = np.asarray(where)
        return Censored(self.lower[rows], self.upper[rows], self.limit[rows], self.unit, self.name)

    def scaled(self, factor: float, unit: str) -> Censored:
        """In another unit, of which one of this unit is ``factor``."""
        return Censored(self.lower * factor, self.upper * factor, self.limit * factor, unit, self.name)

    def at(self, limit: float) -> Censored:
        """As an assay with this higher limit would have it: all below it is known to be so, and no more.

        DataError where a row's own limit is higher, or where it is only known to lie on both sides.
        """
        own = np.fmax(np.where(self.below, self.upper, np.nan), self.limit)
        own[self.missing] = np.nan
        if not limit > 0 or np.isinf(limit):
            raise DataError(f"{self._of()}the limit {limit:g} is not a number above 0.")
        if (own > limit).any():
            raise DataError(
                f"{self._of()}the limit {limit:g} is below {np.nanmax(own):g} {self.unit}, the limit of "
                f"{int((own > limit).sum())} rows; give one that is at least as high.".replace("  ", " ")
            )
        low = self.upper <= limit
        low &= ~(self.observed & (self.lower == limit))
        both = ~low & (self.lower < limit)
        if both.any():
            i = int(np.argmax(both))
            raise DataError(
                f"{self._of()}row {i} is only known to lie in [{self.lower[i]:g}, {self.upper[i]:g}] {self.unit}, on "
                f"both sides of the limit {limit:g}; give a limit outside."
            )
        limits = np.where(self.missing, self.limit, limit)
        return Censored(np.where(low, 0.0, self.lower), np.where(low, limit, self.upper), limits, self.unit, self.name)

    def detected(self, limit: float | None = None) -> Array:
        """1 where a row is at or above ``limit`` (its own where None), 0 where it is below, NaN where it is missing or
        what is known of it does not decide."""
        if limit is None:
            return np.where(self.missing, np.nan, np.where(self.below, 0.0, 1.0))
        low = (self.upper <= limit) & ~(self.observed & (self.lower == limit))
        return np.where(self.lower >= limit, 1.0, np.where(low, 0.0, np.nan))

    def substituted(self, factor: float = 0.5) -> Array:
        """Numbers with ``factor`` times the limit in place of what is below it, the middle of an interval, and the
        limit above which a row is. No analysis is made with these; they show what one would have given."""
        filled = np.where(self.between, (self.lower + np.where(self.above, 0.0, self.upper)) / 2, self.lower)
        return np.where(self.below, factor * self.upper, filled)

    def __len__(self) -> int:
        return len(self.lower)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{self._of()}{_ADVICE}.")

    def __float__(self) -> NoReturn:
        raise TypeError(f"{self._of()}{_ADVICE}.")

    def _of(self) -> str:
        return f"'{self.name}': " if self.name else ""


def quotient(one: Censored, other: Censored, name: str = "", unit: str = "") -> Censored:
    """What is known of the ratio of two analytes of the same rows, as that of CSF to serum.

    Above 0 and below a number where the first is below its limit, above one where the second is; nothing, that is
    missing, where both are. The limit is that of the first over the second where the second is observed, else NaN.
    """
    if len(one) != len(other):
        raise DataError(f"A ratio needs as many rows of both; there are {len(one)} and {len(other)}.")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = one.lower / other.upper, one.upper / other.lower
        limit = np.where(other.observed, one.limit / other.lower, np.nan)
    same = one.observed & other.observed
    upper = np.where(same, lower, upper)
    unknown = np.isnan(lower) | np.isnan(upper) | ((lower == 0) & np.isinf(upper))
    lower, upper = np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)
    return Censored(lower, upper, np.where(unknown, np.nan, limit), unit, name)


def _column(values: ArrayLike, what: str) -> Array:
    try:
        x = np.array(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must be numbers, one per row.") from error
    if x.ndim != 1:
        raise DataError(f"{what} must be one column of numbers; found {x.ndim} dimensions.")
    x.setflags(write=False)
    return x
