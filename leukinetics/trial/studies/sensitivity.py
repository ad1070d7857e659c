"""Which of the things that are not known the answer leans on.

The contrast is computed for points of the unit cube, a parameter's coordinate u being its 2.5 + 95 u % quantile among
:func:`leukinetics.patients.draws`: so an elementary effect is the change of the contrast when the parameter goes over
its 95 % range. Calibrated parameters are known together (as a joint posterior); the methods of Morris and of Sobol take
each by itself, from its own distribution, and so may combine values that the data rule out together. The tornado moves
one parameter at a time to both ends of its range, all others at the model's own values: few runs, no interactions.

What is varied is the model, so all else is held still: the same people, a Sobol sample of those who are enrolled with
the model's own values, are simulated under both arms in every run, nobody leaves, and values are true ones, without the
noise of assays and, for events, without chance: their expected number takes the place of the events. Only episodes at
a threshold keep the noise of their assay, the same in every run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Sensitivity
from leukinetics.trial.statistics.compare import measure_of, number
from leukinetics.trial.studies.indices import LEADING, indices, points, swings
from leukinetics.trial.studies.question import Keep, Progress, compute_now, contrast_of, say_nothing
from leukinetics.trial.studies.still import hold_still, kept_runs
from leukinetics.trial.studies.varied import varied

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def sensitivity(
    prepared: Prepared,
    keep: Keep = compute_now,
    threads: int | None = None,
    progress: Progress = say_nothing,
    typical: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What summary.json holds of the protocol's ``[sensitivity]``.

    ``base``: the contrast with the model's own values; ``runs`` of the contrast, ``failed_runs`` of which could not be
    simulated (see :func:`leukinetics.trial.studies.indices.indices`); ``parameters``, the most influential first, with
    their kind of evidence, unit, source, the model's ``value``, the range ``low`` to ``high``, and their indices
    (None where they cannot be had).

    ``keep``: see :data:`leukinetics.trial.studies.question.Keep`. ``typical``: typical values that are not varied.
    ProtocolError where the protocol names a parameter that is not uncertain.
    """
    protocol = prepared.protocol
    study = protocol.sensitivity or Sensitivity()
    c = contrast_of(protocol, study.endpoint, study.arm)
    fixed = dict(typical or {})
    found = varied(prepared, study, fixed)
    seed, method = protocol.trial.seed, study.method
    model = hold_still(prepared, c, study.patients, threads)

    def run(sets: list[dict[str, float]]) -> Array:
        return kept_runs(model, [{**t, **fixed} for t in ({}, *sets)], keep, threads, progress)

    if method == "tornado":
        y = run(found.alone())
        table, failed = swings(y[1:])
    else:
        runs = study.trajectories if method == "morris" else 2 ** (study.samples - 1).bit_length()
        u = points(method, len(found.names), runs, seed)
        y = run(found.values(u))
        table, failed = indices(method, u, y[1:], seed)
    leading = table[LEADING[method]]
    order = np.argsort(-np.nan_to_num(leading, nan=-np.inf), kind="stable")
    return {
        "endpoint": c.endpoint.id,
        "arm": protocol.arm[c.arm].name,
        "reference": protocol.arm[c.reference].name,
        "measure": measure_of(c.endpoint),
        "method": method,
        "runs": len(y) - 1,
        "failed_runs": failed,
        "patients": study.patients,
        "base": number(y[0]),
        "parameters": [
            {**found.about(int(j)), **{name: number(values[j]) for name, values in table.items()}} for j in order
        ],
    }
