"""The elastic net: regression of any outcome with a penalty that shrinks coefficients and sets some to 0.

    minimise  - log L(b)/n + l [a |b|_1 + (1 - a) |b|_2^2 / 2]

over a path of l, by Newton's quadratic of the likelihood and coordinate descent on it, as of Friedman, Hastie and
Tibshirani (J Stat Softw 2010;33(1):1-22) and Simon and others for Cox's model (J Stat Softw 2011;39(5):1-13,
PMID:27065756), but with the whole information matrix, since columns are few. Own code: scikit-learn has it for numbers
and for yes or no, lifelines for times but too slowly for cross-validation within cross-validation, and none for counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.diagnosis.families import Family

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STEPS = 20
SWEEPS = 100
TOLERANCE = 1e-6


def greatest(family: Family, x: Array, free: NDArray[np.bool_], ratio: float) -> float:
    """The least penalty under which all penalised coefficients are 0; ``free`` (columns,): not penalised."""
    b = fit(family, x, np.inf, ratio, free, None)
    n = len(x)
    gradient = np.abs(family.quadratic(_design(family, x), b, 1.0 if family.outcome.kind != "count" else 0.0).gradient)
    gradient = gradient[1:] if family.intercept else gradient
    held = gradient[~free]
    return float(held.max() / n / max(ratio, 1e-3)) if len(held) else 0.0


def fit(family: Family, x: Array, penalty: float, ratio: float, free: NDArray[np.bool_], start: Array | None) -> Array:
    """Coefficients of the columns ``x`` (rows, columns), which are in units of their spread, after the intercept where
    the family has one. ``ratio``: a; an infinite ``penalty`` holds all that is not ``free`` at 0. ``start``: near
    them."""
    design, n = _design(family, x), len(x)
    spread = 0.0 if family.outcome.kind == "count" else 1.0
    free = np.concatenate([[True], free]) if family.intercept else free
    b = np.zeros(design.shape[1]) if start is None else start.copy()
    if start is None and family.intercept:
        b[0] = _level(family)
    hard = np.where(free, 0.0, n * penalty * ratio if np.isfinite(penalty) else np.inf)
    soft = np.where(free, 0.0, n * penalty * (1 - ratio) if np.isfinite(penalty) else 0.0)
    here = family.quadratic(design, b, spread)
    for _ in range(STEPS):
        target = _descend(here.gradient, here.information, b, hard, soft)
        step = target - b
        size = float(np.abs(step).max(initial=0.0))
        if size < TOLERANCE:
            break
        height = -here.value + _cost(b, hard, soft)
        for _ in range(15):
            there = family.quadratic(design, b + step, spread)
            if -there.value + _cost(b + step, hard, soft) <= height + 1e-9 * abs(height):
                break
            step = step / 2
        b, here = b + step, there
    return b


def path(
    family: Family, x: Array, penalties: Array, ratio: float, free: NDArray[np.bool_], start: Array | None = None
) -> Array:
    """Coefficients (penalties, columns) at descending ``penalties``, each begun at the one before."""
    found = []
    for penalty in penalties:
        start = fit(family, x, float(penalty), ratio, free, start)
        found.append(start)
    return np.array(found)


def predictor(family: Family, x: Array, b: Array) -> Array:
    """The linear predictor of rows."""
    return np.asarray(_design(family, x) @ b)


def _descend(gradient: Array, information: Array, b: Array, hard: Array, soft: Array) -> Array:
    """The minimum of the quadratic with both penalties: a coordinate at a time, until which are 0 and the signs of the
    others no longer change, when the rest is a system of equations."""
    k = len(b)
    if not k:
        return b
    matrix = information + 1e-9 * np.eye(k) * max(float(np.trace(information)) / k, 1e-12)
    new, left = b.copy(), gradient.copy()  # left: the gradient of the quadratic at new
    diagonal, stiff, sharp = np.diag(matrix).tolist(), soft.tolist(), hard.tolist()
    rows = list(matrix)
    for _ in range(SWEEPS):
        for j in range(k):
            old = float(new[j])
            pull = float(left[j]) + diagonal[j] * old
            size = abs(pull) - sharp[j]
            value = 0.0 if size <= 0 else (size if pull > 0 else -size) / (diagonal[j] + stiff[j])
            if value != old:
                left -= rows[j] * (value - old)
                new[j] = value
        used = np.flatnonzero((new != 0) | (hard == 0))
        sign = np.sign(new[used])
        pull = (left + matrix @ new)[used] - np.where(hard[used] > 0, hard[used], 0.0) * sign
        solved = np.linalg.solve(matrix[np.ix_(used, used)] + np.diag(soft[used]), pull)
        if ((np.sign(solved) == sign) | (hard[used] == 0)).all():
            there = np.zeros(k)
            there[used] = solved
            rest = left - matrix @ (there - new)
            if (np.abs(rest) <= hard * (1 + 1e-9) + 1e-9 * np.abs(gradient).max())[there == 0].all():
                return there
    return new


def _cost(b: Array, hard: Array, soft: Array) -> float:
    size = np.abs(b)
    return float((np.where(size > 0, hard, 0.0) * size).sum() + (soft * size**2).sum() / 2)


def _design(family: Family, x: Array) -> Array:
    return np.hstack([np.ones((len(x), 1)), x]) if family.intercept else x


def _level(family: Family) -> float:
    """The intercept without columns."""
    y = family.outcome.value
    if family.outcome.kind == "continuous":
        return float(y.mean())
    if family.outcome.kind == "count":
        return float(np.log(max(y.sum(), 0.5) / family.outcome.exposure.sum()))
    share = min(max(float(y.mean()), 0.5 / len(y)), 1 - 0.5 / len(y))
    return float(np.log(share / (1 - share)))
