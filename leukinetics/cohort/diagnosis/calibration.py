"""Whether predicted risks are what happens: calibration in the large, its slope, a smooth curve, Brier's score.

Intercept and slope are those of logistic regression on the logit of the prediction (Cox, Biometrika 1958;45:562-5): the
intercept with the slope held at 1, so that 0 is right on the whole; a slope below 1 tells of predictions that are too
extreme. The curve is logistic regression on a restricted cubic spline of that logit; the mean distance between it and
the predictions is the integrated calibration index (Austin and Steyerberg, Stat Med 2019;38:4051-65). Predictions have
to be of people whom the model has not seen (:mod:`leukinetics.cohort.diagnosis.several` makes such): in those it was
fitted to, intercept and slope are 0 and 1 whatever it is worth.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.sample import labelled
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.describe import wilson
from leukinetics.trial.statistics.estimates import Estimate, Model, NotFitted, exp, interval, nothing, strict

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

GROUPS = 10
FEWEST = 10  # people of a group
POINTS = 41  # of the curve
EDGE = 1e-6  # predictions are kept this far from 0 and 1, whose logit is infinite
KNOTS = (0.05, 0.35, 0.65, 0.95)  # quantiles of the predictions (Harrell's choice for four)


def calibration(p: ArrayLike, y: ArrayLike, *, alpha: float = 0.05) -> Row:
    """Of predicted risks ``p`` (rows,) for ``y`` (rows,; 1, 0, NaN unknown).

    Keys: ``n``, ``events``, ``predicted`` (mean), ``observed``, ``ratio`` (observed to predicted), ``intercept`` (in
    the large), ``slope``, ``brier``, ``scaled_brier`` (1 perfect, 0 as good as the mean risk for all), ``ici``,
    ``e90`` (90th percentile of the distance), ``curve`` (``predicted``, ``observed``, ``ci_low``, ``ci_high``),
    ``groups`` of equal size (``n``, ``predicted``, ``observed``, ``ci_low``, ``ci_high``), ``analysis``, ``note``.
    Estimates have ``estimate``, ``ci_low``, ``ci_high``.
    """
    risk = np.asarray(p, dtype=float)
    outside = (risk < 0) | (risk > 1)
    if outside.any():
        i = int(np.argmax(outside))
        raise DataError(f"Row {i} has the predicted risk {risk[i]:g}; risks lie between 0 and 1.")
    use, case = labelled(~np.isnan(risk), y)
    risk, seen, n = risk[use], case.astype(float), int(use.sum())
    row: Row = dict.fromkeys(
        ("predicted", "observed", "ratio", "intercept", "slope", "brier", "scaled_brier", "ici", "e90")
    )
    row |= {"n": n, "events": int(seen.sum()), "curve": [], "groups": [], "analysis": ANALYSIS, "note": None}
    if not n:
        return row | {"note": "nobody has both a predicted risk and a known outcome"}
    observed, brier = wilson(float(seen.mean()), n, alpha), (seen - risk) ** 2
    spread = float(seen.mean() * (1 - seen.mean()))
    row |= {
        "predicted": number(float(risk.mean())),
        "observed": _told(observed),
        "ratio": _told(_ratio(seen, risk, alpha)),
        "brier": _told(
            interval(float(brier.mean()), float(brier.std(ddof=1)) / math.sqrt(n) if n > 1 else 0, n, alpha)
        ),
        "scaled_brier": number(1 - float(brier.mean()) / spread) if spread else None,
        "groups": _groups(risk, seen, alpha),
    }
    if not 0 < seen.sum() < n:
        return row | {"note": f"there are no {'events' if not seen.any() else 'people without an event'}"}
    near = np.clip(risk, EDGE, 1 - EDGE)
    logit = np.log(near / (1 - near))
    clipped = int((near != risk).sum())
    notes = [f"{clipped} predictions of 0 or 1 are taken as {EDGE:g} from there"] if clipped else []
    row["intercept"] = _told(_fitted(np.ones((n, 1)), seen, logit, 0, alpha))
    if np.ptp(logit) > 1e-9:
        row["slope"] = _told(_fitted(np.column_stack([logit, np.ones(n)]), seen, None, 0, alpha))
        row |= _smooth(logit, risk, seen, alpha)
    else:
        notes.append("all have the same predicted risk")
    return row | {"note": "; ".join(notes) or None}


ANALYSIS = "logistic regression on the logit of the prediction, Wald's intervals; shares with Wilson's"


def spline(logit: Array, knots: Array) -> Array:
    """A restricted cubic spline's columns (rows, knots - 1): linear beyond the outer knots (Harrell, Regression
    Modeling Strategies, 2.4.5)."""
    last, before = knots[-1], knots[-2]

    def cube(t: float) -> Array:
        return np.clip(logit - t, 0, None) ** 3

    columns = [logit]
    for t in knots[:-2]:
        bend = cube(t) - cube(before) * (last - t) / (last - before) + cube(last) * (before - t) / (last - before)
        columns.append(bend / (last - knots[0]) ** 2)
    return np.column_stack(columns)


def _smooth(logit: Array, risk: Array, seen: Array, alpha: float) -> Row:
    """The curve and its distance from the predictions; of few different predictions a straight line of the logit."""
    from scipy.special import ndtri

    knots = np.unique(np.quantile(logit, KNOTS))
    bent = len(knots) == len(KNOTS) and len(np.unique(logit)) > 2 * len(KNOTS)

    def columns(v: Array) -> Array:
        return np.hstack([np.ones((len(v), 1)), spline(v, knots) if bent else v[:, None]])

    try:
        model = _logit(columns(logit), seen, None)
    except NotFitted:
        return {}
    share = 1 / (1 + np.exp(-columns(logit) @ model.params))
    distance = np.abs(share - risk)
    grid = np.quantile(logit, np.linspace(0.01, 0.99, POINTS))
    grid = np.unique(grid)
    x = columns(grid)
    center = x @ model.params
    half = float(ndtri(1 - alpha / 2)) * np.sqrt(np.einsum("ij,jk,ik->i", x, model.cov, x))
    rows = zip(grid, center, center - half, center + half, strict=True)
    names = ("predicted", "observed", "ci_low", "ci_high")
    told = [dict(zip(names, (number(1 / (1 + exp(-float(v)))) for v in r), strict=True)) for r in rows]
    return {
        "curve": told, "ici": number(float(distance.mean())), "e90": number(float(np.quantile(distance, 0.9)))
    }  # fmt: skip


def groups_of(risk: Array) -> list[NDArray[np.intp]]:
    """Rows of people in order of their predictions, in groups of about equal size (ten, or of ten people); those of
    equal predictions are in one group."""
    count = max(min(GROUPS, len(risk) // FEWEST), 1)
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, count + 1)[1:-1]))
    place = np.searchsorted(edges, risk, side="left")
    return [np.flatnonzero(place == g) for g in np.unique(place)]


def _groups(risk: Array, seen: Array, alpha: float) -> list[Row]:
    rows = []
    for here in groups_of(risk):
        e = wilson(float(seen[here].mean()), len(here), alpha)
        rows.append({"n": e.n, "predicted": number(float(risk[here].mean())), "observed": number(e.estimate)})
        rows[-1] |= {"ci_low": number(e.low), "ci_high": number(e.high)}
    return rows


def _ratio(seen: Array, risk: Array, alpha: float) -> Estimate:
    """Observed to predicted, the interval of its logarithm with the binomial variance of what is observed."""
    n, k, expected = len(seen), float(seen.sum()), float(risk.sum())
    if not (k and expected):
        return nothing(n, k / expected if expected else math.nan)
    se = math.sqrt((1 - k / n) / k)
    return interval(math.log(k / expected), se, n, alpha).through(exp, exp) if se else nothing(n, k / expected)


def _fitted(columns: Array, seen: Array, offset: Array | None, place: int, alpha: float) -> Estimate:
    try:
        model = _logit(columns, seen, offset)
    except NotFitted:
        return nothing(len(seen))
    return interval(float(model.params[place]), math.sqrt(float(model.cov[place, place])), len(seen), alpha)


def _logit(columns: Array, seen: Array, offset: Array | None) -> Model:
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with strict():
        fit = GLM(seen, columns, family=Binomial(), offset=offset).fit(tol=1e-10)
        params, cov = np.asarray(fit.params), np.asarray(fit.cov_params())
    if not (fit.converged and np.isfinite(cov).all() and np.abs(columns @ params).max() < 40):
        raise NotFitted("the calibration model does not converge")
    return Model(params, cov)


def _told(e: Estimate) -> Row:
    return {"estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high)}
