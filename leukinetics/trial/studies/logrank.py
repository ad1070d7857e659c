"""The log-rank test of many replicate trials at once.

Own code, because lifelines takes a model object for each. At each time k at which anybody has an event, d_k events
happen among r_k patients at risk, d1_k and r1_k of them in the treated arm:

    O - E = sum (d1_k - d_k r1_k/r_k),    V = sum d_k (r1_k/r_k) (1 - r1_k/r_k) (r_k - d_k)/(r_k - 1),

and (O - E)²/V is about chi-square with one degree of freedom (Mantel's hypergeometric variance).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Bool = NDArray[np.bool_]

_NUMBERS = 2_000_000  # replicates x times at once


def log_rank(times: Array, events: Bool, times_ref: Array, events_ref: Bool) -> Array:
    """Two-sided p value of each replicate, (replicates,); NaN without events, or without patients in an arm.

    ``times`` (replicates, n) and ``times_ref`` (replicates, m), of the event or, where ``events`` is false, of the end
    of the follow-up; NaN: nothing is known of the patient.
    """
    from scipy.special import chdtrc

    moments = np.unique(np.concatenate([times[events], times_ref[events_ref]]))
    moments = moments[~np.isnan(moments)]
    if not len(moments):
        return np.full(len(times), np.nan)
    size = max(_NUMBERS // len(moments), 1)
    if len(times) > size:
        parts = [slice(first, first + size) for first in range(0, len(times), size)]
        return np.concatenate([log_rank(times[p], events[p], times_ref[p], events_ref[p]) for p in parts])
    d1, r1 = _counts(times, events, moments)
    d0, r0 = _counts(times_ref, events_ref, moments)
    d, r = d1 + d0, r1 + r0
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(d > 0, r1 / r, 0.0)
        excess = (d1 - d * share).sum(axis=1)
        variance = np.where(r > 1, d * share * (1.0 - share) * (r - d) / (r - 1.0), 0.0).sum(axis=1)
        p = chdtrc(1.0, excess**2 / variance)
    known = (~np.isnan(times)).any(axis=1) & (~np.isnan(times_ref)).any(axis=1)
    return np.where(known & (variance > 0), p, np.nan)


def _counts(times: Array, events: Bool, moments: Array) -> tuple[Array, Array]:
    """(events at, patients at risk just before) each of ``moments``, (replicates, moments)."""
    rows, k = len(times), len(moments) + 1
    # The last moment that is not after the end of a patient's follow-up; 0: there is none.
    last = np.where(np.isnan(times), 0, np.searchsorted(moments, times, side="right"))
    place = (np.arange(rows)[:, None] * k + last).ravel()
    until = np.bincount(place, minlength=rows * k).reshape(rows, k)[:, 1:]
    at_risk = until[:, ::-1].cumsum(axis=1)[:, ::-1]
    happened = np.bincount(place, weights=events.ravel().astype(float), minlength=rows * k).reshape(rows, k)[:, 1:]
    return np.asarray(happened, dtype=float), np.asarray(at_risk, dtype=float)
