"""Claims as they stand in ``claims/*.toml``: the claim, what is compared, what must follow, and checks as data."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from leukinetics.errors import DataError

FOLDER = Path(__file__).parent / "claims"
_THRESHOLD = re.compile(r"^\s*(?:(?P<sign>>=|<=)\s*(?P<one>\S+)|(?P<low>\S+)\s*\.\.\s*(?P<high>\S+))\s*$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dose(_Strict):
    """A dose of a drug of the formulary at ``start``, given over ``duration``; ``every`` and ``count`` repeat it."""

    drug: str
    amount: str
    route: str
    start: str = "0 d"
    duration: str = "0 d"
    every: str | None = None
    count: int = Field(1, ge=1)


class Run(_Strict):
    """One simulation of a typical patient.

    ``set`` changes parameters, also while the model settles before time 0: a number in the model's unit, or "x 10" for
    ten times the typical value. ``state`` changes species at time 0 ("x 10"). ``infuse`` adds to species at a constant
    rate ("0.1 pmol/day").
    """

    name: str
    condition: str | None = None
    set: dict[str, float | str] = {}
    state: dict[str, str] = {}
    infuse: dict[str, str] = {}
    doses: tuple[Dose, ...] = ()


@dataclass(frozen=True)
class Threshold:
    """What an observed number must fulfil: low <= observed <= high."""

    low: float
    high: float

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read ">= 1.2", "<= 0.8" or "0.9 .. 1.1"; ValueError for anything else."""
        found = _THRESHOLD.match(text)
        if not found:
            raise ValueError(f"'{text}' is no threshold; write '>= 1.2', '<= 0.8' or '0.9 .. 1.1'")
        if found["sign"]:
            one = float(found["one"])
            return cls(one, math.inf) if found["sign"] == ">=" else cls(-math.inf, one)
        return cls(float(found["low"]), float(found["high"]))

    def met(self, observed: float) -> bool:
        """Whether a number fulfils it; NaN does not."""
        return self.low <= observed <= self.high

    def worst(self, numbers: list[float]) -> float:
        """The number that comes nearest to failing, or fails most."""
        return min(numbers, key=lambda x: min(x - self.low, self.high - x) if math.isfinite(x) else -math.inf)


class Check(_Strict):
    """One way in which a claim could fail.

    For ``kind = "simulation"`` the ``statistic`` of ``observable`` (divided by ``relative_to``, if given) is taken in
    each run and compared from run to run: its ratio or its difference. With several steps the least favourable counts.
    ``statistic`` "change" is that from ``since`` to ``at``. ``set`` and ``condition`` hold for all runs. In a condition
    with a history time 0 is the onset. For ``kind = "target"`` the number is that of a ``readout`` ("target.readout")
    of a study as it was done, in the readout's unit; for "censored_mean" the mean of ``observable`` under the second of
    two detection ``limits`` over that under the first. For "markers" it is the rank correlation of what is measured at
    the start (``markers``) with what a patient gains from the first run to the second, of two markers the first's less
    the second's, see :mod:`leukinetics.evidence.claim_markers`; ``eligibility`` as in a protocol, ``shuffled`` gives
    each patient another's markers. ``defect``: why the model contradicts the check as yet.
    """

    id: str
    text: str
    threshold: str
    kind: Literal[
        "simulation", "target", "markers", "censored_mean", "formulary", "drug_footprint", "core_equations",
        "condition_settings",
    ] = "simulation"  # fmt: skip
    observable: str = ""
    relative_to: str = ""
    condition: str = "healthy"
    set: dict[str, float | str] = {}
    statistic: Literal["at", "maximum", "minimum", "average", "change"] = "at"
    at: str = "0 d"
    since: str = "0 d"
    over: str = ""
    compare: Literal["ratio", "difference"] = "ratio"
    run: tuple[Run, ...] = ()
    drugs: tuple[str, ...] = ()
    readout: str = ""
    limits: tuple[float, ...] = ()
    markers: tuple[str, ...] = ()
    eligibility: dict[str, str] = {}
    shuffled: bool = False
    defect: str = ""

    @field_validator("threshold")
    @classmethod
    def _threshold(cls, text: str) -> str:
        Threshold.parse(text)
        return text

    @model_validator(mode="after")
    def _complete(self) -> Check:
        if self.kind == "simulation" and not (self.observable and self.run):
            raise ValueError("a simulation needs an observable and runs")
        if self.kind == "simulation" and len(self.run) == 1 and not self.relative_to:
            raise ValueError("a single run needs relative_to, or there is nothing to compare")
        if (self.kind == "target") != bool(self.readout):
            raise ValueError("a check of a study's readout, and only that, needs 'readout'")
        if self.kind == "markers" and not (self.observable and len(self.markers) in (1, 2) and len(self.run) in (1, 2)):
            raise ValueError("a check of markers needs an observable, one or two markers, and one or two runs")
        if self.kind == "markers" and any(r.set or r.state or r.infuse or r.condition for r in self.run):
            raise ValueError("the runs of a check of markers have doses only; its own 'set' holds for all")
        if self.kind != "markers" and (self.markers or self.eligibility or self.shuffled):
            raise ValueError("'markers', 'eligibility' and 'shuffled' are for checks of markers")
        if self.kind == "censored_mean" and not (self.observable and len(self.limits) == 2):
            raise ValueError("a check of censored values needs an observable and two limits")
        if (self.statistic in ("at", "change")) == bool(self.over):
            raise ValueError("'over' says how long a maximum, minimum or average is looked for, and is for those only")
        return self


class Claim(_Strict):
    """A claim. ``missing``: what of it the model does not have yet."""

    id: str
    text: str
    compared: str
    follows: str
    sources: tuple[str, ...] = Field(min_length=1)
    missing: tuple[str, ...] = ()
    check: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _numbered(self) -> Claim:
        for check in self.check:
            if not check.id.startswith(f"{self.id}."):
                raise ValueError(f"the check '{check.id}' must be named '{self.id}.' and a number")
        if not self.check and not self.missing:
            raise ValueError(f"'{self.id}' has neither checks nor a word on what is missing")
        return self


class Document(_Strict):
    """The publication that makes the claims of one file."""

    id: str
    title: str
    citation: str
    source: str


class _File(_Strict):
    document: Document
    claim: tuple[Claim, ...]


@dataclass(frozen=True)
class Claims:
    """All claims by id, in the order of their numbers, and the documents by letter."""

    claims: dict[str, Claim]
    documents: dict[str, Document]
    files: dict[str, str]  # claim id -> file name


def read_claims(folder: Path | None = None) -> Claims:
    """Read a folder of claims (default: the package's). Raises DataError that names the file and the key."""
    folder = FOLDER if folder is None else folder
    claims: dict[str, Claim] = {}
    documents: dict[str, Document] = {}
    files: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            content = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
        except tomllib.TOMLDecodeError as error:
            raise DataError(f"{path.name} is not valid TOML: {error}.") from None
        except ValidationError as error:
            raise DataError(f"{path.name}: {_first(error)}") from None
        documents[content.document.id] = content.document
        for claim in content.claim:
            if claim.id in claims:
                raise DataError(f"{path.name}: the claim '{claim.id}' is also in {files[claim.id]}.")
            claims[claim.id], files[claim.id] = claim, path.name
    return Claims(dict(sorted(claims.items(), key=lambda item: _number(item[0]))), documents, files)


def _number(identifier: str) -> tuple[str, int]:
    return identifier[:1], int(identifier[1:]) if identifier[1:].isdigit() else 0


def _first(error: ValidationError) -> str:
    details: Any = error.errors()[0]
    place = ".".join(str(part) for part in details["loc"])
    return f"{place}: {details['msg'].removeprefix('Value error, ')}."
