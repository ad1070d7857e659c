"""Whether groups differ in levels of which some are only known to lie below a limit.

The test is Peto and Peto's, a Wilcoxon test weighted for several limits (lifelines, time reversed; NADA's ``cendiff``,
R's ``survdiff(rho = 1)``): it asks whether groups have the same distribution and assumes none. The ratio of lognormal
levels by their likelihood is the estimate, each group with a spread of its own as in Welch's test. With 80 or 90 %
below the limit such a spread is known from a few levels, and mean and spread can hardly be told apart: the interval
holds what it should, but is wide, and its test misses what Peto and Peto's sees. With one spread in both groups (the
usual censored regression) the ratio is as sharp as that test, but where spreads differ it takes a difference of
spreads for one of levels; whence the test whether they do, which itself sees little where few are above the limit.
Gehan's test, of pairs whose order is certain, has its permutation variance and takes any intervals (Biometrika
1965;52:203-23; own code); it assumes that limits do not go with the group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.censored.likelihood import Top, ends, logs_of, maximum, rows_of
from leukinetics.cohort.censored.lognormal import FEWEST, at_mean, refused, slope_at_mean
from leukinetics.cohort.censored.ranks import above_and_below, order_keys, placed
from leukinetics.cohort.detect import corrected
from leukinetics.cohort.values import Censored
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import NotFitted, exp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Row = dict[str, Any]

PETO = "Peto-Peto test of left-censored levels"
GEHAN = "Gehan's generalised Wilcoxon test, permutation variance"
RATIO = "lognormal levels, censored maximum likelihood"


def peto_peto(x: Censored, groups: ArrayLike) -> Row:
    """``statistic`` (chi-square), ``df``, ``p_value``, ``n``, ``analysis``, ``note``: whether groups (rows,) differ.
    None where there is no test."""
    from lifelines.statistics import multivariate_logrank_test

    x, codes, k = _grouped(x, groups)
    value, seen, said = placed(x)
    why = _untestable(x, k)
    if not why and not seen.any():
        why = "not tested: all are below the limit"
    if not why and np.ptp(value) == 0 and seen.all():
        why = "not tested: all levels are the same"
    if why:
        return _test(math.nan, k, len(x), PETO, "; ".join([why, *said]))
    # Time runs down from the highest level; it begins above 0, where lifelines drops a row.
    ranks = np.unique(value, return_inverse=True)[1]
    with np.errstate(all="ignore"):
        found = multivariate_logrank_test(
            ranks.max() + 1.0 - ranks, codes, seen, weightings="fleming-harrington", p=1, q=0
        )
    return _test(float(found.test_statistic), k, len(x), PETO, "; ".join(said))


def gehan(x: Censored, groups: ArrayLike) -> Row:
    """The same by pairs whose order is certain. Without censoring, or with one limit, it is the Kruskal-Wallis test of
    ranks with ties."""
    x, codes, k = _grouped(x, groups)
    why = _untestable(x, k)
    if why:
        return _test(math.nan, k, len(x), GEHAN, why)
    above, below = above_and_below(*order_keys(x))
    score = above - below
    squares = float(score @ score)
    if squares == 0:
        return _test(math.nan, k, len(x), GEHAN, "not tested: no two levels have a certain order")
    sums, counts = np.bincount(codes, score, k), np.bincount(codes, minlength=k)
    return _test(float((len(x) - 1) / squares * (sums**2 / counts).sum()), k, len(x), GEHAN, "")


def level_ratio(x: Censored, one: Mask, other: Mask, alpha: float = 0.05) -> Row:
    """The geometric mean of the rows of ``one`` over that of ``other``: ``measure``, ``estimate``, ``ci_low``,
    ``ci_high``, ``p_value``, ``n``, ``n_reference``, ``analysis``, ``note``.

    Where a group has fewer than 4 levels at or above its limit both have one spread, and where it has none the ratio
    has one end but no estimate. See :func:`one_spread` for that ratio in all cases.
    """
    a, b = x.take(one & x.measured), x.take(other & x.measured)
    found: Row = {"measure": "level_ratio", **dict.fromkeys(("estimate", "ci_low", "ci_high", "p_value"))}
    found |= {"n": len(a), "n_reference": len(b), "analysis": RATIO, "note": ""}
    if not (len(a) and len(b)):
        return found | {"note": "not estimated: a group has nobody"}
    if refused(a) or refused(b):
        return found | _common(a, b, alpha)
    try:
        return found | _separate(a, b, alpha)
    except NotFitted as error:
        return found | {"note": f"not estimated: {error}"}


def one_spread(x: Censored, one: Mask, other: Mask, alpha: float = 0.05) -> Row:
    """The same ratio with one spread in both groups, for a table beside the other: ``common``, ``common_low``,
    ``common_high``, ``p_common``, and ``p_spread``: of the same spread in both (likelihood ratio; None where a group
    tells none)."""
    from scipy.special import chdtrc

    a, b = x.take(one & x.measured), x.take(other & x.measured)
    found: Row = dict.fromkeys(("common", "common_low", "common_high", "p_common", "p_spread"))
    if not (len(a) and len(b)):
        return found
    row = _common(a, b, alpha)
    names = (("common", "estimate"), ("common_low", "ci_low"), ("common_high", "ci_high"), ("p_common", "p_value"))
    found |= {name: row.get(key) for name, key in names}
    if refused(a) or refused(b):
        return found
    try:
        apart = [maximum(rows_of(*logs_of(v), np.ones((len(v), 1)))).value for v in (a, b)]
        first = np.repeat([1.0, 0.0], [len(a), len(b)])
        both = Censored.together([a, b])
        together = maximum(rows_of(*logs_of(both), np.column_stack([np.ones(len(both)), first]))).value
    except NotFitted:
        return found
    return found | {"p_spread": number(float(chdtrc(1, max(2 * (sum(apart) - together), 0.0))))}


def compare(
    x: Censored,
    groups: ArrayLike,
    control: str | None = None,
    *,
    names: Sequence[str] | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    alpha: float = 0.05,
    correct: str = "holm",
) -> Row:
    """All groups, and each pair (each with ``control`` where there is one): ``overall`` (Peto-Peto, Gehan), and
    ``pairs``: the ratio of levels (:func:`level_ratio`, and :func:`one_spread`), ``p_peto``, ``p_gehan`` and, adjusted
    for the number of pairs, ``p_peto_adjusted``, which is the test of the pair, and ``p_adjusted`` (of the ratio).
    ``names``: the groups in their order (by default sorted); ``pairs``: others than these, as (group, reference)."""
    labels = np.asarray(groups, dtype=object)
    known = np.array([g is not None and g == g for g in labels], dtype=bool)
    order = list(names) if names is not None else sorted({str(g) for g in labels[known]})
    labels = np.where(known, labels.astype(str), "")
    if pairs is not None:
        pairs = list(pairs)
    elif control is not None:
        pairs = [(name, control) for name in order if name != control]
    else:
        pairs = [(one, other) for i, one in enumerate(order) for other in order[i + 1 :]]
    rows = []
    masks = {name: known & (labels == name) for name in order}
    for one, other in pairs:
        both = masks[one] | masks[other]
        pair, here = x.take(both), labels[both]
        row = {"group": one, "reference": other, **level_ratio(x, masks[one], masks[other], alpha)}
        row |= one_spread(x, masks[one], masks[other], alpha)
        row |= {"p_peto": peto_peto(pair, here)["p_value"], "p_gehan": gehan(pair, here)["p_value"]}
        rows.append(row)
    for name, adjusted in (("p_value", "p_adjusted"), ("p_peto", "p_peto_adjusted")):
        for row, p in zip(rows, corrected([r[name] for r in rows], correct), strict=True):
            row[adjusted] = p
    inside = known & np.isin(labels, order)
    overall = [peto_peto(x.take(inside), labels[inside]), gehan(x.take(inside), labels[inside])]
    return {"groups": order, "control": control, "correct": correct, "overall": overall, "pairs": rows}


def _separate(a: Censored, b: Censored, alpha: float) -> Row:
    """Each group with a mean and a spread; the profile over the difference of means."""
    from scipy.special import stdtr, stdtrit

    sets = [rows_of(*logs_of(v), np.ones((len(v), 1))) for v in (a, b)]
    tops = [maximum(rows) for rows in sets]
    means = [float(t.coefficients[0]) for t in tops]
    variances = [float(t.cov[0, 0]) for t in tops]
    people = [len(v) for v in (a, b)]
    # Welch's degrees of freedom. Those below the limit count: of the levels at or above it alone, type I error at 80 %
    # below would be 1 in 100 in place of 5 (tests/test_cohort_other_means.py).
    df = sum(variances) ** 2 / sum(v**2 / (m - 1) for v, m in zip(variances, people, strict=True))
    se = math.sqrt(sum(variances))
    # Variances by maximum likelihood are too small; unbiased ones are, uncensored, m / (m - 1) times as large.
    wide = sum(v * m / (m - 1) for v, m in zip(variances, people, strict=True)) / sum(variances)
    best = means[0] - means[1]
    fall = float(stdtrit(df, 1 - alpha / 2)) ** 2 * wide / 2

    def lost(difference: float) -> float:
        """How far the log likelihood falls where the means differ by this."""
        return sum(t.value for t in tops) - _highest(sets, tops, means, variances, difference)

    low, high = ends(lambda v: fall - lost(v), best, 2 * se, 1e3 * se)
    t = math.sqrt(max(2 * lost(0.0), 0.0) / wide)
    return {
        "estimate": number(exp(best)),
        "ci_low": number(exp(low)),
        "ci_high": number(exp(high)),
        "p_value": number(float(2 * stdtr(df, -t))),
        "se_ln": number(se),
        "analysis": f"{RATIO}, a spread in each group, interval by the likelihood's profile",
    }


def _highest(sets: list[Any], tops: list[Top], means: list[float], variances: list[float], difference: float) -> float:
    """The maximum over the second group's mean where the first's is larger by ``difference``."""
    from scipy.optimize import minimize_scalar

    # Where the sum of both profiles would be highest if they were parabolas.
    at = means[1] + variances[1] / sum(variances) * (means[0] - means[1] - difference)
    for _ in range(20):
        one, other = (
            slope_at_mean(rows, at + d, top) for rows, d, top in zip(sets, (difference, 0), tops, strict=True)
        )
        slope, bend = one[1] + other[1], one[2] + other[2]
        if bend >= 0:
            break
        if slope**2 / -bend < 1e-9:
            return one[0] + other[0]
        at -= slope / bend

    def below(v: float) -> float:  # where a profile is no hill: far from its top
        return -(at_mean(sets[0], v + difference, tops[0]) + at_mean(sets[1], v, tops[1]))

    between = sorted((means[1], means[0] - difference))
    return -float(minimize_scalar(below, bounds=between, method="bounded", options={"xatol": 1e-6}).fun)


def _common(a: Censored, b: Censored, alpha: float) -> Row:
    """Both groups with one spread."""
    import pandas as pd

    from leukinetics.cohort.censored.tobit import tobit

    both = Censored.together([a, b])
    first = np.repeat([1.0, 0.0], [len(a), len(b)])
    fit = tobit(both, pd.DataFrame({"group": first}), alpha)
    analysis = f"{RATIO}, one spread in both groups (fewer than {FEWEST} levels of one are at or above the limit)"
    if not fit["coefficients"]:
        return {"analysis": analysis, "note": fit["note"]}
    row = fit["coefficients"][1]
    out = {name: row[name] for name in ("estimate", "ci_low", "ci_high", "p_value", "se_ln", "note")}
    if out["estimate"] is None and out["note"]:
        side = "first" if out["ci_high"] is not None else "second"
        out["note"] = f"no estimate: nobody of the {side} group is at or above the limit"
    return out | {"analysis": f"{analysis}, interval by the likelihood's profile"}


def _grouped(x: Censored, groups: ArrayLike) -> tuple[Censored, NDArray[np.intp], int]:
    labels = np.asarray(groups)
    use = x.measured
    names, codes = np.unique(labels[use].astype(str), return_inverse=True)
    return x.take(use), codes, len(names)


def _untestable(x: Censored, groups: int) -> str:
    return "" if groups > 1 and len(x) > 2 else "not tested: there are not two groups"


def _test(statistic: float, groups: int, n: int, analysis: str, note: str) -> Row:
    from scipy.special import chdtrc

    df = groups - 1
    p = float(chdtrc(df, statistic)) if math.isfinite(statistic) and df else math.nan
    return {
        "statistic": number(statistic),
        "df": df,
        "p_value": number(p),
        "n": n,
        "analysis": analysis,
        "note": note,
    }
