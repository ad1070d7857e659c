"""Shares of responders, and their differences and odds ratios between arms.

Share: Wilson's interval. Difference: Newcombe's hybrid score interval (Stat Med 1998;17:873-90, method 10), p value of
the score test (Pearson's chi-square without correction). Odds ratio: Wald's interval of its logarithm; where a cell of
the four is 0, each gets a half more (Haldane and Anscombe). None of them is adjusted for covariates.

Of twins: Newcombe's interval for paired shares (Stat Med 1998;17:2635-50, method 10), own code since statsmodels 0.15
has none; p value of the exact test of McNemar; the odds ratio is that of the pairs that differ.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.describe import wilson
from leukinetics.trial.statistics.estimates import Contrast, Estimate, Fit, exp, interval, nothing
from leukinetics.trial.statistics.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

DIFFERENCE, ODDS = "risk_difference", "odds_ratio"


def responders(rows: Rows, reference: int, alpha: float, paired: bool) -> Fit:
    """Shares of the arms, and contrasts with the ``reference`` arm."""
    rows = rows.take(~np.isnan(rows.value))
    counts = [(int(rows.value[rows.arm == a].sum()), int((rows.arm == a).sum())) for a in range(rows.arms)]
    contrasts = {}
    for a in range(rows.arms):
        if a == reference:
            continue
        if paired:
            here, there = rows.pairs(a, reference)
            table = _pairs(rows.value[here] > 0, rows.value[there] > 0)
            contrasts[a] = [
                Contrast(
                    DIFFERENCE, paired_difference(table, alpha), "pairs: Newcombe's interval, McNemar's exact test"
                ),
                Contrast(ODDS, _paired_odds(table, alpha), "odds ratio of the pairs that differ (Wald)"),
            ]
        else:
            contrasts[a] = [
                Contrast(
                    DIFFERENCE, difference(*counts[a], *counts[reference], alpha), "Newcombe's interval, score test"
                ),
                Contrast(ODDS, _odds(*counts[a], *counts[reference], alpha), "odds ratio, not adjusted (Wald)"),
            ]
    shares = [wilson(k / n, n, alpha) if n else nothing() for k, n in counts]
    return Fit(shares, "proportion", "", contrasts)


def difference(k: int, n: int, k_ref: int, n_ref: int, alpha: float) -> Estimate:
    """``k`` of ``n`` less ``k_ref`` of ``n_ref``."""
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    if not n or not n_ref:
        return nothing(n + n_ref)
    low, high = confint_proportions_2indep(k, n, k_ref, n_ref, method="newcomb", compare="diff", alpha=alpha)
    p, q = k / n, k_ref / n_ref
    # The statistic is 0 where the shares are equal, be it 0/0 where nobody or everybody responded.
    test = 1.0 if k * n_ref == k_ref * n else float(proportions_ztest([k, k_ref], [n, n_ref])[1])
    se = math.sqrt(p * (1 - p) / n + q * (1 - q) / n_ref)
    return Estimate(p - q, se, float(low), float(high), n + n_ref, test)


def paired_difference(table: tuple[int, int, int, int], alpha: float) -> Estimate:
    """Difference of the shares of two paired samples: ``table`` counts the pairs of which both responded, only the
    first, only the second, none."""
    from statsmodels.stats.contingency_tables import mcnemar

    a, b, c, d = table
    n = sum(table)
    if not n:
        return nothing()
    one, two = wilson((a + b) / n, n, alpha), wilson((a + c) / n, n, alpha)
    # Correlation of the two, towards 0 by half a pair where it is positive.
    cross, product = a * d - b * c, (a + b) * (c + d) * (a + c) * (b + d)
    phi = (max(cross - n / 2, 0.0) if cross > 0 else cross) / math.sqrt(product) if product else 0.0
    delta = (b - c) / n
    down, up = one.estimate - one.low, one.high - one.estimate
    down_ref, up_ref = two.estimate - two.low, two.high - two.estimate
    low = delta - math.sqrt(max(down**2 - 2 * phi * down * up_ref + up_ref**2, 0.0))
    high = delta + math.sqrt(max(up**2 - 2 * phi * up * down_ref + down_ref**2, 0.0))
    se = math.sqrt(max((b + c) - (b - c) ** 2 / n, 0.0)) / n
    p = float(mcnemar([[a, b], [c, d]], exact=True).pvalue) if b + c else 1.0
    return Estimate(delta, se, low, high, n, p)


def interaction(rows: Rows, modifier: Array, paired: bool) -> float:
    """p value of the hypothesis that the difference of the shares of two arms does not depend on ``modifier`` (rows,
    columns): linear model of the responses, covariance for unequal variances (HC3)."""
    from leukinetics.trial.statistics import ancova
    from leukinetics.trial.statistics import paired as within

    if paired:
        return within.interaction(rows, modifier, rows.value, robust=True)
    plain = np.full(len(rows.arm), np.nan)
    return ancova.interaction(rows, modifier, rows.value, plain, robust=True)


def _odds(k: int, n: int, k_ref: int, n_ref: int, alpha: float) -> Estimate:
    if not n or not n_ref:
        return nothing(n + n_ref)
    cells = np.array([[k, n - k], [k_ref, n_ref - k_ref]], dtype=float)
    if (cells == 0).any():
        cells += 0.5
    return _wald(cells[0, 0] * cells[1, 1] / (cells[0, 1] * cells[1, 0]), float((1 / cells).sum()), n + n_ref, alpha)


def _paired_odds(table: tuple[int, int, int, int], alpha: float) -> Estimate:
    _, b, c, _ = (float(x) for x in table)
    if not b + c:
        return nothing(sum(table))
    if not b or not c:
        b, c = b + 0.5, c + 0.5
    return _wald(b / c, 1 / b + 1 / c, sum(table), alpha)


def _wald(odds: float, variance: float, n: int, alpha: float) -> Estimate:
    return interval(math.log(odds), math.sqrt(variance), n, alpha).through(exp, exp)


def _pairs(x: NDArray[np.bool_], y: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    return int((x & y).sum()), int((x & ~y).sum()), int((~x & y).sum()), int((~x & ~y).sum())
