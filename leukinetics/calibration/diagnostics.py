"""Has a sampler converged, and how much are its draws worth?

- Autocorrelation time and effective sample size: Sokal's windowed estimate as in Goodman and Weare 2010
  (doi:10.2140/camcos.2010.5.65), by emcee.
- Rank-normalised split R-hat: Vehtari et al. 2021 (doi:10.1214/20-BA1221).
- Pareto k-hat of importance weights: Vehtari et al. 2024 (arXiv:1507.02646), with the estimator of Zhang and
  Stephens 2009 (doi:10.1198/tech.2009.08017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import emcee
import numpy as np
from scipy.stats import norm, rankdata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


GROUPS = 4  # of walkers


def autocorrelation_time(chain: Floats) -> Floats:
    """Per parameter, in steps, of a chain (steps, walkers, parameters); NaN where it cannot be told."""
    if len(chain) < 8:
        return np.full(chain.shape[2], np.nan)
    with np.errstate(all="ignore"):
        return np.asarray(emcee.autocorr.integrated_time(chain, tol=0, quiet=True))


def split_rhat(chain: Floats) -> Floats:
    """Per parameter, of a chain (steps, walkers, parameters): 1 where halves and groups of walkers agree.

    The many short chains of an ensemble are pooled into :data:`GROUPS` before they are compared.
    """
    half, groups = len(chain) // 2, min(GROUPS, chain.shape[1])
    each = chain.shape[1] // groups
    if half < 4:
        return np.full(chain.shape[2], np.nan)
    parts = chain[: 2 * half, : groups * each].reshape(2, half, groups, each, chain.shape[2])
    pooled = parts.transpose(1, 3, 0, 2, 4).reshape(half * each, 2 * groups, chain.shape[2])
    flat = pooled.reshape(-1, chain.shape[2])
    bulk = norm.ppf((rankdata(flat, axis=0) - 0.375) / (len(flat) + 0.25)).reshape(pooled.shape)
    folded = np.abs(flat - np.median(flat, axis=0))
    tail = norm.ppf((rankdata(folded, axis=0) - 0.375) / (len(flat) + 0.25)).reshape(pooled.shape)
    return np.maximum(_rhat(bulk), _rhat(tail))


def _rhat(chains: Floats) -> Floats:
    n = len(chains)
    within = chains.var(axis=0, ddof=1).mean(axis=0)
    between = n * chains.mean(axis=0).var(axis=0, ddof=1)
    return np.asarray(np.sqrt(((n - 1) / n * within + between / n) / within))


def effective_size(log_weights: Floats) -> float:
    """Kish's effective sample size of importance weights, between 1 and their number."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


def smooth_weights(log_weights: Floats) -> tuple[Floats, float]:
    """Pareto-smoothed log weights and k-hat: below 0.7 the weighted draws can be relied on.

    The largest weights become the expected order statistics of the generalised Pareto tail fitted to them.
    """
    logs = log_weights - log_weights.max()
    n = len(logs)
    tail_length = int(min(0.2 * n, 3 * np.sqrt(n)))
    if tail_length < 5:
        return logs, np.inf
    order = np.argsort(logs, kind="stable")
    tail, cut = order[-tail_length:], np.exp(logs[order[-tail_length - 1]])
    excess = np.exp(logs[tail]) - cut
    if excess[-1] - excess[0] <= 1e-12:  # all weights alike: the proposal is the posterior
        return logs, -np.inf
    k, sigma = _pareto(excess)
    where = (np.arange(tail_length) + 0.5) / tail_length
    quantiles = sigma * np.expm1(-k * np.log1p(-where)) / k if abs(k) > 1e-9 else -sigma * np.log1p(-where)
    smooth = logs.copy()
    smooth[tail] = np.minimum(np.log(cut + quantiles), 0.0)
    return smooth, k


def _pareto(excess: Floats) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, of ascending positive ``excess``."""
    n = len(excess)
    excess = np.maximum(excess, 1e-300)
    grid = 30 + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    b = (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quartile) + 1 / excess[-1]
    b = b[b != 0]
    k = np.log1p(-b[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-b / k) - k - 1)
    weight = np.exp(profile - profile.max())
    best = float((b * weight).sum() / weight.sum())
    shape = float(np.log1p(-best * excess).mean())
    return (n * shape + 5.0) / (n + 10.0), -shape / best  # weak prior towards 0.5, as in the 2024 paper
