"""The parts of the spread of a predicted benefit: parameters, patient, chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.cohort.subtype.rows import Rows
from leukinetics.cohort.subtype.weights import Weights
from leukinetics.trial.studies.variance import Shares, mean_correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: Fewer draws than this tell no spread.
FEWEST = 5


@dataclass(frozen=True)
class DrawMean:
    """What one draw says of a patient: its posterior ``weight``, ``mean`` benefit with standard ``error``, ``variance``
    of the benefit within it, ``effective`` number of people, and the people's parts in the error."""

    weight: float
    mean: float
    error: float
    variance: float
    effective: float
    shares: Shares


@dataclass(frozen=True)
class Split:
    """SDs of the parts; NaN where one cannot be told. ``draws`` that counted."""

    sd: float
    parameters: float
    patient: float
    chance: float
    draws: int
    note: str = ""

    def share(self, part: float) -> float:
        """The share of a part in the variance."""
        return part**2 / self.sd**2 if self.sd > 0 else math.nan


def by_draw(w: Weights, rows: Rows, least: float) -> dict[int, DrawMean]:
    """Each draw that has at least ``least`` effective people."""
    found = {}
    for d in rows.draws:
        here = w.w[d.at]
        total = float(here.sum())
        if not total > 0:
            continue
        own, benefit = Weights(here / total, 0.0), rows.benefit[d.at]
        if own.effective < least:
            continue
        mean = own.mean(benefit)
        parts = own.w * (benefit - mean)
        summed = np.asarray(np.bincount(d.place, weights=parts), dtype=float)
        error = math.sqrt(float((summed**2).sum()))
        found[d.number] = DrawMean(
            total, mean, error, own.variance(benefit), own.effective, Shares(d.people, summed)
        )  # fmt: skip
    return found


def between(means: Sequence[DrawMean]) -> float:
    """SD of the draws' means beyond the error of their people, who have the same random numbers in every draw (see
    :mod:`leukinetics.trial.studies.variance`); draws count by their posterior weight."""
    if len(means) < FEWEST:
        return math.nan
    p = np.array([m.weight for m in means])
    e, s = np.array([m.mean for m in means]), np.array([m.error for m in means])
    p = p / p.sum()
    left = 1.0 - float((p**2).sum())
    spread = float(p @ (e - p @ e) ** 2) / left
    together = mean_correlation([m.shares for m in means])
    return math.sqrt(max(spread - (1.0 - together) * float(p @ s**2), 0.0))


def split(w: Weights, rows: Rows, means: Mapping[int, DrawMean], chance: bool) -> Split:
    """The parts of the spread of the benefit. ``chance``: whether people have lives that differ."""
    draws = len(rows.draws)
    if not means:
        return Split(math.nan, math.nan, math.nan, math.nan, 0, "too few virtual patients are like this one")
    p = np.array([m.weight for m in means.values()])
    within = float(p @ np.array([m.variance for m in means.values()]) / p.sum())
    parameters = between(list(means.values())) if draws > 1 else 0.0
    lives = _between_lives(w, rows) if chance else 0.0
    lives = min(lives, within)
    patient = math.sqrt(max(within - lives, 0.0)) if math.isfinite(lives) else math.nan
    said = []
    if draws > 1 and len(means) < draws:
        said.append(f"{draws - len(means)} of {draws} draws have too few people like this patient and are left out")
    if draws == 1:
        said.append("the fitted values only: nothing is said about what is not known of the model")
    if math.isnan(lives):
        said.append("too few people have two lives like this patient's to tell chance from the patient")
    return Split(
        sd=math.sqrt(within + (0.0 if math.isnan(parameters) else parameters**2)),
        parameters=parameters,
        patient=patient,
        chance=math.sqrt(lives) if math.isfinite(lives) else math.nan,
        draws=len(means),
        note="; ".join(said),
    )


def _between_lives(w: Weights, rows: Rows) -> float:
    """Variance between two lives of one person, each as probable as the measurements make it.

    Of a person's lives i < j the squared differences, by their weights w_i w_j / sum of the person's: people count by
    how probable the measurements are of them, and each life by how probable they are of it.
    """
    benefit, who = rows.benefit, rows.lives
    total = np.bincount(who, weights=w.w)
    first = np.bincount(who, weights=w.w * benefit)
    second = np.bincount(who, weights=w.w * benefit**2)
    square = np.bincount(who, weights=w.w**2)
    use = (total > 0) & (total**2 - square > 1e-12 * total**2)
    # sum over pairs of w_i w_j (b_i - b_j)² = total * second - first²; of pairs alone total² - sum w².
    pairs = np.maximum(total * second - first**2, 0.0)[use] / total[use]
    mass = ((total**2 - square)[use] / total[use]).sum()
    effective = ((total**2 - square)[use] / total[use]) ** 2
    if not mass > 0 or mass**2 / effective.sum() < 10:
        return math.nan
    return float(pairs.sum() / mass)
