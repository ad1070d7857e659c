"""What is given: doses, arms, and the rules by which treatment changes on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from leukinetics.trial.protocol.fields import (
    AboveZero,
    Count,
    Criterion,
    Moment,
    Name,
    NotNegative,
    Part,
    Quantity,
    Share,
    Span,
    Truth,
)


class Dose(Part):
    """A dose and its repeats: at ``start`` and then ``every``, ``count`` times and never at or after ``stop``."""

    drug: Annotated[Name, Field(description="a drug of the model")]
    amount: Annotated[Quantity, Field(description="of each dose; per kg of body weight where it says so")]
    route: Annotated[Name, Field(description="one that the drug has: iv, sc, im, po, ...")]
    start: Annotated[Moment, Field(description="time of the first dose")] = 0.0
    every: Annotated[Span | None, Field(description="between doses; without it one dose is given")] = None
    count: Annotated[Count | None, Field(description="how many doses; without it until `stop` or the end")] = None
    stop: Annotated[Moment | None, Field(description="no dose at or after it")] = None
    duration: Annotated[Moment, Field(description="of the infusion; 0 d is a bolus")] = 0.0
    loading: Annotated[Quantity | None, Field(description="amount of the first dose instead of `amount`")] = None
    cap: Annotated[Quantity | None, Field(description="the most that is given at once, of doses per kg")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.every is None and (self.count or 1) > 1:
            yield "count", f"'count' is {self.count}, but 'every' is missing; add it, such as every = \"4 weeks\"."
        if self.stop is not None and self.stop <= self.start:
            yield "stop", "'stop' is not after 'start', so nothing would be given."


class Arm(Part):
    """An arm: its doses, and the therapy that its patients have besides. Without doses it is an untreated one."""

    name: Annotated[Name, Field(description='unique; "placebo" is what others are compared with by default')]
    dose: Annotated[list[Dose], Field(description="what the trial gives")] = []
    background: Annotated[list[Dose], Field(description="therapy besides, which no rule stops and nobody misses")] = []
    ratio: Annotated[
        Count, Field(description="patients of this arm for each of `patients_per_arm` (parallel design only)")
    ] = 1


class Rule(Part):
    """Treatment that follows from a measurement: at each visit of ``at``, or ``every`` from ``from`` to ``to``,
    ``observable`` is measured; the first time that ``when`` holds at ``consecutive`` visits in a row the rule fires,
    once per patient. A criterion in % is of the change from baseline.

    ``action``: "stop" ends the doses of ``drugs`` (all of the arm's ``dose`` where none is named; background stays),
    "change" multiplies them by ``factor``, "rescue" adds ``dose`` (its times count from the moment the rule fires).
    ``leaves``: the patient leaves the trial then, too.
    """

    id: Annotated[Name, Field(description="unique")]
    observable: Annotated[Name, Field(description="what is measured, with its assay where there is one")]
    when: Annotated[Criterion, Field(description="when it fires; in % of the change from baseline")]
    at: Annotated[list[Moment] | None, Field(description="the visits")] = None
    from_: Annotated[Moment | None, Field(alias="from", description="first visit; `every` by default")] = None
    to: Annotated[Moment | None, Field(description="last visit; the end by default")] = None
    every: Annotated[Span | None, Field(description="between visits, instead of `at`")] = None
    consecutive: Annotated[Count, Field(description="visits in a row at which `when` must hold")] = 1
    action: Annotated[
        Literal["stop", "change", "rescue"],
        Field(description="stop doses, multiply them by `factor`, or add `dose` from then on"),
    ]
    factor: Annotated[AboveZero | None, Field(description='of "change"')] = None
    drugs: Annotated[list[Name], Field(description="whose doses stop or change; all of the arm's by default")] = []
    dose: Annotated[list[Dose], Field(description='of "rescue"; times count from the moment the rule fires')] = []
    arms: Annotated[list[Name], Field(description="arms that have the rule; all by default")] = []
    leaves: Annotated[Truth, Field(description="the patient also leaves the trial")] = False

    def problems(self) -> Iterator[tuple[str, str]]:
        if (self.at is None) == (self.every is None):
            yield "at", "a rule needs 'at', its visits, or 'every' (with 'from' and 'to'); give one of the two."
        if self.at is not None and (self.from_ is not None or self.to is not None):
            yield "from" if self.from_ is not None else "to", "'from' and 'to' go with 'every', not with 'at'."
        if self.at is not None and not self.at:
            yield "at", "'at' has no visit."
        if self.to is not None and self.from_ is not None and self.to < self.from_:
            yield "to", "'to' is before 'from'."
        if (self.action == "change") != (self.factor is not None):
            yield "factor", "'factor' goes with action 'change', and only with it."
        if (self.action == "rescue") != bool(self.dose):
            yield "dose", "'dose' goes with action 'rescue', and only with it."
        if self.action == "rescue" and self.drugs:
            yield (
                "drugs",
                "'drugs' goes with the actions 'stop' and 'change'; the drug of a rescue is that of its 'dose'.",
            )


class Adherence(Part):
    """Doses that are missed: each of an arm's ``dose`` but the first with probability ``missed``; ``spread`` is the SD
    of its logit between people. Background therapy is taken as written."""

    missed: Annotated[Share, Field(description="probability that a dose is missed; never the first one")] = 0.0
    spread: Annotated[NotNegative, Field(description="SD between people, of the logit of `missed`")] = 0.0

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.spread and self.missed in (0.0, 1.0):
            yield (
                "spread",
                f"'spread' is around 'missed', which is {self.missed:g} in everybody; give one between 0 and 1.",
            )


class Dropout(Part):
    """Patients who leave: at random, a share ``rate`` of them within each year; the hazard is multiplied by
    ``hazard_ratio`` for each doubling of ``observable`` over its baseline (``per`` = "doubling") or for each step of
    that size (``per`` = "5 mg/L"), measured at visits ``every`` so long."""

    rate: Annotated[float, Field(ge=0, lt=1, strict=True, description="share of patients who leave within a year")]
    observable: Annotated[Name | None, Field(description="what makes patients leave sooner")] = None
    hazard_ratio: Annotated[AboveZero, Field(description="per doubling, or per step, of `observable`")] = 1.0
    per: Annotated[str, Field(description='"doubling" over the baseline, or a step such as "5 mg/L"')] = "doubling"
    every: Annotated[Span, Field(description="between the visits at which `observable` is looked at")] = 28.0

    def problems(self) -> Iterator[tuple[str, str]]:
        if (self.observable is None) != (self.hazard_ratio == 1.0):
            yield "hazard_ratio", "'observable' and 'hazard_ratio' (not 1) go together; give both or none."
