"""Whether groups differ in how many are detected: shares, tests of tables, odds ratios, trend. Functions of arrays.

``seen`` is 1 where a row is detected, 0 where not and NaN where that is not known
(:meth:`leukinetics.cohort.values.Censored.detected`); rows of NaN count nowhere. Results are rows of a summary: numbers
that cannot be had are None, and ``note`` says why.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.describe import wilson
from leukinetics.trial.statistics.multiplicity import holm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

#: Fewer expected people than this in a cell, and the chi-square distribution is replaced by resampling.
SPARSE = 5.0
RESAMPLES = 9999
#: Largest number of rows whose 2 x 2 table has its exact conditional odds ratio.
MOST_EXACT = 100_000
#: Most tables that the exact test of several groups goes through.
MOST_TABLES = 500_000
CORRECTIONS = ("holm", "bh", "none")


def share(seen: ArrayLike, alpha: float = 0.05) -> Row:
    """``n``, ``detected``, ``share`` with Wilson's interval."""
    y = _known(seen)
    return share_of(int(y.sum()), len(y), alpha)


def share_of(k: int, n: int, alpha: float = 0.05) -> Row:
    """The same of ``k`` detected among ``n``."""
    if n == 0:
        nobody: Row = dict.fromkeys(("share", "ci_low", "ci_high"))
        return {"n": 0, "detected": 0, **nobody, "note": "nobody is measured"}
    e = wilson(k / n, n, alpha)
    told = {"share": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high)}
    return {"n": n, "detected": k, **told, "note": ""}


def counts(seen: ArrayLike, groups: ArrayLike, names: Sequence[str]) -> NDArray[np.int64]:
    """(groups, 2): detected, not detected, of each of ``names``."""
    y, labels = np.asarray(seen, dtype=float), np.asarray(groups)
    if len(y) != len(labels):
        raise DataError(f"There are {len(y)} rows and {len(labels)} groups; give each row its group.")
    cells = []
    for name in names:
        mine = y[labels == name]
        cells.append([int((mine == 1).sum()), int((mine == 0).sum())])
    return np.array(cells, dtype=np.int64).reshape(len(names), 2)


def table_test(cells: ArrayLike, seed: int = 1, label: str = "groups", method: str = "auto") -> Row:
    """Whether the shares of a table (groups, 2) differ: ``p_value``, ``statistic``, ``df``, ``n``, ``analysis``.

    ``method``: "exact" is Fisher's test, for more than two groups that of Freeman and Halton (Biometrika
    1951;38:141-9), by 9,999 tables of the same margins where there are too many to go through; "chi_square";
    "auto" is chi-square, for fewer than 5 expected people in a cell by such tables.
    """
    from scipy.stats import MonteCarloMethod, chi2_contingency, fisher_exact

    table = np.asarray(cells, dtype=np.int64)
    table = table[table.sum(axis=1) > 0]
    n = int(table.sum())
    found: Row = {"p_value": None, "statistic": None, "df": max(len(table) - 1, 0), "n": n}
    if method not in ("auto", "exact", "chi_square"):
        raise DataError(f"The test '{method}' is unknown; known are auto, exact, chi_square.")
    if len(table) < 2:
        return found | {"analysis": "not tested", "note": "not tested: there are not two groups"}
    if not (table.sum(axis=0) > 0).all():
        all_or_none = "all" if table[:, 0].sum() else "none"
        return found | {"analysis": "not tested", "note": f"not tested: {all_or_none} are detected"}
    rng = np.random.default_rng(stream(seed, label))
    plain = chi2_contingency(table, correction=False)
    if method == "exact":
        if len(table) == 2:
            p, how = float(fisher_exact(table).pvalue), "Fisher's exact test"
        elif (exact := _freeman_halton(table)) is not None:
            p, how = exact, "Fisher's exact test (Freeman-Halton)"
        else:
            # scipy's own resampling fails on tables of more than two groups (1.17).
            likely = _log_ways(rng.multivariate_hypergeometric(table.sum(axis=1), table[:, 0].sum(), RESAMPLES), table)
            p = (1 + int((likely <= _log_ways(table[:, 0], table) + 1e-9).sum())) / (1 + RESAMPLES)
            how = f"Fisher's exact test, {RESAMPLES:,} tables with the same margins"
        return found | {"p_value": number(p), "analysis": how, "note": ""}
    p, how = float(plain.pvalue), "chi-square test"
    if method == "auto" and plain.expected_freq.min() < SPARSE:
        resampling = MonteCarloMethod(n_resamples=RESAMPLES, rng=rng)
        p = float(chi2_contingency(table, correction=False, method=resampling).pvalue)
        how = f"chi-square test, {RESAMPLES:,} tables with the same margins"
    return found | {"p_value": number(p), "statistic": number(float(plain.statistic)), "analysis": how, "note": ""}


def trend(cells: ArrayLike, scores: Sequence[float] | None = None) -> Row:
    """Whether the share rises or falls over ordered groups: the Cochran-Armitage test (statsmodels, linear by linear
    association). ``scores``: of the groups, by default 0, 1, 2, ...; ``statistic`` is z, above 0 where it rises."""
    from statsmodels.stats.contingency_tables import Table

    table = np.asarray(cells, dtype=float)
    given = np.arange(len(table), dtype=float) if scores is None else np.asarray(scores, dtype=float)
    if len(given) != len(table):
        raise DataError(f"There are {len(table)} groups and {len(given)} scores; give one of each.")
    use = table.sum(axis=1) > 0
    table, given = table[use], given[use]
    found: Row = {
        "p_value": None,
        "statistic": None,
        "n": int(table.sum()),
        "analysis": "Cochran-Armitage test of trend",
    }
    if len(table) < 2 or np.ptp(given) == 0:
        return found | {"note": "not tested: there are not two groups"}
    if not (table.sum(axis=0) > 0).all():
        return found | {"note": "not tested: all or none are detected"}
    result = Table(table, shift_zeros=False).test_ordinal_association(row_scores=given, col_scores=np.array([1.0, 0.0]))
    # statsmodels divides by n - 1; Cochran and Armitage by n.
    n = float(table.sum())
    z = float(result.zscore) * math.sqrt(n / (n - 1))
    from scipy.special import ndtr

    return found | {"p_value": number(float(2 * ndtr(-abs(z)))), "statistic": number(z), "note": ""}


def corrected(p_values: Sequence[float | None], method: str = "holm") -> list[float | None]:
    """p values adjusted for their number: "holm" (family-wise), "bh" (false discovery rate of Benjamini and Hochberg),
    "none". None stays None, and does not count."""
    from scipy.stats import false_discovery_control

    if method not in CORRECTIONS:
        raise DataError(f"The correction '{method}' is unknown; known are {', '.join(CORRECTIONS)}.")
    where = [i for i, p in enumerate(p_values) if p is not None and not math.isnan(p)]
    found: list[float | None] = [None] * len(p_values)
    if where and method != "none":
        p = np.array([p_values[i] for i in where], dtype=float)
        adjusted = false_discovery_control(p) if method == "bh" else holm(p)
        for i, q in zip(where, adjusted, strict=True):
            found[i] = number(float(q))
    elif method == "none":
        found = [None if p is None or math.isnan(p) else number(p) for p in p_values]
    return found


def stream(seed: int, what: str) -> int:
    """A seed of its own for each use."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{what}".encode()).digest()[:8], "big")


def _known(seen: ArrayLike) -> Array:
    y = np.asarray(seen, dtype=float)
    return np.asarray(y[~np.isnan(y)])


def _freeman_halton(table: NDArray[np.int64]) -> float | None:
    """The share of tables with the same margins that are no likelier than this one; None where they are too many."""
    sizes, detected = table.sum(axis=1), int(table[:, 0].sum())
    if float(np.prod(np.minimum(sizes, detected)[:-1].astype(float) + 1)) > MOST_TABLES:
        return None
    ways = np.zeros((1, 0), dtype=np.int64)
    for i, n in enumerate(sizes[:-1]):
        k = np.arange(0, min(int(n), detected) + 1)
        ways = np.column_stack([np.repeat(ways, len(k), axis=0), np.tile(k, len(ways))])
        left = detected - ways.sum(axis=1)
        ways = ways[(left >= 0) & (left <= sizes[i + 1 :].sum())]
    ways = np.column_stack([ways, detected - ways.sum(axis=1)])
    logs = _log_ways(ways, table)
    logs -= logs.max()
    here = float(logs[(ways == table[:, 0]).all(axis=1)][0])
    weight = np.exp(logs)
    return min(float(weight[logs <= here + 1e-9].sum() / weight.sum()), 1.0)


def _log_ways(detected: NDArray[np.int64], table: NDArray[np.int64]) -> Array:
    """Logarithm of in how many ways so many of each group (last axis) are detected."""
    from scipy.special import gammaln

    n = table.sum(axis=1)
    return np.asarray((gammaln(n + 1) - gammaln(detected + 1) - gammaln(n - detected + 1)).sum(axis=-1))
