"""The folder of a predicted benefit, as the report reads it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.subtype.benefit_protocol import BenefitProtocol, read_benefit
from leukinetics.cohort.subtype.patients import printed
from leukinetics.cohort.subtype.run import PATIENTS, TRIAL
from leukinetics.errors import DataError, LeukineticsError
from leukinetics.report.labels import readout_label
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import interval, number, real, unit_text, with_unit
from leukinetics.trial.protocol import Endpoint, Protocol
from leukinetics.trial.read import read_protocol
from leukinetics.trial.store import PROTOCOL, PROVENANCE, SUMMARY, read_json

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
#: Names of covariates in print.
KNOWN = {"age": "age", "sex": "sex", "bmi": "body mass index", "weight": "weight", "height": "height"}


@dataclass(frozen=True)
class FinishedBenefit:
    """What the folder of a prediction holds; ``people``: a row for each row of the table of people, if there was "
    "one."""

    folder: Path
    protocol: BenefitProtocol
    trial: Protocol
    summary: dict[str, Any]
    provenance: dict[str, Any]
    people: pd.DataFrame | None

    @cached_property
    def endpoint(self) -> Endpoint:
        """The outcome."""
        return next(e for e in self.trial.endpoint if e.id == self.summary["endpoint"])

    @property
    def patients(self) -> list[Row]:
        """The patients of the protocol."""
        return list(self.summary["patients"])

    @property
    def told(self) -> list[Row]:
        """Those of whom something is told."""
        return [p for p in self.patients if real(p["benefit"]["estimate"]) is not None]

    @property
    def refused(self) -> list[Row]:
        """Those of whom nothing is told."""
        return [p for p in self.patients if real(p["benefit"]["estimate"]) is None]

    @property
    def everybody(self) -> Row:
        """All virtual patients, nothing measured."""
        return dict(self.summary["population"])

    @property
    def table(self) -> Row | None:
        """What the table of people came to."""
        found = self.summary.get("table")
        return None if found is None else dict(found)

    @property
    def worth(self) -> float | None:
        """The least benefit that matters."""
        return real(self.summary["worth"])

    @property
    def unit(self) -> str:
        """The unit of the outcome in print: scores are in points."""
        unit = unit_text(self.summary["unit"])
        return "points" if not unit and self.endpoint.kind in ("value", "change") else unit

    @property
    def least(self) -> str:
        """The least benefit that matters, with its unit."""
        return "" if self.worth is None else with_unit(f"{self.worth:g}", self.unit)

    def amount(self, value: Any) -> str:
        """A benefit with its unit."""
        return with_unit(number(value, 2), self.unit)

    def gain(self, b: Row) -> str:
        """A benefit with its interval and unit."""
        return with_unit(interval(b), self.unit)

    @staticmethod
    def label(name: Any) -> str:
        """What a reader calls a marker or covariate."""
        return KNOWN.get(str(name)) or readout_label(str(name))

    def measured(self, p: Row) -> str:
        """What is known of a patient, in words."""
        said = [f"{self.label(m['marker'])} {with_unit(_signs(m), m['unit'])}" for m in p["markers"]]
        for name, value in (p.get("known") or {}).items():
            if name == "sex" and value in (0, 1):
                said.append("woman" if value == 1 else "man")
            else:
                said.append(f"{self.label(name)} {value:g}")
        return "; ".join(said) or "nothing"


def _signs(m: Row) -> str:
    return printed(m["lower"], m["upper"])


def open_benefit(folder: str | Path) -> FinishedBenefit:
    """Open a finished prediction. DataError where there is none, or a file is damaged."""
    import pandas as pd

    path = Path(folder)
    try:
        protocol = read_benefit(tomllib.loads((path / PROTOCOL).read_text(encoding="utf-8")))
        trial = read_protocol(tomllib.loads((path / TRIAL).read_text(encoding="utf-8")))
        summary, made = read_json(path / SUMMARY), read_json(path / PROVENANCE)
        people = None
        if summary["table"] is not None:
            people = pd.read_csv(path / PATIENTS, dtype={"person": str, "group": object, "rare": object})
    except FileNotFoundError as error:
        name = Path(error.filename or SUMMARY).name
        raise DataError(f"'{path}' holds no finished prediction: '{name}' is missing.") from None
    except (OSError, ValueError, KeyError, TypeError, LeukineticsError) as error:
        raise DataError(f"The prediction in '{path}' cannot be read: {plain(error)}.") from error
    return FinishedBenefit(path, protocol, trial, summary, made, people)
