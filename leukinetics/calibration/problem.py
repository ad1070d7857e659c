"""The posterior as a sum of squares.

    objective(z) = 1/2 sum_j r_j(z)^2 + 1/2 sum_i z_i^2,   r_j = (predicted_j - published_j) / sigma_j

where z_i is parameter i's distance from its prior's centre in prior standard deviations (on the ln, logit or
identity scale) and r_j stands on the readout's own scale. It is the negative logarithm of the posterior up to
a constant, so the same function serves the optimiser and the sampler.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from leukinetics.calibration.parameters import Parameter
from leukinetics.calibration.readouts import Readout
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Numerics:
    """How the fit moves. ``step``: of finite differences, in prior standard deviations: large against the solver's
    error (and against the jumps of readouts that count events), small against the curvature. ``tolerance``: relative
    change of the objective at which a start has arrived; ``steps``: evaluations after which it stops anyway.
    ``central``: the derivatives at the end are central ones."""

    step: float = 0.02
    tolerance: float = 1e-5
    steps: int = 60
    central: bool = True


#: The residual of a prediction that is no number: far beyond what any fit accepts, yet finite.
PENALTY = 100.0


class Predictor(Protocol):
    """The model as calibration sees it."""

    @property
    def hash(self) -> str:
        """Names the model, the targets and the virtual patients: equal hashes give equal predictions."""
        ...

    def __call__(self, values: Floats) -> Floats:
        """Values (candidates, parameters) in published units -> predictions (candidates, readouts).

        A prediction that could not be made is NaN. A candidate's numbers must not depend on its neighbours.
        """
        ...


@dataclass(frozen=True)
class Problem:
    """Parameters, readouts of role ``calibrate``, and the model between them."""

    parameters: tuple[Parameter, ...]
    readouts: tuple[Readout, ...]
    predictor: Predictor
    numerics: Numerics = Numerics()

    def __post_init__(self) -> None:
        for readout in self.readouts:
            if readout.role != "calibrate":
                raise DataError(
                    f"'{readout.key}' has role '{readout.role}': only rows of role 'calibrate' may be fitted."
                )
            if not (np.isfinite(readout.sigma) and readout.sigma > 0):
                raise DataError(f"'{readout.key}' has the standard error {readout.sigma:g}; expected one above 0.")
            if not np.isfinite(readout.published) or (readout.scale == "ln" and readout.published <= 0):
                raise DataError(f"'{readout.key}' is {readout.published:g}, which has no place on its scale.")
        for kind, keys in (("parameter", self.names), ("readout", [r.key for r in self.readouts])):
            twice = sorted({k for k in keys if keys.count(k) > 1})
            if twice:
                raise DataError(f"The {kind} '{twice[0]}' occurs more than once.")
        if not self.parameters:
            raise DataError("There is no parameter to fit: no row has kind 'calibrated', or none was chosen.")

    @property
    def names(self) -> list[str]:
        """The parameters' keys, in order."""
        return [p.key for p in self.parameters]

    def values(self, z: Floats) -> Floats:
        """Points (candidates, parameters) in published units."""
        return np.stack([p.published(z[:, i]) for i, p in enumerate(self.parameters)], axis=1)

    def start(self) -> Floats:
        """The values that stand in the tables now, (parameters,)."""
        return np.array([float(p.standard(p.value)) for p in self.parameters])

    def predict(self, z: Floats) -> Floats:
        """Predictions (candidates, readouts), each on its published scale, NaN where there is none."""
        if not self.readouts:
            return np.empty((len(z), 0))
        predicted = np.asarray(self.predictor(self.values(z)), dtype=float)
        if predicted.shape != (len(z), len(self.readouts)):
            raise DataError(
                f"The model predicted an array of {predicted.shape} where {(len(z), len(self.readouts))} "
                "(candidates, readouts) was expected."
            )
        return predicted

    def residuals(self, predicted: Floats) -> Floats:
        """Residuals (candidates, readouts) of predictions; NaN has become :data:`PENALTY`."""
        columns = [r.residual(predicted[:, j]) for j, r in enumerate(self.readouts)]
        raw = np.stack(columns, axis=1) if columns else np.empty((len(predicted), 0))
        return np.where(np.isnan(raw), PENALTY, np.clip(raw, -PENALTY, PENALTY))

    def failures(self, predicted: Floats) -> NDArray[np.bool_]:
        """Candidates (candidates,) with at least one prediction that is no number."""
        if not self.readouts:
            return np.zeros(len(predicted), dtype=bool)
        raw = np.stack([r.residual(predicted[:, j]) for j, r in enumerate(self.readouts)], axis=1)
        return np.asarray(np.isnan(raw).any(axis=1))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides the objective: priors, figures, the model's hash."""
        parameters = [(p.key, p.prior, p.width, p.scale.name, p.unit) for p in self.parameters]
        return _sha256([self.predictor.hash, parameters, self.targets_content()])

    @property
    def targets_hash(self) -> str:
        """SHA-256 of the published figures alone."""
        return _sha256(self.targets_content())

    def targets_content(self) -> list[tuple[str, float, str, str, str | None]]:
        """What the hash of the figures is made of. Sampling errors are simulated, so that rounding may differ."""
        return [(r.key, r.published, f"{r.sigma:.6g}", r.scale, r.bound) for r in self.readouts]


def objective(z: Floats, residuals: Floats) -> Floats:
    """The objective (candidates,) of points (candidates, parameters) with their residuals."""
    return np.asarray(0.5 * ((residuals**2).sum(axis=1) + (z**2).sum(axis=1)))


def _sha256(content: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
