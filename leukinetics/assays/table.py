"""The assays of assays.tsv: what a laboratory can tell about each readout."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leukinetics.assays.within_person import MONTH
from leukinetics.errors import DataError, suggest
from leukinetics.patients.convert import convert
from leukinetics.patients.spread import Spread, parse_spread

TABLE = Path(__file__).with_name("assays.tsv")


@dataclass(frozen=True)
class Assay:
    """How a readout is measured; all numbers in ``unit``.

    ``analytical``: error of a single measurement. ``within_person``: how the person differs around their own mean, over
    months; ``within_week``: how much of it there is within a week, None where that is not known (all of it then comes
    from day to day). ``memory``: days after which the rest, which varies slowly, is forgotten. ``lloq``, ``uloq``:
    limits of quantification. ``step``: what is reported are its multiples (0: any number). ``floor``, ``ceiling``: the
    ends of a clinical scale. ``counts``: whole numbers are seen, with a Poisson distribution around what is expected
    (written ``poisson`` in the column of the error).
    """

    readout: str
    platform: str
    unit: str
    lloq: float
    uloq: float
    analytical: Spread | None
    within_person: Spread | None
    within_week: Spread | None = None
    step: float = 0.0
    floor: float = -math.inf
    ceiling: float = math.inf
    counts: bool = False
    memory: float = 2.0 * MONTH

    @property
    def day(self) -> Spread | None:
        """What differs from day to day."""
        return self.within_person if self.within_week is None else self.within_week

    @property
    def slow(self) -> Spread | None:
        """What differs over weeks and months besides; None where there is nothing known of it."""
        if self.within_week is None or self.within_person is None:
            return None
        square = self.within_person.size**2 - self.within_week.size**2
        return Spread(self.within_person.scale, math.sqrt(square)) if square > 0 else None

    def in_unit(self, unit: str, molar_mass: float | None = None) -> Assay:
        """The same assay in another unit. DataError if the two measure different things."""
        if unit == self.unit:
            return self
        factor = convert(1.0, self.unit, unit, molar_mass)
        return replace(
            self,
            unit=unit,
            lloq=self.lloq * factor,
            uloq=self.uloq * factor,
            analytical=self.analytical and self.analytical.scaled(factor),
            within_person=self.within_person and self.within_person.scaled(factor),
            within_week=self.within_week and self.within_week.scaled(factor),
            step=self.step * factor,
            floor=self.floor * factor,
            ceiling=self.ceiling * factor,
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
    counts = cv == "poisson"
    cv = "" if counts else cv
    if cv and not cv.startswith(("sd", "ln")):  # a CV, as the SD of the logarithm of a lognormal error
        cv = f"ln {math.sqrt(math.log1p((float(cv) / 100.0) ** 2)):.6f}"
    total = parse_spread(row["within_person"], f"the variation within a person of {what}")
    week = parse_spread(row["within_week"], f"the variation within a week of {what}")
    if week is not None and (total is None or week.scale != total.scale or week.size > total.size):
        raise DataError(
            f"The variation within a week of {what}, '{row['within_week']}', is no part of that within a person, "
            f"'{row['within_person']}'; write a smaller one of the same kind."
        )
    memory = float(row["memory"] or 2.0 * MONTH)
    if not memory > 0:
        raise DataError(f"The memory of {what} is '{row['memory']}'; write a number of days above 0, or nothing.")
    return Assay(
        readout=str(row["readout"]),
        platform=str(row["platform"]),
        unit=str(row["unit"]),
        lloq=float(row["lloq"] or 0.0),
        uloq=float(row["uloq"] or math.inf),
        analytical=parse_spread(cv, f"the error of {what}"),
        within_person=total,
        within_week=week,
        step=float(row["step"] or 0.0),
        floor=float(row["floor"] or -math.inf),
        ceiling=float(row["ceiling"] or math.inf),
        counts=counts,
        memory=memory,
    )
