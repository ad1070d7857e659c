"""Measured values that cannot be mistaken for numbers where they are not: below a limit, or missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Measured:
    """What a laboratory reports. Both arrays have the same shape.

    ``reported`` holds the number, or the limit of quantification where ``blq`` (below it); NaN where there was
    no sample. An array of plain numbers is to be had only by saying what stands for a censored value.
    """

    reported: NDArray[np.float64]
    blq: NDArray[np.bool_]
    unit: str
    lloq: float = 0.0

    def __post_init__(self) -> None:
        if self.reported.shape != self.blq.shape:
            raise DataError(f"Values {self.reported.shape} and their mask {self.blq.shape} differ in shape.")

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise DataError(
            "Measured values hold some that are below the limit of quantification; say what stands for these: "
            ".numbers(0.5) takes half the limit, .numbers(nan) leaves them out."
        )

    def numbers(self, share: float) -> NDArray[np.float64]:
        """The values as numbers, ``share`` of the limit of quantification where they are below it."""
        return np.where(self.blq, share * self.reported, self.reported)

    def take(self, index: Any) -> Measured:
        """A part of the values, as numpy indexes."""
        return Measured(self.reported[index], self.blq[index], self.unit, self.lloq)
