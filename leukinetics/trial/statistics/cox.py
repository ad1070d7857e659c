"""Cox's proportional hazards model by its partial likelihood, ties by Efron.

Own code for two reasons: lifelines' residuals, of which the standard errors by patient are made, depend on the order of
rows with tied times (visits tie them), and its fit takes a Python step for each distinct time. With w = exp(x'b), at a
time with d events, risk set R and events D, for l = 0 .. d - 1:

    S(l) = sum of w over R - l/d sum of w over D,    E(l) = the same sum of w x, divided by S(l),
    log L = sum over times of [sum over D of x'b - sum over l of log S(l)],

by Newton's steps. The score residual of a row is x - mean E (if it had an event) less the sum of a w (x - E(l))/S(l)
over the times and l at which it was at risk, a = 1 - l/d at its own event, else 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.estimates import ROUNDING, Model, NotFitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MOST_STEPS = 50
LEAST_INFORMATION = 1e-7  # of an event; less is left where coefficients run away to infinity


@dataclass(frozen=True)
class _Order:
    """Rows sorted by time, the last first, and the events: one entry for each, sorted likewise.

    ``risk``: rows at risk at an event's time; ``tied``: place of that time among the event times; ``share``: l/d.
    """

    x: Array
    event: NDArray[np.bool_]
    risk: NDArray[np.intp]
    tied: NDArray[np.intp]
    share: Array
    row: NDArray[np.intp]  # rows of the events


@dataclass(frozen=True)
class _Sums:
    """For each event: w, its S(l), E(l) (events, columns); log likelihood, score, information."""

    w: Array
    s: Array
    e: Array
    log_likelihood: float
    score: Array
    information: Array


def cox(time: Array, event: NDArray[np.bool_], columns: Array, groups: NDArray[np.int64] | None = None) -> Model:
    """Log hazard ratios of ``columns`` (rows, columns). With ``groups`` (rows,) the covariance is the sandwich of the
    groups' sums of residuals (Lin and Wei, J Am Stat Assoc 1989;84:1074-8). NotFitted where the likelihood has no
    maximum."""
    size = columns.std(axis=0)
    if not event.any() or not (size > 0).all():
        raise NotFitted("there are no events, or nothing that they could depend on")
    sort = np.lexsort((np.arange(len(time)), -time))
    order = _order(time[sort], event[sort], ((columns - columns.mean(axis=0)) / size)[sort])
    b = np.zeros(columns.shape[1])
    found = _sums(order, b)
    for _ in range(MOST_STEPS):
        if not np.linalg.eigvalsh(found.information)[0] > LEAST_INFORMATION * len(order.row):
            raise NotFitted("the likelihood has no maximum")
        step = np.linalg.solve(found.information, found.score)
        if float(step @ found.score) < 1e-18 * max(abs(found.log_likelihood), 1.0):
            break
        for halved in range(30):
            trial = _sums(order, b + step * 0.5**halved)
            if trial.log_likelihood >= found.log_likelihood - 1e-12 * abs(found.log_likelihood):
                break
        b, found = b + step * 0.5**halved, trial
    else:
        raise NotFitted("the likelihood has no maximum")
    cov = np.linalg.inv(found.information)
    if groups is not None:
        _, group = np.unique(groups[sort], return_inverse=True)
        residuals = _residuals(order, found)
        sums, sizes = np.zeros((2, int(group.max()) + 1, len(b)))
        np.add.at(sums, group, residuals @ cov)
        np.add.at(sizes, group, np.abs(residuals) @ np.abs(cov))
        sums[np.abs(sums) < ROUNDING * sizes] = 0.0  # equal twins cancel: what is left of them is no variance
        cov = np.einsum("ij,ik->jk", sums, sums)
    return Model(b / size, cov / np.outer(size, size))


def _order(time: Array, event: NDArray[np.bool_], x: Array) -> _Order:
    row = np.flatnonzero(event)
    moments, tied = np.unique(-time[row], return_inverse=True)
    d = np.bincount(tied)
    first = np.concatenate([[0], np.cumsum(d)[:-1]])
    risk = np.searchsorted(-time, moments, side="right")
    return _Order(x, event, risk[tied], tied, (np.arange(len(row)) - first[tied]) / d[tied], row)


def _sums(order: _Order, b: Array) -> _Sums:
    x, row = order.x, order.row
    eta = x @ b
    if not np.abs(eta).max() < 300:  # w would overflow
        nothing = np.full((len(b), len(b)), np.nan)
        return _Sums(eta, eta, x, -math.inf, nothing[0], nothing)
    w = np.exp(eta)
    wx = w[:, None] * x
    wxx = wx[:, :, None] * x[:, None, :]

    def at_risk(values: Array) -> Array:
        """The sum over the risk set, less l/d of that over the events at that time."""
        sums = np.cumsum(values, axis=0)[order.risk - 1]
        dead = np.zeros((int(order.tied.max()) + 1, *values.shape[1:]))
        np.add.at(dead, order.tied, values[row])
        share = order.share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(sums - share * dead[order.tied])

    s, e = at_risk(w), at_risk(wx) / at_risk(w)[:, None]
    information = (at_risk(wxx) / s[:, None, None]).sum(axis=0) - np.einsum("ij,ik->jk", e, e)
    score = x[row].sum(axis=0) - e.sum(axis=0)
    return _Sums(w, s, e, float(eta[row].sum() - np.log(s).sum()), score, information)


def _residuals(order: _Order, found: _Sums) -> Array:
    """Score residuals of the rows, (rows, columns), which add up to the score."""
    x, w, row = order.x, found.w[:, None], order.row
    d = np.bincount(order.tied)[order.tied]
    mean = np.zeros((int(order.tied.max()) + 1, x.shape[1]))
    np.add.at(mean, order.tied, found.e / d[:, None])
    h0, h1 = 1.0 / found.s, found.e / found.s[:, None]
    # Events at or before a row's time are those whose risk set it is in: the last ones of the list, whose risk sets
    # only grow.
    later = np.searchsorted(order.risk, np.arange(len(x)), side="right")

    def until(values: Array) -> Array:
        total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values[::-1], axis=0)])
        return np.asarray(total[len(values) - later])

    found_rows = -w * (x * until(h0[:, None]) - until(h1))

    def own(values: Array) -> Array:
        sums = np.zeros((int(order.tied.max()) + 1, values.shape[1]))
        np.add.at(sums, order.tied, order.share[:, None] * values)
        return np.asarray(sums[order.tied])

    found_rows[row] += x[row] - mean[order.tied] + w[row] * (x[row] * own(h0[:, None]) - own(h1))
    return np.asarray(found_rows)
