"""What is to be simulated, checked, for any backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from leukinetics.engine.expr import Expr
from leukinetics.engine.run_in import RunIn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Request:
    """What to simulate, checked: everything but the patients and their doses."""

    times: F64
    outputs: tuple[Expr, ...]
    rtol: float
    atol: Mapping[str, float] | float  # of every state, or by state name (others: the entry "")
    method: str
    max_steps: int
    run_in: RunIn | None

    def tighter(self, factor: float) -> Request:
        """The same request at tolerances ``factor`` times smaller."""
        atol = self.atol
        smaller = atol / factor if isinstance(atol, float) else {k: v / factor for k, v in atol.items()}
        return replace(self, rtol=self.rtol / factor, atol=smaller)

    @property
    def loosest_atol(self) -> float:
        """The largest absolute tolerance of any state."""
        return self.atol if isinstance(self.atol, float) else max(self.atol.values())
