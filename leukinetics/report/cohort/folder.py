"""The folder of a finished cohort, as the report reads it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort import CohortProtocol, read_cohort
from leukinetics.cohort.run import PEOPLE
from leukinetics.errors import DataError, LeukineticsError
from leukinetics.report.labels import readout_label
from leukinetics.report.trial.style import REFERENCE, Look

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
#: Groups apart by colour, dash and marker (Okabe and Ito's palette, which colour-blind readers keep apart).
LOOKS = (
    Look("#0072b2", "-", "s"), Look("#d55e00", (0, (7, 1.6)), "^"), Look("#009e73", (0, (5, 1.4, 1.2, 1.4)), "D"),
    Look("#cc79a7", (0, (2, 1.2)), "v"), Look("#56b4e9", "-", "P"), Look("#8a6d00", (0, (7, 1.6)), "X"),
)  # fmt: skip


@dataclass(frozen=True)
class FinishedCohort:
    """What a cohort's folder holds."""

    folder: Path
    protocol: CohortProtocol
    summary: Row
    provenance: Row
    people: pd.DataFrame

    @property
    def control(self) -> str:
        """The group that others are compared with."""
        return str(self.summary["control"])

    @property
    def unit(self) -> str:
        """The unit of the marker."""
        return str(self.summary["unit"])

    @property
    def level(self) -> str:
        """The level of confidence in print."""
        return f"{100 * (1 - float(self.summary['alpha'])):g}\u00a0%"

    @property
    def marker(self) -> str:
        """The marker's name inside a sentence."""
        return self.label(str(self.summary["marker"]))

    def label(self, name: str) -> str:
        """What a reader calls an observable."""
        return readout_label(name)

    def looks(self) -> dict[str, Look]:
        """How each group is drawn."""
        patients = [g["name"] for g in self.summary["groups"] if g["name"] != self.control]
        found = {name: LOOKS[i % len(LOOKS)] for i, name in enumerate(patients)}
        return found | {self.control: Look(REFERENCE, (0, (3.5, 2)), "o")}

    def rows(self, what: str) -> list[Row]:
        """The comparisons of one kind over the draws; empty without draws."""
        found = self.summary.get("uncertainty") or {}
        return [r for r in found.get("contrasts") or [] if r["what"] == what]


def is_cohort_folder(folder: str | Path) -> bool:
    """Whether a folder holds the people of a cohort."""
    return (Path(folder) / PEOPLE).is_file()


def open_cohort(folder: str | Path) -> FinishedCohort:
    """Open a finished cohort. DataError where there is none, or a file is damaged."""
    import pandas as pd

    path = Path(folder)
    try:
        protocol = read_cohort(tomllib.loads((path / "protocol.toml").read_text(encoding="utf-8")))
        summary, provenance = (json.loads((path / f"{n}.json").read_text(encoding="utf-8")) for n in _JSON)
        people = pd.read_parquet(path / PEOPLE)
    except FileNotFoundError as error:
        name = Path(error.filename or PEOPLE).name  # pyarrow's error has none
        raise DataError(f"'{path}' holds no finished cohort: '{name}' is missing.") from None
    except (OSError, ValueError, LeukineticsError) as error:
        raise DataError(f"The cohort in '{path}' cannot be read: {error}.") from error
    return FinishedCohort(path, protocol, summary, provenance, people)


_JSON = ("summary", "provenance")
