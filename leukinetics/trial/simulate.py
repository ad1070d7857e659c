"""One call of the engine for all arms of all candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.engine.status import Status
from leukinetics.trial.courses import Courses, dose_table
from leukinetics.trial.dosing import NO_ARM
from leukinetics.trial.prepare import RUN_IN, Prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: A dose takes some thirty steps, a day without one a few; a patient that needs several times as many, besides these to
#: begin with, has left what the model can carry.
MAX_STEPS, STEPS_OF_A_DOSE, STEPS_OF_A_DAY = 50_000, 100, 10
#: Observables that a covariate of the same name would hide: where the model has the second name, it is what is read.
#: The covariate is the weight that the patient came with, before the illness where the model simulates its loss.
PRESENT = {"weight": "body_weight"}
_VALID = [int(s) for s in Status if s.ok]


@dataclass
class Simulated:
    """True values by observable, (rows, times); ``status`` (rows,); what made them."""

    values: dict[str, Array]
    status: NDArray[np.int8]
    attrs: dict[str, Any]

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Which rows have values."""
        return np.isin(self.status, _VALID)


def simulate(
    prepared: Prepared,
    columns: dict[str, Array],
    rows: int,
    times: Array,
    outputs: list[str],
    courses: Courses | None,
    threads: int | None,
) -> Simulated:
    """Simulate rows of patients, each (rows,) in ``columns``, given ``courses``; None: nobody is treated.

    ``times`` in days of the protocol. Rows that cannot be solved have NaN and a status.
    """
    import pandas as pd

    model = prepared.assembly.model
    if rows == 0:  # nobody was eligible
        return Simulated({name: np.empty((0, len(times))) for name in outputs}, np.empty(0, dtype=np.int8), {})
    inputs = {name: values for name, values in columns.items() if name in model.inputs}
    table = pd.DataFrame(inputs | prepared.fixed, index=pd.RangeIndex(rows, name="patient"))
    doses = None
    if courses is not None:
        doses = dose_table(courses, weights(prepared, columns, rows), prepared.lead)
    read = {name: PRESENT[name] if PRESENT.get(name, "") in model.observables else name for name in outputs}
    found = model.simulate(
        times + prepared.lead,
        table,
        doses,
        outputs=list(dict.fromkeys(read.values())),
        rtol=prepared.rtol,
        run_in=RUN_IN,
        max_steps=max_steps(prepared),
        threads=threads,
    )
    values = {name: found[source].to_numpy() for name, source in read.items()}
    return Simulated(values, found["status"].to_numpy(), dict(found.attrs))


def max_steps(prepared: Prepared) -> int:
    """Steps after which a patient of the trial is given up: the same for all, whoever is simulated with them."""
    blocks = prepared.blocks
    planned = [sum(b.count for b in blocks if b.arm == arm) for arm in range(prepared.arms)]
    rescue = sum(b.count for b in blocks if b.arm == NO_ARM)
    days = prepared.lead + prepared.protocol.trial.duration
    return MAX_STEPS + STEPS_OF_A_DOSE * (max(planned) + rescue) + STEPS_OF_A_DAY * math.ceil(days)


def weights(prepared: Prepared, columns: dict[str, Array], rows: int) -> Array:
    """Body weights in kg, (rows,); NaN where the model knows no weight (then no dose is per kg)."""
    if "weight" in columns:
        return columns["weight"]
    row = prepared.plan.parameters.get("weight")
    return np.full(rows, np.nan if row is None else row.value)
