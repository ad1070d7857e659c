"""Tables with remarks under them, and their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.numbers import NONE, interval, number, real

Row = Mapping[str, Any]
#: Rows of a table on the page; all are in its CSV file.
MOST_ROWS = 120
#: The head of the column whose cells become notes under the table.
REMARK = "Remark"
Groups = list[tuple[str, list[list[str]]]]


@dataclass(frozen=True)
class Noted(Grid):
    """A table with remarks under it, to which the first cells of rows point."""

    remarks: tuple[str, ...] = ()


def made(caption: str, head: list[str], groups: Groups, words: set[int], csv: str = "") -> Noted | None:
    """A table with at most 120 rows; None without any. A last column "Remark" becomes notes under the table."""
    groups = [(title, rows) for title, rows in groups if rows]
    total, left, kept = sum(len(rows) for _, rows in groups), MOST_ROWS, []
    for title, rows in groups:
        if left > 0:
            kept.append((title, rows[:left]))
        left -= len(rows)
    if not kept:
        return None
    if total > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {total:,} rows; the CSV file has all."
    if head[-1] != REMARK:
        return Noted(caption, head, kept, words, csv)
    numbers: dict[str, str] = {}
    shown: Groups = []
    for title, rows in kept:
        pointed = []
        for row in rows:
            if row[-1]:
                sign = numbers.setdefault(row[-1], _sign(len(numbers) + 1))
                row = [f"{row[0]} {sign}", *row[1:]]
            pointed.append(row[: len(head) - 1])
        shown.append((title, pointed))
    remarks = tuple(f"{sign} {text}" for text, sign in numbers.items())
    return Noted(caption, head[:-1], shown, words - {len(head) - 1}, csv, remarks)


def _sign(n: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(d)] for d in str(n))


def between(row: Row | None, scale: float = 1.0, ratio: bool = False, keys: Sequence[str] = ()) -> str:
    """``estimate (low to high)`` of a row, or what is known where there is no estimate; ``keys``: of the three."""
    found = row or {}
    e, low, high = keys or ("estimate", "ci_low", "ci_high")
    told = {"estimate": found.get(e), "ci_low": found.get(low), "ci_high": found.get(high)}
    if real(told["estimate"]) is None:
        if real(told["ci_high"]) is not None and real(told["ci_low"]) is None:
            return f"below {number(told['ci_high'])}"
        return f"above {number(told['ci_low'])}" if real(told["ci_low"]) is not None else NONE
    return interval({**told, "measure": "ratio"} if ratio else told, scale)


def note_of(*rows: Row | None) -> str:
    """What the rows remark, once each."""
    said = [str(r["note"]) for r in rows if r and r.get("note")]
    return "; ".join(dict.fromkeys(said))
