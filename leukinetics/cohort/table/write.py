"""Tables of biomarkers as files: what was read of one, and virtual cohorts as a laboratory would send them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.plan import BELOW, FURTHER, FURTHER_BELOW, MARKER
from leukinetics.cohort.table.cohort_table import EVENT, EXPOSURE, CohortTable
from leukinetics.cohort.table.dictionary import (
    Analyte,
    Covariate,
    Dictionary,
    Format,
    Groups,
    Outcome,
    Pair,
    TableAnalysis,
)
from leukinetics.cohort.table.dictionary_file import dictionary_toml
from leukinetics.engine.stream import naming
from leukinetics.errors import DataError
from leukinetics.patients.labels import BINARY, NAMED
from leukinetics.trial.store import write_bytes, write_table, write_text

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.cohort.protocol import CohortProtocol

#: Files of :func:`write_reading`, and that of a virtual table.
SAMPLES, NOTES, DICTIONARY, TABLE = "samples.parquet", "notes.csv", "dictionary.toml", "table.csv"
_CSF = "_csf"


def samples(table: CohortTable) -> pd.DataFrame:
    """The rows of a table with each analyte's ``<name>.lower``, ``.upper`` and ``.limit``."""
    found = table.rows.copy()
    found["group"] = found["group"].astype(object)
    for name, x in table.analytes.items():
        for part in ("lower", "upper", "limit"):
            found[f"{name}.{part}"] = getattr(x, part)
    return found


def write_reading(table: CohortTable, folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write what was read: samples.parquet, notes.csv, and the dictionary with all that was found out.

    DataError where the folder cannot be written to, or has files of these names and ``overwrite`` is not set.
    """
    import pandas as pd

    folder = Path(folder)
    paths = [folder / name for name in (SAMPLES, NOTES, DICTIONARY)]
    there = [p for p in paths if p.exists()]
    if there and not overwrite:
        raise DataError(f"'{there[0]}' is there already; name another folder, or replace it with --overwrite.")
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    units = {f"{n}.{part}": x.unit for n, x in table.analytes.items() for part in ("lower", "upper", "limit")}
    write_table(paths[0], samples(table), units)
    notes = pd.DataFrame([(n.severity, n.row, n.column, n.count, n.text) for n in table.notes])
    notes = notes if len(notes) else pd.DataFrame(columns=range(5))
    notes.columns = pd.Index(["severity", "row", "column", "count", "text"])
    write_bytes(paths[1], notes.astype({"row": "Int64"}).to_csv(index=False).encode())
    write_text(paths[2], dictionary_toml(table.dictionary, head=[f"What was read of {table.source}."]))
    return paths


def virtual_table(
    protocol: CohortProtocol, people: pd.DataFrame, units: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, Dictionary]:
    """(a virtual cohort as a table with ``<limit`` marks, cells as text, and its dictionary).

    ``people``: those of :class:`leukinetics.cohort.CohortResult`; ``units`` of covariates, where they are none of
    :data:`leukinetics.patients.labels.NAMED`. DataError where a limit is below one that people were measured with.
    """
    import pandas as pd

    cells: dict[str, Any] = {"person": people["person"].to_numpy(), "group": people["group"].to_numpy()}
    asked = [(protocol.marker.observable, protocol.limit, protocol.unit, MARKER, BELOW)]
    for f in protocol.marker.further:
        column = f"{FURTHER}{f.observable}"
        asked.append((f.observable, f.limit[0].value, f.limit[0].unit, column, column + FURTHER_BELOW))
    analytes = []
    for name, at, unit, column, below in asked:
        cells[f"{name} ({unit})"] = _marked(people[column], people[below], at, unit)
        matrix: Any = "csf" if name.endswith(_CSF) else "plasma"
        analytes.append(
            Analyte(name=name, column=f"{name} ({unit})", unit=unit, matrix=matrix, limit=at, observable=name)
        )
    names = [a.name for a in analytes]
    pairs = [
        Pair(name=f"{n.removesuffix(_CSF)}_index", csf=n, serum=n.removesuffix(_CSF))
        for n in names
        if n.endswith(_CSF) and n.removesuffix(_CSF) in names
    ]
    covariates = [_covariate(c, people, units or {}) for c in _covariates(protocol, people)]
    for entry in covariates:
        cells[entry.column] = _texts(people[entry.name])
    outcomes = list(_outcomes(protocol, people, cells))
    groups = [g.name for g in protocol.group]
    control = protocol.cohort.control
    dictionary = Dictionary(
        table=Format(id="person"),
        group=Groups(column="group", control=control, order=[control, *(g for g in groups if g != control)]),
        analyte=analytes,
        pair=pairs,
        covariate=covariates,
        outcome=outcomes,
        analysis=TableAnalysis(
            alpha=protocol.analysis.alpha,
            covariates=[c for c in protocol.analysis.covariates if c in {e.name for e in covariates}],
            seed=protocol.cohort.seed,
        ),
    )
    return pd.DataFrame(cells), dictionary


def _marked(values: pd.Series[float], only_below: pd.Series[bool], limit: float, unit: str) -> Any:
    """Cells of a marker, with "<limit" where it is below that. DataError where more is not known of somebody."""
    marker, below = values.to_numpy(dtype=float), only_below.to_numpy(dtype=bool)
    highest = float(np.max(marker[below], initial=0.0))
    if limit < highest:
        raise DataError(
            f"The limit {limit:g} {unit} is below {highest:g}, and somebody's marker is only known to be below that; "
            "give a higher one."
        )
    return np.where(below | (marker < limit), f"<{_digits(limit)}", [_digits(float(v)) for v in marker])


def _covariates(protocol: CohortProtocol, people: pd.DataFrame) -> list[str]:
    known = [c for c in NAMED if c in people.columns]
    return [*known, *(c for c in protocol.analysis.covariates if c in people.columns and c not in known)]


def _covariate(name: str, people: pd.DataFrame, units: Mapping[str, str]) -> Covariate:
    values = set(people[name].dropna().unique())
    if name == "sex" or (values <= {0.0, 1.0} and name not in NAMED):
        return Covariate(name=name, column=name, kind=BINARY, positive="1")  # type: ignore[arg-type]
    unit = NAMED[name][1] if name in NAMED else units.get(name, "")
    return Covariate(name=name, column=f"{name} ({unit})" if unit else name, kind="continuous", unit=unit or None)


def _outcomes(protocol: CohortProtocol, people: pd.DataFrame, cells: dict[str, Any]) -> Any:
    """The entries of what was found or happens later; their columns are added to ``cells``."""
    if protocol.activity is not None and people["active"].notna().any():
        cells["active"] = _texts(people["active"])
        yield Outcome(name="active", column="active", kind="binary", positive="1")
    for endpoint in protocol.prognosis.outcome if protocol.prognosis else []:
        name, value = endpoint.id, people[f"{endpoint.id}.value"]
        if endpoint.kind == "event_rate":
            whole = bool((value.dropna() == value.dropna().round()).all())
            cells[name], cells[name + EXPOSURE] = _texts(value), _texts(people[f"{name}.exposure"])
            if whole:
                yield Outcome(name=name, column=name, kind="count", exposure=name + EXPOSURE, unit="day")
            else:
                yield Outcome(name=name, column=name, kind="continuous")
        elif endpoint.kind in ("time_to_event", "confirmed_progression"):
            censored = people[f"{name}.censored"].astype(float)
            event = np.where(value.isna(), np.nan, 1.0 - censored)
            import pandas as pd

            cells[name], cells[name + EVENT] = _texts(value), _texts(pd.Series(event))
            yield Outcome(name=name, column=name, kind="time_to_event", event=name + EVENT, positive="1", unit="day")
        elif endpoint.kind == "responder":
            cells[name] = _texts(value)
            yield Outcome(name=name, column=name, kind="binary", positive="1")
        else:
            cells[name] = _texts(value)
            yield Outcome(name=name, column=name, kind="continuous", unit=endpoint.unit)


def _texts(values: Any) -> list[str]:
    return ["" if np.isnan(v) else _digits(v) for v in np.asarray(values, dtype=float)]


def _digits(value: float) -> str:
    """The shortest text of a number; a whole one without a point."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
