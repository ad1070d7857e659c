"""Screening: people come in the order of their numbers until enough of them are eligible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from leukinetics.assays import exact, measure
from leukinetics.errors import ProtocolError
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.simulate import simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: People screened at most for each one enrolled: a trial that enrols fewer than 1 in 100 is a mistake.
MOST_PER_PATIENT = 100
#: The name of the screening visit, at which the noise is another than at time 0.
SCREENING = "screening"


@dataclass
class Enrolled:
    """Who takes part. ``people`` (candidates, needed): numbers, -1 where the cap was reached before;
    ``screened``, ``failed`` (candidates,); ``columns`` (candidates, people seen)."""

    people: NDArray[np.int64]
    screened: NDArray[np.int64]
    failed: NDArray[np.int64]
    columns: dict[str, Array]


def enrol(prepared: Prepared, candidates: Sequence[Mapping[str, float]], threads: int | None = None) -> Enrolled:
    """Screen until every candidate has the patients it needs, or the cap is reached."""
    typical = [prepared.typical(c) for c in candidates]
    need, most = prepared.needed, prepared.needed * MOST_PER_PATIENT
    eligible = np.zeros((len(typical), 0), dtype=bool)
    failed = np.zeros((len(typical), 0), dtype=bool)
    while True:
        seen, count = eligible.shape[1], eligible.sum(axis=1).min(initial=need)
        if seen and (count >= need or seen >= most):
            break
        stop = min(_next(prepared, seen, int(count)), most)
        columns = prepared.plan.columns(prepared.normals(stop), typical)
        part = {name: values[:, seen:] for name, values in columns.items()}
        good, broken = _screen(prepared, part, np.arange(seen, stop), eligible.sum(axis=1) < need, threads)
        eligible, failed = np.hstack([eligible, good]), np.hstack([failed, broken])
    rank = np.cumsum(eligible, axis=1)
    people = np.full((len(typical), need), -1, dtype=np.int64)
    k, i = np.nonzero(eligible & (rank <= need))
    people[k, rank[k, i] - 1] = i
    full = rank[:, -1] >= need
    screened = np.where(full, people.max(axis=1) + 1, eligible.shape[1])
    before = np.arange(eligible.shape[1]) < screened[:, None]
    return Enrolled(people, screened, (failed & before).sum(axis=1), columns)


def require_all(prepared: Prepared, enrolled: Enrolled) -> None:
    """ProtocolError where a candidate did not get all its patients."""
    got = (enrolled.people >= 0).sum(axis=1)
    if (got < prepared.needed).any():
        k = int(np.argmin(got))
        criteria = ", ".join(
            f"{name} {b.sign} {b.value:g} {b.unit}" for name, bs in prepared.criteria.items() for b in bs
        )
        raise ProtocolError(
            f"eligibility: of {enrolled.screened[k]} people screened only {got[k]} of the {prepared.needed} needed "
            f"were eligible ({criteria or 'plausible'}); widen the criteria, or choose a population that meets them."
        )


def _next(prepared: Prepared, seen: int, count: int) -> int:
    """How many people to have seen after the next round."""
    need = prepared.needed
    if not seen:
        # What cannot be known beforehand: two thirds eligible. Without criteria nobody is simulated at screening.
        return int(np.ceil(need * 1.5)) if prepared.criteria else need + max(need // 20, 2)
    rate = max(count / seen, 1.0 / MOST_PER_PATIENT)
    return seen + max(int(np.ceil(1.2 * (need - count) / rate)), 8)


def _screen(
    prepared: Prepared,
    columns: dict[str, Array],
    people: NDArray[np.int64],
    wanting: NDArray[np.bool_],
    threads: int | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(eligible, failed), both (candidates, people); candidates not ``wanting`` any more are passed over."""
    good = np.repeat(wanting[:, None], len(people), axis=1) & prepared.plan.plausible(columns)
    broken = np.zeros_like(good)
    visits = []
    for name, bounds in prepared.criteria.items():
        if prepared.plan.unit_of(name) is not None:
            for bound in bounds:
                good &= bound.holds(
                    columns[name] if name in columns else np.array(prepared.plan.parameters[name].value)
                )
        else:
            visits.append(name)
    if not visits or not good.any():
        return good, broken
    k, i = np.nonzero(good)
    result = simulate(prepared, {n: v[k, i] for n, v in columns.items()}, len(i), np.zeros(1), visits, None, threads)
    broken[k, i] = ~result.ok
    good[k, i] &= result.ok
    for name in visits:
        observable = prepared.observables[name]
        values = result.values[name]
        if observable.assay is None:
            read = exact(values, observable.unit)
        else:
            seed = prepared.protocol.trial.seed
            read = measure(values, observable.assay, seed, [0.0], people[i], visit=SCREENING)
        for bound in prepared.criteria[name]:
            # A value below the limit of quantification is taken as half of it, as for the endpoints.
            good[k, i] &= bound.holds(read.numbers(0.5)[:, 0])
    return good, broken
