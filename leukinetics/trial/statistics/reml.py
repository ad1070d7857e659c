"""A linear model of repeated measures with an unstructured covariance, by restricted maximum likelihood.

Own code: statsmodels' mixed models have random effects, not a free covariance of the visits. For patient i with
covariates d (columns,), values y (visits,) = B d + e, e ~ N(0, S); values that are missing are left out of the
likelihood, which is valid where they are missing at random. With P = V⁻¹ - V⁻¹X(X'V⁻¹X)⁻¹X'V⁻¹ and E the derivatives
of S by its entries, the score is -½ [tr(P E) - y'P E P y], the expected information ½ tr(P E P E') and the observed
one y'P E P E'P y less that. Newton's steps, halved where they go too far, by the observed information where it is
positive definite and else by the expected one. Patients with the same visits add up to sums of squares and products,
so the work does not grow with their number.

A contrast has the standard error and degrees of freedom of Kenward and Roger (Biometrics 1997;53:983-97) with the
expected information; the second derivatives of S are 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.estimates import Estimate, NotFitted, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_STEPS = 200


@dataclass(frozen=True)
class _Pattern:
    """Sums over the patients who have the same visits; entries of other visits are 0."""

    seen: NDArray[np.intp]
    n: int
    dd: Array  # (columns, columns)
    dy: Array  # (columns, visits)
    yy: Array  # (visits, visits)


@dataclass(frozen=True)
class _State:
    """The profile likelihood at a covariance of the visits."""

    sigma: Array
    deviance: float
    phi: Array  # covariance of the coefficients, visits major
    b: Array  # (visits, columns)
    weights: list[Array]  # of each pattern: inverse of the covariance of its visits, 0 elsewhere
    left: list[Array]  # of each pattern: sums of squares and products of the residuals


@dataclass(frozen=True)
class Repeated:
    """A fitted model: ``coefficients`` (visits, columns) with their covariance ``phi`` (of all, visit by visit),
    ``sigma`` (visits, visits), ``deviance`` (-2 log restricted likelihood but for a constant)."""

    coefficients: Array
    sigma: Array
    deviance: float
    phi: Array
    _scale: Array  # by which the values of each visit were divided
    _patterns: list[_Pattern]
    _state: _State

    def combined(self, visit: int, weights: Array, n: int, alpha: float) -> Estimate:
        """A linear combination of the coefficients of one visit."""
        c = np.zeros(self.coefficients.shape)
        c[visit] = weights
        variance, df = _kenward_roger(self._patterns, self._state, c.ravel())
        se = float(self._scale[visit]) * math.sqrt(max(variance, 0.0))
        return interval(float(weights @ self.coefficients[visit]), se, n, alpha, df)


def repeated(y: Array, columns: Array) -> Repeated:
    """Fit ``y`` (patients, visits), NaN where missing, by ``columns`` (patients, columns) at every visit.

    NotFitted where the values do not determine the coefficients and the covariance.
    """
    some = ~np.isnan(y).all(axis=1)
    y, columns = y[some], columns[some]
    scale = np.array([_residual_sd(y[:, v], columns) for v in range(y.shape[1])])
    patterns = _patterns(y / scale, columns)
    state = _maximise(patterns, np.eye(y.shape[1]))
    each = np.repeat(scale, columns.shape[1])
    return Repeated(
        state.b * scale[:, None],
        state.sigma * np.outer(scale, scale),
        state.deviance + 2.0 * float((~np.isnan(y)).sum(axis=0) @ np.log(scale)) - 2.0 * float(np.log(each).sum()),
        state.phi * np.outer(each, each),
        scale,
        patterns,
        state,
    )


def _residual_sd(y: Array, columns: Array) -> float:
    """Spread of one visit's values about their least-squares fit."""
    seen = ~np.isnan(y)
    n, q = int(seen.sum()), columns.shape[1]
    x, y = columns[seen], y[seen]
    gram = np.einsum("ij,ik->jk", x, x)
    if n <= q or np.linalg.matrix_rank(gram / n, tol=1e-10) < q:
        raise NotFitted("a visit has fewer patients than its model has coefficients")
    left = y - x @ np.linalg.solve(gram, np.einsum("ij,i->j", x, y))
    square = float(np.einsum("i,i->", left, left))
    if not square > 1e-24 * float(np.einsum("i,i->", y, y)):
        raise NotFitted("the values of a visit do not differ between patients")
    return math.sqrt(square / (n - q))


def _patterns(y: Array, columns: Array) -> list[_Pattern]:
    seen = ~np.isnan(y)
    kinds, which = np.unique(seen, axis=0, return_inverse=True)
    found = []
    for k, kind in enumerate(kinds):
        d, z = columns[which == k], np.where(kind, y[which == k], 0.0)
        sums = (np.einsum("ij,ik->jk", a, b) for a, b in ((d, d), (d, z), (z, z)))
        found.append(_Pattern(np.flatnonzero(kind), len(d), *sums))
    return found


def _state(patterns: list[_Pattern], sigma: Array) -> _State | None:
    """None where ``sigma`` is no covariance."""
    v, q = len(sigma), patterns[0].dd.shape[0]
    information, product, deviance = np.zeros((v * q, v * q)), np.zeros((v, q)), 0.0
    weights = []
    for p in patterns:
        part = sigma[np.ix_(p.seen, p.seen)]
        sign, size = np.linalg.slogdet(part)
        if sign <= 0 or np.linalg.eigvalsh(part)[0] <= 1e-12:
            return None
        w = np.zeros((v, v))
        w[np.ix_(p.seen, p.seen)] = np.linalg.inv(part)
        weights.append(w)
        information += np.kron(w, p.dd)
        product += w @ p.dy.T
        deviance += p.n * float(size)
    sign, size = np.linalg.slogdet(information)
    if sign <= 0:
        return None
    phi = np.linalg.inv(information)
    b = (phi @ product.ravel()).reshape(v, q)
    left = []
    for p, w in zip(patterns, weights, strict=True):
        cross = b @ p.dy
        e = p.yy - cross - cross.T + b @ p.dd @ b.T
        mask = np.zeros(v)
        mask[p.seen] = 1.0
        left.append(e * np.outer(mask, mask))
        deviance += float((w * left[-1]).sum())
    return _State(sigma, deviance + float(size), phi, b, weights, left)


def _maximise(patterns: list[_Pattern], sigma: Array) -> _State:
    state = _state(patterns, sigma)
    for _ in range(MOST_STEPS):
        if state is None:
            break
        score = _score(patterns, state)
        step = np.asarray(np.linalg.solve(_curvature(patterns, state), score), dtype=float)
        decrement = float(step @ score)
        if not math.isfinite(decrement):
            break
        if decrement < 1e-16 * sum(p.n for p in patterns):
            return state
        change = _symmetric(step, len(sigma))
        for halved in range(30):
            trial = _state(patterns, state.sigma + change * 0.5**halved)
            if trial is not None and trial.deviance <= state.deviance + 1e-12 * (1.0 + abs(state.deviance)):
                break
        else:
            break
        state = trial
    raise NotFitted("the covariance of the visits cannot be estimated")


def _score(patterns: list[_Pattern], state: _State) -> Array:
    """Derivatives of the log restricted likelihood by the entries of sigma (upper triangle, row by row)."""
    v = len(state.sigma)
    g = np.zeros((v, v))
    for p, w, e in zip(patterns, state.weights, state.left, strict=True):
        g += p.n * w - w @ (e + _spread(p, state.phi, v)) @ w
    i, j = np.triu_indices(v)
    return np.asarray(-0.5 * np.where(i == j, 1.0, 2.0) * g[i, j])


def _curvature(patterns: list[_Pattern], state: _State) -> Array:
    """Observed information of the entries of sigma; the expected one where that is not positive definite."""
    v, expected = len(state.sigma), _information(patterns, state)
    units = _units(v)
    twice, turned = np.zeros_like(expected), np.zeros((len(units), len(state.phi)))
    for p, w, e in zip(patterns, state.weights, state.left, strict=True):
        f = w @ units
        right = f @ w @ e
        twice += f.reshape(len(units), -1) @ right.transpose(0, 2, 1).reshape(len(units), -1).T
        turned += (f @ w @ (p.dy.T - state.b @ p.dd)).reshape(len(units), -1)
    twice -= turned @ state.phi @ turned.T
    observed = 0.5 * (twice + twice.T) - expected
    return observed if np.linalg.eigvalsh(observed)[0] > 0 else expected


def _information(patterns: list[_Pattern], state: _State) -> Array:
    """Expected information of the entries of sigma."""
    v = len(state.sigma)
    units = _units(v)
    found = np.zeros((len(units), len(units)))
    for p, w in zip(patterns, state.weights, strict=True):
        f = w @ units
        right = f @ (p.n * np.eye(v) - 2.0 * w @ _spread(p, state.phi, v))
        found += f.reshape(len(units), -1) @ right.transpose(0, 2, 1).reshape(len(units), -1).T
    turned = state.phi @ _crossed(patterns, state, units)
    found += turned.reshape(len(units), -1) @ turned.transpose(0, 2, 1).reshape(len(units), -1).T
    return 0.25 * (found + found.T)


def _kenward_roger(patterns: list[_Pattern], state: _State, c: Array) -> tuple[float, float]:
    """(variance of the contrast ``c`` of the coefficients, its degrees of freedom)."""
    v = len(state.sigma)
    units = _units(v)
    cov = np.linalg.inv(_information(patterns, state))
    u = state.phi @ c
    first = _crossed(patterns, state, units) @ u  # (entries, coefficients)
    second = -first @ state.phi @ first.T
    by_visit = u.reshape(v, -1)
    for p, w in zip(patterns, state.weights, strict=True):
        f = w @ units
        right = f @ w @ (by_visit @ p.dd @ by_visit.T)
        second += f.reshape(len(units), -1) @ right.transpose(0, 2, 1).reshape(len(units), -1).T
    plain = float(c @ u)
    slope = first @ u
    return plain + 2.0 * float((cov * second).sum()), 2.0 * plain**2 / float(slope @ cov @ slope)


def _crossed(patterns: list[_Pattern], state: _State, units: Array) -> Array:
    """X'V⁻¹ E V⁻¹X for every entry of sigma, (entries, coefficients, coefficients)."""
    size = len(state.phi)
    found = np.zeros((len(units), size, size))
    for p, w in zip(patterns, state.weights, strict=True):
        middle = w @ units @ w
        found += np.einsum("kab,ij->kaibj", middle, p.dd).reshape(len(units), size, size)
    return found


def _spread(p: _Pattern, phi: Array, visits: int) -> Array:
    """Sum over a pattern's patients of the covariance of their fitted values, (visits, visits)."""
    q = len(p.dd)
    return np.asarray(np.einsum("ajbk,jk->ab", phi.reshape(visits, q, visits, q), p.dd))


def _units(v: int) -> Array:
    """Derivatives of a symmetric matrix by its entries, upper triangle row by row, (entries, v, v)."""
    i, j = np.triu_indices(v)
    found = np.zeros((len(i), v, v))
    found[np.arange(len(i)), i, j] = found[np.arange(len(i)), j, i] = 1.0
    return found


def _symmetric(entries: Array, v: int) -> Array:
    return np.asarray(np.einsum("k,kab->ab", entries, _units(v)))
