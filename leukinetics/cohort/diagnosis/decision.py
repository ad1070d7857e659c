"""Decision curves: the net benefit of treating by a marker, against treating all or nobody.

Treating from a risk of t on means that one treated in vain weighs as much as (1 - t)/t treated rightly are worth, so

    net benefit(t) = true positives/n - false positives/n t/(1 - t)

(Vickers and Elkin, Med Decis Making 2006;26:565-74; a guide to reading it: doi:10.1186/s41512-019-0064-7). It is a mean
over people, whence its standard error (Marsh, Janes and Pepe, Biometrics 2020;76:843-52, doi:10.1111/biom.13190), and
that of its difference from treating all, of the same people. At a prevalence other than the table's (cases and controls
sampled apart) the shares of both are weighted. Own code: no library here has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.diagnosis.sample import labelled
from leukinetics.errors import DataError
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.statistics.estimates import Estimate, interval, nothing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]
    Row = dict[str, Any]

THRESHOLDS = tuple(round(0.01 * k, 2) for k in range(1, 100))


def decision_curve(
    p: ArrayLike,
    y: ArrayLike,
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    prevalence: float | None = None,
    alpha: float = 0.05,
) -> Row:
    """Of predicted risks ``p`` (rows,; or of a test, 1 where it is positive, 0 where not) for ``y`` (rows,; 1, 0, NaN
    unknown).

    Keys: ``n``, ``events``, ``prevalence``, ``curve`` (at each of ``thresholds``: ``threshold``, ``treated`` (share of
    people), ``net_benefit``, ``treat_all``, ``over_all``, each with ``estimate``, ``ci_low``, ``ci_high``, and
    ``standardised``, the share of the greatest net benefit possible), ``useful`` (pairs of thresholds between which
    treating by it is better than both), ``analysis``, ``note``. Predictions have to be of people whom the model has not
    seen.
    """
    risk = np.asarray(p, dtype=float)
    for t in thresholds:
        if not 0 < t < 1:
            raise DataError(f"The threshold {t:g} of a decision must lie between 0 and 1.")
    if prevalence is not None and not 0 < prevalence < 1:
        raise DataError(f"The prevalence {prevalence:g} must lie between 0 and 1.")
    use, case = labelled(~np.isnan(risk), y)
    risk = risk[use]
    m, n = int(case.sum()), int((~case).sum())
    row: Row = {
        "n": m + n, "events": m, "prevalence": prevalence or (number(m / (m + n)) if m + n else None), "curve": [],
        "useful": [], "analysis": "net benefit as a mean over people", "note": None,
    }  # fmt: skip
    if not (m and n):
        return row | {"note": f"there are no {'cases' if n else 'controls' if m else 'people'}"}
    if prevalence is not None:
        row["analysis"] += f", cases and controls weighted to a prevalence of {prevalence:g}"
    share = m / (m + n) if prevalence is None else prevalence
    for t in sorted(thresholds):
        hit = (risk >= t).astype(float)
        by = _net(hit, case, t, prevalence, alpha)
        all_ = _net(np.ones(m + n), case, t, prevalence, alpha)
        over = _net(hit - 1, case, t, prevalence, alpha)
        row["curve"].append(
            {
                "threshold": t,
                "treated": number(share * float(hit[case].mean()) + (1 - share) * float(hit[~case].mean())),
                "net_benefit": _told(by),
                "treat_all": _told(all_),
                "over_all": _told(over),
                "standardised": number(by.estimate / share),
            }
        )
    return row | {"useful": useful(row["curve"])}


def _net(hit: Array, case: NDArray[np.bool_], t: float, prevalence: float | None, alpha: float) -> Estimate:
    """The mean of ``hit`` among cases less t/(1 - t) times that among controls, in shares of all."""
    n = len(case)
    worth = np.where(case, hit, -hit * t / (1 - t))
    if prevalence is None:
        se = float(worth.std(ddof=1)) / math.sqrt(n)
        return _interval(float(worth.mean()), se, n, alpha)
    weights = ((case, prevalence), (~case, 1 - prevalence))
    center = sum(w * float(worth[of].mean()) for of, w in weights)
    if min(int(case.sum()), int((~case).sum())) < 2:
        return nothing(n, center)
    variance = sum(w**2 * float(worth[of].var(ddof=1)) / int(of.sum()) for of, w in weights)
    return _interval(center, math.sqrt(variance), n, alpha)


def _interval(center: float, se: float, n: int, alpha: float) -> Estimate:
    """Where nobody is treated, or all alike, nothing varies: the number is known."""
    return interval(center, se, n, alpha) if se > 0 else Estimate(center, 0.0, center, center, n)


def useful(curve: list[Row]) -> list[list[float]]:
    """Runs of thresholds at which the net benefit is above both of treating all and treating nobody."""
    runs: list[list[float]] = []
    before = False
    for point in curve:
        best = max(point["treat_all"]["estimate"], 0.0)
        now = point["net_benefit"]["estimate"] > best + 1e-12
        if now and before:
            runs[-1][1] = point["threshold"]
        elif now:
            runs.append([point["threshold"], point["threshold"]])
        before = now
    return runs


def _told(e: Estimate) -> Row:
    return {"estimate": number(e.estimate), "ci_low": number(e.low), "ci_high": number(e.high)}
