"""The table of an endpoint: what the statistics and the report read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.trial.endpoints.samples import Values
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import EVENTS, WINDOWED, Endpoint

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


#: Why a patient who was solved and stayed has no number.
UNDEFINED = "undefined"


def endpoint_table(
    prepared: Prepared,
    endpoint: Endpoint,
    values: Values,
    people: NDArray[np.int64],
    arms: NDArray[np.int64],
    left: Array,
    fired: dict[str, Array],
    ok: NDArray[np.bool_],
) -> pd.DataFrame:
    """One row per patient, arm and, in repeated-measures analyses, visit; sorted by arm, patient and time.

    ``values`` are those of one candidate, of any shape; ``people`` (numbers; -1: nobody, no row), ``arms`` (indices),
    ``left``, each of ``fired`` (days, inf: never) and ``ok`` (solved) have that shape or broadcast to it.

    Columns: patient, arm, endpoint, time (days of the sample, NaN for a whole window), value, baseline, unit, censored
    (the value is a lower bound), exposure (days in which events were looked for), blq (it depends on a sample below the
    limit of quantification), missing: "failed", "left", "rule", "undefined" (the change in percent from a baseline of
    0, or the ratio to it), or "" where nothing is. "rule" is said, beside the
    value, of samples after a rule had fired where the analysis asks to leave these out (``after_rule``); not of events,
    which are counted whatever the treatment.
    """
    import pandas as pd

    shape = values.numbers.shape
    who = np.broadcast_to(people, shape).ravel()
    arm = np.broadcast_to(arms, shape).ravel()
    order = np.lexsort((who, arm))
    order = order[who[order] >= 0]
    times = list(values.repeated) or [np.nan if endpoint.kind in WINDOWED else endpoint.at or 0.0]
    numbers = np.stack([values.repeated.get(t, values.numbers).ravel()[order] for t in times], axis=-1)
    below = np.stack([_flat(values.repeated_blq.get(t, values.blq), shape, order) for t in times], axis=-1)
    ended = np.broadcast_to(left, shape).ravel()[order][:, None]
    solved = np.broadcast_to(ok, shape).ravel()[order][:, None]
    missing = np.where(np.isnan(numbers), np.where(np.isfinite(ended), "left", UNDEFINED), "").astype(object)
    if prepared.protocol.analysis.after_rule == "missing" and endpoint.kind not in EVENTS:
        stop = prepared.protocol.trial.duration if endpoint.to is None else endpoint.to
        until = np.where(np.isnan(times), stop, times)
        for moment in fired.values():
            after = until > np.broadcast_to(moment, shape).ravel()[order][:, None]
            missing[after & (missing == "")] = "rule"
    missing[np.broadcast_to(~solved, missing.shape)] = "failed"
    names = np.array([a.name for a in prepared.protocol.arm], dtype=object)
    each = len(times)
    return pd.DataFrame(
        {
            "patient": np.repeat(who[order], each).astype(np.int64),
            "arm": np.repeat(names[arm[order]], each),
            "endpoint": endpoint.id,
            "time": np.tile(np.array(times, dtype=float), len(order)),
            "value": numbers.ravel(),
            "baseline": np.repeat(_flat(values.baseline, shape, order), each),
            "unit": values.unit,
            "censored": np.repeat(values.censored.ravel()[order], each),
            "exposure": np.repeat(_flat(values.exposure, shape, order), each),
            "blq": below.ravel(),
            "missing": missing.ravel(),
        }
    )


def _flat(values: NDArray[np.generic] | None, shape: tuple[int, ...], order: NDArray[np.intp]) -> NDArray[np.generic]:
    return np.full(len(order), np.nan) if values is None else np.broadcast_to(values, shape).ravel()[order]
