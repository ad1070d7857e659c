"""How large a trial has to be: replicate trials out of the patients that were simulated.

A replicate is a parallel trial of two arms of n patients each, whatever the design of the simulation and the ratio of
its arms, analysed as the endpoint is; see :mod:`leukinetics.trial.studies.pool`. Power is the share of replicates that
are significant at ``alpha``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Power
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.describe import wilson
from leukinetics.trial.statistics.scale import analysis_of
from leukinetics.trial.studies.assurance import assurance
from leukinetics.trial.studies.enrichment import enrichment
from leukinetics.trial.studies.pool import Pool, power_of
from leukinetics.trial.studies.question import Contrast, Keep, Progress, compute_now, contrast_of, say_nothing
from leukinetics.trial.studies.side import parallel_effect, pool_of
from leukinetics.trial.studies.size import ROUGH, size_for
from leukinetics.trial.studies.tables import contrasts, sides
from leukinetics.trial.studies.uncertainty import run_draws

if TYPE_CHECKING:
    import pandas as pd


def power(
    prepared: Prepared,
    endpoints: pd.DataFrame,
    population: pd.DataFrame,
    keep: Keep = compute_now,
    threads: int | None = None,
    progress: Progress = say_nothing,
    typical: Mapping[str, float] | None = None,
    screening: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """What summary.json holds of the protocol's ``[power]``.

    ``endpoints``, ``population`` (index or column "patient"), ``screening`` (without it everybody up to the last one
    enrolled was screened): the tables of the main run. ``curve``: power with its
    95 % interval for the finite number of replicates, and ``assurance`` over the draws of ``[uncertainty]`` where the
    protocol has it. ``n_for_target``: None where the largest size does not reach the target; ``reached`` says what it
    does reach. ``enrichment``: see :func:`leukinetics.trial.studies.enrichment.enrichment`.

    ``keep``, ``typical``: as for :func:`leukinetics.trial.studies.uncertainty.uncertainty`, whose draws are used again.
    """
    protocol = prepared.protocol
    study = protocol.power or Power()
    c = contrast_of(protocol, study.endpoint, study.arm)
    people = population.set_index("patient") if "patient" in population.columns else population
    both = sides(endpoints, people, protocol, c)
    pool = pool_of(protocol, c, *both)
    sizes = sorted(set(study.sizes))
    curve = []
    for k, n in enumerate(sizes):
        progress(k, len(sizes), "sizes of trial")

        def compute(n: int = n) -> dict[str, Any]:
            return _at(prepared, pool, n)

        curve.append(keep(f"power-{n}", compute))
    progress(len(sizes), len(sizes), "sizes of trial")
    known = {row["n_per_arm"]: row["power"] for row in curve if row["power"] is not None}
    wanted = keep("power-target", lambda: {"n": search(prepared, pool, study.target, known)})
    expected = _assured(prepared, c, pool, sizes, keep, threads, progress, typical)
    return {
        "endpoint": c.endpoint.id,
        "arm": protocol.arm[c.arm].name,
        "reference": protocol.arm[c.reference].name,
        "analysis": analysis_of(c.endpoint).replace("mmrm", "ancova"),  # see closed_form
        "design": "parallel",
        "sampling": "with replacement",
        "pool": {"arm": len(pool.treated), "reference": len(pool.control)},
        "alpha": protocol.analysis.alpha,
        "target": study.target,
        "replicates": pool.replicates(study.replicates),
        "curve": [{**row, "assurance": expected[row["n_per_arm"]]} for row in curve],
        "n_for_target": wanted["n"],
        "reached": max(known.values(), default=None),
        "enrichment": enrichment(prepared, c, pool, both, people, screening, keep, progress),
    }


def search(prepared: Prepared, pool: Pool, target: float, known: dict[int, float]) -> int | None:
    """Patients per arm for the target, within the sizes whose power is known."""
    tolerance = 0.0 if pool.kind is not None else ROUGH
    return size_for(lambda n: _share(prepared, pool, n), target, known, tolerance)


def _share(prepared: Prepared, pool: Pool, n: int) -> float:
    study, protocol = prepared.protocol.power or Power(), prepared.protocol
    replicates = pool.replicates(study.replicates)
    return power_of(pool.p_values(n, replicates, protocol.trial.seed), protocol.analysis.alpha)


def _at(prepared: Prepared, pool: Pool, n: int) -> dict[str, Any]:
    if not pool.enough:
        return {"n_per_arm": n, "power": None, "power_low": None, "power_high": None}
    share = _share(prepared, pool, n)
    replicates = pool.replicates((prepared.protocol.power or Power()).replicates)
    found = wilson(share, replicates, 0.05)
    return {"n_per_arm": n, "power": share, "power_low": number(found.low), "power_high": number(found.high)}


def _assured(
    prepared: Prepared,
    c: Contrast,
    pool: Pool,
    sizes: list[int],
    keep: Keep,
    threads: int | None,
    progress: Progress,
    typical: Mapping[str, float] | None,
) -> dict[int, float | None]:
    """Assurance by size; None without draws."""
    protocol = prepared.protocol
    if protocol.uncertainty is None or not pool.enough:
        return dict.fromkeys(sizes)
    place = contrasts(protocol).index(c)
    rows = [d["contrasts"][place] for d in run_draws(prepared, keep, threads, progress, typical) if not d["failed"]]
    effects, errors = ([math.nan if r[k] is None else float(r[k]) for r in rows] for k in ("effect", "error"))
    direction = parallel_effect(protocol, c.endpoint, pool)[0]
    m, alpha = protocol.uncertainty.patients, protocol.analysis.alpha
    fitted = {"ancova": 3, "difference": 2}.get(pool.kind or "", -math.inf)  # coefficients of the analysis
    found = {n: assurance(effects, errors, m, n, alpha, direction, 2 * n - fitted) for n in sizes}
    return {n: None if share is None else number(share) for n, share in found.items()}
