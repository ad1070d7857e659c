"""The protocol of a predicted benefit: which therapy, which outcome, what can be measured of a patient.

A file (TOML) with the table ``[benefit]``; the therapy is an arm of a trial's protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from leukinetics.cohort.from_toml import FromToml, has_table, read_toml
from leukinetics.trial.protocol import Part, Protocol, Report
from leukinetics.trial.protocol.fields import Name, NotNegative, Number
from leukinetics.trial.read import read_protocol


class Benefit(Part):
    """The head. The benefit of ``arm`` is by how much ``endpoint`` of ``trial`` is better than under ``reference``.

    ``lives``: courses of the disease of each person, where chance has a part in it (2 by default where it has).
    ``noise``: SDs in place of the assays', such as {crp = "ln 0.6"}.
    """

    name: Annotated[Name, Field(description="title")]
    trial: Annotated[
        str | dict[str, Any], Field(description="a trial's protocol: a file, relative to this one's folder, or a table")
    ]
    arm: Annotated[Name, Field(description="the therapy: an arm of the trial")]
    reference: Annotated[
        Name | None, Field(description="what it is compared with; by default the trial's reference")
    ] = None
    endpoint: Annotated[Name, Field(description="of the trial: the outcome")]
    better: Annotated[Literal["lower", "higher"], Field(description="which outcome is the better one")]
    worth: Annotated[NotNegative | None, Field(description="the least benefit that matters, in the outcome's unit")] = (
        None
    )
    markers: Annotated[list[Name], Field(min_length=1, description="readouts that may be measured of a patient")]
    further: Annotated[
        list[Name], Field(default_factory=list, description="others, of which is said what they would tell besides")
    ]
    noise: Annotated[dict[str, str], Field(default_factory=dict, description="SDs in place of the assays'")]
    people: Annotated[int, Field(ge=100, le=1_000_000, strict=True, description="virtual patients")] = 4000
    lives: Annotated[int | None, Field(ge=1, le=100, strict=True, description="courses of each of them")] = None
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, strict=True, description="same seed, same people")] = 1
    table: Annotated[
        Name | None, Field(description="people whose benefit is predicted: a table of biomarkers, or a study's folder")
    ] = None
    dictionary: Annotated[Name | None, Field(description="of that table: what its columns are")] = None

    def problems(self) -> Iterator[tuple[str, str]]:
        if self.dictionary is not None and self.table is None:
            yield "dictionary", "a dictionary needs the 'table' that it is of."
        twice = [m for m in self.further if m in self.markers]
        if twice:
            yield "further", f"'{twice[0]}' is among the markers already."
        unknown = [m for m in self.noise if m not in (*self.markers, *self.further)]
        if unknown:
            yield "noise", f"'{unknown[0]}' is none of the markers."


class BenefitUncertainty(Part):
    """The same for ``draws`` of what is not known about the model, of ``people`` each; and once more with what is only
    assumed taken from another draw, to tell how much rests on it."""

    draws: Annotated[int, Field(ge=10, le=10_000, strict=True, description="of the typical values")] = 40
    people: Annotated[int, Field(ge=50, le=1_000_000, strict=True, description="virtual patients in each")] = 400


class Person(Part):
    """A patient: what was ``measured`` ("8 mg/L", "< 1.5 pg/mL", "2 to 4 pg/mL"), and covariates that are ``known``."""

    name: Annotated[Name, Field(description="who")]
    measured: Annotated[dict[str, str], Field(default_factory=dict, description="by marker")]
    known: Annotated[
        dict[str, Number],
        Field(default_factory=dict, description="covariates, as reports have them (age in years, sex 1: woman)"),
    ]

    def problems(self) -> Iterator[tuple[str, str]]:
        if not self.measured and not self.known:
            yield "measured", "nothing is known of this patient; give 'measured' or 'known'."


class BenefitProtocol(FromToml):
    """A whole file."""

    benefit: Annotated[Benefit, Field(description="the head")]
    report: Annotated[Report, Field(description="words of the report")] = Report()
    uncertainty: Annotated[BenefitUncertainty | None, Field(description="what is not known")] = BenefitUncertainty()
    patient: Annotated[list[Person], Field(default_factory=list, description="patients whose benefit is predicted")]

    def problems(self) -> Iterator[tuple[str, str]]:
        names = [p.name for p in self.patient]
        if len(set(names)) != len(names):
            yield "patient", "two patients have the same name."
        for p in self.patient:
            for marker in p.measured:
                if marker not in self.benefit.markers:
                    known = ", ".join(self.benefit.markers)
                    yield "patient", f"'{p.name}' has a measurement of '{marker:.60}', which is no marker: {known}."

    @property
    def table(self) -> Path | None:
        """The table of people, None without one."""
        return None if self.benefit.table is None else self.beside(self.benefit.table)

    @property
    def dictionary(self) -> Path | None:
        """Its dictionary, None without one."""
        return None if self.benefit.dictionary is None else self.beside(self.benefit.dictionary)

    def trial(self) -> Protocol:
        """The trial's protocol; ProtocolError where there is none, or it is malformed."""
        given = self.benefit.trial
        if isinstance(given, str):
            return read_protocol(self.beside(given))
        return read_protocol(given)


def read_benefit(protocol: str | Path | Mapping[str, Any] | BenefitProtocol) -> BenefitProtocol:
    """Read and check the protocol of a predicted benefit: the path of a TOML file, or its content as a mapping.

    ProtocolError where there is no such file, or with one line per problem, each naming the key and the line.
    """
    return read_toml(BenefitProtocol, protocol, "protocol")


def is_benefit(path: str | Path) -> bool:
    """Whether a file is the protocol of a predicted benefit: TOML with a table [benefit]."""
    return has_table(path, "benefit")
