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
    """What provenance.json holds. ``identity``: see :func:`leukinetics.trial.identity.identity`; ``times``: when the
    run, or the last part of one that was interrupted, began and ended, which no other file knows."""
    return {
        **identity,
        "typical": dict(typical),
        "run_in_days": RUN_IN.limit,
        "lead_days": prepared.lead,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "compiler": compiler().identity,
        "packages": {name: _version(name) for name in PACKAGES},
        "times": dict(times),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
