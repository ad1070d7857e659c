"""Virtual patients without a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leukinetics.errors import ProtocolError
from leukinetics.patients.population_table import KEY
from leukinetics.trial.enrol import enrol, require_all
from leukinetics.trial.made_with import population_provenance
from leukinetics.trial.matching_summary import matching_summary
from leukinetics.trial.prepare import Prepared, patients_per_arm, prepare
from leukinetics.trial.selection import selections
from leukinetics.trial.tables import screening

if TYPE_CHECKING:
    import pandas as pd


def virtual_patients(
    condition: str,
    n: int,
    *,
    seed: int = 1,
    drugs: Sequence[str] = (),
    population: Mapping[str, Any] | None = None,
    eligibility: Mapping[str, Any] | None = None,
    plausible: Mapping[str, Any] | None = None,
    match: Sequence[Mapping[str, Any]] = (),
    among: str = "screened",
    typical: Mapping[str, float] | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """The first ``n`` people of a condition who belong to a population, as a table.

    condition : id of a condition, such as "post_mi".
    drugs : ids of drugs whose parameters the people are to have.
    population : covariates over those of the condition, with ``genotype`` and ``ancestry``.
    eligibility, plausible, match, among : as in a protocol: criteria on what is told or measured at screening, on
        true untreated values, published figures to be met and among whom.
    typical : typical values that replace the model's, a row of :func:`leukinetics.patients.draws`.

    Index "patient": their numbers. Columns: covariates, genotypes, parameters in the units used inside, and what was
    read at screening ("screening.<observable>"). ``attrs["leukinetics.population"]`` says with what they were made and
    how the figures were met ("matching"); :func:`leukinetics.patients.save_population` keeps both.

    Raises ProtocolError for what is malformed or unknown, and where too few people qualify.
    """
    from leukinetics import biology

    people = {
        **(population or {}),
        "plausible": dict(plausible or {}),
        "match": [dict(m) for m in match],
        "among": among,
    }
    if "table" in people:
        raise ProtocolError("population, table: people of a table are there already; leave it out.")
    assembly = biology.assemble(condition, drugs=drugs)
    head = {"name": "virtual patients", "condition": condition, "duration": "1 d"}
    # A trial in which nothing is given; its endpoint is never read.
    protocol = {
        "trial": {**head, "patients_per_arm": patients_per_arm(n), "seed": seed},
        "population": people,
        "eligibility": dict(eligibility or {}),
        "arm": [{"name": "untreated"}],
        "endpoint": [{"id": "none", "observable": str(assembly.readouts["id"].iloc[0]), "kind": "value", "at": "1 d"}],
    }
    prepared = prepare(protocol, assembly=assembly)
    return people_of(prepared, prepared.plan.check_typical(typical), threads)


def people_of(prepared: Prepared, typical: Mapping[str, float], threads: int | None = None) -> pd.DataFrame:
    """The people of a prepared trial as :func:`virtual_patients` hands them back; nobody is treated."""
    import pandas as pd

    chosen = selections(prepared, [typical], threads)
    enrolled = enrol(prepared, [typical], threads, chosen)
    require_all(prepared, enrolled)
    columns = {name: values[0] for name, values in enrolled.columns.items()}
    table = pd.DataFrame(columns, index=pd.Index(enrolled.people[0], name="patient"))
    found = matching_summary(prepared, chosen[0] if chosen else None, table, screening(prepared, enrolled))
    table.attrs = {KEY: population_provenance(prepared, typical) | {"matching": found}}
    return table
