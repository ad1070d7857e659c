"""What a trial found: all of summary.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leukinetics.patients.labels import Label, clinical_units, covariate_table, in_clinical_units
from leukinetics.trial.chunks import Conducted, Progress, silent
from leukinetics.trial.flow import flow
from leukinetics.trial.journal import Journal
from leukinetics.trial.matching_summary import matching_summary
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.studies import studies
from leukinetics.trial.summary import analyse
from leukinetics.trial.tables import units

if TYPE_CHECKING:
    import pandas as pd


def conclude(
    prepared: Prepared,
    done: Conducted,
    typical: Mapping[str, float],
    journal: Journal,
    threads: int | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """What ``summary.json`` holds. A number that cannot be had is None; nothing depends on chunks, threads or time."""
    protocol, population = prepared.protocol, _clinical(prepared, done.population)
    described = covariate_table(prepared.plan)
    found = analyse(
        protocol, done.endpoints, population, units(prepared) | clinical_units(prepared.plan), list(described)
    )
    people = flow(prepared, done, found["arms"])
    return {
        "trial": protocol.trial.name,
        "seed": protocol.trial.seed,
        "model_hash": prepared.assembly.model.hash,
        "patients": {
            "screened": people["screened"],
            "enrolled": len(done.population),
            "failed": int(done.failures["patient"].nunique()) + int(done.enrolled.failed[0]),
        },
        "flow": people,
        "matching": matching_summary(prepared, done.selection, done.population, done.screening),
        **found,
        "baseline": [_labelled(row, described) for row in found["baseline"]],
        **studies(prepared, done.endpoints, population, journal.keep, threads, progress, typical, done.screening),
    }


def _clinical(prepared: Prepared, population: pd.DataFrame) -> pd.DataFrame:
    """The population with covariates in the units that clinicians read them in."""
    numbers = {str(name): population[name].to_numpy() for name in population.columns if name != "arm"}
    return population.assign(**in_clinical_units(prepared.plan, numbers))


def _labelled(row: dict[str, Any], known: Mapping[str, Label]) -> dict[str, Any]:
    """A row of the baseline table, a covariate under the name that it has in print."""
    return row if row["name"] not in known else {**row, "label": known[row["name"]].label}
