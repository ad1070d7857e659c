"""How stable a subtype is: against other people in the cohort, and against another sample of the same person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.classes import cutoffs, fitted_start, named
from leukinetics.cohort.subtype.mixture import Mixture, best_of, least_sd, membership, prepared
from leukinetics.cohort.subtype.noise import log_interval
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

RESAMPLES = 100
#: A class whose mean Jaccard index is below this has dissolved (Hennig).
DISSOLVED = 0.5
#: Points of the integral over what the first sample may have been.
POINTS = 64


def stability(
    markers: Sequence[Censored], fit: Mixture, *, resamples: int = RESAMPLES, alpha: float = 0.05, seed: int = 1
) -> dict[str, Any]:
    """The mixture fitted again to resampled people, and everybody of the cohort put into its classes.

    ``adjusted_rand``: mean over resamples, against the classes of the cohort, with its 5 % quantile ``worst``; by class
    ``share`` and by marker ``geometric_mean`` with percentile intervals, ``jaccard``, the mean index of the class
    (Hennig, Comput Stat Data Anal 2007;52:258-71) and ``dissolved``, the share of resamples in which it is below a
    half; ``cutoffs`` with intervals; ``kept`` (rows,): the share of resamples in which a person stays in the class,
    None of people without a marker.
    """
    from sklearn.metrics import adjusted_rand_score

    known, n = prepared(markers)
    use = np.flatnonzero(np.logical_or.reduce([m.measured for m in markers]))
    label = membership(known, n, fit)[0].argmax(axis=1)
    rng = np.random.default_rng([seed, 55])
    rand, kept = [], np.zeros(n)
    shares, means, ends = [], [], []
    jaccards: list[list[float]] = []
    for _ in range(resamples):
        pick = rng.integers(n, size=n)
        again, _ = prepared([m.take(use[pick]) for m in markers])
        found = best_of(again, n, [fitted_start(fit)], least_sd(again), fit.equal, quick=True)
        other = membership(known, n, found)[0].argmax(axis=1)
        rand.append(float(adjusted_rand_score(label, other)))
        kept += label == other
        shares.append(found.share)
        means.append(np.exp(found.mean))
        if len(markers) == 1:
            ends.append([math.nan if c is None else c for c in cutoffs(found)])
        jaccards.append([_jaccard(label == c, other == c) for c in range(fit.classes)])
    levels = np.array([alpha / 2, 1 - alpha / 2])
    of_share, of_mean, index = (
        np.quantile(shares, levels, axis=0),
        np.quantile(means, levels, axis=0),
        np.array(jaccards),
    )
    stays = np.full(len(markers[0]), np.nan)
    stays[use] = kept / resamples
    return {
        "resamples": resamples,
        "adjusted_rand": number(float(np.mean(rand))),
        "worst": number(float(np.quantile(rand, 0.05))),
        "classes": [
            {
                "class": named(fit.classes)[c],
                "share": number(float(fit.share[c])),
                "ci_low": number(float(of_share[0, c])), "ci_high": number(float(of_share[1, c])),
                "levels": [
                    {
                        "name": m.name, "geometric_mean": number(float(np.exp(fit.mean[c, j]))),
                        "ci_low": number(float(of_mean[0, c, j])), "ci_high": number(float(of_mean[1, c, j])),
                    }
                    for j, m in enumerate(markers)
                ],
                "jaccard": number(float(np.mean(index[:, c]))),
                "dissolved": number(float((index[:, c] < DISSOLVED).mean())),
            }
            for c in range(fit.classes)
        ],
        "cutoffs": _ends(np.array(ends), cutoffs(fit), levels) if len(markers) == 1 else None,
        "kept": [None if math.isnan(v) else number(float(v)) for v in stays],
        "analysis": f"mixture fitted to {resamples} resamples of people",
    }  # fmt: skip


def another_sample(x: Censored, threshold: float, mean: float, sd: float, within: float) -> dict[str, Any]:
    """Whether people are on the same side of a threshold in a second sample, months later.

    ``mean``, ``sd``: of the logarithm of single samples of people (between and within together), ``within``: SD of the
    logarithm within a person, the assay's error included. Two samples of a person are bivariate normal with the
    correlation 1 - within²/sd².

    ``above`` (rows,): probability that a second sample is at or above the threshold, given what is known of the first;
    ``kept``: the share of people, of whom the first sample tells the side, who are expected to be on it again;
    ``kappa`` that two samples are expected to have; ``correlation``. DataError where ``within`` is not below ``sd``.
    """
    from scipy.special import ndtr
    from scipy.stats import multivariate_normal

    if not 0 < within < sd:
        raise DataError(
            f"The SD of the logarithm within a person, {within:g}, must lie between 0 and that of all samples, {sd:g}."
        )
    rho = 1.0 - (within / sd) ** 2
    c = (math.log(threshold) - mean) / sd
    own = sd * math.sqrt(1 - rho**2)
    with np.errstate(divide="ignore"):
        a, b = (np.log(x.lower) - mean) / sd, (np.log(x.upper) - mean) / sd
    above = np.full(len(x), np.nan)
    seen = x.observed
    above[seen] = ndtr(-(c - rho * a[seen]) / (own / sd))
    ends, place = np.unique(np.stack([a, b], axis=1)[x.measured & ~seen], axis=0, return_inverse=True)
    above[x.measured & ~seen] = np.array([_beyond(c, float(p), float(q), rho) for p, q in ends])[place.ravel()]
    side = np.where(
        x.lower >= threshold, 1.0, np.where((x.upper <= threshold) & ~(seen & (x.lower == threshold)), 0.0, np.nan)
    )
    told = np.isfinite(side)
    same = np.where(side == 1, above, 1 - above)[told]
    p = float(ndtr(-c))
    both = float(multivariate_normal.cdf([-c, -c], mean=[0, 0], cov=[[1, rho], [rho, 1]]))
    chance = p**2 + (1 - p) ** 2
    agree = 1 - 2 * (p - both)
    return {
        "threshold": number(threshold), "unit": x.unit, "correlation": number(rho), "n": int(told.sum()),
        "kept": number(float(same.mean())) if told.any() else None,
        "kappa": number((agree - chance) / (1 - chance)) if chance < 1 else None,
        "above": [None if math.isnan(v) else number(float(v)) for v in above],
        "analysis": "two samples of a person, bivariate lognormal",
    }  # fmt: skip


def _beyond(c: float, a: float, b: float, rho: float) -> float:
    """P(second >= c | first in [a, b]) of standard bivariate normal numbers."""
    from scipy.special import ndtr

    low, high = max(a, -8.0), min(b, 8.0)
    if not low < high:
        return float(ndtr(-(c - rho * (high if a < -8 else low)) / math.sqrt(1 - rho**2)))
    nodes, w = np.polynomial.legendre.leggauss(POINTS)
    z = low + (high - low) * (nodes + 1) / 2
    density = np.exp(-0.5 * z * z) * w
    if float(log_interval(np.array([low]), np.array([high]))[0]) < -600:
        return math.nan
    return float((density * ndtr(-(c - rho * z) / math.sqrt(1 - rho**2))).sum() / density.sum())


def _ends(found: Array, own: Sequence[float | None], levels: Array) -> list[dict[str, Any]]:
    rows = []
    for j, cut in enumerate(own):
        there = found[np.isfinite(found[:, j]), j]
        low, high = np.quantile(there, levels) if len(there) else (math.nan, math.nan)
        told = {"cutoff": None if cut is None else number(cut), "ci_low": number(low), "ci_high": number(high)}
        rows.append(told | {"resamples_with_one": number(len(there) / len(found))})
    return rows


def _jaccard(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    either = int((one | other).sum())
    return float((one & other).sum()) / either if either else 1.0
