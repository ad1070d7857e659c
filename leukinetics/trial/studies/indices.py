"""Sensitivity indices by SALib, of a function on the unit cube.

Own code is only what SALib lacks: runs that failed. A trajectory (Morris) or a base sample with all its mixtures
(Sobol) that holds a failed run is left out as a whole.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Method = Literal["morris", "sobol"]
#: The index by which parameters are put in order.
LEADING = {"morris": "mu_star", "sobol": "ST", "tornado": "swing"}
LEVELS = 4
RESAMPLES = 200
#: What varies by less than this share of itself varies with the solver's steps; there is no variance to divide.
FLAT = 1e-4


def points(method: Method, parameters: int, runs: int, seed: int) -> Array:
    """Points of the unit cube to run, (points, parameters).

    "morris": ``runs`` trajectories of ``parameters`` + 1 points on four levels (Morris 1991,
    doi:10.1080/00401706.1991.10484804). "sobol": ``runs`` base samples, a power of 2, each with ``parameters`` + 2
    points (Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018).
    """
    problem = _problem(parameters)
    if method == "morris":
        from SALib.sample import morris

        return np.asarray(morris.sample(problem, runs, num_levels=LEVELS, seed=_seed(seed, "points")))
    from SALib.sample import sobol

    return np.asarray(sobol.sample(problem, runs, calc_second_order=False, seed=_seed(seed, "points")))


def indices(method: Method, x: Array, y: Array, seed: int) -> tuple[dict[str, Array], int]:
    """(indices by name, each (parameters,); runs that failed) of values ``y`` at :func:`points` ``x``.

    "morris": mu_star, mean absolute change of y as a parameter goes over its whole range (Campolongo et al. 2007,
    doi:10.1016/j.envsoft.2006.10.004), mu_star_ci, half the width of its 95 % interval, mu, the mean change with its
    sign, and sigma, the SD of these changes: interactions and curvature. "sobol": S1, the share of the variance that a
    parameter explains alone, ST, with all its interactions, and S1_ci, ST_ci. NaN where too few runs worked, or, for
    shares, nothing varied.
    """
    block = x.shape[1] + (1 if method == "morris" else 2)
    failed = ~np.isfinite(y)
    whole = ~failed.reshape(-1, block).any(axis=1)
    use = np.repeat(whole, block)
    names = ("mu_star", "mu_star_ci", "mu", "sigma") if method == "morris" else ("S1", "S1_ci", "ST", "ST_ci")
    if whole.sum() < 2 or (method == "sobol" and np.ptp(y[use]) <= FLAT * np.abs(y[use]).max()):
        return {name: np.full(x.shape[1], np.nan) for name in names}, int(failed.sum())
    problem, seed = _problem(x.shape[1]), _seed(seed, "resamples")
    if method == "morris":
        from SALib.analyze import morris

        found = morris.analyze(problem, x[use], y[use], num_levels=LEVELS, num_resamples=RESAMPLES, seed=seed)
        keys: tuple[str, ...] = ("mu_star", "mu_star_conf", "mu", "sigma")
    else:
        from SALib.analyze import sobol

        found = sobol.analyze(problem, y[use], calc_second_order=False, num_resamples=RESAMPLES, seed=seed)
        keys = ("S1", "S1_conf", "ST", "ST_conf")
    return {name: np.asarray(found[k], dtype=float) for name, k in zip(names, keys, strict=True)}, int(failed.sum())


def swings(y: Array) -> tuple[dict[str, Array], int]:
    """(indices by name, each (parameters,); runs that failed) of values at both ends of each parameter in turn.

    effect_low, effect_high: the effect with the parameter at the low and the high end of its range; swing: by how much
    they differ, without a sign. NaN where a run failed.
    """
    low, high = y[0::2], y[1::2]
    found = {"effect_low": low, "effect_high": high, "swing": np.abs(high - low)}
    return found, int((~np.isfinite(y)).sum())


def _problem(parameters: int) -> dict[str, Any]:
    return {"num_vars": parameters, "names": [f"x{i}" for i in range(parameters)], "bounds": [[0.0, 1.0]] * parameters}


def _seed(seed: int, use: str) -> int:
    """A seed for SALib, never 0: its Sobol analysis takes that for none, and draws from the global generator."""
    return 1 + int.from_bytes(hashlib.sha256(f"sensitivity:{use}:{seed}".encode()).digest()[:4], "little") // 2
