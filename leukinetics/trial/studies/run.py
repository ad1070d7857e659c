"""The studies that a protocol asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leukinetics.trial.prepare import Prepared
from leukinetics.trial.studies.power import power
from leukinetics.trial.studies.question import Keep, Progress, compute_now, remembering, say_nothing
from leukinetics.trial.studies.sensitivity import sensitivity
from leukinetics.trial.studies.uncertainty import uncertainty

if TYPE_CHECKING:
    import pandas as pd


def studies(
    prepared: Prepared,
    endpoints: pd.DataFrame,
    population: pd.DataFrame,
    keep: Keep = compute_now,
    threads: int | None = None,
    progress: Progress = say_nothing,
    typical: Mapping[str, float] | None = None,
    screening: pd.DataFrame | None = None,
) -> dict[str, dict[str, Any] | None]:
    """The keys "uncertainty", "power" and "sensitivity" of summary.json; None where the protocol asks for none.

    ``endpoints``, ``population``, ``screening``: the tables of the finished trial. ``keep(name, compute)`` hands back
    what ``compute`` returns (plain, as JSON has it), or what it kept under that name, so that a study goes on where it
    was stopped; ``progress(done, total, what)`` is told how far it is. ``typical``: typical values that the trial was
    run with; they are certain. Nothing depends on threads, or on what was kept.
    """
    kept = remembering(keep)
    protocol = prepared.protocol
    more = (kept, threads, progress, typical)
    return {
        "uncertainty": uncertainty(prepared, *more) if protocol.uncertainty is not None else None,
        "power": power(prepared, endpoints, population, *more, screening) if protocol.power is not None else None,
        "sensitivity": sensitivity(prepared, *more) if protocol.sensitivity is not None else None,
    }
