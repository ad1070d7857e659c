"""From tables of endpoints to the pool that replicate trials are drawn from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.protocol import Endpoint, Protocol
from leukinetics.trial.statistics.scale import analysis_of
from leukinetics.trial.studies.analysed import closed_form, compared, on_analysis_scale, reported
from leukinetics.trial.studies.pool import Pool, Side
from leukinetics.trial.studies.question import Contrast, on_scale, standard_error

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def pool_of(protocol: Protocol, c: Contrast, treated: pd.DataFrame, control: pd.DataFrame) -> Pool:
    """The pool of the tables of a contrast (those of :func:`leukinetics.trial.studies.tables.sides`).

    What covariates besides the baseline explain in the whole pool is taken off the values beforehand.
    """
    endpoint = c.endpoint
    kind = closed_form(endpoint)
    if analysis_of(endpoint) == "cox":
        return Pool(_times(treated), _times(control), "log_rank")
    if kind is None:

        def fit(a: pd.DataFrame, b: pd.DataFrame) -> float:
            p = compared(protocol, endpoint, a, b, "parallel")["p_value"]
            return math.nan if p is None else float(p)

        return Pool(_whole(reported(endpoint, treated)), _whole(reported(endpoint, control)), None, fit)
    a, b = (_side(endpoint, reported(endpoint, t), kind == "ancova") for t in (treated, control))
    names = [name for name in protocol.analysis.covariates if name in treated.columns]
    if kind == "ancova" and names:
        a, b = _adjusted(a, b, names)
    return Pool(a, b, kind)


def parallel_effect(protocol: Protocol, endpoint: Endpoint, pool: Pool) -> tuple[float, float]:
    """(effect, standard error) that a parallel trial of the whole pool finds, on the scale of the analysis."""
    if (found := pool.whole()) is not None:
        return float(found.estimate[0]), float(found.se[0])
    assert pool.treated.table is not None
    assert pool.control.table is not None
    row = compared(protocol, endpoint, pool.treated.table, pool.control.table, "parallel")
    effect = math.nan if row["estimate"] is None else on_scale(row["measure"], row["estimate"])
    return effect, standard_error(row, protocol.analysis.alpha)


def _side(endpoint: Endpoint, table: pd.DataFrame, adjusted: bool) -> Side:
    values, baseline = on_analysis_scale(endpoint, table)
    return Side(values, baseline if adjusted and np.isfinite(baseline).any() else None, table)


def _times(table: pd.DataFrame) -> Side:
    events = ~table["censored"].to_numpy(dtype=bool)
    return Side(table["value"].to_numpy(dtype=float), None, table, events)


def _whole(table: pd.DataFrame) -> Side:
    return Side(table["value"].to_numpy(dtype=float), None, table)


def _adjusted(a: Side, b: Side, names: list[str]) -> tuple[Side, Side]:
    import pandas as pd

    both = pd.concat([a.table, b.table])[names].to_numpy(dtype=float)
    both = both - np.nanmean(both, axis=0)
    columns = [np.repeat([1.0, 0.0], [len(a), len(b)]), np.ones(len(both)), *both.T]
    if a.baseline is not None and b.baseline is not None:
        columns.append(np.concatenate([a.baseline, b.baseline]))
    x, y = np.column_stack(columns), np.concatenate([a.values, b.values])
    use = np.isfinite(x).all(axis=1) & np.isfinite(y)
    slopes = np.linalg.lstsq(x[use], y[use], rcond=None)[0][2 : 2 + len(names)]
    left = y - both @ slopes
    return Side(left[: len(a)], a.baseline, a.table), Side(left[len(a) :], b.baseline, b.table)
