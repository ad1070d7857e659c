"""Endpoints: one number per patient, and how arms are compared by it."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from leukinetics.trial.protocol.fields import Criterion, Moment, Name, Part, Span

Kind = Literal[
    "value", "change", "percent_change", "fold", "average", "maximum", "maximum_fold", "time_of_maximum",
    "minimum", "time_to_return", "time_above", "responder", "slope", "event_rate", "time_to_event",
]  # fmt: skip
Statistic = Literal["mean", "median", "geometric_mean", "sd", "sd_ln", "proportion"]
Analysis = Literal[
    "unadjusted", "ancova", "log_ancova", "mmrm", "log_mmrm", "risk_difference", "negative_binomial", "cox",
]  # fmt: skip
WINDOWED = (
    "average", "maximum", "maximum_fold", "time_of_maximum", "minimum", "time_to_return", "time_above",
    "slope", "event_rate", "time_to_event",
)  # fmt: skip
NEEDS_THRESHOLD = ("time_above", "responder")
EVENTS = ("event_rate", "time_to_event")
REPEATED = ("mmrm", "log_mmrm")
KINDS: tuple[str, ...] = get_args(Kind)
STATISTICS: tuple[str, ...] = get_args(Statistic)
ANALYSES: tuple[str, ...] = get_args(Analysis)


class Endpoint(Part):
    """One number per patient, and how an arm is summed up by it. See :mod:`leukinetics.trial.endpoints`.

    ``visits``: the visits of a repeated-measures analysis, besides ``at``, the one that is reported. Events are
    episodes in which ``threshold`` holds at visits ``every`` so long; or without a threshold ``observable`` is the
    expected number of events up to that time, and events come at random with it. ``analysis``: how arms are
    compared, by default that of the kind.
    """

    id: Name
    observable: Name
    kind: Kind
    at: Moment | None = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None
    every: Span | None = None
    visits: list[Moment] = []
    threshold: Criterion | None = None
    margin: Annotated[float, Field(ge=0)] = 0.1
    noise: bool = False
    unit: str | None = None
    statistic: Statistic | None = None
    analysis: Analysis | None = None
    compare_to: str | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Endpoint:
        if self.kind in WINDOWED:
            if self.at is not None:
                raise ValueError(f"'at' does not go with kind '{self.kind}'; give from, to and every.")
            if self.every is None:
                raise ValueError(f"kind '{self.kind}' needs 'every', the time between samples, such as \"30 min\".")
            if self.to is not None and self.to <= (self.from_ or 0.0):
                raise ValueError("'to' is not after 'from'.")
        elif self.at is None:
            raise ValueError(f"kind '{self.kind}' needs 'at', the time of the sample, such as \"16 weeks\".")
        elif not self.from_ is self.to is self.every is None:
            raise ValueError(f"'from', 'to' and 'every' do not go with kind '{self.kind}'; give at.")
        if self.kind not in EVENTS and (self.kind in NEEDS_THRESHOLD) != (self.threshold is not None):
            how = "needs" if self.threshold is None else "has no use for"
            raise ValueError(f"kind '{self.kind}' {how} a 'threshold'.")
        if bool(self.visits) != (self.analysis in REPEATED):
            raise ValueError("'visits' and a repeated-measures analysis (mmrm, log_mmrm) go together.")
        return self
