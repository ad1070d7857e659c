"""Toy problems with known answers, shared by the tests of calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from leukinetics.calibration.parameters import Parameter
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.readouts import Readout
from leukinetics.calibration.scales import SCALES


@dataclass
class Function:
    """A model that is a Python function of values (candidates, parameters)."""

    function: Callable[[Any], Any]
    hash: str = "toy"
    calls: list[int] = field(default_factory=list)
    interrupt_after: int | None = None

    def __call__(self, values: Any) -> Any:
        if self.interrupt_after is not None and len(self.calls) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.calls.append(len(values))
        return self.function(values)


def linear_gaussian(seed: int = 3, parameters: int = 4, readouts: int = 6) -> tuple[Problem, Any, Any]:
    """y = A x + noise with a normal prior: posterior mean and covariance of z are known exactly.

    The last parameter touches no readout, so its posterior is its prior.
    """
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(readouts, parameters))
    matrix[:, -1] = 0.0
    centre, width = rng.normal(size=parameters), rng.uniform(0.5, 2.0, size=parameters)
    sigma, published = rng.uniform(0.3, 1.0, size=readouts), rng.normal(size=readouts)
    names = [f"p{i}" for i in range(parameters)]
    rows = tuple(Parameter(n, c, c, w, SCALES["sd"]) for n, c, w in zip(names, centre, width, strict=True))
    data = tuple(Readout(f"r{j}", published[j], sigma[j], "linear") for j in range(readouts))
    scaled = matrix * width / sigma[:, None]
    precision = scaled.T @ scaled + np.eye(parameters)
    mean = np.linalg.solve(precision, scaled.T @ ((published - matrix @ centre) / sigma))
    # Row by row, so that a candidate's numbers do not depend on how many stand beside it.
    model = Function(lambda values: np.stack([(matrix * v).sum(axis=1) for v in values]))
    return Problem(rows, data, model), mean, np.linalg.inv(precision)


LOGISTIC_TRUTH = {"growth": 0.8, "capacity": 40.0, "initial": 2.0}
TIMES = np.array([0.0, 1, 2, 3, 4, 6, 8, 10, 14])


def logistic_growth(sigma: float = 0.05, noise: float = 0.0) -> Problem:
    """Logistic growth, its closed form, with priors that miss the truth by about one standard deviation."""

    def model(values: Any) -> Any:
        r, k, y = (values[:, [i]] for i in range(3))
        return k / (1 + (k / y - 1) * np.exp(-r * TIMES))

    rows = tuple(Parameter(name, value * 1.6, value * 1.6, 0.5) for name, value in LOGISTIC_TRUTH.items())
    truth = model(np.array([list(LOGISTIC_TRUTH.values())]))[0]
    truth = truth * np.exp(noise * np.random.default_rng(5).normal(size=len(TIMES)))
    data = tuple(Readout(f"day {t:g}", y, sigma) for t, y in zip(TIMES, truth, strict=True))
    return Problem(rows, data, Function(model))
