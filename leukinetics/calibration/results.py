"""What a calibration of a part leaves behind: ``core_fit.json`` and ``core_draws.tsv``, ``ms_fit.json`` and so on."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.calibration.fit import Fit
from leukinetics.calibration.identifiability import Profile, directions
from leukinetics.calibration.journal import write_json
from leukinetics.calibration.parts import COMMITTED, CORE, part_named
from leukinetics.calibration.posterior import Posterior
from leukinetics.calibration.problem import Problem
from leukinetics.calibration.write_back import DIGITS, written
from leukinetics.engine.stream import naming, replacing
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FIT, DRAWS = part_named(CORE).fit_file, part_named(CORE).draws_file
UNINFORMED = 0.2  # contraction below which the data are said not to inform a parameter
FLAT = 1e-3  # standard errors per prior standard deviation below which a parameter does not move a readout
STRONG = 0.5  # correlation from which a pair is listed


@dataclass(frozen=True)
class Calibration:
    """A finished calibration. ``run`` holds how it was made: seed, options, candidates, seconds."""

    problem: Problem
    fit: Fit
    posterior: Posterior
    profiles: Sequence[Profile] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    part: str = CORE

    @property
    def values(self) -> dict[str, float]:
        """The fitted values by key, in published units, rounded as they are committed."""
        exact = self.problem.values(self.fit.z[None])[0]
        return {name: float(written(value)) for name, value in zip(self.problem.names, exact, strict=True)}

    @property
    def unmoved(self) -> list[str]:
        """Readouts that no fitted parameter moves (tests of sign that hold aside): no fit can bring them closer."""
        slopes = np.abs(self.fit.jacobian).max(axis=1, initial=0.0)
        rows = zip(self.problem.readouts, slopes, self.fit.residuals, strict=True)
        return [r.key for r, slope, residual in rows if slope < FLAT and not (r.bound and residual == 0)]

    @property
    def deviations(self) -> Floats:
        """The posterior's standard deviations, in those of the prior."""
        return np.sqrt(np.diag(self.posterior.covariance))


def describe(done: Calibration) -> dict[str, Any]:
    """Everything about a calibration that JSON can hold; see docs/calibration.md for the keys."""
    problem, fit = done.problem, done.fit
    parameters = _parameters(done)
    prior = float(0.5 * (fit.z**2).sum())
    return {
        "leukinetics": version("leukinetics"),
        "versions": {"python": platform.python_version()} | {n: version(n) for n in ("numpy", "scipy", "emcee")},
        "run": dict(done.run),
        "hashes": {
            "problem": problem.fingerprint,
            "model": problem.predictor.hash,
            "targets": problem.targets_hash,
        },
        "objective": {
            "total": fit.objective,
            "readouts": fit.objective - prior,
            "prior": prior,
            "each_start": [_start(s) for s in fit.starts],
            "starts_that_agree": fit.agreeing,
        },
        "sampler": {
            "name": done.posterior.sampler,
            "draws": len(done.posterior.draws),
            "reliable": done.posterior.reliable,
            "verdict": done.posterior.why,
            **done.posterior.diagnostics,
        },
        "parameters": parameters,
        "not_informed": [p["key"] for p in parameters if not p["informed"]],
        "not_moved_by_any_parameter": done.unmoved,
        "strong_correlations": _correlations(problem.names, done.posterior.covariance),
        "readouts": _readouts(problem, fit),
        "directions": _directions(problem.names, fit),
        "profiles": [_profile(p) for p in done.profiles],
    }


def _start(start: Any) -> dict[str, Any]:
    return {
        "from": _short(start.objective_at_start),
        "to": _short(start.objective),
        "steps": start.steps,
        "arrived": start.arrived,
    }


def _parameters(done: Calibration) -> list[dict[str, Any]]:
    draws = done.problem.values(done.posterior.draws)
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    rows = []
    for i, (p, sd) in enumerate(zip(done.problem.parameters, done.deviations, strict=True)):
        contraction = 1 - float(sd)
        rows.append(
            {
                "key": p.key,
                "value": done.values[p.key],
                "unit": p.unit,
                "low": _short(low[i]),
                "high": _short(high[i]),
                "scale": p.scale.name,
                "sd_on_scale": _short(sd * p.width),
                "prior": p.prior,
                "prior_sd_on_scale": p.width,
                "shift_in_prior_sd": round(float(done.fit.z[i]), 4),
                "contraction": round(contraction, 4),
                "informed": contraction >= UNINFORMED,
            }
        )
    return rows


def _readouts(problem: Problem, fit: Fit) -> list[dict[str, Any]]:
    return [
        {
            "key": r.key,
            "role": r.role,
            "published": r.published,
            "predicted": _short(fit.predicted[j]),
            "unit": r.unit,
            "scale": r.scale,
            "sigma": _short(r.sigma),
            "residual": _short(fit.residuals[j]),
            "slope": _short(np.linalg.norm(fit.jacobian[j])),
            **({"bound": r.bound} if r.bound else {}),
            "source": r.source,
        }
        for j, r in enumerate(problem.readouts)
    ]


def _directions(names: Sequence[str], fit: Fit) -> list[dict[str, Any]]:
    return [
        {"singular_value": _short(d.singular_value), "parameters": {k: round(v, 3) for k, v in d.weights.items()}}
        for d in directions(names, fit)
    ]


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "key": profile.key,
        "values": [_short(v) for v in profile.values],
        "objective": [_short(v) for v in profile.objective],
    }


def _correlations(names: Sequence[str], covariance: Floats) -> list[dict[str, Any]]:
    sd = np.sqrt(np.diag(covariance))
    rho = covariance / np.outer(sd, sd)
    pairs = [(i, j) for i in range(len(names)) for j in range(i) if abs(rho[i, j]) >= STRONG]
    pairs.sort(key=lambda pair: -abs(rho[pair]))
    return [{"a": names[j], "b": names[i], "rho": round(float(rho[i, j]), 3)} for i, j in pairs]


def _short(value: Any) -> float | None:
    """Six significant digits; None for what is no number."""
    return float(f"{float(value):.{DIGITS}g}") if np.isfinite(value) else None


def write_results(done: Calibration, folder: Path) -> list[Path]:
    """Write both files into ``folder`` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    part = part_named(done.part)
    fit, draws = folder / part.fit_file, folder / part.draws_file
    write_json(fit, describe(done))
    names, values = list(done.problem.names), done.problem.values(done.posterior.draws)
    if done.posterior.others is not None:
        beside = done.posterior.others
        names += [p.key for p in beside.parameters]
        columns = [p.published(beside.draws[:, i]) for i, p in enumerate(beside.parameters)]
        values = np.column_stack([values, *columns])
    lines = ["\t".join(names), *("\t".join(written(v) for v in row) for row in values)]
    with naming(draws), replacing(draws) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [fit, draws]


def read_fit(folder: Path = COMMITTED, part: str = CORE) -> dict[str, Any]:
    """The committed ``core_fit.json``, or that of another folder or part. DataError where there is none."""
    path = folder / part_named(part).fit_file
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"There is no '{path}': run 'leukinetics calibrate {part} --write' first.") from None
    except ValueError as error:
        raise DataError(f"'{path}' is not valid JSON: {error}.") from error
    return content
