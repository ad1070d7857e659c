"""What a trial hands back: tables of patients, observations and endpoints, and their summary."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.status import Status
from leukinetics.trial.outcome import Outcome
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.summary import summarise

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrialResult:
    """A finished trial.

    population : one row per patient (index "patient"): covariates, genotypes, parameters in the units used inside,
        and ``arm`` in parallel designs.
    observations : long: patient, arm, time (days), name, value, unit, blq. Where ``blq`` the value is the limit of
        quantification that the sample was below. Observables of which no endpoint has noise are true values. Patients
        that could not be solved are not there.
    endpoints : long: patient, arm, endpoint, value, unit, censored (the value is a lower bound).
    failures : patient, arm, status, advice of those that could not be solved.
    summary, provenance : what summary.json and provenance.json hold.
    """

    protocol: Protocol
    population: pd.DataFrame
    observations: pd.DataFrame
    endpoints: pd.DataFrame
    failures: pd.DataFrame
    summary: dict[str, Any]
    provenance: dict[str, Any]

    def __repr__(self) -> str:
        s = self.summary
        arms = ", ".join(f"'{a['name']}'" for a in s["arms"])
        people = s["patients"]
        return f"<TrialResult '{s['trial']}': {people['enrolled']} patients, {people['failed']} failed, arms {arms}>"


def make_result(outcome: Outcome, typical: dict[str, float]) -> TrialResult:
    """The tables of the first candidate of an outcome."""
    return TrialResult(
        protocol=outcome.prepared.protocol,
        population=_population(outcome),
        observations=_observations(outcome),
        endpoints=_endpoints(outcome),
        failures=_failures(outcome),
        summary=summarise(outcome),
        provenance=_provenance(outcome, typical),
    )


def _population(outcome: Outcome) -> pd.DataFrame:
    import pandas as pd

    protocol = outcome.prepared.protocol
    people = outcome.enrolled.people[0]
    people = people[people >= 0]
    table = {name: values[0, people] for name, values in outcome.enrolled.columns.items()}
    found = pd.DataFrame(table, index=pd.Index(people, name="patient"))
    if protocol.trial.design == "parallel":
        names = [a.name for a in protocol.arm]
        found.insert(0, "arm", [names[i % len(names)] for i in range(len(people))])
    return found


def _observations(outcome: Outcome) -> pd.DataFrame:
    import pandas as pd

    names = np.array([a.name for a in outcome.prepared.protocol.arm])
    arm, patient = np.nonzero(outcome.ok[0])
    parts = []
    for name, read in outcome.measured.items():
        times = outcome.prepared.observables[name].times
        values, blq = read.reported[0, arm, patient], read.blq[0, arm, patient]
        parts.append(
            pd.DataFrame(
                {
                    "patient": np.repeat(outcome.people[0, arm, patient], len(times)),
                    "arm": np.repeat(names[arm], len(times)),
                    "time": np.tile(times, len(arm)),
                    "name": name,
                    "value": values.ravel(),
                    "unit": read.unit,
                    "blq": blq.ravel(),
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    return found.sort_values(["arm", "patient", "name", "time"], ignore_index=True)


def _endpoints(outcome: Outcome) -> pd.DataFrame:
    import pandas as pd

    names = [a.name for a in outcome.prepared.protocol.arm]
    arm, patient = np.nonzero(outcome.people[0] >= 0)
    parts = [
        pd.DataFrame(
            {
                "patient": outcome.people[0, arm, patient],
                "arm": [names[i] for i in arm],
                "endpoint": id_,
                "value": values.numbers[0, arm, patient],
                "unit": values.unit,
                "censored": values.censored[0, arm, patient],
            }
        )
        for id_, values in outcome.endpoints.items()
    ]
    return pd.concat(parts, ignore_index=True)


def _failures(outcome: Outcome) -> pd.DataFrame:
    import pandas as pd

    names = [a.name for a in outcome.prepared.protocol.arm]
    arm, patient = np.nonzero((outcome.people[0] >= 0) & ~outcome.ok[0])
    ends = [Status(int(s)) for s in outcome.status[0, arm, patient]]
    return pd.DataFrame(
        {
            "patient": outcome.people[0, arm, patient],
            "arm": [names[i] for i in arm],
            "status": [s.name for s in ends],
            "advice": [s.advice for s in ends],
        }
    )


def _provenance(outcome: Outcome, typical: dict[str, float]) -> dict[str, Any]:
    from leukinetics import __version__

    prepared = outcome.prepared
    return {
        "leukinetics": __version__,
        "model_hash": prepared.assembly.model.hash,
        "assembly_hash": prepared.assembly.hash,
        "protocol_sha256": hashlib.sha256(prepared.protocol.text.encode()).hexdigest(),
        "seed": prepared.protocol.trial.seed,
        "patients_per_arm": prepared.n,
        "sampling": prepared.sampling,
        "typical": typical,
        "simulation": {k: v for k, v in outcome.attrs.items() if k != "model_hash"},
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
