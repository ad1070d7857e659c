"""What is looked for in a table of people."""

from __future__ import annotations

from dataclasses import dataclass, field

from leukinetics.trial.protocol import Endpoint

#: Columns of the table of people, beside those of covariates and outcomes.
PERSON, GROUP, MARKER, BELOW, ACTIVE = "person", "group", "marker", "below", "active"
#: Columns of a further marker: this and its name, and of whether it is only known to be below that number.
FURTHER, FURTHER_BELOW = "further.", ".below"


@dataclass(frozen=True)
class Plan:
    """How a table of people is analysed.

    The table has one row per person: ``person``, ``group``, ``marker`` (in ``unit``; NaN: not measured), ``below``
    (true where the marker is known only to be below the number there), ``active`` (true, false or NaN), the columns of
    ``covariates``, and for each outcome ``<id>.value``, ``<id>.baseline``, ``<id>.exposure`` (days) and
    ``<id>.censored`` as the endpoint has them (:class:`leukinetics.trial.endpoints.Values`).

    ``limit``: at or above it the marker is detected; ``limits``, ascending: those of the curve; ``control``: the group
    that the others are compared with; ``activity`` and ``prognosis``: the groups in which these are looked at.
    """

    unit: str
    limit: float
    groups: tuple[str, ...]
    control: str
    activity: tuple[str, ...] = ()
    prognosis: tuple[str, ...] = ()
    outcomes: tuple[Endpoint, ...] = ()
    covariates: tuple[str, ...] = ()
    limits: tuple[float, ...] = ()
    alpha: float = 0.05
    seed: int = 1
    units: dict[str, str] = field(default_factory=dict)

    @property
    def patients(self) -> tuple[str, ...]:
        """All groups but the control."""
        return tuple(g for g in self.groups if g != self.control)
