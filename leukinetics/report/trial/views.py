"""Tables of patients, endpoints and failures as rows of text."""

from __future__ import annotations

from leukinetics.report.trial.folder import Finished
from leukinetics.report.trial.grid import Grid
from leukinetics.report.trial.names import plain
from leukinetics.report.trial.numbers import (
    NONE,
    count,
    fixed,
    number,
    percent,
    real,
    with_unit,
)
from leukinetics.report.trial.text import sentence

MOST_FAILURES = 20


def matching_grid(trial: Finished) -> Grid | None:
    """The published figures that the population was matched to."""
    found = trial.part("matching")
    rows = list((found or {}).get("targets") or [])
    if not rows:
        return None
    selected = any(real(r.get("selected")) is not None for r in rows)
    keys = ["target", "before", "after", *(["selected"] if selected else [])]
    body = [
        [
            trial.said(str(r.get("what"))),
            *(with_unit(number(r.get(k)), r.get("unit")) for k in keys),
            plain(r["source"]) if r.get("source") else NONE,
        ]
        for r in rows
    ]
    more = ["Among those enrolled"] if selected else []
    head = ["Figure", "Published", "Before matching", "After matching", *more, "Source"]
    return Grid("Matching to published figures.", head, [("", body)], {0, len(head) - 1}, "matching.csv")


def matching_words(trial: Finished) -> str:
    """What the matching cost."""
    found = trial.part("matching") or {}
    parts = []
    if real(found.get("acceptance")) is not None:
        parts.append(f"{percent(found['acceptance'])} of people were accepted")
    if real(found.get("effective_size")) is not None:
        parts.append(
            f"the effective size of the pilot was {count(found['effective_size'])} of {count(found.get('pilot'))}"
        )
    warnings = [sentence(plain(w)) for w in found.get("warnings") or []]
    return " ".join([sentence("; ".join(parts)) if parts else "", *warnings]).strip()


def failures_grid(trial: Finished) -> Grid | None:
    """Patients that could not be simulated."""
    rows = trial.failures.to_dict("records")
    if not rows:
        return None
    body = [
        [fixed(r.get("patient"), 0) if real(r.get("patient")) is not None else plain(r.get("patient"))] for r in rows
    ]
    body = [
        [*b, plain(r.get("arm")), plain(r.get("status")), plain(r.get("advice"))]
        for b, r in zip(body, rows, strict=True)
    ][:MOST_FAILURES]
    return Grid(
        "Patients that could not be simulated.",
        ["Patient", "Arm", "Status", "Advice"],
        [("", body)],
        {1, 2, 3},
        "failures.csv",
    )
