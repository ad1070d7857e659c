"""What made a trial's numbers: versions, hashes, settings."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from leukinetics.engine.toolchain import compiler
from leukinetics.trial.prepare import RUN_IN, Prepared

PACKAGES = ("numpy", "scipy", "pandas", "pyarrow", "statsmodels", "lifelines", "SALib", "duckdb")


def provenance(
    prepared: Prepared, identity: Mapping[str, Any], typical: Mapping[str, float], times: Mapping[str, str]
) -> dict[str, Any]:
    """What provenance.json holds. ``times``: when the run began and ended, which no other file knows."""
    from leukinetics import __version__

    return {
        "leukinetics": __version__,
        "model_hash": prepared.assembly.model.hash,
        "assembly_hash": prepared.assembly.hash,
        "parameters_sha256": identity["parameters"],
        "protocol_sha256": identity["protocol"],
        "seed": prepared.protocol.trial.seed,
        "patients_per_arm": prepared.n,
        "sampling": prepared.sampling,
        "typical": dict(typical),
        "simulation": {"rtol": prepared.rtol, "run_in_days": RUN_IN.limit, "lead_days": prepared.lead},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "compiler": compiler().identity,
        "packages": {name: _version(name) for name in PACKAGES},
        "identity": dict(identity),
        "times": dict(times),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
