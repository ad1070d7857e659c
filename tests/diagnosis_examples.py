"""People with and without a disease, and a marker of them."""

from __future__ import annotations

import numpy as np

from leukinetics.cohort.values import Censored


def sample(seed: int, cases: int, controls: int, shift: float, limit: float) -> tuple[Censored, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = np.concatenate([rng.standard_normal(cases) + shift, rng.standard_normal(controls)])
    return Censored.of(np.exp(z), limit, "pg/mL", "IL-6"), np.repeat([1.0, 0.0], [cases, controls])
