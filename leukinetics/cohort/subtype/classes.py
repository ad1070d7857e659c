"""How many classes of people there are, and what they are: the mixtures compared, and the one that is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.mixture import (
    Marker,
    Mixture,
    best_of,
    fit,
    fitted,
    least_sd,
    membership,
    of_ends,
    posterior,
    prepared,
)
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

MOST = 3
#: Resamples of the bootstrap test.
RESAMPLES = 99
#: A class of which more than this is below the largest limit has no level that the data tell.
HIDDEN = 0.9
#: Starting points of a refit of simulated people, beside the truth.
_STARTS = 2
WORDS = ("low", "high"), ("low", "middle", "high")


def candidates(markers: Sequence[Censored], most: int = MOST, seed: int = 1) -> list[Mixture]:
    """Fits of one to ``most`` classes, with equal and with own SDs; those that the people are too few for are left out.
    DataError where not even one class can be fitted."""
    found = [fit(markers, 1, equal=True, seed=seed)]
    for k in range(2, most + 1):
        for equal in (True, False):
            try:
                found.append(fit(markers, k, equal=equal, seed=seed))
            except DataError:
                continue
    return found


def classes(
    markers: Sequence[Censored],
    *,
    most: int = MOST,
    seed: int = 1,
    resamples: int = RESAMPLES,
    fits: Sequence[Mixture] | None = None,
) -> dict[str, Any]:
    """Mixtures of one to ``most`` classes of the markers, and the one with the smallest criterion of Schwarz (BIC);
    ``fits``: those of :func:`candidates`, where they are there already.

    ``models``: of each ``classes``, ``equal_sd``, ``log_likelihood``, ``parameters``, ``bic``, ``bounded``; ``chosen``:
    its place among them; ``tests``: bootstrap likelihood-ratio tests of k - 1 against k classes with the SDs of the
    model chosen (``p_value``; McLachlan, J R Stat Soc C 1987;36:318-24), up to one class more than was chosen;
    ``classes``: ``share``, and by marker ``geometric_mean``, ``sd_ln`` and ``below``, its share below the largest
    limit; ``people``: how many are most probably in it; ``misassigned``: the share of people that is expected to be in
    another class than their most probable one; ``cutoffs`` (one marker): where two neighbours are as probable, in its
    unit, None where it is below the largest limit; ``overlap`` of neighbouring classes; ``probability``
    (rows, classes) as lists; ``note``.
    """
    fits = candidates(markers, most, seed) if fits is None else fits
    best = chosen(fits)
    known, n = prepared(markers)
    limits = limits_of(markers)
    tests = []
    for k in range(2, min(best.classes + 1, most) + 1):
        equal = best.equal if best.classes > 1 else True
        pair = [next((m for m in fits if m.classes == j and (j == 1 or m.equal == equal)), None) for j in (k - 1, k)]
        if pair[0] is not None and pair[1] is not None:
            tests.append({"classes": k} | _tested(known, limits, n, pair[0], pair[1], seed, resamples))
    r = membership(known, n, best)[0]
    most_probable = r.argmax(axis=1)
    rows = posterior(markers, best)
    return {
        "n": n,
        "markers": [{"name": m.name, "unit": m.unit, "n": m.n, "share_below": number(m.share_below)} for m in markers],
        "models": [
            {
                "classes": m.classes, "equal_sd": m.equal, "log_likelihood": number(m.log_likelihood),
                "parameters": m.parameters, "bic": number(m.bic), "bounded": m.bounded,
            }
            for m in fits
        ],
        "chosen": list(fits).index(best),
        "tests": tests,
        "classes": [_of_class(markers, best, c, int((most_probable == c).sum())) for c in range(best.classes)],
        "misassigned": number(float(1 - r.max(axis=1).mean())),
        "cutoffs": [number(c) if c is not None else None for c in cutoffs(best, _limit(markers[0]))]
        if len(markers) == 1
        else None,
        "overlap": [number(overlap(best, c)) for c in range(best.classes - 1)] if len(markers) == 1 else None,
        "probability": [[None if math.isnan(p) else round(float(p), 4) for p in row] for row in rows],
        "analysis": "mixture of lognormal distributions on censored values, maximum likelihood; classes by BIC",
        "note": _note(markers, best),
    }  # fmt: skip


def chosen(fits: Sequence[Mixture]) -> Mixture:
    """The one with the smallest BIC."""
    return min(fits, key=lambda m: m.bic)


def cutoffs(m: Mixture, limit: float = 0.0) -> list[float | None]:
    """Between neighbouring classes of one marker the level at which both are as probable, between their means; None
    where there is none, or it lies below ``limit``."""
    from scipy.optimize import brentq

    def difference(z: float, c: int) -> float:
        log = np.log(m.share[c : c + 2]) - np.log(m.sd[c : c + 2, 0])
        log = log - 0.5 * ((z - m.mean[c : c + 2, 0]) / m.sd[c : c + 2, 0]) ** 2
        return float(log[1] - log[0])

    found: list[float | None] = []
    for c in range(m.classes - 1):
        low, high = m.mean[c, 0], m.mean[c + 1, 0]
        if low < high and difference(low, c) < 0 < difference(high, c):
            level = math.exp(float(brentq(difference, low, high, args=(c,))))
            found.append(level if level >= limit else None)
        else:
            found.append(None)
    return found


def overlap(m: Mixture, c: int) -> float:
    """The area under the lower of the densities of the neighbours ``c`` and ``c + 1`` of one marker: 0 apart, 1 the
    same (each counted as one)."""
    low = float((m.mean[c : c + 2, 0] - 8 * m.sd[c : c + 2, 0]).min())
    high = float((m.mean[c : c + 2, 0] + 8 * m.sd[c : c + 2, 0]).max())
    z = np.linspace(low, high, 20_001)
    both = [
        np.exp(-0.5 * ((z - m.mean[i, 0]) / m.sd[i, 0]) ** 2) / (m.sd[i, 0] * math.sqrt(2 * math.pi))
        for i in (c, c + 1)
    ]
    return float(np.trapezoid(np.minimum(*both), z))


def _tested(
    known: Sequence[Marker], limits: Sequence[Array], n: int, null: Mixture, other: Mixture, seed: int, resamples: int
) -> dict[str, Any]:
    """The statistic among those of people simulated with fewer classes, censored as the people are."""
    observed = 2 * (other.log_likelihood - null.log_likelihood)
    rng = np.random.default_rng([seed, 87, other.classes])
    larger = 0
    for _ in range(resamples):
        z = null.simulated(n, rng).T
        again = [censored_again(m, x, limit) for m, x, limit in zip(known, z, limits, strict=True)]
        least, equal = least_sd(again), other.equal
        small = (
            fitted(again, n, 1, equal=equal, seed=seed)
            if null.classes == 1
            else best_of(again, n, [null], least, equal, quick=True)
        )
        split = [_split(null, c, rng) for c in np.argsort(-null.share)[:_STARTS]]
        large = best_of(again, n, [*split, fitted_start(other)], least, equal, quick=True)
        larger += 2 * (large.log_likelihood - small.log_likelihood) >= observed - 1e-9
    return {
        "statistic": number(observed),
        "p_value": number((1 + larger) / (1 + resamples)),
        "resamples": resamples,
        "analysis": "parametric bootstrap of the likelihood ratio",
    }


def fitted_start(m: Mixture) -> Mixture:
    """A fit as a starting point."""
    return Mixture(np.maximum(m.share, 0.01) / np.maximum(m.share, 0.01).sum(), m.mean, m.sd, math.nan, m.n)


def _split(m: Mixture, c: int, rng: np.random.Generator) -> Mixture:
    """One class in two."""
    share = np.append(m.share, m.share[c] / 2)
    share[c] /= 2
    shift = m.sd[c] * rng.uniform(0.5, 1.5)
    mean = np.vstack([m.mean, m.mean[c] + shift])
    mean[c] = m.mean[c] - shift
    sd = np.vstack([m.sd, 0.7 * m.sd[c]])
    sd[c] = 0.7 * m.sd[c]
    return Mixture(share, mean, sd, math.nan, m.n)


def limits_of(markers: Sequence[Censored]) -> list[Array]:
    """The limit of each person who has any of the markers, by marker; where a row does not say, the one that most rows
    below one have, if the row is not below that; 0 without any."""
    use = np.logical_or.reduce([m.measured for m in markers])
    found = []
    for marker in markers:
        own = np.where(marker.below, marker.upper, marker.limit)
        values, counts = np.unique(marker.upper[marker.below], return_counts=True)
        usual = float(values[np.argmax(counts)]) if len(values) else 0.0
        with np.errstate(invalid="ignore"):
            unknown = np.isnan(own)
            own = np.where(unknown, np.where(marker.lower >= usual, usual, 0.0), own)
        found.append(np.asarray(own[use], dtype=float))
    return found


def censored_again(marker: Marker, z: Array, limit: Array) -> Marker:
    """Simulated logarithms (people,) as the assay of a marker would have them: below each person's ``limit`` known to
    be so, missing where the person's is."""
    there = np.concatenate([marker.seen, marker.hidden])
    lower, upper = np.full(len(z), np.nan), np.full(len(z), np.nan)
    value, least = np.exp(z[there]), limit[there]
    lower[there], upper[there] = np.where(value < least, 0.0, value), np.where(value < least, least, value)
    return of_ends(lower, upper)


def _of_class(markers: Sequence[Censored], m: Mixture, c: int, people: int) -> dict[str, Any]:
    levels = []
    for j, marker in enumerate(markers):
        limit = _limit(marker)
        levels.append(
            {
                "name": marker.name,
                "geometric_mean": number(math.exp(m.mean[c, j])),
                "sd_ln": number(float(m.sd[c, j])),
                "below": number(float(m.below(limit, j)[c])) if limit > 0 else 0.0,
            }
        )
    return {"class": named(m.classes)[c], "share": number(float(m.share[c])), "people": people, "levels": levels}


def named(k: int) -> tuple[str, ...]:
    """Names of ``k`` classes in the order of their level."""
    return ("all",) if k == 1 else WORDS[k - 2] if k <= len(WORDS) + 1 else tuple(f"class {i + 1}" for i in range(k))


def _limit(marker: Censored) -> float:
    below = marker.upper[marker.below]
    return float(below.max()) if len(below) else 0.0


def _note(markers: Sequence[Censored], m: Mixture) -> str | None:
    said = []
    names = named(m.classes)
    for j, marker in enumerate(markers):
        limit = _limit(marker)
        if limit > 0 and m.classes > 1:
            hidden = [names[c] for c in np.flatnonzero(m.below(limit, j) > HIDDEN)]
            if hidden:
                said.append(
                    f"of {marker.name or 'the marker'} nine tenths or more of the class {' and '.join(hidden)} lie "
                    f"below {limit:g} {marker.unit}".rstrip()
                    + ": its level is extrapolated, only its share is told by the data"
                )
    if m.bounded:
        said.append("a class sits on few values, with the least SD that is allowed: look at ties and rounding")
    return "; ".join(said) or None
