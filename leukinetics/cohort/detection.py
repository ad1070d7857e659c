"""Who has a detectable marker: shares by group, and odds ratios between groups and between active and quiet disease."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.firth import firth
from leukinetics.cohort.plan import ACTIVE, BELOW, GROUP, MARKER, Plan
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.describe import wilson
from leukinetics.trial.statistics.estimates import Estimate, NotFitted, nothing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Fewer expected people than this in a cell, and the chi-square distribution is replaced by resampling.
SPARSE = 5.0
RESAMPLES = 9999


def detected(table: pd.DataFrame, limit: float) -> NDArray[np.bool_]:
    """Who is at or above a limit; what is only known to be below some number counts as below."""
    return np.asarray((table[MARKER].to_numpy(dtype=float) >= limit) & ~table[BELOW].to_numpy(dtype=bool))


def shares(table: pd.DataFrame, plan: Plan, limit: float) -> list[dict[str, Any]]:
    """Each group's ``n``, ``detected``, ``share`` and Wilson's interval."""
    seen = detected(table, limit)
    found = []
    for name in plan.groups:
        mine = seen[(table[GROUP] == name).to_numpy()]
        k, n = int(mine.sum()), len(mine)
        e = wilson(k / n, n, plan.alpha) if n else nothing()
        row = {"name": name, "n": n, "detected": k, "share": number(e.estimate)}
        found.append(row | {"ci_low": number(e.low), "ci_high": number(e.high)})
    return found


def odds(
    table: pd.DataFrame, plan: Plan, limit: float, where: Array, covariates: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The odds of detection where ``where`` (people,) is 1 against where it is 0 (NaN: not looked at), by Firth's
    logistic regression, adjusted for ``covariates``; with counts and, unadjusted, Fisher's exact p value."""
    seen = detected(table, limit)
    others = table[list(covariates)].to_numpy(dtype=float)
    use = np.isfinite(where) & np.isfinite(others).all(axis=1)
    y, x, others = seen[use], where[use], others[use]
    of, at = (int(y[x == v].sum()) for v in (1, 0)), (int((x == v).sum()) for v in (1, 0))
    (k, k0), (n, n0) = of, at
    adjusted = f", adjusted for {', '.join(covariates)}" if covariates else ""
    said = f"Firth's logistic regression{adjusted}, profile interval"
    try:
        found = firth(y, x, others, plan.alpha)
    except NotFitted as error:
        found, said = nothing(n + n0), f"not estimated: {error}"
    row = {"measure": "odds_ratio", **told(found), "analysis": said, "n": n, "n_reference": n0}
    row |= {"detected": k, "detected_reference": k0}
    return row if covariates else row | {"p_exact": number(_fisher(k, n, k0, n0))}


def told(found: Estimate) -> dict[str, Any]:
    """An estimate as a summary has it; an end that is infinite is None."""
    return {
        "estimate": number(found.estimate),
        "ci_low": number(found.low),
        "ci_high": number(found.high),
        "p_value": number(found.p),
    }


def against(table: pd.DataFrame, group: str | tuple[str, ...], reference: str) -> Array:
    """1 for people of a group (or of several), 0 for those of the reference, NaN for all others."""
    groups = (group,) if isinstance(group, str) else group
    here = table[GROUP].isin(groups).to_numpy()
    return np.where(here, 1.0, np.where((table[GROUP] == reference).to_numpy(), 0.0, np.nan))


def active(table: pd.DataFrame, group: str) -> Array:
    """1 for people of a group with active disease, 0 for those with quiet disease, NaN for all others."""
    return np.where((table[GROUP] == group).to_numpy(), table[ACTIVE].to_numpy(dtype=float), np.nan)


def among(table: pd.DataFrame, plan: Plan, limit: float) -> dict[str, Any] | None:
    """Whether the groups of patients differ: chi-square test of the table of groups and detection (by resampling
    tables with the same margins where it is sparse), and the odds ratio of each pair with Holm's p. None of one group.
    """
    from scipy.stats import MonteCarloMethod, chi2_contingency
    from statsmodels.stats.multitest import multipletests

    names = plan.patients
    if len(names) < 2:
        return None
    counts = [(r["detected"], r["n"] - r["detected"]) for r in shares(table, plan, limit) if r["name"] in names]
    cells = np.array(counts)
    p, how = None, "chi-square test"
    if (cells.sum(axis=0) > 0).all() and (cells.sum(axis=1) > 0).all():
        plain = chi2_contingency(cells, correction=False)
        p = float(plain.pvalue)
        if plain.expected_freq.min() < SPARSE:
            rng = np.random.default_rng(_stream(plan.seed, "among"))
            method = MonteCarloMethod(n_resamples=RESAMPLES, rng=rng)
            p = float(chi2_contingency(cells, correction=False, method=method).pvalue)
            how = f"chi-square test, {RESAMPLES:,} tables with the same margins"
    rows = []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            row = odds(table, plan, limit, against(table, one, other))
            rows.append({"group": one, "reference": other, **row})
    known = [r for r in rows if r["p_value"] is not None]
    holm = multipletests([r["p_value"] for r in known], method="holm")[1] if known else []
    for row, q in zip(known, holm, strict=True):
        row["p_adjusted"] = number(float(q))
    return {"groups": list(names), "p_value": None if p is None else number(p), "analysis": how, "pairs": rows}


def _fisher(k: int, n: int, k0: int, n0: int) -> float:
    from scipy.stats import fisher_exact

    return float(fisher_exact([[k, n - k], [k0, n0 - k0]]).pvalue) if n and n0 else float("nan")


def _stream(seed: int, what: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{what}".encode()).digest()[:8], "big")
