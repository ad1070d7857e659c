"""What is analysed of a table: which rows, which groups against which, which outcomes in whom; all decisions told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.outcomes import Outcome
from leukinetics.cohort.table.cohort_table import EVENT, EXPOSURE, GROUP, PERSON, TIME, CohortTable
from leukinetics.cohort.table.note import Note, plural, some
from leukinetics.cohort.table.read import AS_OUTCOME, UNUSED
from leukinetics.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Mask = NDArray[np.bool_]

#: The set of everybody with a group other than the control's.
PATIENTS = "all patients"
EVERYBODY = "all"


@dataclass(frozen=True, eq=False)
class Setup:
    """A table made ready.

    ``table``: all samples, at the common limits that were asked for; ``rows`` and ``analytes``: one sample of each
    person; ``labels`` (rows,): the group, "" without one; ``contrasts``: (group, reference); ``adjusted``: covariates
    of adjusted models; ``patients`` (rows,): those in whom outcomes and subtypes are looked at.
    """

    table: CohortTable
    rows: pd.DataFrame
    analytes: dict[str, Censored]
    labels: NDArray[np.object_]
    groups: tuple[str, ...]
    control: str | None
    contrasts: tuple[tuple[str, str], ...]
    adjusted: tuple[str, ...]
    patients: Mask
    blind: bool
    seed: int
    decisions: list[str] = field(default_factory=list)

    @property
    def alpha(self) -> float:
        return self.table.dictionary.analysis.alpha

    @property
    def correct(self) -> str:
        return self.table.dictionary.analysis.correct

    @property
    def resamples(self) -> int:
        return self.table.dictionary.analysis.bootstrap

    @property
    def who(self) -> str:
        """The people of outcomes and subtypes, in words."""
        return "everybody" if self.patients.all() else f"all but {self.control}"

    def masks(self) -> dict[str, Mask]:
        """Everybody, and each group."""
        return {EVERYBODY: np.ones(len(self.rows), dtype=bool)} | {g: self.labels == g for g in self.groups}

    def covariates(self) -> pd.DataFrame | None:
        """Those of adjusted models, None without any."""
        return self.rows[list(self.adjusted)] if self.adjusted else None

    def design(self, rows: pd.DataFrame | None = None) -> pd.DataFrame | None:
        """The group (the control first) and the covariates of adjusted models; None without both."""
        rows = self.rows if rows is None else rows
        names = list(self.adjusted)
        if len(self.groups) < 2:
            return rows[names] if names else None
        first = self.control if self.control in self.groups else self.groups[0]
        order = [first, *(g for g in self.groups if g != first)]
        groups = rows[GROUP].astype(object).astype("category").cat.set_categories(order)
        return rows[names].assign(**{GROUP: groups})[[GROUP, *names]]

    def outcomes(self) -> list[Outcome]:
        """Of the people of ``rows``, unknown outside ``patients``."""
        found = []
        for entry in self.table.dictionary.outcome:
            value = np.where(self.patients, self.rows[entry.name].to_numpy(dtype=float), np.nan)
            event = self.rows[entry.name + EVENT].to_numpy(dtype=float) if entry.kind == "time_to_event" else None
            exposure = None
            if entry.kind == "count":
                exposure = self.rows[entry.name + EXPOSURE].to_numpy(dtype=float)
                exposure = None if np.isnan(exposure).all() else exposure
            found.append(
                Outcome.of(
                    entry.kind, value, event=event, exposure=exposure, name=entry.name, unit=_unit(entry)
                )
            )  # fmt: skip
        return found

    def questions(self) -> list[tuple[str, str, str, NDArray[np.float64]]]:
        """(words, cases, controls, 1 or 0 or NaN by row) of each contrast; first of all patients against the control,
        where there are several groups of them."""
        found = []
        of_control = [one for one, other in self.contrasts if other == self.control]
        if self.control is not None and len(of_control) > 1:
            case = np.where(self.labels == self.control, 0.0, np.where(np.isin(self.labels, of_control), 1.0, np.nan))
            found.append((f"{PATIENTS} against {self.control}", PATIENTS, self.control, case))
        for one, other in self.contrasts:
            case = np.where(self.labels == one, 1.0, np.where(self.labels == other, 0.0, np.nan))
            found.append((f"{one} against {other}", one, other, case))
        return found


def blinded(table: CohortTable) -> CohortTable:
    """The table without its outcomes, and without the names of columns that may be ones."""
    gone = table.dictionary.outcome
    names = [name for o in gone for name in (o.name, o.name + EVENT, o.name + EXPOSURE) if name in table.rows]
    dictionary = table.dictionary.model_copy(update={"outcome": []})
    columns = {o.column for o in gone} | {o.event for o in gone} | {o.exposure for o in gone}
    notes = tuple(_unnamed(n) for n in table.notes if n.column is None or n.column not in columns)
    return replace(table, rows=table.rows.drop(columns=names), dictionary=dictionary, notes=notes)


def _unnamed(note: Note) -> Note:
    """A note without columns that are outcomes, or that nothing is made of, of which some may be."""
    if note.column is None and UNUSED in note.text:
        return replace(note, text=f"{note.text.partition(UNUSED)[0]} not used; blind, so that none is named.")
    if note.column is None and AS_OUTCOME in note.text:
        kept = "; ".join(part for part in note.text.rstrip(".").split("; ") if AS_OUTCOME not in part)
        return replace(note, text=f"{kept}.")
    return note


def setup(table: CohortTable, blind: bool, seed: int | None) -> Setup:
    """A table made ready. DataError where what the dictionary asks for cannot be done."""
    if blind:
        table = blinded(table)
    analysis = table.dictionary.analysis
    said: list[str] = []
    if blind:
        said.append("Blind: outcomes are not read, and nothing is told of them.")
    table = replace(table, analytes=_at_limits(table, said))
    rows, keep = _first_samples(table, said)
    analytes = {name: x.take(keep) for name, x in table.analytes.items()}
    labels = rows[GROUP].astype(object).where(rows[GROUP].notna(), "").to_numpy(dtype=object)
    groups = tuple(g for g in table.groups if (labels == g).any())
    control = table.control if table.control in groups else None
    contrasts = _contrasts(table, groups, control, said)
    if (without := int((labels == "").sum())) and groups:
        said.append(f"{plural(without, 'person', 'people')} without a group count where groups are not compared.")
    patients = np.ones(len(rows), dtype=bool)
    if control is not None and len(groups) > 1:
        patients = labels != control
        what = ["outcomes"] * bool(table.dictionary.outcome) + ["subtypes"] * analysis.subtypes
        if what:
            said.append(f"{' and '.join(what).capitalize()} are looked at in all but {control}.")
    unlimited = [name for name, x in analytes.items() if x.n and not len(x.limits) and not x.below.any()]
    if unlimited and analysis.detection:
        said.append(f"No limit is known of {_joined(unlimited)}: every number counts as detected.")
    covariates = [c.name for c in table.dictionary.covariate]
    if analysis.covariates:
        said.append(f"Adjusted models have {_joined(analysis.covariates)} beside the group.")
    elif covariates:
        said.append(
            f"No model is adjusted for {_joined(covariates)}: [analysis] of the dictionary names no covariates."
        )
    if len(contrasts) > 1:
        how = {"holm": "Holm", "bh": "Benjamini and Hochberg"}[analysis.correct]
        said.append(f"p values of {len(contrasts)} contrasts of an analyte are corrected after {how}.")
    return Setup(
        table, rows, analytes, labels, groups, control, contrasts, tuple(analysis.covariates), patients, blind,
        analysis.seed if seed is None else seed, said,
    )  # fmt: skip


def _at_limits(table: CohortTable, said: list[str]) -> dict[str, Censored]:
    found = dict(table.analytes)
    for name, limit in table.dictionary.analysis.limits.items():
        if name not in found:
            raise DataError(
                f"The dictionary of '{table.source}' asks for a limit of '{name}', which is no analyte; there are "
                f"{some(found)}."
            )
        try:
            at = found[name].at(limit)
        except DataError as error:
            raise DataError(f"'{table.source}', limits of [analysis]: {error}") from None
        more = int(at.below.sum() - found[name].below.sum())
        said.append(
            f"{name} is taken as if all had been measured with a limit of {limit:g} {at.unit}".rstrip()
            + f": {more} more are below it."
        )
        found[name] = at
    return found


def _first_samples(table: CohortTable, said: list[str]) -> tuple[pd.DataFrame, NDArray[np.intp]]:
    """Each person's first sample, by time where it is known and else in the order of the file."""
    rows = table.rows
    if not table.repeated:
        return rows, np.arange(len(rows))
    timed = bool(rows[TIME].notna().any())
    order = rows.sort_values(TIME, kind="stable", na_position="last") if timed else rows
    keep = np.sort(order.drop_duplicates(PERSON).index.to_numpy())
    how = "by its time" if timed else "in the order of the table"
    many = int(rows[PERSON].duplicated(keep=False).groupby(rows[PERSON]).any().sum())
    said.append(
        f"{plural(many, 'person has', 'people have')} several samples: the first ({how}) counts everywhere but in the "
        f"mixed models of repeated samples, which use all {len(rows):,}."
    )
    return rows.loc[keep].reset_index(drop=True), keep


def _contrasts(
    table: CohortTable, groups: tuple[str, ...], control: str | None, said: list[str]
) -> tuple[tuple[str, str], ...]:
    asked = table.dictionary.analysis.contrasts
    if not asked:
        if control is not None:
            return tuple((g, control) for g in groups if g != control)
        if len(groups) > 1:
            said.append("No group is the control: every two groups are compared, the later with the earlier.")
        return tuple((b, a) for a, b in combinations(groups, 2))
    found = []
    for one, other in asked:
        unknown = [g for g in (one, other) if g not in groups]
        if unknown or one == other:
            why = f"the group {some(unknown)}, which nobody is in" if unknown else f"'{one}' with itself"
            raise DataError(
                f"contrasts of [analysis] compare {why}; the groups of '{table.source}' are {some(groups)}."
            )
        found.append((one, other))
    return tuple(dict.fromkeys(found))


def _unit(entry: Any) -> str:
    return "day" if entry.kind == "time_to_event" else entry.unit or ""


def _joined(names: list[str]) -> str:
    return ", ".join(names)


def told(note: Note) -> dict[str, Any]:
    """A note as a row."""
    return {
        "severity": note.severity, "text": note.text, "row": note.row, "column": note.column, "count": note.count
    }  # fmt: skip
