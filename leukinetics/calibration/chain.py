"""The chain of an ensemble sampler: in memory, and on disk as one record a step.

Records are appended, so a long run costs no more to save than a short one; what an interruption tore off is
dropped when the file is read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.stream import naming

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass
class Chain:
    """Steps of an ensemble. A record holds a step: points z (walkers, parameters), log posterior (walkers,) and
    the state of the random numbers after it."""

    records: NDArray[Any]
    path: Path | None = None

    @classmethod
    def open(cls, walkers: int, parameters: int, path: Path | None) -> Chain:
        """The chain in the file, or an empty one."""
        kind = np.dtype(
            [
                ("z", "<f8", (walkers, parameters)),
                ("log_posterior", "<f8", (walkers,)),
                ("keys", "<u4", (624,)),
                ("position", "<i8"),
                ("has_gauss", "<i8"),
                ("gauss", "<f8"),
            ]
        )
        records = np.empty(0, dtype=kind)
        if path is not None and path.exists():
            whole = path.stat().st_size // kind.itemsize
            records = np.fromfile(path, dtype=kind, count=whole)
            os.truncate(path, whole * kind.itemsize)
        return cls(records, path)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def z(self) -> Floats:
        """Points (steps, walkers, parameters)."""
        return np.asarray(self.records["z"])

    @property
    def last(self) -> tuple[Floats, Floats, tuple[Any, ...]]:
        """Points, log posterior and random state of the last step."""
        row = self.records[-1]
        state = ("MT19937", row["keys"], int(row["position"]), int(row["has_gauss"]), float(row["gauss"]))
        return row["z"], row["log_posterior"], state

    def append(self, z: Floats, log_posterior: Floats, state: Any) -> None:
        """Add a step, and write it; ``state`` is a RandomState's (a Mersenne twister's)."""
        row = np.zeros(1, dtype=self.records.dtype)
        row["z"], row["log_posterior"] = z, log_posterior
        _, row["keys"], row["position"], row["has_gauss"], row["gauss"] = state
        self.records = np.concatenate([self.records, row])
        if self.path is not None:
            with naming(self.path), open(self.path, "ab") as file:
                file.write(row.tobytes())
