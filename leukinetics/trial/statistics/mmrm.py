"""Mixed model of repeated measures: arms, baseline and covariates at every visit, unstructured covariance.

All effects are by visit (arm x visit, baseline x visit, covariates x visit), so that without missing values it gives
the analysis of covariance of the visit that is reported. Missing values are taken as missing at random given the
visits that are there. See :mod:`leukinetics.trial.statistics.reml` for the fit and its degrees of freedom.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.design import by_arm, by_arm_and, covariates_of
from leukinetics.trial.statistics.estimates import Contrast, Estimate, Fit, Model, NotFitted, nothing
from leukinetics.trial.statistics.reml import Repeated, repeated
from leukinetics.trial.statistics.rows import Rows
from leukinetics.trial.statistics.scale import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

WORDS = "mixed model of repeated measures"


def mmrm(rows: Rows, scale: Scale, reference: int, names: list[str], alpha: float) -> Fit:
    """Adjusted means of the arms at the visit reported, and contrasts with the ``reference`` arm."""
    rows, y, x, names = _usable(rows, scale, names)
    design = by_arm(rows, x, names)
    model = repeated(y, design.columns)
    n = _counts(rows, y)
    words = ("of logarithms " if scale.logs else "") + f"(arm{''.join(', ' + w for w in design.words)}, by visit)"

    def of_arm(arm: int, visit: int) -> Estimate:
        if arm not in design.present:
            return nothing()
        return scale.told(model.combined(visit, design.mean(arm), int(n[arm, visit]), alpha))

    contrasts = {}
    for a in range(rows.arms):
        if a == reference:
            continue
        both = int((n[a] + n[reference])[rows.visit])
        found = nothing(both)
        if a in design.present and reference in design.present:
            found = model.combined(rows.visit, design.mean(a) - design.mean(reference), both, alpha)
        contrasts[a] = [Contrast(scale.measure, scale.told(found), f"{WORDS} {words}")]
    visits = [[(float(t), of_arm(a, v)) for v, t in enumerate(rows.times)] for a in range(rows.arms)]
    arms = [of_arm(a, rows.visit) for a in range(rows.arms)]
    return Fit(arms, scale.statistic, rows.unit, contrasts, visits)


def mmrm_pairs(rows: Rows, scale: Scale, reference: int, alpha: float) -> Fit:
    """The same of twins: the differences within patients at the visits, and each arm on its own."""
    y = scale.checked(rows.values)
    contrasts = {}
    for a in range(rows.arms):
        if a == reference:
            continue
        here, there = rows.pairs(a, reference)
        found = _alone(y[here] - y[there], rows.visit, alpha)[rows.visit]
        analysis = f"{WORDS} of {'logarithms of ' if scale.logs else ''}differences within patients"
        contrasts[a] = [Contrast(scale.measure, scale.told(found), analysis)]
    visits = []
    for a in range(rows.arms):
        found_by_visit = _alone(y[rows.arm == a], rows.visit, alpha)
        visits.append([(float(t), scale.told(e)) for t, e in zip(rows.times, found_by_visit, strict=True)])
    statistic = scale.statistic.removeprefix("adjusted_")
    return Fit([v[rows.visit][1] for v in visits], statistic, rows.unit, contrasts, visits)


def interaction(rows: Rows, modifier: Array, scale: Scale) -> float:
    """p value of the hypothesis that the difference of two arms at the visit reported does not depend on ``modifier``
    (rows, columns): F with the residual degrees of freedom of that visit, for one column those of Kenward-Roger."""
    names = [str(j) for j in range(rows.covariates.shape[1])]
    known = np.asarray(~np.isnan(modifier).any(axis=1))
    rows, modifier = rows.take(known), modifier[known]
    order = np.arange(len(rows.arm))
    used, y, x, _ = _usable(replace(rows, patient=order), scale, names)
    columns, which = by_arm_and(used, modifier[used.patient], x)
    return _wald(repeated(y, columns), used.visit, which, int((~np.isnan(y[:, used.visit])).sum()))


def interaction_pairs(rows: Rows, modifier: Array, scale: Scale) -> float:
    """The same of twins: whether the differences within patients depend on ``modifier``."""
    here, there = rows.pairs(1, 0)
    y = scale.checked(rows.values)
    y, g = y[here] - y[there], modifier[here]
    use = ~np.isnan(y).all(axis=1) & ~np.isnan(g).any(axis=1)
    if not use.any():
        raise NotFitted("there are no values")
    columns = np.hstack([np.ones((int(use.sum()), 1)), g[use] - g[use].mean(axis=0)])
    return _wald(repeated(y[use], columns), rows.visit, np.arange(1, columns.shape[1]), int(use.sum()))


def _wald(model: Repeated, visit: int, which: NDArray[np.intp], n: int) -> float:
    q = model.coefficients.shape[1]
    if len(which) == 1:
        return model.combined(visit, np.eye(q)[which[0]], n, 0.05).p
    block = slice(visit * q, (visit + 1) * q)
    return Model(model.coefficients[visit], model.phi[block, block], n - q).wald(which)


def _usable(rows: Rows, scale: Scale, names: list[str]) -> tuple[Rows, Array, Array, list[str]]:
    """(patients with a value and all covariates, in arms that have some at the visit reported; values; covariates;
    their names), without the visits at which an arm has too few to be modelled."""
    y = scale.checked(rows.values)
    x, names = covariates_of(rows, scale.baseline(rows.baseline), names)
    there = np.unique(rows.arm[~np.isnan(y[:, rows.visit])])
    use = np.asarray(~np.isnan(y).all(axis=1) & ~np.isnan(x).any(axis=1) & np.isin(rows.arm, there))
    if not use.any():
        raise NotFitted("there are no values")
    rows, y, x = rows.take(use), y[use], x[use]
    enough = _counts(rows, y)[there].min(axis=0, initial=len(y)) > 1
    enough[rows.visit] = True
    visit = int(enough[: rows.visit].sum())
    rows = replace(rows, values=rows.values[:, enough], times=rows.times[enough], visit=visit)
    return rows, y[:, enough], x, names


def _counts(rows: Rows, y: Array) -> NDArray[np.int64]:
    """Patients with a value, (arms, visits)."""
    found = np.zeros((rows.arms, y.shape[1]), dtype=np.int64)
    np.add.at(found, rows.arm, (~np.isnan(y)).astype(np.int64))
    return found


def _alone(y: Array, visit: int, alpha: float) -> list[Estimate]:
    """Mean of each visit."""
    n = (~np.isnan(y)).sum(axis=0)
    if not n[visit]:
        return [nothing()] * y.shape[1]
    model = repeated(y[:, n > 1] if n[visit] > 1 else y, np.ones((len(y), 1)))
    place = np.cumsum(n > 1) - 1
    one = np.ones(1)
    return [model.combined(int(place[v]), one, int(n[v]), alpha) if n[v] > 1 else nothing() for v in range(len(n))]
