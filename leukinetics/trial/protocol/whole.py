"""A trial's protocol: what is to be done, to whom, and what is read.

The fields are those of a trial file (TOML); see :func:`leukinetics.trial.read_protocol` to read one. Durations are
kept in days.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from leukinetics.trial.protocol.also import Also
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
from leukinetics.trial.protocol.fields import Clock, Criterion, Name, Part, Span, Truth
from leukinetics.trial.protocol.people import Population

MOST_SAMPLES = 100_000  # of one endpoint and patient
#: A trial longer than a life is a mistake (days).
LONGEST = 36_525.0


class Trial(Part):
    """The head of a protocol."""

    name: Annotated[Name, Field(description="title of the trial")]
    condition: Annotated[Name, Field(description="whom it is about: a condition of the model")]
    duration: Annotated[Span, Field(description="from time 0 to the end")]
    patients_per_arm: Annotated[
        int, Field(ge=1, le=10_000_000, strict=True, description="times the `ratio` of the arm; twins are in every arm")
    ]
    seed: Annotated[
        int, Field(ge=0, le=2**63 - 1, strict=True, description="the same seed gives the same patients and noise")
    ] = 1
    design: Annotated[
        Literal["twins", "parallel"], Field(description="each patient under every arm, or other patients per arm")
    ] = "twins"
    clock: Annotated[Truth, Field(description="with the daily rhythm; goes with `start`")] = False
    start: Annotated[Clock | None, Field(description="clock time of time 0")] = None
    baseline: Annotated[
        Literal["separate", "screening"],
        Field(description="measured again at time 0, or the qualifying value (which regresses to the mean)"),
    ] = "separate"
    sampling: Annotated[
        Literal["random", "sobol"], Field(description="random people, or a small, even sample for calibrations")
    ] = "random"

    def problems(self) -> Iterator[tuple[str, str]]:
        if (self.start is not None) != self.clock:
            yield "clock", "'clock = true' and 'start', the clock time of time 0, go together; give both or none."
        if self.duration > LONGEST:
            yield "duration", f"{self.duration / 365.25:g} years are longer than a life; give 100 years at most."


class Protocol(Part):
    """A whole protocol. ``text`` is its TOML as it was read."""

    _text: str = PrivateAttr("")
    _file: str = PrivateAttr("")

    trial: Annotated[Trial, Field(description="the head")]
    report: Annotated[Report, Field(description="words of the report")] = Report()
    population: Annotated[Population, Field(description="who is drawn, over the condition's covariates")] = Population()
    parameter: Annotated[
        dict[str, Any], Field(description="parameters that belong to protocols, such as the lot of endotoxin")
    ] = {}
    eligibility: Annotated[
        dict[str, Criterion],
        Field(
            description="criteria on covariates, on observables as measured at screening, and on what has changed "
            "by then, such as relapses over 1 year"
        ),
    ] = {}
    arm: Annotated[list[Arm], Field(min_length=1, description="the arms, one or more")]
    rule: Annotated[list[Rule], Field(description="stopping rules, changes of dose, rescue")] = []
    adherence: Annotated[Adherence, Field(description="doses that are missed")] = Adherence()
    dropout: Annotated[Dropout | None, Field(description="patients who leave")] = None
    schedule: Annotated[Schedule | None, Field(description="visits besides those of the endpoints")] = None
    endpoint: Annotated[list[Endpoint], Field(min_length=1, description="the endpoints, one or more")]
    analysis: Annotated[Analysis, Field(description="how the trial is analysed")] = Analysis()
    subgroup: Annotated[list[Subgroup], Field(description="contrasts within parts of the patients")] = []
    threshold: Annotated[list[Threshold], Field(description="the benefit curve over a biomarker")] = []
    uncertainty: Annotated[Uncertainty | None, Field(description="the trial again for draws of what is uncertain")] = (
        None
    )
    power: Annotated[Power | None, Field(description="replicate trials of several sizes")] = None
    sensitivity: Annotated[Sensitivity | None, Field(description="which assumptions the answer leans on")] = None
    also: Annotated[list[Also], Field(description="the same trial in other conditions, side by side")] = []

    @property
    def text(self) -> str:
        """The protocol as TOML."""
        return self._text

    @property
    def drugs(self) -> list[str]:
        """Every drug of any arm or rule, in order."""
        given = [d for a in self.arm for d in (*a.background, *a.dose)] + [d for r in self.rule for d in r.dose]
        return list(dict.fromkeys(d.drug for d in given))

    @property
    def table(self) -> Path | None:
        """The file of ``population.table``: relative to the folder of the protocol's file."""
        if self.population.table is None:
            return None
        return Path(self._file).parent / self.population.table if self._file else Path(self.population.table)
