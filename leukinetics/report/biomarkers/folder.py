"""The folder of a finished study of a table of biomarkers, as the report reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leukinetics.cohort.study import open_study
from leukinetics.cohort.values import Censored
from leukinetics.report.cohort.folder import LOOKS
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.style import REFERENCE, Look

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
#: All people together, where there are no groups.
ALL = "all"


@dataclass(frozen=True)
class FinishedStudy:
    """What a study's folder holds; ``samples``: one row for each person, those
    that were analysed."""

    folder: Path
    summary: dict[str, Any]
    provenance: dict[str, Any]
    dictionary: str
    samples: pd.DataFrame

    @property
    def level(self) -> str:
        """The level of confidence in print."""
        return f"{100 * (1 - self.alpha):g}\u00a0%"

    @property
    def alpha(self) -> float:
        """The two-sided level of tests."""
        return float(self.summary["alpha"])

    @property
    def control(self) -> str | None:
        """The group that others are compared with, if there is one."""
        found = self.summary.get("control")
        return None if found is None else str(found)

    @property
    def groups(self) -> list[str]:
        """The groups in their order; none where people are not in groups."""
        return [str(g["name"]) for g in self.rows("groups")]

    @property
    def analytes(self) -> list[Row]:
        """What was measured, in the order of the table."""
        return self.rows("analytes")

    @property
    def correction(self) -> str:
        """How p values are adjusted, in print."""
        return {"holm": "Holm's", "bh": "Benjamini and Hochberg's"}.get(str(self.summary.get("correct")), "no")

    def rows(self, key: str) -> list[Row]:
        """A list of the summary; empty where it has none."""
        return list(self.summary.get(key) or [])

    def looks(self) -> dict[str, Look]:
        """How each group is drawn, the same in every figure."""
        others = [g for g in self.groups if g != self.control]
        found = {name: LOOKS[i % len(LOOKS)] for i, name in enumerate(others)}
        if self.control is not None:
            found[self.control] = Look(REFERENCE, (0, (3.5, 2)), "o")
        return found | {ALL: LOOKS[0]}

    def label(self, name: Any) -> str:
        """What an analyte is called."""
        found = next((a for a in self.analytes if a["name"] == name), None)
        return plain((found or {}).get("label") or name)

    def values(self, analyte: Row) -> Censored:
        """The measurements of an analyte that were analysed, with the limit that was applied to all, if any."""
        name = str(analyte["name"])
        lower, upper, limit = (self.samples[f"{name}.{k}"].to_numpy(dtype=float) for k in ("lower", "upper", "limit"))
        found = Censored(lower, upper, limit, str(analyte.get("unit") or ""), name)
        common = analyte.get("common_limit")
        return found if common is None else found.at(float(common))


def open_folder(folder: str | Path) -> FinishedStudy:
    """Open a finished study. DataError where there is none, or a file is damaged."""
    found = open_study(folder)
    samples = found.samples
    if "time" in samples:  # of people with several samples the first is analysed
        samples = samples.sort_values("time", kind="stable", na_position="last")
    first = samples.drop_duplicates("person").sort_index()
    return FinishedStudy(found.folder, found.summary, found.provenance, found.dictionary, first)
