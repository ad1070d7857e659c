"""Cases of the public SBML semantic test suite: where they are, what they ask for, when a result passes.

The folder is ``LEUKINETICS_SBML_CASES`` or ``../shared/sbml_cases`` beside the checkout; it need not exist.
Each case has model.xml, settings.txt and results.csv.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(os.environ.get("LEUKINETICS_SBML_CASES") or Path(__file__).resolve().parents[2] / "shared" / "sbml_cases")


@dataclass(frozen=True)
class Case:
    """One case: ``expected`` is (times, variables); it passes if |c - u| <= absolute + relative |c|."""

    name: str
    model: Path
    times: NDArray[np.float64]
    variables: tuple[str, ...]
    amounts: frozenset[str]
    expected: NDArray[np.float64]
    absolute: float
    relative: float

    def problems(self, got: NDArray[np.float64]) -> str:
        """Empty if ``got`` (times, variables) passes, else where it first does not."""
        if got.shape != self.expected.shape:
            return f"shape {got.shape}, expected {self.expected.shape}"
        with np.errstate(invalid="ignore"):
            near = np.abs(self.expected - got) <= self.absolute + self.relative * np.abs(self.expected)
        near |= (self.expected == got) | (np.isnan(self.expected) & np.isnan(got))
        if near.all():
            return ""
        i, j = (int(k) for k in np.argwhere(~near)[0])
        return (
            f"{self.variables[j]} at {self.times[i]:g}: {got[i, j]!r}, expected {self.expected[i, j]!r} "
            f"({int((~near).sum())} of {near.size} values)"
        )


def names() -> list[str]:
    """Names of the cases that are there, in order."""
    return sorted(p.parent.name for p in FOLDER.glob("*/model.xml"))


def read_case(name: str) -> Case:
    """Read one case; the last entry of its time column is the end of the simulation."""
    folder = FOLDER / name
    settings = dict(
        (part.strip() for part in line.split(":", 1))
        for line in (folder / "settings.txt").read_text(encoding="utf-8").splitlines()
        if ":" in line
    )

    def listed(key: str) -> tuple[str, ...]:
        return tuple(v.strip() for v in settings.get(key, "").split(",") if v.strip())

    with open(folder / "results.csv", encoding="utf-8", newline="") as f:
        header, *rows = [row for row in csv.reader(f) if row]
    header = [h.strip() for h in header]
    numbers = np.array([[float(v) for v in row] for row in rows])
    start, duration, steps = (float(settings[k]) for k in ("start", "duration", "steps"))
    times = np.linspace(start, start + duration, int(steps) + 1)
    assert len(times) == len(numbers), f"case {name}: {len(numbers)} rows for {len(times)} times"
    variables = listed("variables")
    return Case(
        name,
        folder / "model.xml",
        times,
        variables,
        frozenset(listed("amount")),
        numbers[:, [header.index(v) for v in variables]],
        float(settings["absolute"]),
        float(settings["relative"]),
    )
