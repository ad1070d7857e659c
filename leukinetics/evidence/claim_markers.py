"""Checks of claims about markers: does what is measured at the start tell who gains?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import suggest
from leukinetics.evidence.claim_files import Check, Run
from leukinetics.evidence.claim_runs import NotThere, times_of
from leukinetics.trial import Prepared, prepare, run_candidates
from leukinetics.trial.times import days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

PATIENTS, SEED = 500, 1


def of_markers(check: Check) -> tuple[float, str]:
    """How well a marker at the start tells who gains, and details; see :func:`rank_correlations`."""
    found = rank_correlations(check, [{}], PATIENTS)[0]
    parts = [f"{name}: {rho:.2f}" for name, rho in zip(check.markers, found, strict=True)]
    observed = float(found[0] - found[1]) if len(found) == 2 else float(found[0])
    return observed, f"rank correlations {', '.join(parts)}; by chance within {1.96 / np.sqrt(PATIENTS - 1):.2f}"


def rank_correlations(check: Check, rows: Sequence[Mapping[str, float]], patients: int) -> Array:
    """Spearman's rank correlation of each of the check's markers with the gain, (rows, markers).

    Each patient is simulated under every run of the check. The gain is the fall of the observable from the first run to
    the second; of one run, its level. Markers are measured before treatment with the assay's noise; ``shuffled`` gives
    each patient the markers of another. ``rows``: typical values, see :func:`leukinetics.trial.run_candidates`.
    """
    prepared = _prepared(check, patients)
    outcome = run_candidates(prepared, [{**row, **_changes(prepared, check, row)} for row in rows])
    scores = [outcome.values("score", run.name) for run in check.run]
    gain = scores[0] - scores[1] if len(scores) == 2 else scores[0]
    first = check.run[0].name
    order = np.random.default_rng(SEED).permutation(patients) if check.shuffled else np.arange(patients)
    markers = [outcome.values(f"marker {m}", first)[:, order] for m in check.markers]
    return np.array([[_spearman(m[k], gain[k]) for m in markers] for k in range(len(rows))])


def _spearman(x: Array, y: Array) -> float:
    from scipy.stats import spearmanr

    use = np.isfinite(x) & np.isfinite(y)
    return float(spearmanr(x[use], y[use]).statistic)


def _prepared(check: Check, patients: int) -> Prepared:
    endpoints: list[dict[str, Any]] = [
        {"id": "score", "observable": check.observable, "kind": "value", "at": check.at},
        *({"id": f"marker {m}", "observable": m, "kind": "value", "at": "0 d", "noise": True} for m in check.markers),
    ]
    return prepare(
        {
            "trial": {
                "name": check.id,
                "condition": check.condition,
                "duration": check.at if days(check.at) > 0 else "1 d",
                "patients_per_arm": patients,
                "seed": SEED,
                "design": "twins",
            },
            "eligibility": dict(check.eligibility),
            "arm": [_arm(run) for run in check.run],
            "endpoint": endpoints,
        }
    )


def _arm(run: Run) -> dict[str, Any]:
    return {"name": run.name, "dose": [dose.model_dump(exclude_none=True) for dose in run.doses]}


def _changes(prepared: Prepared, check: Check, row: Mapping[str, float]) -> dict[str, float]:
    """What the check sets, as typical values."""
    found = {}
    for name, change in check.set.items():
        known = prepared.plan.parameters.get(name)
        if known is None:
            raise NotThere(f"the model has no parameter '{name}'{suggest(name, prepared.plan.parameters)}")
        key = f"{known.condition}.{name}" if known.condition else name
        before = row.get(key, known.value)
        found[key] = times_of(change) * before if isinstance(change, str) else float(change) * known.factor
    return found
