"""From a checked dosing schedule to the plain event arrays that a kernel reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.engine.doses import DoseSchedule
from leukinetics.engine.kernel import DoseArrays
from leukinetics.engine.system import DoseTarget

if TYPE_CHECKING:
    from numpy.typing import NDArray


def dose_arrays(
    schedule: DoseSchedule,
    targets: Mapping[str, DoseTarget],
    state_index: Mapping[str, int],
    factor_slots: Mapping[str, int],
) -> DoseArrays:
    """Boluses as additions (kind 0), infusions as changes of a target's total rate (kind 1).

    Overlapping infusions add up; the rate returns to exactly zero when the last of them ends.
    """
    state = np.array([state_index[targets[s].state] for s in schedule.targets], dtype=np.int64)
    factor = np.array([factor_slots[s] for s in schedule.targets], dtype=np.int64)
    owner = np.repeat(np.arange(len(schedule.offsets) - 1), np.diff(schedule.offsets))
    target = schedule.target.astype(np.int64)
    infusion = schedule.duration > 0.0
    if not infusion.any():
        return DoseArrays(
            offset=schedule.offsets,
            shared=schedule.shared,
            time=schedule.time,
            value=schedule.amount,
            kind=np.zeros(len(target), dtype=np.int64),
            target=target,
            target_state=state,
            target_factor=factor,
        )
    bolus = ~infusion
    rate = schedule.amount[infusion] / schedule.duration[infusion]
    start, length = schedule.time[infusion], schedule.duration[infusion]
    n_bolus, n_infusion = int(bolus.sum()), int(infusion.sum())
    events = {
        "owner": np.concatenate([owner[bolus], owner[infusion], owner[infusion]]),
        "time": np.concatenate([schedule.time[bolus], start, start + length]),
        "target": np.concatenate([target[bolus], target[infusion], target[infusion]]),
        "value": np.concatenate([schedule.amount[bolus], rate, -rate]),
        "running": np.concatenate([np.zeros(n_bolus), np.ones(n_infusion), -np.ones(n_infusion)]).astype(np.int64),
    }
    order = np.lexsort((events["time"], events["owner"]))  # stable: starts before ends at one time
    events = {name: column[order] for name, column in events.items()}
    kind = (events["running"] != 0).astype(np.int64)
    value = events["value"].copy()
    changes = np.flatnonzero(kind)
    total = _running_sums(events["value"][changes], events["owner"][changes], events["target"][changes])
    active = _running_sums(
        events["running"][changes].astype(float), events["owner"][changes], events["target"][changes]
    )
    value[changes] = np.where(active > 0.5, total, 0.0)
    counts = np.bincount(events["owner"], minlength=len(schedule.offsets) - 1)
    return DoseArrays(
        offset=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        shared=schedule.shared,
        time=np.ascontiguousarray(events["time"]),
        value=value,
        kind=kind,
        target=np.ascontiguousarray(events["target"]),
        target_state=state,
        target_factor=factor,
    )


def _running_sums(
    values: NDArray[np.float64], owner: NDArray[np.int64], target: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cumulative sums within each (owner, target), in the given order; no rounding crosses groups."""
    import pandas as pd

    frame = pd.DataFrame({"owner": owner, "target": target, "value": values})
    return frame.groupby(["owner", "target"], sort=False)["value"].cumsum().to_numpy(dtype=np.float64)
