"""Whether two definitions of a subtype mean the same people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

RESAMPLES = 1000


def agreement(one: Array, other: Array, *, alpha: float = 0.05, seed: int = 1) -> dict[str, Any]:
    """Two definitions of the same people (n,): 0, 1, ..., NaN where one does not tell; people count who have both.

    ``kappa`` of Cohen with its interval (statsmodels; Fleiss, Cohen and Everitt, Psychol Bull 1969;72:323-7), ``share``
    who agree, ``adjusted_rand`` (scikit-learn); of yes and no also ``jaccard`` (those of both over those of either)
    with a bootstrap interval, ``positive`` and ``negative`` agreement (Cicchetti and Feinstein, J Clin Epidemiol
    1990;43:551-8), ``table`` (both, only the first, only the second, none) and the exact p of McNemar, ``p_value``,
    that one includes more people than the other. None where nothing can be told, with a ``note``.
    """
    from sklearn.metrics import adjusted_rand_score
    from statsmodels.stats.inter_rater import cohens_kappa

    if len(one) != len(other):
        raise DataError(f"Two definitions have {len(one)} and {len(other)} people; give both the same.")
    use = np.isfinite(one) & np.isfinite(other)
    a, b = one[use].astype(int), other[use].astype(int)
    n = len(a)
    found: dict[str, Any] = dict.fromkeys(
        ("kappa", "ci_low", "ci_high", "share", "adjusted_rand", "jaccard", "jaccard_low", "jaccard_high", "positive",
         "negative", "table", "p_value")
    )  # fmt: skip
    found |= {"n": n, "analysis": "Cohen's kappa, Jaccard index, McNemar's exact test", "note": None}
    if not n:
        return found | {"note": "nobody is told by both definitions"}
    size = int(max(a.max(), b.max())) + 1
    counts = np.zeros((max(size, 2), max(size, 2)), dtype=int)
    np.add.at(counts, (a, b), 1)
    found |= {"share": number(float((a == b).mean())), "adjusted_rand": number(float(adjusted_rand_score(a, b)))}
    if len(np.unique(a)) > 1 or len(np.unique(b)) > 1:
        with np.errstate(divide="ignore", invalid="ignore"):  # its z, of no use here, where one puts all into a class
            kappa = cohens_kappa(counts)
        e = interval(float(kappa.kappa), float(kappa.std_kappa), n, alpha)
        found |= {
            "kappa": number(e.estimate),
            "ci_low": number(max(e.low, -1.0)),
            "ci_high": number(min(e.high, 1.0)),
        }
    else:
        found["note"] = "both definitions put everybody into one class, so that there is no kappa"
    return found | _of_two(a, b, counts, alpha, seed) if size <= 2 else found


def agreements(definitions: Mapping[str, Array], *, alpha: float = 0.05, seed: int = 1) -> dict[str, Any]:
    """Every pair of several definitions (``pairs``), and Fleiss' kappa of all of them (statsmodels) over the people
    whom all of them tell."""
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    pairs = [
        {"one": p, "other": q, **agreement(definitions[p], definitions[q], alpha=alpha, seed=seed)}
        for p, q in combinations(definitions, 2)
    ]
    whole = np.stack(list(definitions.values()), axis=1) if definitions else np.empty((0, 0))
    told = whole[np.isfinite(whole).all(axis=1)].astype(int)
    kappa = math.nan
    if len(told) and whole.shape[1] > 1 and len(np.unique(told)) > 1:
        kappa = float(fleiss_kappa(aggregate_raters(told)[0]))
    return {"pairs": pairs, "fleiss_kappa": number(kappa), "n": len(told)}


def _of_two(
    a: NDArray[np.int_], b: NDArray[np.int_], counts: NDArray[np.int_], alpha: float, seed: int
) -> dict[str, Any]:
    from statsmodels.stats.contingency_tables import mcnemar

    both, first, second, none = (int(v) for v in (counts[1, 1], counts[1, 0], counts[0, 1], counts[0, 0]))
    n = len(a)
    low, high = math.nan, math.nan
    if both + first + second:
        # Resampled people, as the counts of the four cells.
        rng = np.random.default_rng([seed, 4])
        again = rng.multinomial(n, np.array([both, first + second, none]) / n, size=RESAMPLES).astype(float)
        either = again[:, 0] + again[:, 1]
        values = again[either > 0, 0] / either[either > 0]
        low, high = np.quantile(values, [alpha / 2, 1 - alpha / 2])
    p = float(mcnemar([[both, first], [second, none]], exact=True).pvalue) if first + second else 1.0
    return {
        "jaccard": number(both / (both + first + second)) if both + first + second else None,
        "jaccard_low": number(low), "jaccard_high": number(high),
        "positive": number(2 * both / (2 * both + first + second)) if both + first + second else None,
        "negative": number(2 * none / (2 * none + first + second)) if none + first + second else None,
        "table": [both, first, second, none],
        "p_value": number(p),
    }  # fmt: skip
