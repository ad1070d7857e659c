"""Checks of claims that need many patients: a readout of a study, and what a detection limit does to a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import DataError, suggest
from leukinetics.evidence.claim_files import Check
from leukinetics.evidence.load import load_targets
from leukinetics.evidence.run import prepare_target

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Virtual patients of a check of censored values, and the seed that makes them.
PATIENTS, SEED = 1000, 1


def of_target(check: Check) -> tuple[float, str]:
    """The prediction of the check's readout, "target.readout". DataError where there is none of that name."""
    study, _, name = check.readout.partition(".")
    target = load_targets(ids=[study])[0]
    known = {r.id: r for r in target.readout}
    if name not in known:
        raise DataError(f"The target '{study}' has no readout '{name}'.{suggest(name, known)}")
    made = prepare_target(target.model_copy(update={"readout": [known[name]]}))
    ran = made.run([{}])
    return float(ran.predicted()[0, 0]), f"{ran.patients} virtual patients"


def censored_mean(check: Check) -> tuple[float, str]:
    """The geometric mean of an observable under the higher of two limits of detection over that under the lower.

    The same samples of untreated people, measured with the assay's noise; those below the limit are known to be so and
    no more (:func:`censored_lognormal`). Says how many are detected under each limit.
    """
    from leukinetics.trial import prepare, run_candidates

    protocol = {
        "trial": {
            "name": check.id,
            "condition": check.condition,
            "duration": "1 d",
            "patients_per_arm": PATIENTS,
            "seed": SEED,
        },
        "arm": [{"name": "untreated"}],
        "endpoint": [{"id": "x", "observable": check.observable, "kind": "value", "at": "0 d", "noise": True}],
    }
    x = run_candidates(prepare(protocol), [{}]).values("x", "untreated")[0]
    x = x[np.isfinite(x)]
    means = [np.exp(censored_lognormal(x, limit)[0]) for limit in check.limits]
    shares = ", ".join(f"{100 * (x >= limit).mean():.0f} % at {limit:g}" for limit in check.limits)
    return float(means[-1] / means[0]), f"detected: {shares}"


def censored_lognormal(x: NDArray[np.float64], limit: float) -> tuple[float, float]:
    """(mean, SD) of ln x by maximum likelihood where values below ``limit`` are known only to be below it.

    The likelihood of left-censored normal values (Tobin, Econometrica 1958;26:24-36).
    """
    from scipy.optimize import minimize
    from scipy.stats import norm

    seen, below = np.log(x[x >= limit]), int((x < limit).sum())

    def deviance(p: NDArray[np.float64]) -> float:
        mean, sd = p[0], np.exp(p[1])
        return float(-norm.logpdf(seen, mean, sd).sum() - below * norm.logcdf((np.log(limit) - mean) / sd))

    start = np.array([seen.mean(), np.log(seen.std())])
    found = minimize(deviance, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-8, "maxiter": 2000})
    return float(found.x[0]), float(np.exp(found.x[1]))
