"""The assays of assays.tsv: what a laboratory can tell about each readout."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukinetics.errors import DataError, suggest
from leukinetics.patients.convert import convert
from leukinetics.patients.spread import Spread, parse_spread

TABLE = Path(__file__).with_name("assays.tsv")


@dataclass(frozen=True)
class Assay:
    """How a readout is measured; all numbers in ``unit``.

    ``analytical``: error of a single measurement. ``within_person``: how the person differs from day to day around
    their own mean. ``lloq``, ``uloq``: limits of quantification.
    """

    readout: str
    platform: str
    unit: str
    lloq: float
    uloq: float
    analytical: Spread | None
    within_person: Spread | None

    def in_unit(self, unit: str, molar_mass: float | None = None) -> Assay:
        """The same assay in another unit. DataError if the two measure different things."""
        if unit == self.unit:
            return self
        factor = convert(1.0, self.unit, unit, molar_mass)
        return Assay(
            self.readout,
            self.platform,
            unit,
            self.lloq * factor,
            self.uloq * factor,
            self.analytical and self.analytical.scaled(factor),
            self.within_person and self.within_person.scaled(factor),
        )


def assay_for(readout: str, unit: str | None = None, molar_mass: float | None = None) -> Assay:
    """The assay of a readout, in ``unit``. DataError where there is none."""
    known = assays()
    if readout not in known:
        raise DataError(f"There is no assay of '{readout}', so it has no measured value.{suggest(readout, known)}")
    return known[readout] if unit is None else known[readout].in_unit(unit, molar_mass)


@functools.cache
def assays(path: Path = TABLE) -> dict[str, Assay]:
    """All assays by readout. DataError that names the row for one that cannot be read."""
    import pandas as pd

    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, comment="#")
    found = {}
    for row in table.to_dict("records"):
        what = f"the assay of '{row['readout']}' in {path.name}"
        try:
            found[str(row["readout"])] = _read(row, what)
        except ValueError as error:
            raise DataError(f"A number of {what} cannot be read: {error}.") from error
    return found


def _read(row: Any, what: str) -> Assay:
    cv = str(row["cv"]).strip()
    if cv and not cv.startswith(("sd", "ln")):  # a CV, as the SD of the logarithm of a lognormal error
        cv = f"ln {math.sqrt(math.log1p((float(cv) / 100.0) ** 2)):.6f}"
    return Assay(
        readout=str(row["readout"]),
        platform=str(row["platform"]),
        unit=str(row["unit"]),
        lloq=float(row["lloq"] or 0.0),
        uloq=float(row["uloq"] or math.inf),
        analytical=parse_spread(cv, f"the error of {what}"),
        within_person=parse_spread(row["within_person"], f"the variation within a person of {what}"),
    )
