"""Columns of the models: arms, covariates, and what the effect may depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.statistics.estimates import NotFitted
from leukinetics.trial.statistics.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """A model's columns (rows, columns): a mean for each of the arms in ``present``, then covariates at their mean 0,
    so that coefficients of arms are means adjusted to it. ``words`` names what is adjusted for."""

    columns: Array
    present: list[int]
    words: list[str]

    def mean(self, arm: int) -> Array:
        """Weights of an arm's adjusted mean."""
        found = np.zeros(self.columns.shape[1])
        found[self.present.index(arm)] = 1.0
        return found


def covariates_of(rows: Rows, baseline: Array, names: list[str]) -> tuple[Array, list[str]]:
    """The covariates (rows, columns) of the adjusted analyses and their names: the baseline, where there is one, and
    the protocol's. NaN where missing."""
    found = [("baseline", baseline)] if not np.isnan(baseline).all() else []
    found += [(name, rows.covariates[:, j]) for j, name in enumerate(names)]
    return np.stack([x for _, x in found], axis=1) if found else np.empty((len(baseline), 0)), [n for n, _ in found]


def by_arm(rows: Rows, covariates: Array, names: list[str]) -> Design:
    """The design of rows without missing values; covariates that add nothing (the same for all, or told by the
    others) are left out."""
    present = [int(a) for a in np.unique(rows.arm)]
    columns = (rows.arm[:, None] == np.array(present, dtype=np.intp)).astype(float)
    x, kept = independent(columns, covariates)
    return Design(np.hstack([columns, x]), present, [names[j] for j in kept])


def by_arm_and(rows: Rows, modifier: Array, covariates: Array) -> tuple[Array, NDArray[np.intp]]:
    """(columns, which of them are the interaction) for the rows of two arms: both arms, ``modifier`` (rows, columns),
    its products with arm 1, covariates. Products that add nothing make the interaction no columns at all. NotFitted
    without rows."""
    if not len(modifier):
        raise NotFitted("there are no values")
    arms = (rows.arm[:, None] == np.arange(2)).astype(float)
    g = modifier - modifier.mean(axis=0)
    main, _ = independent(arms, g)
    base = np.hstack([arms, main])
    product, kept = independent(base, g * arms[:, 1:])
    columns = np.hstack([base, product])
    x, _ = independent(columns, covariates)
    whole = len(kept) == g.shape[1]
    which = np.arange(base.shape[1], columns.shape[1]) if whole else np.arange(0)
    return np.hstack([columns, x]), which


def independent(columns: Array, more: Array) -> tuple[Array, list[int]]:
    """(``more``, centred and in units of its spread, without the columns that are a combination of ``columns`` and of
    each other; the places of those that are left)."""
    kept: list[int] = []
    found = columns
    for j in range(more.shape[1]):
        x = more[:, j] - more[:, j].mean()
        size = float(np.sqrt(np.mean(x**2)))
        if not size > 1e-12 * float(np.abs(more[:, j]).max(initial=0.0)):
            continue
        trial = np.hstack([found, (x / size)[:, None]])
        if np.linalg.matrix_rank(np.einsum("ij,ik->jk", trial, trial) / len(x), tol=1e-10) == trial.shape[1]:
            found, kept = trial, [*kept, j]
    return found[:, columns.shape[1] :], kept
