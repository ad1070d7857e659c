"""A trial's protocol: what is to be done, to whom, and what is read.

The fields are those of a trial file (TOML); see :func:`leukinetics.trial.read_protocol` to read one. Durations are
kept in days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from leukinetics.errors import LeukineticsError, suggest
from leukinetics.patients.criteria import Bound, parse_criterion
from leukinetics.trial.amounts import Amount, parse_amount
from leukinetics.trial.times import clock_time, days

Kind = Literal[
    "value", "change", "percent_change", "fold", "average", "maximum", "maximum_fold", "time_of_maximum",
    "minimum", "time_to_return", "time_above", "responder",
]  # fmt: skip
Statistic = Literal["mean", "median", "geometric_mean", "sd", "sd_ln", "proportion"]
WINDOWED = ("average", "maximum", "maximum_fold", "time_of_maximum", "minimum", "time_to_return", "time_above")
MOST_SAMPLES = 100_000  # of one endpoint and patient
NEEDS_THRESHOLD = ("time_above", "responder")


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("it must not be negative.")
    return value


def _above_zero(value: float) -> float:
    if value <= 0:
        raise ValueError("it must be longer than nothing.")
    return value


def _criterion(value: Any) -> list[Bound]:
    try:
        return parse_criterion(value, "it")
    except LeukineticsError as error:
        raise ValueError(str(error)) from error


Moment = Annotated[float, BeforeValidator(days), AfterValidator(_not_negative)]
Span = Annotated[float, BeforeValidator(days), AfterValidator(_above_zero)]
Clock = Annotated[float, BeforeValidator(clock_time)]
Quantity = Annotated[Amount, BeforeValidator(parse_amount)]
Criterion = Annotated[list[Bound], BeforeValidator(_criterion)]
Name = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """A table of a protocol: an unknown key is refused with the nearest known one."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data:
            if key not in known and key not in cls.model_fields:
                raise ValueError(f"unknown key '{key}'; known are {', '.join(known)}.{suggest(str(key), known)}")
        return data


class Dose(Part):
    """A dose and its repeats: at ``start`` and then ``every``, ``count`` times and never at or after ``stop``."""

    drug: Name
    amount: Quantity
    route: Name
    start: Moment = 0.0
    every: Span | None = None
    count: Annotated[int, Field(ge=1, strict=True)] | None = None
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
    """An arm: its doses, and the therapy that its patients have besides. Without doses it is an untreated one."""

    name: Name
    dose: list[Dose] = []
    background: list[Dose] = []


class Endpoint(Part):
    """One number per patient, and how an arm is summed up by it. See :mod:`leukinetics.trial.endpoints`."""

    id: Name
    observable: Name
    kind: Kind
    at: Moment | None = None
    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None
    every: Span | None = None
    threshold: Criterion | None = None
    margin: Annotated[float, Field(ge=0)] = 0.1
    noise: bool = False
    unit: str | None = None
    statistic: Statistic | None = None
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
        if (self.kind in NEEDS_THRESHOLD) != (self.threshold is not None):
            how = "needs" if self.threshold is None else "has no use for"
            raise ValueError(f"kind '{self.kind}' {how} a 'threshold'.")
        return self


class Trial(Part):
    """The head of a protocol."""

    name: Name
    condition: Name
    duration: Span
    patients_per_arm: Annotated[int, Field(ge=1, strict=True)]
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
    population: dict[str, Any] = {}
    parameter: dict[str, Any] = {}
    eligibility: dict[str, Criterion] = {}
    arm: Annotated[list[Arm], Field(min_length=1)]
    endpoint: Annotated[list[Endpoint], Field(min_length=1)]

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
        """Every drug of any arm, in order."""
        return list(dict.fromkeys(d.drug for a in self.arm for d in (*a.background, *a.dose)))


KINDS: tuple[str, ...] = get_args(Kind)
STATISTICS: tuple[str, ...] = get_args(Statistic)
