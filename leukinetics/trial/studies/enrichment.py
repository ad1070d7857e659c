"""Enrichment: what it brings to ask for a biomarker at screening, and what it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.patients.convert import convert
from leukinetics.patients.labels import clinical_units
from leukinetics.trial.checks.studies import VISITS
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Power
from leukinetics.trial.screen import NOT_SELECTED, nobodies
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.studies.analysed import compared
from leukinetics.trial.studies.pool import Pool, Side, power_of
from leukinetics.trial.studies.question import Contrast, Keep, Progress
from leukinetics.trial.studies.size import ROUGH, size_for
from leukinetics.trial.tables import units

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: Fewer simulated patients than this in an arm say too little about those above a threshold.
FEWEST = 10


def enrichment(
    prepared: Prepared,
    c: Contrast,
    pool: Pool,
    both: tuple[pd.DataFrame, pd.DataFrame],
    population: pd.DataFrame,
    screening: pd.DataFrame | None,
    keep: Keep,
    progress: Progress,
) -> list[dict[str, Any]]:
    """One entry per biomarker and threshold of the protocol's ``[power]``; ``pool`` and ``both``, the tables that it is
    made of, are those of the whole trial.

    Of people at or above it, by the value measured at screening, else at time 0, else the covariate: ``share``, of
    the people of the population those who are and meet the trial's other criteria (see :func:`taking_part`);
    ``effect`` with its interval, as the trial analyses it; ``n_for_target`` per arm; ``screened_for_target``, people to
    screen for both arms; and ``cost``, screened x ``cost_screened`` + enrolled x ``cost_enrolled``. None where fewer
    than 10 simulated patients of an arm are left, or the largest of the sizes does not reach the target.
    """
    study = prepared.protocol.power or Power()
    wanted = [(name, limit, asked) for name, limits, asked in study.markers for limit in limits]
    if not wanted:
        return []
    eligible, seen = taking_part(prepared, population, screening)
    found = []
    for k, (name, threshold, asked) in enumerate(wanted):
        progress(k, len(wanted), "thresholds of enrichment")
        marker, factor, unit = biomarker(prepared, name, asked, population)

        def compute(marker: pd.Series = marker, limit: float = threshold * factor) -> dict[str, Any]:
            above = int((marker >= limit).sum())
            share = above * (eligible / len(population)) / seen
            return _above(prepared, c, pool, both, marker, limit, share)

        kept = keep(f"power-enrichment-{k:03d}", compute)
        found.append({"biomarker": name, "threshold": threshold, "unit": unit, **kept})
    progress(len(wanted), len(wanted), "thresholds of enrichment")
    return found


def taking_part(prepared: Prepared, population: pd.DataFrame, screening: pd.DataFrame | None) -> tuple[int, int]:
    """(people who may take part, people screened) of the population that a trial would meet.

    People who were made and are not possible, not plausible or not selected to match the population do not count. Where
    those who may take part are matched, they are chosen among the eligible: how many of the people screened are
    eligible is told by all of them.
    """
    if screening is None:
        return len(population), int(population.index.max()) + 1
    reason = screening["reason"]
    among_eligible = prepared.protocol.population.among == "enrolled"
    eligible = screening["eligible"] | (reason == NOT_SELECTED) if among_eligible else screening["eligible"]
    return int(eligible.sum()), int((~reason.isin(nobodies(prepared))).sum())


def biomarker(
    prepared: Prepared, name: str, asked: str | None, population: pd.DataFrame
) -> tuple[pd.Series, float, str]:
    """(the marker's value by patient, factor from the thresholds' unit to that of the values, unit of the thresholds).

    ``asked``: the unit that the protocol gives, None for the marker's own.

    ProtocolError where the table of the population has no such marker.
    """
    columns = [name] if name.startswith(VISITS) else [*(visit + name for visit in VISITS), name]
    column = next((c for c in columns if c in population.columns), None)
    if column is None:
        raise ProtocolError(f"power, biomarker: the table of patients has no column {' or '.join(map(repr, columns))}.")
    own = (units(prepared) | clinical_units(prepared.plan)).get(column, "")
    unit = own if asked is None else asked
    return population[column], convert(1.0, unit, own), unit


def _above(
    prepared: Prepared,
    c: Contrast,
    pool: Pool,
    both: tuple[pd.DataFrame, pd.DataFrame],
    marker: pd.Series,
    limit: float,
    share: float,
) -> dict[str, Any]:
    protocol = prepared.protocol
    study, seed, alpha = protocol.power or Power(), protocol.trial.seed, protocol.analysis.alpha
    part = Pool(_side(pool.treated, marker, limit), _side(pool.control, marker, limit), pool.kind, pool.fit)
    found: dict[str, Any] = {
        "share": number(share), "effect": None, "ci_low": None, "ci_high": None,
        "n_for_target": None, "screened_for_target": None, "cost": None,
    }  # fmt: skip
    if min(len(part.treated), len(part.control)) < FEWEST:
        return found
    treated, control = (table[_high(table, marker, limit)] for table in both)
    row = compared(protocol, c.endpoint, treated, control, protocol.trial.design)
    found |= {"effect": row["estimate"], "ci_low": row["ci_low"], "ci_high": row["ci_high"]}
    replicates = part.replicates(study.replicates)

    def power(n: int) -> float:
        return power_of(part.p_values(n, replicates, seed), alpha)

    largest = max(study.sizes)
    n = size_for(power, study.target, {largest: power(largest)}, 0.0 if part.kind is not None else ROUGH)
    if n is None:
        return found
    enrolled = 2 * n
    screened = math.ceil(enrolled / share - 1e-9)
    cost = screened * study.cost_screened + enrolled * study.cost_enrolled
    return found | {"n_for_target": n, "screened_for_target": screened, "cost": cost}


def _side(side: Side, marker: pd.Series, limit: float) -> Side:
    assert side.table is not None
    return side.keep(_high(side.table, marker, limit))


def _high(table: pd.DataFrame, marker: pd.Series, limit: float) -> NDArray[np.bool_]:
    """Which rows are of patients at or above the limit."""
    return np.asarray(marker.reindex(table["patient"]).to_numpy(dtype=float) >= limit)
