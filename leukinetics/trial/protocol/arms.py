"""What is given: doses, arms, and the rules by which treatment changes on the way."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from leukinetics.trial.protocol.fields import Count, Criterion, Moment, Name, Part, Quantity, Share, Span


class Dose(Part):
    """A dose and its repeats: at ``start`` and then ``every``, ``count`` times and never at or after ``stop``."""

    drug: Name
    amount: Quantity
    route: Name
    start: Moment = 0.0
    every: Span | None = None
    count: Count | None = None
    stop: Moment | None = None
    duration: Moment = 0.0
    loading: Quantity | None = None
    cap: Quantity | None = None

    @model_validator(mode="after")
    def _whole(self) -> Dose:
        if self.every is None and (self.count or 1) > 1:
            raise ValueError(f"'count' is {self.count}, but 'every' is missing; add it, such as every = \"4 weeks\".")
        if self.stop is not None and self.stop <= self.start:
            raise ValueError("'stop' is not after 'start', so nothing would be given.")
        return self


class Arm(Part):
    """An arm: its doses, and the therapy that its patients have besides. Without doses it is an untreated one.

    ``ratio``: patients of this arm for each ``patients_per_arm`` (parallel design only).
    """

    name: Name
    dose: list[Dose] = []
    background: list[Dose] = []
    ratio: Count = 1


class Rule(Part):
    """Treatment that follows from a measurement: at each visit of ``at``, or ``every`` from ``from`` to ``to``,
    ``observable`` is measured; the first time that ``when`` holds at ``consecutive`` visits in a row the rule fires,
    once per patient. A criterion in % is of the change from baseline.

    ``action``: "stop" ends the doses of ``drugs`` (all of the arm's ``dose`` where none is named; background stays),
    "change" multiplies them by ``factor``, "rescue" adds ``dose`` (its times count from the moment the rule fires).
    ``leaves``: the patient leaves the trial then, too.
    """

    id: Name
    observable: Name
    when: Criterion
    at: list[Moment] | None = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None
    every: Span | None = None
    consecutive: Count = 1
    action: Literal["stop", "change", "rescue"]
    factor: Annotated[float, Field(gt=0)] | None = None
    drugs: list[Name] = []
    dose: list[Dose] = []
    arms: list[Name] = []
    leaves: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Rule:
        if (self.at is None) == (self.every is None):
            raise ValueError("a rule needs 'at', its visits, or 'every' (with 'from' and 'to'); give one of the two.")
        if (self.action == "change") != (self.factor is not None):
            raise ValueError("'factor' goes with action 'change', and only with it.")
        if (self.action == "rescue") != bool(self.dose):
            raise ValueError("'dose' goes with action 'rescue', and only with it.")
        return self


class Adherence(Part):
    """Doses that are missed: each of an arm's ``dose`` but the first with probability ``missed``; ``spread`` is the SD
    of its logit between people. Background therapy is taken as written."""

    missed: Share = 0.0
    spread: Annotated[float, Field(ge=0)] = 0.0


class Dropout(Part):
    """Patients who leave: at random, a share ``rate`` of them within each year; the hazard is multiplied by
    ``hazard_ratio`` for each doubling of ``observable`` over its baseline (``per`` = "doubling") or for each step of
    that size (``per`` = "5 mg/L"), measured at visits ``every`` so long."""

    rate: Annotated[float, Field(ge=0, lt=1)]
    observable: Name | None = None
    hazard_ratio: Annotated[float, Field(gt=0)] = 1.0
    per: str = "doubling"
    every: Span = 28.0

    @model_validator(mode="after")
    def _whole(self) -> Dropout:
        if (self.observable is None) != (self.hazard_ratio == 1.0):
            raise ValueError("'observable' and 'hazard_ratio' (not 1) go together; give both or none.")
        return self
