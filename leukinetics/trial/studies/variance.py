"""What an effect owes to what is not known about the typical patient, and what to which patients were drawn.

Over draws d of the typical values let the estimate be ``e_d = E_d + u_d``: the effect that is expected with these
values, and the error of having drawn m patients (each under every arm). By the law of total variance

    Var(e) = Var(E) + mean Var(u_d)

if each draw had patients of its own. Here all draws have the same random numbers, so their errors go together: with
the mean correlation ``r`` of ``u`` between two draws the variance that is seen over draws is

    s² = Var(E) + (1 - r) v,    v = mean over d of se_d²,

so that ``sd_parameters² = max(s² - (1 - r) v, 0)``. The errors' correlation is that of the patients' shares in them:
``u_d`` is, up to small terms, the sum over patients i of ``a_di``, so that
``r_de = sum a_di a_ei / sqrt(sum a_di² sum a_ei²)``; who is enrolled in one of two draws only adds nothing to the
numerator. The same patients who react alike have r = 1, others r = 0, and the formula is then the law above. The error
that all draws share, ``r v``, moves the whole distribution and not its width.

``sd_patients`` is the standard error of the trial itself for given values: with f_d the standard error at m per arm of
its own analysis (paired in a trial of twins; in a parallel trial that of m other patients in each arm),

    sd_patients² = mean over d of f_d² m/2 (1/n1 + 1/n0)

in arms of n1 and n0 patients, which is ``f² m/n`` where they are equal.
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


def shares(endpoint: Endpoint, treated: pd.DataFrame, control: pd.DataFrame) -> Shares:
    """The parts of twins in the error of the contrast of two tables of an endpoint.

    To first order, up to a common factor: in either arm the value as the analysis takes it less the arm's mean, and
    less what the baseline explains, over the number of patients; of a median the sign of this, times the distance of
    the quartiles; of events the count less what the time at risk lets expect, over the arm's count. A twin's part is
    the difference of the two.
    """
    a, b = _parts(endpoint, treated).align(_parts(endpoint, control), join="inner")
    found = (a - b).sort_index()
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


def spread_of_effects(effects: Sequence[float], errors: Sequence[float], correlation: float) -> float:
    """sd_parameters, from the draws' ``effects`` with standard ``errors``; NaN where fewer than two draws have both."""
    e, s = np.asarray(effects, dtype=float), np.asarray(errors, dtype=float)
    good = np.isfinite(e) & np.isfinite(s)
    if good.sum() < 2:
        return math.nan
    between = float(e[good].var(ddof=1)) - (1.0 - correlation) * float((s[good] ** 2).mean())
    return math.sqrt(max(between, 0.0))


def error_of_trial(errors: Sequence[float], m: int, n1: int, n0: int) -> float:
    """sd_patients of a trial of ``n1`` and ``n0`` patients, from draws' standard ``errors`` at ``m`` per arm."""
    s = np.asarray(errors, dtype=float)
    known = s[np.isfinite(s)]
    return math.sqrt(float((known**2).mean()) * m / 2 * (1 / n1 + 1 / n0)) if len(known) else math.nan


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
        low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
        return pd.Series((high - low) * np.sign(x - middle) / len(x), index=who)
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
