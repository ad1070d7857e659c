"""What an effect owes to what is not known about the typical patient, and what to which patients were drawn.

Over draws d of the typical values let the estimate be ``e_d = E_d + u_d``: the effect that is expected with these
values, and the error of having drawn m patients per arm. By the law of total variance

    Var(e) = Var(E) + mean Var(u_d)

if each draw had patients of its own. Here all draws have the same random numbers, so their errors go together: with
the mean correlation ``r`` of ``u`` between two draws the variance that is seen over draws is

    s² = Var(E) + (1 - r) v,    v = mean over d of se_d²,

so that ``sd_parameters² = max(s² - (1 - r) v, 0)``. The errors' correlation is that of the patients' shares in them:
``u_d`` is, up to small terms, the sum over patients i of ``a_di``, so that
``r_de = sum a_di a_ei / sqrt(sum a_di² sum a_ei²)``; who is enrolled in one of two draws only adds nothing to the
numerator. The same patients who react alike have r = 1, others r = 0, and the formula is then the law above.

A trial of n per arm has the error ``sd_patients² = v m/n``. The error that all draws share, ``r v``, moves the whole
distribution, not its width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.protocol import EVENTS, Endpoint
from leukinetics.trial.statistics.scale import analysis_of, statistic_of
from leukinetics.trial.studies.analysed import closed_form, on_analysis_scale, reported

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Patients' parts in the error of an estimate: ``people`` (n,), ascending, and ``parts`` (n,), that sum to 0."""

    people: NDArray[np.int64]
    parts: Array


def shares(endpoint: Endpoint, treated: pd.DataFrame, control: pd.DataFrame, *, twins: bool) -> Shares:
    """The parts of patients in the error of the contrast of two tables of an endpoint.

    To first order, up to a common factor: the value as the analysis takes it less its arm's mean, and less what the
    baseline explains, over the number in the arm; of a median the sign of this; of events the count less what the
    time at risk lets expect, over the arm's count. Twins have one part, that of their difference.
    """
    a, b = _parts(endpoint, treated), _parts(endpoint, control)
    if twins:
        a, b = a.align(b, join="inner")
        found = a - b
    else:
        found = a.add(-b, fill_value=0.0)
    found = found.sort_index()
    return Shares(found.index.to_numpy(dtype=np.int64), found.to_numpy(dtype=float))


def mean_correlation(draws: Sequence[Shares]) -> float:
    """Mean over pairs of draws of the correlation of their errors, within 0 to 1; 1 where nothing varies."""
    everybody = np.unique(np.concatenate([d.people for d in draws])) if draws else np.empty(0)
    parts = np.zeros((len(draws), len(everybody)))
    for row, d in zip(parts, draws, strict=True):
        row[np.searchsorted(everybody, d.people)] = d.parts
    size = np.sqrt((parts**2).sum(axis=1))
    if len(draws) < 2 or not (size > 0).all():
        return 1.0
    unit = parts / size[:, None]
    total = float((unit.sum(axis=0) ** 2).sum())
    k = len(draws)
    return min(max((total - k) / (k * (k - 1)), 0.0), 1.0)


def split(effects: Sequence[float], errors: Sequence[float], correlation: float, m: int, n: int) -> tuple[float, float]:
    """(sd_parameters, sd_patients) of a trial of ``n`` per arm; draws' ``effects`` and ``errors`` are those at ``m``.

    NaN where fewer than two draws have both.
    """
    e, s = np.asarray(effects, dtype=float), np.asarray(errors, dtype=float)
    good = np.isfinite(e) & np.isfinite(s)
    if good.sum() < 2:
        return math.nan, math.nan
    v = float((s[good] ** 2).mean())
    between = float(e[good].var(ddof=1)) - (1.0 - correlation) * v
    return math.sqrt(max(between, 0.0)), math.sqrt(v * m / n)


def _parts(endpoint: Endpoint, table: pd.DataFrame) -> pd.Series:
    """Index: patient."""
    import pandas as pd

    there = reported(endpoint, table)
    there = there[there["value"].notna()]
    who = pd.Index(there["patient"].to_numpy(), name="patient")
    if endpoint.kind in EVENTS:
        return pd.Series(_of_events(endpoint, there), index=who)
    x, b = on_analysis_scale(endpoint, there)
    use = np.isfinite(x)
    x, b, who = x[use], b[use], who[use]
    if len(x) == 0:
        return pd.Series(x, index=who)
    if analysis_of(endpoint) == "unadjusted" and statistic_of(endpoint) == "median":
        return pd.Series(np.sign(x - np.median(x)) / len(x), index=who)
    found = x - x.mean()
    if closed_form(endpoint) == "ancova" and np.isfinite(b).all() and np.ptp(b) > 1e-9 * np.abs(b).max():
        around = b - b.mean()
        found = found - around * (around @ found) / (around @ around)
    return pd.Series(found / len(x), index=who)


def _of_events(endpoint: Endpoint, table: pd.DataFrame) -> Array:
    """Of the logarithm of the rate of an arm's events."""
    if endpoint.kind == "event_rate":
        count, days = table["value"].to_numpy(dtype=float), table["exposure"].to_numpy(dtype=float)
    else:
        count, days = (~table["censored"].to_numpy(dtype=bool)).astype(float), table["value"].to_numpy(dtype=float)
    total = count.sum()
    return (count - days * total / days.sum()) / total if total > 0 else np.zeros(len(table))
