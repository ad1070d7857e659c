"""Standard normals behind the patients: one per name, correlated where a table says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from leukinetics.errors import DataError
from leukinetics.patients.counters import check_seed, normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

DESIGNS = ("random", "sobol")
Pair = tuple[str, str, float]


def latent_normals(
    names: Sequence[str], pairs: Sequence[Pair], seed: int, n: int, *, first: int = 0, design: str = "random"
) -> NDArray[np.float64]:
    """Standard normals (n, names) of patients ``first .. first + n - 1``.

    design "random": entry (i, name) depends on (seed, i, name) only (and on those that ``name`` is correlated
    with). "sobol": a scrambled Sobol sequence (Owen's scrambling, scipy.stats.qmc), one dimension per name in
    sorted order; means settle with far fewer patients, but the numbers depend on the set of names. Use a
    power of two for ``n``.

    ``pairs`` are (a, b, rho); pairs with a name that is not drawn are left out. Raises DataError where they do
    not form a correlation matrix.
    """
    if design == "random":
        z = np.column_stack([normals(seed, name, n, first) for name in names]) if names else np.empty((n, 0))
    elif design == "sobol":
        z = _sobol(names, seed, n, first)
    else:
        raise DataError(f"The design '{design}' is unknown; it must be {' or '.join(DESIGNS)}.")
    return _correlate(z, names, pairs)


def _sobol(names: Sequence[str], seed: int, n: int, first: int) -> NDArray[np.float64]:
    from scipy.stats import qmc

    z = np.empty((n, len(names)))
    if not names:
        return z
    engine = qmc.Sobol(len(names), scramble=True, seed=np.random.default_rng(check_seed(seed)))
    points = engine.random_base2(max(first + n - 1, 1).bit_length())[first : first + n]
    order = sorted(range(len(names)), key=lambda j: names[j])
    # A scrambled point may be exactly 0, whose quantile is infinite.
    z[:, order] = ndtri(np.clip(points, 2.0**-33, 1.0 - 2.0**-33))
    return z


def _correlate(z: NDArray[np.float64], names: Sequence[str], pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """Mix the columns that ``pairs`` name by the Cholesky factor of their correlation matrix."""
    drawn = {name: j for j, name in enumerate(names)}
    pairs = [pair for pair in pairs if pair[0] in drawn and pair[1] in drawn]
    members = list(dict.fromkeys(name for a, b, _ in pairs for name in (a, b)))
    if not members:
        return z
    place = {name: k for k, name in enumerate(members)}
    matrix = np.eye(len(members))
    for a, b, rho in pairs:
        if a == b or not -1 < rho < 1:
            raise DataError(
                f"The correlation of '{a}' and '{b}' is {rho:g}; it must lie between -1 and 1, of two names."
            )
        matrix[place[a], place[b]] = matrix[place[b], place[a]] = rho
    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise DataError(
            f"The correlations among {', '.join(members[:6])} contradict each other (their matrix is not "
            "positive definite); weaken the strongest ones."
        ) from None
    mixed = z.copy()
    columns = [drawn[name] for name in members]
    # By columns, so that a member's numbers do not depend on members it is not correlated with, bit for bit.
    for k, j in enumerate(columns):
        used = np.flatnonzero(factor[k, : k + 1])
        mixed[:, j] = sum(factor[k, u] * z[:, columns[u]] for u in used)
    return mixed
