"""Letting a model settle before time 0."""

from __future__ import annotations

from dataclasses import dataclass

from leukinetics.engine.options import positive


@dataclass(frozen=True)
class RunIn:
    """Simulate without doses, with time standing still at 0, until the states have settled.

    Settled: at its present rate no state would change by more than ``tolerance`` (relative to its size) plus its
    absolute tolerance within ``settling_time`` (default: a hundredth of ``limit``). A patient that has
    not settled after ``limit`` gets the status NOT_SETTLED. Times in the model's unit of time.
    """

    limit: float
    tolerance: float = 1e-6
    window: float | None = None

    def __post_init__(self) -> None:
        for name in ("limit", "tolerance", "window"):
            value = getattr(self, name)
            if value is not None or name != "window":
                object.__setattr__(self, name, positive(f"RunIn: {name}", value))

    @property
    def settling_time(self) -> float:
        """The time over which a settled state may drift by ``tolerance``."""
        return self.limit / 100.0 if self.window is None else self.window
