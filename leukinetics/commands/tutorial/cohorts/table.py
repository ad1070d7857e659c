"""The tutorial's table as a laboratory would send it: plates with limits of their own, marks, and what goes wrong in
files that are kept by hand. All of it is put in here; the people are :mod:`.people`."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from leukinetics.commands.tutorial.cohorts.people import AGAIN, EVERY, SECOND, WEEKS, people

if TYPE_CHECKING:
    import pandas as pd

#: The table, and the dictionary that belongs to it, in the folder of the examples.
TABLE, DICTIONARY, PROTOCOL = "cohort_table/ms_cohort.csv", "cohort_table/ms_cohort.toml", "ms_il6_csf.toml"
TITLE = "Virtual people, made by a model: no patient data"


class Measured(NamedTuple):
    """A marker's column, its limits on the old and on the new plates, and from where on it is above the range."""

    column: str
    old: float
    new: float
    above: float = float("inf")


MARKERS = {
    "il6_csf": Measured("IL-6 CSF (pg/mL)", 4.0, 1.5),
    "il6": Measured("IL-6 serum (pg/mL)", 0.7, 0.7),
    "il1b_csf": Measured("IL-1b CSF (pg/mL)", 0.25, 0.25),
    "crp": Measured("CRP (mg/L)", 0.3, 0.3, 20.0),
}
#: Plates in the order of the dates of samples; the laboratory changed the assay after the first ones.
PLATES, OLD = 8, 4
FIRST, RECRUITED = date(2016, 1, 11), 1300  # the day of the first samples; days in which people come
LEAVE = 0.06  # share of people who are lost to follow-up in a year
SEED = 2016


def make(examples: Path) -> str:
    """The text of the table, of the protocol in the folder of the examples."""
    return text(people(examples / PROTOCOL))


def text(who: pd.DataFrame) -> str:
    """The table of these people: a title, a header, a row for each sample; the same bytes for the same people."""
    rng = np.random.default_rng(SEED)
    rows = _samples(_shuffled(who, rng), rng)
    for plate, some in enumerate(np.array_split(sorted(rows, key=lambda r: r["day"]), PLATES)):
        for row in some:
            row["Plate"] = f"P{plate + 1:02d}"
    cells = [_cells(row) for row in sorted(rows, key=lambda r: (r["Patient ID"], r["day"]))]
    cells = _untidy(cells, rng)
    lines = [TITLE, ";".join(cells[0]), *(";".join(row.values()) for row in cells)]
    return "\n".join(lines) + "\n"


def _shuffled(who: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return who.iloc[rng.permutation(len(who))].reset_index(drop=True)


def _samples(who: pd.DataFrame, rng: np.random.Generator) -> list[dict[str, Any]]:
    """A row for each sample: its day, its markers as numbers, and what is known of its person."""
    came = np.sort(rng.integers(0, RECRUITED, len(who)))
    stayed = np.minimum(rng.exponential(365.25 / LEAVE, len(who)), WEEKS * 7.0).round()
    stayed = np.maximum(stayed // (7 * EVERY) * (7 * EVERY), 7.0 * EVERY)  # seen at visits only
    able = np.flatnonzero((who["group"] == "RR") & (stayed >= 7.0 * AGAIN))
    twice = set(rng.choice(able, SECOND, replace=False).tolist())
    late = rng.integers(-21, 22, len(who))
    rows = []
    for i, (_, person) in enumerate(who.iterrows()):
        known = {"Patient ID": f"MS{i + 1:04d}", **_known(person, float(stayed[i]))}
        for again in range(1 + (i in twice)):
            day = int(came[i]) + again * (7 * AGAIN + int(late[i]))
            markers = {name: float(person[f"{name}.{again}"]) for name in MARKERS}
            rows.append({**known, "Visit": ("baseline", "month 12")[again], "day": day, **markers})
    return rows


def _known(person: pd.Series[Any], stayed: float) -> dict[str, str]:
    """Covariates and outcomes as text; no outcomes of controls."""
    known = {
        "Group": str(person["group"]).removesuffix("s"),
        "Sex": "f" if person["sex"] else "m",
        "Age (years)": f"{int(person['age'])}",
        "BMI (kg/m2)": f"{person['bmi']:.1f}",
    }
    if person["relapses"] is None:
        return known | dict.fromkeys(("Active", "Relapses", "Follow-up (days)", "Relapsed", "First relapse (days)"), "")
    seen = [t for t in person["relapses"] if t <= stayed]
    return known | {
        "Active": "yes" if person["active"] else "no",
        "Relapses": f"{len(seen)}",
        "Follow-up (days)": f"{stayed:.0f}",
        "Relapsed": "yes" if seen else "no",
        "First relapse (days)": f"{min([*seen, stayed]):.0f}",
    }


def _cells(row: dict[str, Any]) -> dict[str, str]:
    """The cells of a sample, by column, in their order."""
    told = {name: _result(row[name], m, row["Plate"]) for name, m in MARKERS.items()}
    return {
        "Patient ID": row["Patient ID"],
        "Visit": row["Visit"],
        "Date of sample": (FIRST + timedelta(days=row["day"])).strftime("%d.%m.%Y"),
        "Group": row["Group"],
        "Sex": row["Sex"],
        "Age (years)": row["Age (years)"],
        "BMI (kg/m2)": row["BMI (kg/m2)"].replace(".", ","),
        "Plate": row["Plate"],
        **{m.column: told[name] for name, m in MARKERS.items()},
        **{
            name: row[name] for name in ("Active", "Relapses", "Follow-up (days)", "Relapsed", "First relapse (days)")
        },
    }  # fmt: skip


def _result(value: float, marker: Measured, plate: str) -> str:
    """What the laboratory writes: three digits, or a mark."""
    limit = marker.old if int(plate[1:]) <= OLD else marker.new
    if value < limit:
        return f"<{limit:g}".replace(".", ",")
    if value >= marker.above:
        return f">{marker.above:g}"
    digits = max(0, 2 - int(np.floor(np.log10(value))))
    return f"{value:.{digits}f}".replace(".", ",")


def _untidy(cells: list[dict[str, str]], rng: np.random.Generator) -> list[dict[str, str]]:
    """What files that are kept by hand have: samples that were not measured, other words, a mark, a unit in a cell, a
    decimal point, a group in small letters, two rows twice."""
    csf, serum, il1b, crp = (m.column for m in MARKERS.values())
    pick = [int(i) for i in rng.permutation(len(cells))]

    def next_where(holds: Any) -> dict[str, str]:
        """The next row, of those that were not yet taken, in which something holds."""
        found = next(i for i in pick if holds(cells[i]))
        pick.remove(found)
        return cells[found]

    def told(row: dict[str, str], column: str) -> bool:
        return row[column][:1].isdigit()

    for _ in range(5):
        next_where(lambda r: True)[csf] = ""
    for _ in range(4):
        next_where(lambda r: True)[serum] = "NA"
    for _ in range(2):
        row = next_where(lambda r: r["Visit"] == "baseline")
        row[csf] = row[il1b] = "no CSF"
    for _ in range(6):
        next_where(lambda r: r[il1b].startswith("<"))[il1b] = "ND"
    for _ in range(3):
        next_where(lambda r: told(r, "Age (years)"))["BMI (kg/m2)"] = ""
    row = next_where(lambda r: told(r, csf) and float(r[csf].replace(",", ".")) < 5)
    row[csf] += "*"
    row = next_where(lambda r: told(r, serum) and "," in r[serum])
    row[serum] += " pg/mL"
    row = next_where(lambda r: told(r, crp) and len(r[crp].partition(",")[2]) == 2)
    row[crp] = row[crp].replace(",", ".")
    next_where(lambda r: r["Group"] == "RR")["Group"] = "rr"
    twice = next_where(lambda r: r["Visit"] == "baseline" and told(r, csf))
    measured_again = next_where(lambda r: r["Visit"] == "baseline" and told(r, csf) and told(r, serum))
    other = f"{float(measured_again[serum].replace(',', '.')) * 1.12:.2f}".replace(".", ",")
    found = []
    for row in cells:
        found.append(row)
        if row is twice:
            found.append(dict(row))
        if row is measured_again:
            found.append(row | {serum: other})
    return found
