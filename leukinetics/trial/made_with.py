"""What a trial's population says about how it was made, so that another trial can take it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leukinetics.patients.population_table import KEY
from leukinetics.trial.people import condition_hash
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.tables import units

if TYPE_CHECKING:
    import pandas as pd


def population_provenance(prepared: Prepared, typical: Mapping[str, float] | None = None) -> dict[str, Any]:
    """What is to be saved with the people of a trial, see :func:`leukinetics.patients.save_population`."""
    from leukinetics import __version__

    protocol, assembly = prepared.protocol, prepared.assembly
    return {
        "leukinetics": __version__,
        "model_hash": assembly.model.hash,
        "condition_hash": condition_hash(protocol, assembly),
        "condition": protocol.trial.condition,
        "drugs": list(assembly.drugs),
        "seed": protocol.trial.seed,
        "typical": dict(typical or {}),
        "units": units(prepared),
    }


def with_provenance(table: pd.DataFrame, prepared: Prepared, typical: Mapping[str, float]) -> pd.DataFrame:
    """A trial's people with :func:`population_provenance` in ``attrs``, as if they had been loaded."""
    table.attrs = {KEY: population_provenance(prepared, typical)}
    return table
