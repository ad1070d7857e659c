"""All checks of a protocol against a model."""

from __future__ import annotations

from typing import Any

from leukinetics.trial.checks.model import Model, assemble_for, plan_for, units_of
from leukinetics.trial.checks.people import check_people
from leukinetics.trial.checks.problems import Problems
from leukinetics.trial.checks.reading import check_reading
from leukinetics.trial.checks.studies import check_studies
from leukinetics.trial.checks.treatment import check_treatment
from leukinetics.trial.protocol import Protocol


def check_against_model(protocol: Protocol, assembly: Any, problems: Problems) -> Model:
    """Add to ``problems`` whatever the protocol asks for and the model has not.

    ``assembly``: the model; None for that of the protocol's condition and drugs. BiologyError where the model's own
    files are at fault.
    """
    absent: set[str] = set()
    if assembly is None:
        assembly, absent = assemble_for(protocol, problems)
    model = Model(assembly, units_of(assembly), plan_for(protocol, assembly, problems), absent)
    check_treatment(protocol, model, problems)
    check_people(protocol, model, problems)
    check_reading(protocol, model, problems)
    check_studies(protocol, model, problems)
    return model
