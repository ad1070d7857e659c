"""People whose outcomes of each kind depend on a marker in a known way."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.stats import norm

from leukinetics.cohort.diagnosis.outcomes import MEASURES, Outcome
from leukinetics.cohort.values import Censored

KINDS = tuple(MEASURES)


def outcome_of(kind: str, eta: np.ndarray, rng: np.random.Generator) -> Outcome:
    n = len(eta)
    if kind == "binary":
        return Outcome.of(kind, rng.random(n) < 1 / (1 + np.exp(-(eta - 0.5))), name="later")
    if kind == "continuous":
        return Outcome.of(kind, eta + rng.standard_normal(n), name="later")
    if kind == "count":
        days = rng.uniform(200, 700, n)
        return Outcome.of(kind, rng.poisson(days * np.exp(eta - 6) * rng.gamma(2, 0.5, n)), exposure=days)
    time, end = rng.exponential(np.exp(-eta)), rng.uniform(0.3, 2, n)
    return Outcome.of(kind, np.minimum(time, end), event=time < end)


def people(kind: str, seed: int, n: int, share: float, effect: float) -> tuple[Censored, Outcome, pd.DataFrame]:
    """A marker whose logarithm depends on a covariate, ``share`` of it below the limit, and an outcome that depends on
    both."""
    rng = np.random.default_rng(seed)
    c = rng.standard_normal(n)
    z = 0.5 * c + rng.standard_normal(n)
    limit = math.exp(norm.ppf(share) * math.sqrt(1.25)) if share else 1e-9
    return (
        Censored.of(np.exp(z), limit, "pg/mL", "IL-6"),
        outcome_of(kind, effect * z + 0.3 * c, rng),
        pd.DataFrame({"age": c}),
    )
