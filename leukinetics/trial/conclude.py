"""What a trial found: all of summary.json."""

from __future__ import annotations

from typing import Any

from leukinetics.trial.chunks import Conducted, Progress
from leukinetics.trial.flow import flow
from leukinetics.trial.journal import Journal
from leukinetics.trial.matching_summary import matching_summary
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.summary import analyse


def conclude(
    prepared: Prepared, done: Conducted, journal: Journal, threads: int | None, progress: Progress | None
) -> dict[str, Any]:
    """What ``summary.json`` holds. A number that cannot be had is None; nothing depends on chunks, threads or time."""
    protocol = prepared.protocol
    broken = done.failures["patient"].nunique()
    return {
        "trial": protocol.trial.name,
        "seed": protocol.trial.seed,
        "model_hash": prepared.assembly.model.hash,
        "patients": {
            "screened": int(done.enrolled.screened[0]),
            "enrolled": len(done.population),
            "failed": broken + int(done.enrolled.failed[0]),
        },
        "flow": flow(prepared, done),
        "matching": matching_summary(prepared, done.selection, done.population, done.screening),
        **analyse(protocol, done.endpoints, done.population),
    }
