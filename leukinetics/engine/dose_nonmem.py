"""Dose tables in NONMEM's columns (NONMEM Users Guide, part VI, PREDPP).

All in upper or all in lower case: ``TIME``, ``AMT``; optional ``ID`` (left out: every patient), ``EVID`` (0
and 2 are no doses, 1 is a dose; left out: rows with AMT above 0 are doses), ``CMT`` (a species or its number
from 1; needed unless only one species can be dosed), ``RATE`` (of an infusion, which lasts AMT/RATE; 0: a
bolus), ``II`` and ``ADDL`` (ADDL further doses, II apart), ``SS``. ``DV`` and ``MDV`` are observations and
not read. An entry missing in an optional column is 0. Times must not decrease within a patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.engine.dose_rows import DoseRows, Source, divide, read_patients_of, whole

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.engine.dose_rows import Floats, Integers

NONMEM = ("ID", "TIME", "AMT", "EVID", "CMT", "RATE", "II", "ADDL", "SS", "DV", "MDV")
REFUSED_EVENTS = {
    3: "a reset",
    4: "a reset with a dose",
    5: "a replacement of the amount",
    6: "a multiplication of the amount",
    8: "a change of the model's clock",
}


def read_nonmem(frame: pd.DataFrame, ids: pd.Index) -> DoseRows:
    """Read a dose table with NONMEM's columns. Raises DataError; refuses by name what cannot be simulated."""
    name = {c.upper(): c for c in frame.columns}
    hint = _dots(frame)
    table = Source(frame, np.arange(len(frame)))
    patient = read_patients_of(frame[name["ID"]], ids) if "ID" in name else None
    time = table.numbers(name["TIME"], hint=hint)
    _check_sorted(table, patient, time, name["TIME"])
    if "EVID" in name:
        kind = table.numbers(name["EVID"], hint=hint)
        for code, word in REFUSED_EVENTS.items():
            table.reject(kind == code, f"{word} is not supported.", name["EVID"])
        table.reject(~np.isin(kind, (0, 1, 2)), "it must be 1 (a dose), 0 or 2 (no dose).", name["EVID"])
        chosen = np.flatnonzero(kind == 1)
    else:
        chosen = np.flatnonzero(table.numbers(name["AMT"], 0.0, hint) != 0)

    source = Source(frame, chosen)
    amount = source.numbers(name["AMT"], hint=hint)
    rate, interval, more, steady = (source.numbers(name.get(key), 0.0, hint) for key in ("RATE", "II", "ADDL", "SS"))
    source.reject(rate == -1, "a rate that the model computes is not supported.", name.get("RATE"))
    source.reject(rate == -2, "a duration that the model computes is not supported.", name.get("RATE"))
    source.reject(rate < 0, "a rate cannot be negative.", name.get("RATE"))
    source.reject((rate > 0) & (amount == 0), "an endless infusion (AMT 0) is not supported.", name.get("RATE"))
    with np.errstate(over="ignore"):
        duration = divide(amount, rate)
    source.reject(~np.isfinite(duration), "the infusion would never end.", name.get("RATE"))
    source.reject(interval < 0, "an interval cannot be negative.", name.get("II"))
    source.reject((more < 0) | (more != np.floor(more)), "it must be a whole number from 0.", name.get("ADDL"))
    source.reject((more > 0) & (interval == 0), "further doses need an interval II above 0.", name.get("ADDL"))
    rows = DoseRows(
        source,
        None if patient is None else patient[chosen],
        time[chosen],
        frame[name["CMT"]].iloc[chosen] if "CMT" in name else None,
        amount,
        duration,
        interval,
        whole(source, more + 1),
        np.where(steady == 1, interval, 0.0),
    )
    rows.check(name["TIME"], name["AMT"])
    _check_steady_state(rows, steady, name)
    return rows


def _dots(frame: pd.DataFrame) -> str:
    """A hint for messages where the table holds NONMEM's dots, which make pandas read numbers as text."""
    text = [frame[c] for c in frame.columns if frame[c].dtype.kind in "OU"]
    dots = any((column.iloc[:1000].astype(str) == ".").any() for column in text)
    return " (read the file with na_values='.' for NONMEM's dots)" if dots else ""


def _check_sorted(table: Source, patient: Integers | None, time: Floats, column: str) -> None:
    """Refuse times that decrease within a patient, doses or not."""
    order = np.arange(len(time)) if patient is None else np.argsort(patient, kind="stable")
    down = np.zeros(len(time), dtype=bool)
    down[order[1:]] = np.diff(time[order]) < 0
    if patient is not None:
        down[order[1:]] &= np.diff(patient[order]) == 0
    table.reject(down, "a row of the same patient above it has a later time; sort the rows by time.", column)


def _check_steady_state(rows: DoseRows, steady: Floats, name: Mapping[str, str]) -> None:
    """SS=1 is for a patient's first dose, at time 0, with II > 0 and an infusion no longer than II."""
    column, reject, on = name.get("SS"), rows.source.reject, steady == 1
    reject(~on & (steady != 0), "only 0 and 1 (steady state, from an empty start) are supported.", column)
    reject(on & (rows.every <= 0), "a dose at steady state needs an interval II above 0.", column)
    reject(on & (rows.time != 0), "a dose at steady state is supported at time 0 only.", column)
    reject(on & (rows.duration > rows.every), "at steady state an infusion must end within II.", column)
    patient = np.zeros(len(steady), dtype=np.int64) if rows.patient is None else rows.patient
    first = np.zeros(len(steady), dtype=bool)
    first[np.unique(patient, return_index=True)[1]] = True
    reject(on & ~first, "a dose at steady state must be the first dose of its patient.", column)
