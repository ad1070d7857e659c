"""Tables of a trial: what each row of patients adds to them, and how they are put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.engine.status import Status
from leukinetics.trial.endpoints import endpoint_table
from leukinetics.trial.enrol import Enrolled
from leukinetics.trial.observe import Observed
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.screen import reasons

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BASELINE = "baseline"


def observations(found: Observed, arm: int) -> pa.Table:
    """The samples of one arm, by patient, name and time: patient, arm, time, name, value, unit, blq.

    Where ``blq`` the value is the limit of quantification that the sample was below. Samples that were not taken, of
    patients who could not be solved or had left, have no row.
    """
    import pyarrow as pa

    rows = np.flatnonzero(found.arms == arm)
    names = sorted(found.measured)
    times = [found.prepared.observables[name].times for name in names]
    each = [len(t) for t in times]
    values = np.concatenate([found.measured[name].reported[rows] for name in names], axis=1).ravel()
    blq = np.concatenate([found.measured[name].blq[rows] for name in names], axis=1).ravel()
    there = np.flatnonzero(~np.isnan(values))
    sample = there % sum(each)
    label = np.repeat(np.arange(len(names), dtype=np.int32), each)[sample]

    def texts(index: np.ndarray, of: Sequence[str]) -> pa.Array:
        return pa.DictionaryArray.from_arrays(index, pa.array(of, pa.string())).cast(pa.string())

    arms = [a.name for a in found.prepared.protocol.arm]
    return pa.table(
        {
            "patient": found.people[rows][there // sum(each)],
            "arm": texts(np.full(len(there), arm, dtype=np.int32), arms),
            "time": np.concatenate(times)[sample],
            "name": texts(label, names),
            "value": values[there],
            "unit": texts(label, [found.measured[name].unit for name in names]),
            "blq": blq[there],
        }
    )


def chunk_tables(found: Observed) -> dict[str, pd.DataFrame]:
    """The tables endpoints, conduct, failures and baseline (one row per patient) of some rows of patients."""
    prepared, treated = found.prepared, found.treated
    parts = [
        endpoint_table(
            prepared,
            endpoint,
            found.endpoints[endpoint.id],
            found.people,
            found.arms,
            treated.left,
            treated.fired,
            found.ok,
        )
        for endpoint in prepared.protocol.endpoint
    ]
    return {
        "endpoints": stacked(parts),
        "conduct": _conduct(found),
        "failures": _failures(found),
        "baseline": _baseline(found),
    }


def _conduct(found: Observed) -> pd.DataFrame:
    """patient, arm, left (day, NaN: never), given, missed (doses), and when (day, NaN: never) each rule fired."""
    import pandas as pd

    treated = found.treated

    def moment(days: np.ndarray) -> np.ndarray:
        return np.where(np.isfinite(days), days, np.nan)

    return pd.DataFrame(
        {
            "patient": found.people,
            "arm": _arm_names(found),
            "left": moment(treated.left),
            "given": treated.given,
            "missed": treated.missed,
            **{f"rule.{name}": moment(days) for name, days in treated.fired.items()},
        }
    )


def _failures(found: Observed) -> pd.DataFrame:
    import pandas as pd

    broken = ~found.ok
    ends = [Status(int(s)) for s in found.treated.simulated.status[broken]]
    return pd.DataFrame(
        {
            "patient": found.people[broken],
            "arm": _arm_names(found)[broken],
            "status": pd.Series([s.name for s in ends], dtype=object),
            "advice": pd.Series([s.advice for s in ends], dtype=object),
        }
    )


def _baseline(found: Observed) -> pd.DataFrame:
    """What was measured at time 0, before any treatment: of twins in the first arm in which they were solved."""
    import pandas as pd

    order = np.lexsort((found.arms, ~found.ok, found.people))
    first = order[np.unique(found.people[order], return_index=True)[1]]
    columns = {f"{BASELINE}.{name}": found.baseline(name)[first] for name in found.prepared.observables}
    return pd.DataFrame({"patient": found.people[first], **columns})


def _arm_names(found: Observed) -> np.ndarray:
    return np.array([a.name for a in found.prepared.protocol.arm], dtype=object)[found.arms]


def population(prepared: Prepared, enrolled: Enrolled, arms: np.ndarray | None, baseline: pd.DataFrame) -> pd.DataFrame:
    """One row per enrolled patient (index "patient"): arm of a parallel trial, covariates, genotypes, parameters,
    what was measured at screening ("screening.<observable>") and at time 0 ("baseline.<observable>")."""
    import pandas as pd

    columns = {name: values[0] for name, values in enrolled.columns.items()}
    found = pd.DataFrame(columns, index=pd.Index(enrolled.people[0], name="patient"))
    if arms is not None:
        found.insert(0, "arm", pd.Series([prepared.protocol.arm[i].name for i in arms], found.index, dtype=str))
    return found.join(baseline.set_index("patient"))


def screening(prepared: Prepared, enrolled: Enrolled) -> pd.DataFrame:
    """One row per person screened: patient, eligible, reason (of not taking part, else ""), and the measurements."""
    import pandas as pd

    n = int(enrolled.screened[0])
    reason = enrolled.reason[0, :n]
    return pd.DataFrame(
        {
            "patient": np.arange(n),
            "eligible": reason == 0,
            "reason": pd.Series(np.array(["", *reasons(prepared)], dtype=object)[reason], dtype=str),
            **{name: values[0, :n] for name, values in enrolled.readings.items()},
        }
    )


def units(prepared: Prepared) -> dict[str, str]:
    """Units of the columns of the population's table; genotypes are counts of effect alleles."""
    plan = prepared.plan
    found = {name: row.unit for name, row in plan.parameters.items()} | dict(plan.covariate_units)
    found |= {v.id: "effect alleles" for v in plan.variants}
    found |= {f"screening.{name}": o.unit for name, o in prepared.screening.items()}
    return found | {f"{BASELINE}.{name}": o.unit for name, o in prepared.observables.items()}


def in_order(endpoints: pd.DataFrame, prepared: Prepared) -> pd.DataFrame:
    """The rows of all chunks by endpoint and arm in the protocol's order, patient and time."""
    return _sorted(endpoints, prepared, "time", "patient", "arm", "endpoint")


def by_arm(table: pd.DataFrame, prepared: Prepared) -> pd.DataFrame:
    """The rows of all chunks by arm in the protocol's order and patient."""
    return _sorted(table, prepared, "patient", "arm")


def _sorted(table: pd.DataFrame, prepared: Prepared, *keys: str) -> pd.DataFrame:
    """By ``keys``, the last first."""
    protocol = prepared.protocol
    order = {"arm": [a.name for a in protocol.arm], "endpoint": [e.id for e in protocol.endpoint]}
    numbers = [
        table[key].map({name: i for i, name in enumerate(order[key])}) if key in order else table[key] for key in keys
    ]
    return table.take(np.lexsort([n.to_numpy(dtype=float) for n in numbers])).reset_index(drop=True)


def stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other; those without rows have no say in the types of the columns."""
    import pandas as pd

    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]
