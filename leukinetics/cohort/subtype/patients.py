"""The people of a table of biomarkers, tied to what virtual patients have measured, and what each would gain.

Analytes are tied to the model's readouts by the ``observable`` of the dictionary, covariates by their names; what
cannot be tied is told. Outcomes of the table are not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.assays import assay_for, assays
from leukinetics.cohort.subtype.benefit_protocol import BenefitProtocol
from leukinetics.cohort.subtype.virtual import VirtualPatients
from leukinetics.cohort.table import read_dictionary
from leukinetics.cohort.table.cohort_table import GROUP, CohortTable
from leukinetics.cohort.table.convert_cells import molar_mass
from leukinetics.cohort.table.dictionary import Analyte, Covariate
from leukinetics.cohort.table.files import SUFFIXES
from leukinetics.cohort.table.note import rows_text, some
from leukinetics.cohort.table.others import is_man
from leukinetics.cohort.table.write import DICTIONARY, SAMPLES
from leukinetics.cohort.values import Censored
from leukinetics.errors import DataError, LeukineticsError
from leukinetics.patients.convert import convert

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SEX = "sex"


@dataclass(frozen=True, eq=False)
class Patients:
    """A table of people; ``markers``: the analyte of each of the model's readouts; ``left_out``: (name, why)."""

    table: CohortTable
    path: Path
    markers: dict[str, Analyte]
    left_out: tuple[tuple[str, str], ...]

    def known(self, virtual: VirtualPatients) -> tuple[dict[str, Array], list[dict[str, Any]], list[tuple[str, str]]]:
        """(covariates of the rows as the model has them, what each is, those that are left out and why)."""
        found: dict[str, Array] = {}
        told: list[dict[str, Any]] = []
        left: list[tuple[str, str]] = []
        for entry in self.table.dictionary.covariate:
            name = next((c for c in virtual.covariates if c.casefold() == entry.name.casefold()), None)
            if name is None:
                left.append((entry.name, "the virtual patients have no such covariate"))
            elif entry.kind == "category":
                left.append((entry.name, "it has categories, and the model's covariate of this name is a number"))
            else:
                x = self.table.rows[entry.name].to_numpy(dtype=float)
                found[name], how = self._covariate(entry, x, name, virtual.known_units.get(name, ""))
                told.append({"covariate": entry.name, "known": name, "how": how, "n": int(np.isfinite(x).sum())})
        return found, told, left

    def _covariate(self, entry: Covariate, x: Array, name: str, unit: str) -> tuple[Array, str]:
        if entry.kind == "binary":
            if name != SEX:
                return x, f"'{entry.positive}' is 1"
            man = is_man(entry.positive)
            return (1.0 - x, f"'{entry.positive}' is a man") if man else (x, f"'{entry.positive}' is a woman")
        if not entry.unit:
            return x, f"taken as {unit}, since the table says no unit" if unit else ""
        try:
            factor = convert(1.0, entry.unit, unit)
        except LeukineticsError as error:
            raise DataError(f"'{self.table.source}', covariate '{entry.name}': {error}") from error
        return x * factor, "" if factor == 1.0 else f"converted from {entry.unit} to {unit}"


def read_patients(protocol: BenefitProtocol) -> Patients | None:
    """The people of the table that a protocol names; None where it names none.

    DataError of a file that cannot be read, or of which nothing can be used.
    """
    from leukinetics.cohort.study.read import read_study  # studies have subtypes, and so import this package

    named, about = protocol.table, protocol.dictionary
    if named is None:
        return None
    if named.is_dir():
        if about is not None:
            raise DataError(f"'{named}' is the folder of a study, which has its dictionary; leave 'dictionary' out.")
        table = _of_study(named)
    else:
        table = read_study(named, about, blind=True)
    markers: dict[str, Analyte] = {}
    left: list[tuple[str, str]] = []
    for analyte in table.dictionary.analyte:
        why = _unusable(analyte, protocol)
        if why:
            left.append((analyte.name, why))
            continue
        readout = str(analyte.observable)
        if readout in markers:
            raise DataError(
                f"'{table.source}': '{markers[readout].name}' and '{analyte.name}' are both the model's '{readout}'; "
                "take the observable from one of them in the dictionary."
            )
        _check_unit(table, analyte, readout)
        _check_range(table, analyte, readout)
        markers[readout] = analyte
    if not markers:
        said = "; ".join(f"{name}: {why}" for name, why in left)
        raise DataError(
            f"'{table.source}': no analyte is one of the markers {some(protocol.benefit.markers)}. {said}. Name the "
            "'observable' of an [[analyte]] in a dictionary."
        )
    return Patients(table, named, markers, tuple(left))


def printed(lower: float | None, upper: float | None) -> str:
    """What is known of a measurement, such as "< 1.5" or "2 to 4"."""
    if upper is None or np.isinf(upper):
        return f"> {lower:g}"
    if lower == upper:
        return f"{lower:g}"
    return f"{lower:g} to {upper:g}" if lower else f"< {upper:g}"


def _of_study(folder: Path) -> CohortTable:
    """The samples of the folder of a study of a table."""
    import pandas as pd

    from leukinetics.cohort.study.setup import blinded

    try:
        dictionary = read_dictionary(folder / DICTIONARY)
        rows = pd.read_parquet(folder / SAMPLES)
        parts = ("lower", "upper", "limit")
        analytes = {
            a.name: Censored(
                **{k: rows[f"{a.name}.{k}"].to_numpy(dtype=float) for k in parts}, unit=a.unit or "", name=a.name
            )
            for a in dictionary.analyte
        }
    except (OSError, ValueError, KeyError, DataError) as error:
        raise DataError(
            f"'{folder}' is a folder without the samples of a study that can be read ({error}); name a table "
            f"({', '.join(SUFFIXES)}), or a folder that leukinetics cohort TABLE --out made."
        ) from error
    rows = rows.drop(columns=[f"{name}.{k}" for name in analytes for k in parts])
    rows[GROUP] = rows[GROUP].astype("category")
    return blinded(CohortTable(rows, analytes, dictionary, (), folder.name))


def _unusable(analyte: Analyte, protocol: BenefitProtocol) -> str:
    """Why an analyte is no marker of the protocol; empty where it is one."""
    readout, head = analyte.observable, protocol.benefit
    if readout is None:
        same = analyte.name in (*head.markers, *head.further)
        hint = f'; say observable = "{analyte.name}" where it is the model\'s' if same else ""
        return f"the dictionary names no observable of the model for it{hint}"
    if readout in head.further:
        return f"'{readout}' is among 'further'; put it into 'markers' to use it"
    if readout not in head.markers:
        return (
            f"'{readout}' is none of the protocol's markers" if readout in assays()
            else f"the model has no assay of '{readout}'"
        )  # fmt: skip
    csf = readout.endswith("_csf")
    if analyte.matrix in ("csf", "serum", "plasma") and (analyte.matrix == "csf") != csf:
        return f"it was measured in {analyte.matrix}, and the model's '{readout}' is not of that"
    return ""


def _check_unit(table: CohortTable, analyte: Analyte, readout: str) -> None:
    try:
        factor(readout, analyte.unit or "", assay_for(readout).unit)
    except DataError as error:
        raise DataError(f"'{table.source}', analyte '{analyte.name}': {error}") from error


def _check_range(table: CohortTable, analyte: Analyte, readout: str) -> None:
    assay = assay_for(readout)
    x = table.analytes[analyte.name]
    low, high = (end * factor(readout, analyte.unit or "", assay.unit) for end in (x.lower, x.upper))
    with np.errstate(invalid="ignore"):
        wrong = (high < assay.floor) | (low > assay.ceiling)
    if wrong.any():
        rows = [int(r) for r in table.rows["row"][wrong]]
        i = int(np.argmax(wrong))
        raise DataError(
            f"'{table.source}', analyte '{analyte.name}', {rows_text(rows)}: {low[i]:g} is outside of what the model's "
            f"'{readout}' can be, {assay.floor:g} to {assay.ceiling:g}; mend it, or leave it empty."
        )


def factor(readout: str, own: str, unit: str) -> float:
    """One ``own`` unit of a readout in ``unit``."""
    return convert(1.0, own, unit, molar_mass(readout))
