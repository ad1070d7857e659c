"""Patients who leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.patients.convert import convert
from leukinetics.patients.counters import uniforms
from leukinetics.trial.conduct.readings import readings
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.protocol import Dropout
from leukinetics.trial.sampling_times import dropout_times
from leukinetics.units import parse_quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

YEAR = 365.25
DOUBLING = "doubling"


def leaving(prepared: Prepared, values: dict[str, Array], people: Ints) -> Array:
    """When rows leave of themselves (days), inf: not before the trial's end, (rows,).

    The hazard is ``h = -ln(1 - rate)/year``, between visits ``v_k`` and ``v_(k+1)`` multiplied by
    ``hazard_ratio^(log2(x(v_k)/baseline))``, or ``hazard_ratio^((x(v_k) - baseline)/per)``. A patient leaves when the
    integral of h reaches ``-ln u``, ``u`` uniform by (seed, person): arms of a twins design share it.

    ``values``: true ones by observable, (rows, prepared.times). ProtocolError where doublings are asked for of what is
    0.
    """
    dropout = prepared.protocol.dropout
    if dropout is None or dropout.rate == 0.0:
        return np.full(len(people), np.inf)
    end = prepared.protocol.trial.duration
    first = int(people.min())
    u = uniforms(prepared.protocol.trial.seed, "dropout", int(people.max()) - first + 1, first)[people - first]
    hazard = -np.log1p(-dropout.rate) / YEAR
    edges, times_hazard = np.array([0.0]), np.ones((len(people), 1))
    if dropout.observable is not None:
        visits = dropout_times(prepared.protocol)
        edges = visits[visits < end]
        x, baseline = readings(prepared, dropout.observable, values[dropout.observable], people, edges)
        times_hazard = _times_hazard(prepared, dropout, x, baseline[:, None])
    found = inverted(hazard * times_hazard, np.append(edges, end), -np.log(u))
    return np.where(found < end, found, np.inf)


def inverted(hazard: Array, edges: Array, target: Array) -> Array:
    """When the integral of a hazard, ``hazard`` (rows, intervals) constant between ``edges`` (intervals + 1,), reaches
    ``target`` (rows,); inf where it does not."""
    before = np.zeros((len(hazard), len(edges)))
    np.cumsum(hazard * np.diff(edges), axis=1, out=before[:, 1:])
    reached = before[:, 1:] >= target[:, None]
    k = reached.argmax(axis=1)
    rows = np.arange(len(hazard))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = edges[k] + (target - before[rows, k]) / hazard[rows, k]
    return np.where(reached.any(axis=1), found, np.inf)


def _times_hazard(prepared: Prepared, dropout: Dropout, x: Array, baseline: Array) -> Array:
    """What the hazard is multiplied by; 1 where there is no value, (rows, visits)."""
    observable = prepared.observables[str(dropout.observable)]
    if dropout.per == DOUBLING:
        if (x <= 0).any() or (baseline <= 0).any():
            raise ProtocolError(
                f"dropout, per: '{observable.name}' is 0 in some patients, so it has no doublings; give per as a "
                f"quantity in {observable.unit}."
            )
        steps = np.log2(x / baseline)
    else:
        steps = (x - baseline) / convert(*parse_quantity(dropout.per), observable.unit)
    with np.errstate(over="ignore"):
        found = np.exp(np.log(dropout.hazard_ratio) * steps)
    return np.where(np.isnan(found), 1.0, found)
