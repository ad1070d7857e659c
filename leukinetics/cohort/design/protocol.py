"""The file that asks how many people a study of a biomarker needs: TOML with the table ``[design]`` and questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from leukinetics.cohort.from_toml import FromToml, has_table, read_toml
from leukinetics.errors import LeukineticsError
from leukinetics.trial.protocol import Part
from leukinetics.trial.protocol.fields import AboveZero, Between, Count, Name, NotNegative, Share
from leukinetics.units import parse_quantity


def _quantity(value: Any) -> tuple[float, str]:
    try:
        number, unit = parse_quantity(value)
    except LeukineticsError as error:
        raise ValueError(str(error)) from error
    if not number > 0:
        raise ValueError(f"'{value}' is not above 0.")
    return number, unit


Level = Annotated[tuple[float, str], BeforeValidator(_quantity)]
Sizes = Annotated[
    list[Count], Field(default_factory=list, description="people in the first group, of the curve; eight by default")
]
Ratio = Annotated[AboveZero, Field(description="people in the second group for each one in the first")]


class Design(Part):
    """The head: level, target power and how it is simulated."""

    name: Annotated[Name, Field(description="title")]
    alpha: Annotated[Between, Field(description="two-sided level")] = 0.05
    target: Annotated[Between, Field(description="the power to be reached")] = 0.8
    replicates: Annotated[int, Field(ge=100, le=100_000, strict=True, description="simulated studies")] = 1000
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True, description="same seed, same numbers")] = 1


class Detection(Part):
    """Is the marker detected in more people of the first group? Exact power."""

    id: Annotated[Name, Field(description="unique")]
    share: Annotated[Share, Field(description="of the first group, in whom it is detected")]
    reference: Annotated[Share, Field(description="of the second group")]
    ratio: Ratio = 1.0
    test: Annotated[
        Literal["fisher", "unconditional", "normal"], Field(description="how the shares will be compared")
    ] = "fisher"
    sizes: Sizes

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.share == self.reference:
            yield "share", "both shares are the same; there is no difference to be found."


class LevelQuestion(Part):
    """Is the level higher in the first group, with some below the limit? And what would a better assay save?"""

    id: Annotated[Name, Field(description="unique")]
    fold: Annotated[AboveZero, Field(description="geometric mean of the first group over that of the second")]
    geometric_mean: Annotated[Level, Field(description='of the second group, such as "1.2 pg/mL"')]
    sd_ln: Annotated[AboveZero, Field(description="SD of the logarithm, of single samples of people, in both")]
    limit: Annotated[Level | None, Field(description='of detection, such as "0.5 pg/mL"')] = None
    limits: Annotated[
        list[AboveZero], Field(default_factory=list, description="others, ascending, in the limit's unit")
    ]
    ratio: Ratio = 1.0
    test: Annotated[
        Literal["fisher", "unconditional", "normal"], Field(description="of detected or not, which is told beside it")
    ] = "fisher"
    sizes: Sizes

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.fold == 1:
            yield "fold", "both levels are the same; there is no difference to be found."
        if sorted(set(self.limits)) != self.limits:
            yield "limits", "each limit must be larger than the one before."
        if self.limits and self.limit is None:
            yield "limits", "'limits' are in the unit of 'limit'; give that, too."


class Area(Part):
    """Does the marker tell people with from people without the disease: area under the curve?"""

    id: Annotated[Name, Field(description="unique")]
    area: Annotated[Between, Field(description="that is expected")]
    against: Annotated[Between, Field(description="the area that it is tested against")] = 0.5
    other: Annotated[Between | None, Field(description="area of another marker in the same people")] = None
    correlation: Annotated[Share, Field(description="of the two estimated areas")] = 0.5
    half_width: Annotated[Between | None, Field(description="of the interval, that is to be reached")] = None
    ratio: Annotated[AboveZero, Field(description="people without the disease for each one with it")] = 1.0
    method: Annotated[Literal["hanley_mcneil", "obuchowski"], Field(description="the variance of an area")] = (
        "hanley_mcneil"
    )
    sizes: Sizes

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.area == (self.against if self.other is None else self.other):
            yield "area", "both areas are the same; there is no difference to be found."


class Prognosis(Part):
    """Do people with the marker have their event sooner? ``share`` in whom it is detected; or the hazard ratio per
    doubling of a level with ``sd_ln``."""

    id: Annotated[Name, Field(description="unique")]
    hazard_ratio: Annotated[AboveZero, Field(description="of detected against not, or per doubling of the level")]
    share: Annotated[Between | None, Field(description="of people in whom the marker is detected")] = None
    sd_ln: Annotated[AboveZero | None, Field(description="SD of the logarithm of the level")] = None
    events: Annotated[Between | None, Field(description="share of people with an event by the end")] = None
    rate: Annotated[AboveZero | None, Field(description="or their rate per year")] = None
    follow_up: Annotated[AboveZero | None, Field(description="with `rate`: years after the last was enrolled")] = None
    accrual: Annotated[NotNegative, Field(description="with `rate`: years of enrolment")] = 0.0
    explained: Annotated[
        float, Field(ge=0, lt=1, strict=True, description="R² of the marker by the other covariates")
    ] = 0.0
    sizes: Sizes

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.hazard_ratio == 1:
            yield "hazard_ratio", "a hazard ratio of 1 is no difference to be found."
        if (self.share is None) == (self.sd_ln is None):
            yield "share", "give 'share', of people in whom it is detected, or 'sd_ln', of a level; not both."
        if (self.events is None) == (self.rate is None):
            yield "events", "give 'events', the share of people with one, or their 'rate' per year; not both."
        if (self.rate is None) != (self.follow_up is None):
            yield "rate", "'rate' and 'follow_up' go together."


class Rate(Part):
    """Do people with the marker have more events (relapses)? Negative binomial counts."""

    id: Annotated[Name, Field(description="unique")]
    rate_ratio: Annotated[AboveZero, Field(description="of detected against not")]
    rate: Annotated[AboveZero, Field(description="events per year where it is not detected")]
    years: Annotated[AboveZero, Field(description="of follow-up, of each person")]
    dispersion: Annotated[NotNegative, Field(description="k of the variance m + k m²")]
    share: Annotated[Between, Field(description="of people in whom the marker is detected")]
    sizes: Sizes

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.rate_ratio == 1:
            yield "rate_ratio", "a rate ratio of 1 is no difference to be found."


class DesignProtocol(FromToml):
    """A whole file."""

    design: Annotated[Design, Field(description="the head")]
    detection: Annotated[list[Detection], Field(default_factory=list, description="differences in detectability")]
    level: Annotated[list[LevelQuestion], Field(default_factory=list, description="differences in level")]
    area: Annotated[list[Area], Field(default_factory=list, description="areas under the curve")]
    prognosis: Annotated[list[Prognosis], Field(default_factory=list, description="times to an event")]
    rate: Annotated[list[Rate], Field(default_factory=list, description="rates of events")]

    def problems(self) -> Iterator[tuple[str, str]]:
        ids = [q.id for q in self.questions]
        if not ids:
            yield "design", "nothing is asked; add [[detection]], [[level]], [[area]], [[prognosis]] or [[rate]]."
        if len(set(ids)) != len(ids):
            yield "design", "two questions have the same id."

    @property
    def questions(self) -> list[Detection | LevelQuestion | Area | Prognosis | Rate]:
        """All of them, by kind."""
        return [*self.detection, *self.level, *self.area, *self.prognosis, *self.rate]


def read_design(protocol: str | Path | Mapping[str, Any] | DesignProtocol) -> DesignProtocol:
    """Read and check a design: the path of a TOML file, or its content as a mapping.

    ProtocolError where there is no such file, or with one line per problem, each naming the key and the line.
    """
    return read_toml(DesignProtocol, protocol, "design")


def is_design(path: str | Path) -> bool:
    """Whether a file is a design: TOML with a table [design]."""
    return has_table(path, "design")
