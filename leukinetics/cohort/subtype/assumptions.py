"""How much a predicted benefit rests on what is only assumed.

Let f_d be the answer with draw d of all that is not known, and g_d that with the same draw but for the assumptions,
which are another draw's. Then

    T = 1/2 E[(f - g)²] / Var(f)

is Sobol's total index of all assumptions as one (Jansen's estimator, Comput Phys Commun 1999;117:35-43): the share of
the variance over draws that would be left if everything but the assumptions were known. f and g have one distribution,
and the variance is the mean of both's: that of f alone may miss the few draws far out that the numerator has from g.
The error of drawing people, the same in both, is taken off numerator and denominator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.spread import FEWEST, DrawMean
from leukinetics.cohort.subtype.virtual import ASSUMED, VirtualPatients
from leukinetics.cohort.subtype.weights import Weights
from leukinetics.trial.statistics.compare import number
from leukinetics.trial.studies.variance import Shares, mean_correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

RESAMPLES = 1000
#: An interval of a share that is wider tells nothing.
WIDE = 0.8


def assumptions(
    virtual: VirtualPatients,
    drawn: Mapping[int, DrawMean],
    mixed: Mapping[int, DrawMean] | None,
    noise: Sequence[tuple[float, Weights, Array]],
) -> dict[str, Any]:
    """``share``: T, with a 95 % interval by resampling the draws; ``assumed`` of the ``uncertain`` parameters;
    ``draws_that_agree``: the posterior share of draws whose answer has the sign of the whole; ``noise``: the answer
    with the SD of the markers' noise taken ``factor`` times as large.
    """
    kinds = [o.get("kind") for o in virtual.origins.values()]
    found: dict[str, Any] = {
        "share": None, "ci_low": None, "ci_high": None,
        "assumed": kinds.count(ASSUMED), "uncertain": len(kinds), "draws_that_agree": _agree(drawn),
        "noise": [{"factor": f, "estimate": number(w.mean(b)), "effective": number(w.effective)} for f, w, b in noise],
    }  # fmt: skip
    both = sorted(set(drawn) & set(mixed or {}))
    if mixed is None or len(both) < FEWEST:
        return found
    terms = Terms.of([drawn[k] for k in both], [mixed[k] for k in both])
    share = terms.index(np.arange(len(both)))
    if math.isnan(share):
        return found
    rng = np.random.default_rng([virtual.seed, 8])
    again = np.array([terms.index(rng.integers(len(both), size=len(both))) for _ in range(RESAMPLES)])
    again = again[np.isfinite(again)]
    if len(again) < RESAMPLES / 2:
        return found | {"share": number(share)}
    low, high = np.quantile(again, [0.025, 0.975])
    return found | {"share": number(share), "ci_low": number(low), "ci_high": number(high)}


def is_told(found: Mapping[str, Any] | None) -> bool:
    """Whether what :func:`assumptions` found tells a share: its interval is narrower than that of no knowledge."""
    if not found or found["share"] is None or found["ci_low"] is None:
        return False
    return bool(found["ci_high"] - found["ci_low"] < WIDE)


@dataclass(frozen=True)
class Terms:
    """What T is made of, draw by draw: posterior ``weight``, answers f and g with their mean squared ``error`` (that
    the draws do not share), ``square`` = (f - g)² less its error."""

    weight: Array
    f: Array
    g: Array
    error: Array
    square: Array

    @classmethod
    def of(cls, drawn: Sequence[DrawMean], mixed: Sequence[DrawMean]) -> Terms:
        left = [1.0 - mean_correlation([m.shares for m in part]) for part in (drawn, mixed)]
        pairs = list(zip(drawn, mixed, strict=True))
        return cls(
            np.array([math.sqrt(f.weight * g.weight) for f, g in pairs]),
            np.array([f.mean for f, _ in pairs]),
            np.array([g.mean for _, g in pairs]),
            np.array([(left[0] * f.error**2 + left[1] * g.error**2) / 2 for f, g in pairs]),
            np.array([(f.mean - g.mean) ** 2 - _error(f.shares, g.shares) for f, g in pairs]),
        )

    def index(self, use: NDArray[np.intp]) -> float:
        """T of some of the draws, from 0 to 1; NaN where the answer does not vary over them."""
        p = self.weight[use] / self.weight[use].sum()
        left = 1.0 - float((p**2).sum())
        seen = sum(float(p @ (x - p @ x) ** 2) for x in (self.f[use], self.g[use])) / 2
        whole = seen / left - float(p @ self.error[use]) if left > 0 else 0.0
        if not whole > 0:
            return math.nan
        return min(max(0.5 * float(p @ self.square[use]) / whole, 0.0), 1.0)


def _error(one: Shares, other: Shares) -> float:
    """The squared error of the difference of two means over the same people."""
    people = np.union1d(one.people, other.people)
    parts = np.zeros(len(people))
    parts[np.searchsorted(people, one.people)] += one.parts
    parts[np.searchsorted(people, other.people)] -= other.parts
    return float((parts**2).sum())


def _agree(drawn: Mapping[int, DrawMean]) -> float | None:
    if len(drawn) < FEWEST:
        return None
    weight, mean = (np.array([getattr(m, k) for m in drawn.values()]) for k in ("weight", "mean"))
    whole = float(weight @ mean)
    return number(float(weight[np.sign(mean) == np.sign(whole)].sum() / weight.sum()))
