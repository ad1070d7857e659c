"""Assurance: the power that is expected when the effect itself is uncertain.

It is power averaged over the draws of what is not known about the typical patient (Alhussain and Oakley 2020,
doi:10.1002/pst.2040). With effect d and its standard error s in a parallel trial of m per arm, both of one draw and on
the scale of the analysis, a trial of n per arm has the standard error s sqrt(m/n), and is significant in the
direction of the effect that the trial expects with the probability that a noncentral t is above its critical value:

    P(t(df, d/(s sqrt(m/n))) > t(df, 1 - alpha/2)).

A draw in which the drug does harm so counts as a failure, not as a success of the other sign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import nctdtr, ndtr, ndtri, stdtrit

#: Degrees of freedom from which t is taken for normal.
LARGE = 200.0


def assurance(
    effects: Sequence[float],
    errors: Sequence[float],
    m: int,
    n: int,
    alpha: float,
    direction: float,
    df: float = math.inf,
) -> float | None:
    """Power of ``n`` per arm averaged over draws with ``effects`` and standard ``errors`` at ``m`` per arm.

    ``direction``: any number with the sign of the expected effect. ``df``: degrees of freedom of a trial of n per arm.
    None without a draw that has both an effect and its error.
    """
    d, s = np.asarray(effects, dtype=float), np.asarray(errors, dtype=float)
    good = np.isfinite(d) & (s > 0)
    if not good.any() or not df > 0:
        return None
    z = math.copysign(1.0, direction) * d[good] / (s[good] * math.sqrt(m / n))
    if df > LARGE:
        return float(ndtr(z - ndtri(1.0 - alpha / 2.0)).mean())
    # Beyond 30 standard errors either way nothing is left to chance, nor to the precision of the noncentral t.
    return float((1.0 - nctdtr(df, np.clip(z, -30.0, 30.0), stdtrit(df, 1.0 - alpha / 2.0))).mean())
