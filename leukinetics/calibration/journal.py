"""Every evaluation of the model, kept on disk: what makes a calibration resumable.

The optimiser is deterministic, so a resumed run repeats its steps, finds the evaluations already made in the
journal and goes on where it was interrupted: at most one call of the engine is lost. A batch is written to a
file of its own that appears whole or not at all.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.calibration.problem import Problem
from leukinetics.engine.stream import naming, replacing
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DECIMALS = 9  # of points, in prior standard deviations: rounding differences between runs end here


@dataclass
class Journal:
    """Evaluates points of a problem and remembers them; with a ``folder`` also on disk."""

    problem: Problem
    folder: Path | None = None
    resume: bool = False
    computed: int = 0
    remembered: int = 0
    failed: int = 0
    seconds: float = 0.0
    watch: Callable[[Journal], None] | None = None
    _known: dict[bytes, Floats] = field(default_factory=dict, repr=False)
    _files: int = 0

    def __post_init__(self) -> None:
        if self.folder is None:
            return
        head = self.folder / "problem.json"
        content: dict[str, object] = {"fingerprint": self.problem.fingerprint, "parameters": self.problem.names}
        if head.exists():
            if not self.resume:
                raise DataError(
                    f"'{self.folder}' holds a calibration; name another folder, or continue that one with --resume."
                )
            self._check(head, content)
            self._read()
        else:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DataError(
                    f"'{self.folder}' cannot be the calibration's folder: {error.strerror or error}. Name another one."
                ) from error
            write_json(head, content)

    def evaluate(self, z: Floats) -> Floats:
        """Predictions (candidates, readouts) at points (candidates, parameters); one engine call at most."""
        z = np.asarray(np.round(np.atleast_2d(z), DECIMALS) + 0.0, dtype=float)  # -0.0 and 0.0 are the same point
        keys = [row.tobytes() for row in z]
        new = [i for i, key in enumerate(keys) if key not in self._known]
        new = list({keys[i]: i for i in new}.values())
        if new:
            began = time.perf_counter()
            predicted = self.problem.predict(z[new])
            self.seconds += time.perf_counter() - began
            self._keep(z[new], predicted)
            self.computed += len(new)
        self.remembered += len(keys) - len(new)
        if self.watch is not None and new:
            self.watch(self)
        return np.stack([self._known[key] for key in keys])

    def residuals(self, z: Floats) -> Floats:
        """Residuals (candidates, readouts), finite always."""
        return self.problem.residuals(self.evaluate(z))

    def _keep(self, z: Floats, predicted: Floats) -> None:
        self.failed += int(self.problem.failures(predicted).sum())
        self._known.update((point.tobytes(), row) for point, row in zip(z, predicted, strict=True))
        if self.folder is not None:
            path = self.folder / f"evaluations_{self._files:05d}.npz"
            with naming(path), replacing(path) as temporary, open(temporary, "wb") as file:
                np.savez(file, z=z, predicted=predicted)
            self._files += 1

    def _read(self) -> None:
        assert self.folder is not None
        for path in sorted(self.folder.glob("evaluations_*.npz")):
            try:
                with open(path, "rb") as file, np.load(file) as stored:
                    z, predicted = stored["z"], stored["predicted"]
            except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
                raise DataError(f"'{path}' cannot be read ({error}); remove it, and --resume makes it anew.") from error
            self.failed += int(self.problem.failures(predicted).sum())
            self._known.update((point.tobytes(), row) for point, row in zip(z, predicted, strict=True))
            self._files = int(path.stem.rpartition("_")[2]) + 1

    @staticmethod
    def _check(head: Path, content: dict[str, object]) -> None:
        try:
            found = json.loads(head.read_text())
        except (OSError, ValueError) as error:
            raise DataError(f"'{head}' cannot be read ({error}); start in another folder.") from error
        if not isinstance(found, dict) or found.get("fingerprint") != content["fingerprint"]:
            raise DataError(
                f"'{head.parent}' belongs to another calibration: the model, a prior, a target or the choice of "
                "parameters has changed since. Start in another folder."
            )


def write_json(path: Path, content: object) -> None:
    """Write JSON to a file that appears whole or not at all."""
    with naming(path), replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
