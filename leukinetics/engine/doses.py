"""Dosing schedules: a checked dose table, in our own columns or NONMEM's, expanded to plain arrays.

The columns are described in ``dose_rows`` (our own) and ``dose_nonmem``; the names tell the dialects apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.columns import as_frame, check_names, show
from leukinetics.engine.dose_nonmem import NONMEM, read_nonmem
from leukinetics.engine.dose_rows import OWN, DoseRows, read_own
from leukinetics.engine.system import DoseTarget
from leukinetics.errors import DataError, suggest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WHAT = "The dose table"


@dataclass(frozen=True)
class DoseSchedule:
    """The doses of all patients, sorted by patient and time; rows at one time keep the table's order.

    The doses of patient ``p`` are rows ``offsets[p]:offsets[p + 1]``; where ``shared``, ``offsets`` is
    ``[0, n_doses]`` and every patient gets all rows. ``duration`` 0 is a bolus, otherwise an infusion at
    the rate ``amount / duration``. ``target`` indexes ``targets``, names of species.

    ``steady_state`` (one entry per patient, or a single one where ``shared``) is 0, or the interval II > 0
    of a patient whose FIRST row, at time 0, is a NONMEM SS=1 dose: before time 0 that dose (same amount,
    duration and target) was repeated every II, with no other doses, until the pattern settled; then the
    row itself is given at time 0 as usual. An infusion there lasts no longer than II.
    """

    targets: tuple[str, ...]
    offsets: NDArray[np.int64]
    time: Floats
    amount: Floats
    duration: Floats
    target: NDArray[np.int32]
    shared: bool
    steady_state: Floats

    def part(self, start: int, stop: int) -> DoseSchedule:
        """The schedule of patients ``start:stop`` (views; a shared schedule as it is)."""
        if self.shared:
            return self
        offsets = self.offsets[start : stop + 1]
        rows = slice(int(offsets[0]), int(offsets[-1]))
        return DoseSchedule(
            self.targets,
            offsets - offsets[0],
            self.time[rows],
            self.amount[rows],
            self.duration[rows],
            self.target[rows],
            False,
            self.steady_state[start:stop],
        )

    def take(self, rows: NDArray[np.int64]) -> DoseSchedule:
        """The schedule of the patients ``rows`` alone, in that order (a shared schedule as it is)."""
        if self.shared:
            return self
        parts = [np.arange(self.offsets[p], self.offsets[p + 1]) for p in rows]
        doses = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        return DoseSchedule(
            self.targets,
            offsets,
            self.time[doses],
            self.amount[doses],
            self.duration[doses],
            self.target[doses],
            False,
            self.steady_state[rows],
        )


def read_doses(
    doses: Any, ids: pd.Index, dose_targets: Mapping[str, DoseTarget], species: Sequence[str]
) -> DoseSchedule | None:
    """Check a dose table (a DataFrame, an Arrow table, or a list of mappings) and write out its repeats.

    ``ids`` are the patients' labels, ``species`` the model's species in file order (for a numeric CMT).
    Returns None where there are no doses. Raises DataError naming row, value and what is expected.
    """
    if doses is None:
        return None
    frame = _frame(doses)
    if len(frame) == 0:
        return None
    nonmem = _is_nonmem(list(frame.columns))
    rows = read_nonmem(frame, ids) if nonmem else read_own(frame, ids)
    if len(rows.time) == 0:
        return None
    targets, target = _targets(rows, nonmem, dose_targets, species)
    return _expand(rows, targets, target, len(ids))


def _frame(doses: Any) -> pd.DataFrame:
    """A table, or a list of mappings (a key that a mapping lacks is missing), as a DataFrame."""
    import pandas as pd

    if not isinstance(doses, (list, tuple)):
        return as_frame(doses, WHAT)
    for i, dose in enumerate(doses):
        if not isinstance(dose, Mapping):
            raise DataError(f"doses[{i}] is {show(dose)}; it must be a mapping such as {{'time': 0, ...}}.")
        check_names(dose, f"doses[{i}]")
    names = dict.fromkeys(name for dose in doses for name in dose)
    return pd.DataFrame({name: pd.Series([d.get(name) for d in doses], dtype=object) for name in names})


def _is_nonmem(columns: list[str]) -> bool:
    """Tell the dialects apart; DataError for a mixture, an unknown column or a missing one."""
    lower = tuple(name.lower() for name in NONMEM)
    ours = [c for c in columns if c in OWN and c != "time"]
    theirs = [c for c in columns if c.lower() in lower and c != "time"]
    if ours and theirs:
        raise DataError(
            f"{WHAT} mixes its own column '{ours[0]}' with NONMEM's '{theirs[0]}'; use either "
            f"{', '.join(OWN)} or {', '.join(NONMEM)}."
        )
    known = OWN if not theirs else NONMEM if theirs[0].isupper() else lower
    needed = known[1:4] if known is OWN else known[1:3]
    for column in columns:
        if column not in known:
            mixed = column.lower() in lower and " NONMEM's columns must be all in upper or all in lower case."
            raise DataError(
                f"{WHAT} has a column '{column}', which is none of {', '.join(known)}; rename or remove it."
                f"{mixed or suggest(column, known)}"
            )
    for column in needed:
        if column not in columns:
            raise DataError(f"{WHAT} has no column '{column}'; it has {', '.join(columns)}.")
    return bool(theirs)


def _targets(
    rows: DoseRows, numbered: bool, dose_targets: Mapping[str, DoseTarget], species: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """(names of the species dosed into, for each dose the position among them)."""
    import pandas as pd

    if rows.target is None:
        if len(dose_targets) != 1:
            count = len(dose_targets) or "no"
            raise DataError(f"{WHAT} has no column CMT, but the model has {count} species to dose into.")
        return tuple(dose_targets), np.zeros(len(rows.time), dtype=np.int32)
    try:
        codes, found = pd.factorize(rows.target, use_na_sentinel=False)
    except TypeError:  # lists and the like, which are no names anyway
        codes, found = pd.factorize(rows.target.map(show), use_na_sentinel=False)
    named = []
    for code, value in enumerate(found):
        name, problem = _species(value, numbered, dose_targets, species)
        if problem:
            rows.source.reject(codes == code, problem)
        named.append(name)
    targets = tuple(dict.fromkeys(named))
    return targets, np.array([targets.index(name) for name in named], dtype=np.int32)[codes]


def _species(
    target: Any, numbered: bool, dose_targets: Mapping[str, DoseTarget], species: Sequence[str]
) -> tuple[str, str]:
    """(species that ``target`` means, what is wrong with it or ""). ``numbered``: numbers may stand."""
    digits = isinstance(target, str) and target not in species and target.isascii() and target.isdecimal()
    number = isinstance(target, (int, float, np.integer, np.floating)) and target == target
    if numbered and (digits or number):
        if float(target) not in range(1, len(species) + 1):
            return "", f"it doses into species number {target}; they are numbered from 1 to {len(species)}."
        target = species[int(float(target)) - 1]
    if target in dose_targets:
        return str(target), ""
    if target in species:
        return "", (
            f"it doses into '{target}', which cannot be dosed: in this model it is constant or a boundary, or a rule "
            "or events alone set its value."
        )
    if not isinstance(target, str):
        return "", f"it has {show(target)} for the species to dose into; give a name."
    return "", f"it doses into '{target}', which is no species of the model.{suggest(target, dose_targets)}"


def _expand(rows: DoseRows, targets: tuple[str, ...], target: NDArray[np.int32], n_patients: int) -> DoseSchedule:
    """Write out repeats, sort by patient and time, and count the doses of each patient."""
    shared = rows.patient is None
    groups = 1 if rows.patient is None else n_patients
    owner = np.zeros(len(rows.time), dtype=np.int64) if rows.patient is None else rows.patient
    steady_state = np.zeros(groups)
    steady = np.flatnonzero(rows.steady_state)
    steady_state[owner[steady]] = rows.steady_state[steady]

    source = np.repeat(np.arange(len(rows.time)), rows.count)
    repeat = np.arange(len(source)) - np.repeat(np.cumsum(rows.count) - rows.count, rows.count)
    with np.errstate(over="ignore"):
        time = rows.time[source] + repeat * rows.every[source]
    if not np.isfinite(time).all():
        raise DataError(f"{WHAT} has repeats beyond any finite time; lower the interval or the repeats.")
    order = np.lexsort((time, owner[source]))  # stable: doses at one time keep the order of the table
    source = source[order]
    per_patient = np.bincount(owner[source], minlength=groups)
    return DoseSchedule(
        targets,
        np.concatenate(([0], np.cumsum(per_patient))).astype(np.int64),
        time[order],
        rows.amount[source],
        rows.duration[source],
        target[source],
        shared,
        steady_state,
    )
