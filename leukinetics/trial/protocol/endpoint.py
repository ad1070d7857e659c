"""Endpoints: one number per patient, and how arms are compared by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, get_args

from pydantic import Field

from leukinetics.trial.protocol.fields import Criterion, Moment, Name, NotNegative, Part, Span, Truth

Kind = Literal[
    "value", "change", "percent_change", "fold", "average", "maximum", "maximum_fold", "time_of_maximum",
    "minimum", "time_to_return", "time_above", "responder", "slope", "event_rate", "time_to_event",
    "confirmed_progression",
]  # fmt: skip
Statistic = Literal["mean", "median", "geometric_mean", "sd", "sd_ln", "proportion"]
Analysis = Literal[
    "unadjusted", "ancova", "log_ancova", "mmrm", "log_mmrm", "risk_difference", "negative_binomial", "cox",
]  # fmt: skip
WINDOWED = (
    "average", "maximum", "maximum_fold", "time_of_maximum", "minimum", "time_to_return", "time_above",
    "slope", "event_rate", "time_to_event", "confirmed_progression",
)  # fmt: skip
NEEDS_THRESHOLD = ("time_above", "responder")
#: Kinds whose number is the time of an event.
TIMES = ("time_to_event", "confirmed_progression")
EVENTS = ("event_rate", *TIMES)
REPEATED = ("mmrm", "log_mmrm")
KINDS: tuple[str, ...] = get_args(Kind)
STATISTICS: tuple[str, ...] = get_args(Statistic)
ANALYSES: tuple[str, ...] = get_args(Analysis)
#: The analyses that fit each kind, its default first. The logarithm needs values that are above 0 by their nature.
FITTING: dict[str, tuple[str, ...]] = {
    "value": ("ancova", "unadjusted", "log_ancova", "mmrm", "log_mmrm"),
    "change": ("ancova", "unadjusted", "mmrm"),
    "percent_change": ("log_ancova", "unadjusted", "ancova", "mmrm", "log_mmrm"),
    "fold": ("log_ancova", "unadjusted", "ancova", "mmrm", "log_mmrm"),
    "average": ("ancova", "unadjusted", "log_ancova"),
    "maximum": ("ancova", "unadjusted", "log_ancova"),
    "maximum_fold": ("log_ancova", "unadjusted", "ancova"),
    "time_of_maximum": ("ancova", "unadjusted"),
    "minimum": ("ancova", "unadjusted", "log_ancova"),
    "time_to_return": ("unadjusted",),
    "time_above": ("ancova", "unadjusted"),
    "responder": ("risk_difference", "unadjusted"),
    "slope": ("ancova", "unadjusted"),
    "event_rate": ("negative_binomial", "unadjusted"),
    "time_to_event": ("cox", "unadjusted"),
    "confirmed_progression": ("cox", "unadjusted"),
}
#: Kinds whose numbers may be 0 or below, so that they have no geometric mean.
SIGNED = ("change", "percent_change", "slope", "time_of_maximum", "time_to_return", "time_above", *EVENTS)


class Worsening(Part):
    """What counts as worse, of patients whose baseline meets ``baseline``: the ``change`` from it and the ``value``
    must meet theirs, where given. A change in % is relative to the baseline."""

    baseline: Annotated[Criterion | None, Field(description="of whom it holds; of everybody by default")] = None
    change: Annotated[Criterion | None, Field(description="of the change from baseline")] = None
    value: Annotated[Criterion | None, Field(description="of the value itself")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.change and not self.value:
            yield "change", "there is nothing that would be worse; give 'change' or 'value'."


class Endpoint(Part):
    """One number per patient, and how an arm is summed up by it. See :mod:`leukinetics.trial.endpoints`.

    ``visits``: those before ``at``, the one that is reported, of a repeated-measures analysis, or of which the last one
    is carried forward (``missing`` = "last" of :class:`Analysis`). Events are
    episodes in which ``threshold`` holds at visits ``every`` so long; or without a threshold ``observable`` is the
    number of events up to that time, counted or expected; expected ones come at random. A ``confirmed_progression`` is
    the first visit from which on one of ``worsening`` holds at all visits for as long as ``confirm``; that of events
    (relapses) independent or with them: see :mod:`leukinetics.trial.endpoints.progression`. ``analysis``: how arms are
    compared, by default that of the kind.
    """

    id: Annotated[Name, Field(description="unique")]
    observable: Annotated[
        Name, Field(description="a readout of the model, a drug's plasma level, or another name in it")
    ]
    kind: Annotated[Kind, Field(description="what is made of the samples, see below")]
    at: Annotated[Moment | None, Field(description="time of the sample, for kinds that read one")] = None
    from_: Annotated[
        Moment | None, Field(alias="from", description="begin of the window, for the other kinds; time 0 by default")
    ] = None
    to: Annotated[Moment | None, Field(description="end of the window; the trial's end by default")] = None
    every: Annotated[Span | None, Field(description="between the window's samples")] = None
    visits: Annotated[
        list[Moment], Field(description="before `at`: of a repeated-measures analysis, or to carry forward")
    ] = []
    threshold: Annotated[
        Criterion | None, Field(description="of responder, time_above and events; in % of the change from baseline")
    ] = None
    worsening: Annotated[list[Worsening], Field(description="of confirmed_progression: what is worse")] = []
    confirm: Annotated[Span | None, Field(description="of confirmed_progression: for how long at least")] = None
    independent_of: Annotated[
        Name | None, Field(description="of confirmed_progression: events, as relapses, that it comes without")
    ] = None
    associated_with: Annotated[
        Name | None, Field(description="of confirmed_progression: events, as relapses, that it comes with")
    ] = None
    within: Annotated[
        Span | None, Field(description="of these: an event at most so long before a worsening begins goes with it")
    ] = None
    rebaseline: Annotated[
        Span | None, Field(description="of independent_of: a visit at least so long after an event is the new baseline")
    ] = None
    event_free: Annotated[
        Span | None, Field(description="of independent_of: no event so long after onset, nor about confirmation")
    ] = None
    margin: Annotated[NotNegative, Field(description="of time_to_return: back within this share of baseline")] = 0.1
    noise: Annotated[Truth, Field(description="as the laboratory reports it; without: the true value")] = False
    unit: Annotated[str | None, Field(description="of the number; by default the observable's")] = None
    statistic: Annotated[Statistic | None, Field(description="sums up an arm; by default that of the kind")] = None
    analysis: Annotated[Analysis | None, Field(description="compares arms; by default that of the kind")] = None
    compare_to: Annotated[
        str | None, Field(description="the reference arm; by default the placebo, else the first without doses")
    ] = None

    @property
    def counts(self) -> bool:
        """Whether the observable is a number of events, so that no criterion makes them."""
        return self.kind in ("event_rate", "time_to_event") and self.threshold is None

    @property
    def events_beside(self) -> str | None:
        """The observable that counts the events which a progression is independent of or associated with."""
        return self.independent_of or self.associated_with

    def problems(self) -> Iterator[tuple[str, str]]:
        yield from self._times()
        yield from self._beside()
        confirmed = self.kind == "confirmed_progression"
        for key, given in (("worsening", bool(self.worsening)), ("confirm", self.confirm is not None)):
            if given != confirmed:
                yield key, f"kind '{self.kind}' {'needs' if confirmed else 'has no use for'} '{key}'."
        if confirmed and self.threshold is not None:
            yield "threshold", f"kind '{self.kind}' has no use for a 'threshold'; 'worsening' says what is worse."
        if self.kind not in EVENTS and (self.kind in NEEDS_THRESHOLD) != (self.threshold is not None):
            how = "needs" if self.threshold is None else "has no use for"
            yield "threshold", f"kind '{self.kind}' {how} a 'threshold'."
        if self.threshold is not None and not self.threshold:
            yield "threshold", "'threshold' has no criterion."
        if self.analysis in REPEATED and not self.visits:
            yield "visits", "'visits' and a repeated-measures analysis (mmrm, log_mmrm) go together."
        if self.visits and self.kind in WINDOWED:
            yield "visits", f"'visits' do not go with kind '{self.kind}'; its samples are those of from, to and every."
        fitting = FITTING[self.kind]
        if self.analysis is not None and self.analysis not in fitting:
            yield "analysis", f"analysis '{self.analysis}' does not fit kind '{self.kind}'; use {_or(fitting)}."
        yield from self._statistic()

    def _times(self) -> Iterator[tuple[str, str]]:
        if self.kind in WINDOWED:
            if self.at is not None:
                yield "at", f"'at' does not go with kind '{self.kind}'; give from, to and every."
            if self.every is None:
                yield "every", f"kind '{self.kind}' needs 'every', the time between samples, such as \"30 min\"."
            if self.to is not None and self.to <= (self.from_ or 0.0):
                yield "to", "'to' is not after 'from'."
            return
        if self.at is None:
            yield "at", f"kind '{self.kind}' needs 'at', the time of the sample, such as \"16 weeks\"."
        given = [k for k, v in (("from", self.from_), ("to", self.to), ("every", self.every)) if v is not None]
        if given:
            yield given[0], f"'from', 'to' and 'every' do not go with kind '{self.kind}'; give at."

    def _beside(self) -> Iterator[tuple[str, str]]:
        if self.events_beside is None:
            for key in ("within", "rebaseline", "event_free"):
                if getattr(self, key) is not None:
                    yield key, f"'{key}' is about events; say which, with 'independent_of' or 'associated_with'."
            return
        key = "associated_with" if self.independent_of is None else "independent_of"
        if self.kind != "confirmed_progression":
            yield key, f"kind '{self.kind}' has no use for '{key}'; it is one of 'confirmed_progression'."
        if self.independent_of is not None and self.associated_with is not None:
            yield "associated_with", "a progression is 'independent_of' events or 'associated_with' them; give one."
        if self.events_beside == self.observable:
            yield key, f"'{self.observable:.60}' is what worsens itself; name the observable that counts events."
        if self.within is None:
            yield "within", f"'{key}' needs 'within', how long after an event a worsening goes with it; \"90 days\"."
        if self.independent_of is None:
            for name in ("rebaseline", "event_free"):
                if getattr(self, name) is not None:
                    yield name, f"'{name}' goes with 'independent_of'; a worsening with events is one from baseline."

    def _statistic(self) -> Iterator[tuple[str, str]]:
        if self.statistic == "proportion" and self.kind != "responder":
            yield "statistic", f"a proportion is of kind 'responder', not of '{self.kind}'."
        if self.statistic in ("geometric_mean", "sd_ln") and self.kind in (*SIGNED, "responder"):
            yield (
                "statistic",
                f"statistic '{self.statistic}' needs numbers above 0, which kind '{self.kind}' need not have.",
            )


def _or(names: tuple[str, ...]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
