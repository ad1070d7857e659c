"""A trial's protocol: what is to be done, to whom, and what is read.

The fields are those of a trial file (TOML); see :func:`leukinetics.trial.read_protocol` to read one. Durations are
kept in days.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from leukinetics.errors import suggest
from leukinetics.trial.protocol.analysis import (
    Analysis,
    Power,
    Report,
    Schedule,
    Sensitivity,
    Subgroup,
    Threshold,
    Uncertainty,
)
from leukinetics.trial.protocol.arms import Adherence, Arm, Dropout, Rule
from leukinetics.trial.protocol.endpoint import Endpoint
from leukinetics.trial.protocol.fields import Clock, Count, Criterion, Name, Part, Span
from leukinetics.trial.protocol.people import Population

MOST_SAMPLES = 100_000  # of one endpoint and patient


class Trial(Part):
    """The head of a protocol."""

    name: Name
    condition: Name
    duration: Span
    patients_per_arm: Count
    seed: Annotated[int, Field(ge=0, strict=True)] = 1
    design: Literal["twins", "parallel"] = "twins"
    clock: bool = False
    start: Clock | None = None
    baseline: Literal["separate", "screening"] = "separate"
    sampling: Literal["random", "sobol"] = "random"

    @model_validator(mode="after")
    def _clock(self) -> Trial:
        if (self.start is not None) != self.clock:
            raise ValueError("'clock = true' and 'start', the clock time of time 0, go together; give both or none.")
        return self


class Protocol(Part):
    """A whole protocol. ``text`` is its TOML as it was read."""

    _text: str = PrivateAttr("")

    trial: Trial
    report: Report = Report()
    population: Population = Population()
    parameter: dict[str, Any] = {}
    eligibility: dict[str, Criterion] = {}
    arm: Annotated[list[Arm], Field(min_length=1)]
    rule: list[Rule] = []
    adherence: Adherence = Adherence()
    dropout: Dropout | None = None
    schedule: Schedule | None = None
    endpoint: Annotated[list[Endpoint], Field(min_length=1)]
    analysis: Analysis = Analysis()
    subgroup: list[Subgroup] = []
    threshold: list[Threshold] = []
    uncertainty: Uncertainty | None = None
    power: Power | None = None
    sensitivity: Sensitivity | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        for what, names in (("arm", [a.name for a in self.arm]), ("endpoint", [e.id for e in self.endpoint])):
            twice = next((n for n in names if names.count(n) > 1), None)
            if twice is not None:
                raise ValueError(f"two {what}s are named '{twice}'; give each {what} a name of its own.")
        arms = [a.name for a in self.arm]
        for e in self.endpoint:
            last = max(e.at or 0.0, e.to or 0.0)
            if last > self.trial.duration * (1 + 1e-12):
                raise ValueError(
                    f"endpoint '{e.id}' is read at day {last:g}, after the trial's end on day {self.trial.duration:g}."
                )
            span = (self.trial.duration if e.to is None else e.to) - (e.from_ or 0.0)
            if e.every is not None and not 0 < span / e.every <= MOST_SAMPLES:
                raise ValueError(
                    f"endpoint '{e.id}' samples {span:g} days every {e.every:g}; its window must hold "
                    f"1 to {MOST_SAMPLES:,} intervals."
                )
            if e.compare_to is not None and e.compare_to not in arms:
                near = suggest(e.compare_to, arms) or f" The arms are {', '.join(arms)}."
                raise ValueError(f"endpoint '{e.id}' compares to the arm '{e.compare_to}', which is not there.{near}")
        return self

    @property
    def text(self) -> str:
        """The protocol as TOML."""
        return self._text

    @property
    def drugs(self) -> list[str]:
        """Every drug of any arm or rule, in order."""
        given = [d for a in self.arm for d in (*a.background, *a.dose)] + [d for r in self.rule for d in r.dose]
        return list(dict.fromkeys(d.drug for d in given))
