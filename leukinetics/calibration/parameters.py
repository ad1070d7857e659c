"""Which parameters are fitted: every row of kind ``calibrated``, with its prior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.calibration.scales import SCALES, Scale, check_inside
from leukinetics.errors import DataError, suggest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """A fitted parameter: its present value and its prior, both in the published unit.

    ``width`` is the prior's standard deviation on the scale. ``condition`` is set where a condition's own
    value is fitted; elsewhere the value holds in every condition. ``to_internal`` converts the published
    unit to the model's. ``file`` and ``line`` say where the value stands.
    """

    id: str
    value: float
    prior: float
    width: float
    scale: Scale = SCALES["ln"]
    unit: str = "dimensionless"
    condition: str | None = None
    to_internal: float = 1.0
    file: Path | None = None
    line: int = 0

    def __post_init__(self) -> None:
        where = f"'{self.key}'" + (f" in {self.file}, line {self.line}," if self.file else "")
        check_inside(self.scale, self.prior, f"The prior centre of {where}")
        check_inside(self.scale, self.value, f"The value of {where}")

    @property
    def key(self) -> str:
        """The id, as ``condition.id`` where the value belongs to one condition: the keys of ``typical``
        (:func:`leukinetics.patients.sample`)."""
        return self.id if self.condition is None else f"{self.condition}.{self.id}"

    def standard(self, value: float | Floats) -> Floats:
        """Values in the published unit as distances from the prior's centre in prior standard deviations."""
        return np.asarray((self.scale.forward(value) - self.scale.forward(self.prior)) / self.width)

    def published(self, standard: float | Floats) -> Floats:
        """The inverse of :meth:`standard`."""
        return np.asarray(self.scale.back(self.scale.forward(self.prior) + self.width * np.asarray(standard)))


def choose(parameters: Sequence[Parameter], names: Sequence[str] | None) -> tuple[Parameter, ...]:
    """Those parameters that ``names`` lists by key or by id; all for None. DataError for unknown names."""
    if names is None:
        return tuple(parameters)
    known = [p.key for p in parameters] + [p.id for p in parameters]
    for name in names:
        if name not in known:
            near = suggest(name, known) or f" These targets' models have {', '.join(p.key for p in parameters)}."
            raise DataError(f"'{name}' is not a calibrated parameter.{near}")
    return tuple(p for p in parameters if p.key in names or p.id in names)
