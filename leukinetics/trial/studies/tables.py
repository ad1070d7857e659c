"""The tables of one candidate of an outcome, and its contrasts as the protocol analyses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.checks.studies import observable_of
from leukinetics.trial.endpoints import endpoint_table
from leukinetics.trial.outcome import Outcome
from leukinetics.trial.prepare import Prepared, prepare
from leukinetics.trial.protocol import Endpoint, Protocol
from leukinetics.trial.reference import reference_arm
from leukinetics.trial.statistics.missing import completed
from leukinetics.trial.statistics.subgroups import column_of
from leukinetics.trial.studies.question import Contrast

if TYPE_CHECKING:
    import pandas as pd

#: What is left out of the protocol of a study's own trials.
NO_STUDIES: dict[str, Any] = {"subgroup": [], "threshold": [], "uncertainty": None, "power": None, "sensitivity": None}


def tables(outcome: Outcome, candidate: int, protocol: Protocol | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(endpoints, population) of one candidate, as a trial's files have them; endpoints are those of ``protocol``."""
    import pandas as pd

    prepared = outcome.prepared
    arms = np.arange(prepared.arms)[:, None]
    people, ok, left = outcome.people[candidate], outcome.ok[candidate], outcome.left[candidate]
    fired = {name: days[candidate] for name, days in outcome.fired.items()}
    parts = {
        e.id: endpoint_table(prepared, e, outcome.endpoints[e.id].take(candidate), people, arms, left, fired, ok)
        for e in prepared.protocol.endpoint
    }
    asked = [e.id for e in (protocol or prepared.protocol).endpoint]
    population = _population(outcome, candidate)
    for name in parts.keys() - asked:
        # Of twins in either arm: nothing has been given yet at time 0.
        population[name] = parts[name].dropna(subset="value").groupby("patient")["value"].first()
    return pd.concat([parts[name] for name in asked], ignore_index=True), population


def contrasts(protocol: Protocol) -> list[Contrast]:
    """Every contrast of a protocol: each endpoint, each arm against the endpoint's reference."""
    return [
        Contrast(e, i, reference)
        for e in protocol.endpoint
        for reference in [reference_arm(protocol, e)]
        for i in range(len(protocol.arm))
        if i != reference
    ]


def sides(
    endpoints: pd.DataFrame, population: pd.DataFrame, protocol: Protocol, c: Contrast
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both arms of a contrast, as the analysis has them: what is missing dealt with, covariates joined,
    without those who could not be simulated."""
    table = endpoints[(endpoints["endpoint"] == c.endpoint.id).to_numpy()]
    table = completed(c.endpoint, table, protocol.analysis)
    table = table[(table["missing"] != "failed").to_numpy()]
    for name in protocol.analysis.covariates:
        column = column_of(population, name)
        if column is not None:
            table = table.assign(**{name: table["patient"].map(population[column]).to_numpy(dtype=float)})
    treated, control = (
        table[(table["arm"] == protocol.arm[i].name).to_numpy()].reset_index(drop=True) for i in (c.arm, c.reference)
    )
    return treated, control


def _population(outcome: Outcome, candidate: int) -> pd.DataFrame:
    import pandas as pd

    enrolled = outcome.enrolled
    people = enrolled.people[candidate]
    there = people >= 0
    columns: dict[str, Any] = {name: values[candidate][there] for name, values in enrolled.columns.items()}
    return pd.DataFrame(columns, index=pd.Index(people[there], name="patient"))


def as_twins(prepared: Prepared, patients: int) -> Prepared:
    """The same trial of ``patients``, each under every arm, without what no endpoint, rule, dropout or covariate needs.

    A covariate that is measured at time 0 becomes an endpoint, "baseline.<observable>", of which :func:`tables` makes
    a column of the population.
    """
    protocol = prepared.protocol
    extra = []
    for name in protocol.analysis.covariates:
        inner = observable_of(name)
        observable = prepared.observables.get(inner)
        if observable is None or prepared.plan.unit_of(inner) is not None or name.startswith("screening."):
            continue
        noise = observable.assay is not None
        extra.append(Endpoint(id=f"baseline.{inner}", observable=inner, kind="value", at=0.0, noise=noise))
    small = protocol.model_copy(
        update={
            "trial": protocol.trial.model_copy(update={"design": "twins"}),
            "arm": [arm.model_copy(update={"ratio": 1}) for arm in protocol.arm],
            "endpoint": [*protocol.endpoint, *extra],
            "schedule": None,
            **NO_STUDIES,
        }
    )
    return prepare(small, patients=patients, sampling=prepared.sampling, rtol=prepared.rtol, assembly=prepared.assembly)
