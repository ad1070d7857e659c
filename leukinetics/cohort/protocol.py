"""The protocol of a cohort: groups of people, each of a condition, sampled once at time 0 and then followed.

The fields are those of a cohort's file (TOML); criteria, durations, populations and outcomes are written as in a
trial's protocol (:mod:`leukinetics.trial.protocol`). Durations are kept in days.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from leukinetics.cohort.from_toml import FromToml
from leukinetics.trial.protocol import Dose, Endpoint, Part, Population, Report
from leukinetics.trial.protocol.fields import Between, Count, Criterion, Name, NotNegative, Span, Words

What = Literal["control", "groups", "activity", "prognosis"]


class Cohort(Part):
    """The head of the file."""

    name: Annotated[Name, Field(description="title")]
    follow_up: Annotated[Span, Field(description="from the sample, at time 0, to the end")]
    control: Annotated[Name, Field(description="the group that the others are compared with")]
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True, description="same seed, same people and noise")] = 1


class Group(Part):
    """People of one condition: ``population`` and ``eligibility`` as in a trial, ``background`` therapy from time 0."""

    name: Annotated[Name, Field(description="unique")]
    condition: Annotated[Name, Field(description="a condition of the model")]
    n: Annotated[Count, Field(description="how many people")]
    population: Annotated[Population, Field(description="who is drawn, over the condition's covariates")] = Population()
    eligibility: Annotated[dict[str, Criterion], Field(description="whom a cohort takes")] = {}
    background: Annotated[list[Dose], Field(description="therapy after the sample")] = []


class Further(Part):
    """Another marker, measured in the same samples; it is in the cohort's table, and analysed there."""

    observable: Annotated[Name, Field(description="a readout with an assay")]
    limit: Annotated[Criterion, Field(description='its limit of detection, such as "1.5 pg/mL"')]

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from _one_quantity(self.limit)


class Marker(Part):
    """What is measured, with its assay, at time 0; it is detected where it is at or above ``limit``.

    ``limits``: those that the analysis is repeated with, in the unit of ``limit``; by default 17 from the lowest to the
    highest that tell people apart. ``further`` markers are those of the cohort as a table.
    """

    observable: Annotated[Name, Field(description="a readout with an assay")]
    limit: Annotated[Criterion, Field(description='the limit of detection, such as "6.7 pg/mL"')]
    limits: Annotated[list[NotNegative], Field(description="others, ascending, in the same unit")] = []
    further: Annotated[list[Further], Field(description="more markers, of the cohort as a table")] = []

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from _one_quantity(self.limit)
        names = [self.observable, *(f.observable for f in self.further)]
        if len(set(names)) != len(names):
            yield "further", "an observable is there twice."
        if sorted(set(self.limits)) != self.limits:
            yield "limits", "each limit must be larger than the one before."


def _one_quantity(limit: Criterion) -> Iterator[tuple[str, str]]:
    if len(limit) != 1 or limit[0].sign not in (">=", "≥") or not limit[0].value > 0:
        yield "limit", 'the limit is one quantity above 0, such as "6.7 pg/mL".'


class Activity(Part):
    """Who has active disease at time 0: those who meet ``any`` of some criteria; looked at within each of ``groups``.

    Criteria are on observables as measured at time 0, or on how far one has changed before it
    ("relapses over 30 days").
    """

    groups: Annotated[list[Name], Field(min_length=1, description="in which it is looked at")]
    any: Annotated[dict[str, Criterion], Field(min_length=1, description="criteria, one of which must hold")]


class Prognosis(Part):
    """What is compared between people with and without a detectable marker, within each of ``groups``: ``outcome``,
    written as endpoints of a trial over the follow-up."""

    groups: Annotated[list[Name], Field(min_length=1, description="in which it is looked at")]
    outcome: Annotated[list[Endpoint], Field(min_length=1, description="endpoints, the first the main one")]

    def problems(self) -> Iterator[tuple[str, str]]:
        for e in self.outcome:
            if e.visits:
                yield "outcome", f"'{e.id}' has 'visits'; an outcome of a cohort is looked at once, or as events."


class CohortAnalysis(Part):
    """How it is analysed."""

    alpha: Annotated[Between, Field(description="two-sided level; intervals are at 1 - alpha")] = 0.05
    covariates: Annotated[list[Name], Field(description="of the adjusted odds of activity, such as age and sex")] = []


class CohortUncertainty(Part):
    """The cohort again, with ``times`` as many people, for the fitted values and ``draws`` of what is uncertain."""

    draws: Annotated[int, Field(ge=2, le=10_000, strict=True, description="of the typical values")] = 40
    times: Annotated[int, Field(ge=1, le=1000, strict=True, description="as many people, in each draw")] = 4


class Published(Part):
    """What a published study found, to be held against the cohort.

    ``of`` "control": a group's detection against the control's; "groups": among the groups; "activity" and
    "prognosis": within a group, of active people and of outcomes (``outcome``; the first by default).
    """

    of: Annotated[What, Field(description="which comparison")]
    expected: Annotated[Literal["higher", "lower", "alike"], Field(description="what the study found")]
    group: Annotated[Name | None, Field(description="the group; not for `groups`")] = None
    outcome: Annotated[Name | None, Field(description="the outcome; the first by default")] = None
    text: Annotated[Words, Field(description="in words")] = ""
    source: Annotated[Words, Field(description="where it was published")] = ""

    def problems(self) -> Iterator[tuple[str, str]]:
        if (self.of == "groups") != (self.group is None):
            yield "group", "'group' belongs to all comparisons but that among the groups."
        if self.outcome is not None and self.of != "prognosis":
            yield "outcome", "'outcome' belongs to of = \"prognosis\"."
        if (self.expected == "alike") != (self.of == "groups"):
            yield "expected", 'the groups are expected to be "alike", all other comparisons to be higher or lower.'


class CohortProtocol(FromToml):
    """A whole file."""

    cohort: Annotated[Cohort, Field(description="the head")]
    report: Annotated[Report, Field(description="words of the report")] = Report()
    group: Annotated[list[Group], Field(min_length=2, description="the groups")]
    marker: Annotated[Marker, Field(description="what is measured")]
    activity: Annotated[Activity | None, Field(description="active disease at time 0")] = None
    prognosis: Annotated[Prognosis | None, Field(description="what happens later")] = None
    analysis: Annotated[CohortAnalysis, Field(description="how it is analysed")] = CohortAnalysis()
    uncertainty: Annotated[CohortUncertainty | None, Field(description="what is not known")] = None
    published: Annotated[list[Published], Field(description="what a study found")] = []

    def problems(self) -> Iterator[tuple[str, str]]:
        names = [g.name for g in self.group]
        if len(set(names)) != len(names):
            yield "group", "two groups have the same name."
        known = ", ".join(names)
        asked = [("cohort", self.cohort.control)]
        asked += [("activity", name) for name in (self.activity.groups if self.activity else [])]
        asked += [("prognosis", name) for name in (self.prognosis.groups if self.prognosis else [])]
        asked += [("published", p.group) for p in self.published if p.group is not None]
        for key, name in asked:
            if name not in names:
                yield key, f"there is no group '{name:.60}'; there are {known}."
        outcomes = [e.id for e in self.prognosis.outcome] if self.prognosis else []
        if len(set(outcomes)) != len(outcomes):
            yield "prognosis", "two outcomes have the same id."
        for p in self.published:
            part = {"activity": self.activity, "prognosis": self.prognosis}.get(p.of)
            if p.of in ("activity", "prognosis") and (part is None or p.group not in part.groups):
                yield "published", f"the {p.of} of group '{p.group}' is not looked at; add it to [{p.of}]."
            if p.of == "groups" and len(names) < 3:
                yield "published", "there is only one group beside the control, so that no groups can be alike."
            if p.of == "control" and p.group == self.cohort.control:
                yield "published", "the control is not compared with itself."
            if p.outcome is not None and p.outcome not in outcomes:
                yield "published", f"there is no outcome '{p.outcome:.60}'."

    @property
    def limit(self) -> float:
        """The limit of detection, in :attr:`unit`."""
        return self.marker.limit[0].value

    @property
    def unit(self) -> str:
        """The unit of the limits."""
        return self.marker.limit[0].unit
