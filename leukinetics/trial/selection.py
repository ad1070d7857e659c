"""Matching the people of a trial to a published population, see :mod:`leukinetics.patients.matching`.

The probabilities are worked out on a pilot: other people, with random numbers of their own, screened as those of the
trial will be. Then each person is accepted or not by a number that depends on the seed and the person alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import ProtocolError
from leukinetics.patients.counters import uniforms
from leukinetics.patients.matching import Matching, match
from leukinetics.patients.targets import Variable
from leukinetics.trial.prepare import Prepared
from leukinetics.trial.screen import NOT_SELECTED, Check, Visit, eligibility_checks, look, population_checks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

#: People of the pilot, a power of two (they are drawn evenly, by a Sobol sequence).
PILOT = 4096
#: Matching among the eligible needs so many of them in the pilot, which grows up to the larger size.
LEAST, MOST = 1000, 4 * PILOT
#: With fewer nothing can be matched.
FEWEST = 50


@dataclass(frozen=True)
class PopulationSelection:
    """Who belongs to the population, for one set of typical values.

    ``pilot``: columns (people,) of the pilot's people among whom was matched, and ``values`` of the variables;
    ``looked_at``: how many people that took.
    """

    among: str
    reads: tuple[str, ...]
    matching: Matching
    seed: int
    pilot: Mapping[str, Array]
    values: Mapping[Variable, Array]
    looked_at: int

    def accepts(self, people: NDArray[np.int64], visit: Visit, candidate: int) -> NDArray[np.bool_]:
        """Who is selected of ``people`` (n,), from what a visit tells of them."""
        if len(people) == 0:
            return np.zeros(0, dtype=bool)
        chance = self.matching.acceptance(values_of(visit, self.variables, candidate))
        first, last = int(people.min()), int(people.max())
        u = uniforms(self.seed, "population matching", last - first + 1, first)[people - first]
        return np.asarray(u < chance)

    @property
    def variables(self) -> list[Variable]:
        """What the figures are of."""
        return list(self.values)


def selections(
    prepared: Prepared, typical: Sequence[Mapping[str, float]], threads: int | None = None
) -> list[PopulationSelection] | None:
    """The selection of each candidate; None where the protocol matches nothing.

    Raises ProtocolError where too few people of the pilot are left to match any.
    """
    if not prepared.targets:
        return None
    return [_selection(prepared, one, threads) for one in typical]


def values_of(visit: Visit, variables: Sequence[Variable], candidate: int) -> dict[Variable, Array]:
    """What a visit tells of the people (n,) of a candidate, in the units of the variables."""
    known = {"told": visit.told, "measured": visit.measured.__getitem__, "true": visit.true.__getitem__}
    n = next(iter(visit.columns.values())).shape[-1]
    found = {}
    for v in variables:
        values = known[v.how](v.name)
        found[v] = np.broadcast_to(values[candidate] if values.ndim == 2 else values, n) / v.factor
    return found


def _selection(prepared: Prepared, typical: Mapping[str, float], threads: int | None) -> PopulationSelection:
    variables = list(dict.fromkeys(v for t in prepared.targets for v in t.reads))
    reads = tuple(dict.fromkeys(v.name for v in variables if v.how != "told"))
    among, seed = prepared.protocol.population.among, prepared.protocol.trial.seed
    todo = [*population_checks(prepared), *(eligibility_checks(prepared) if among == "enrolled" else [])]
    # Nobody is left out by it, but what is to be matched is read.
    todo.append(Check(NOT_SELECTED, reads, lambda visit, people: np.ones((1, len(people)), dtype=bool)))
    columns: dict[str, Array] = {}
    values: dict[Variable, Array] = {}
    looked_at = 0
    for size in (PILOT, MOST) if among == "enrolled" else (PILOT,):
        block = np.arange(looked_at, size if prepared.available is None else min(size, prepared.available))
        found, visit = look(
            prepared,
            _columns(prepared, block, size, typical),
            block,
            np.ones(1, dtype=bool),
            todo,
            seed=pilot_seed(seed),
            threads=threads,
        )
        kept = found.eligible[0]
        _append(columns, {name: x[0, kept] for name, x in found.columns.items()})
        _append(values, {v: x[kept] for v, x in values_of(visit, variables, 0).items()})
        looked_at += len(block)
        if len(next(iter(values.values()))) >= LEAST:
            break
    n = len(next(iter(values.values())))
    if n < FEWEST:
        raise ProtocolError(
            f"population, match: of {looked_at} people of the pilot only {n} are left to be matched "
            f"({'plausible and eligible' if among == 'enrolled' else 'plausible'}); widen what is asked of them."
        )
    return PopulationSelection(among, reads, match(prepared.targets, values), seed, columns, values, looked_at)


def _columns(
    prepared: Prepared, people: NDArray[np.int64], size: int, typical: Mapping[str, float]
) -> dict[str, Array]:
    """The pilot's people, out of ``size`` drawn evenly; those of a table are their own pilot."""
    if prepared.table is not None:
        return prepared.table.columns(people, [typical])
    z = prepared.plan.normals(pilot_seed(prepared.protocol.trial.seed), size, design="sobol")
    return prepared.plan.columns(z[people], [typical])


def pilot_seed(seed: int) -> int:
    """The seed of the pilot of a trial with ``seed``."""
    return int.from_bytes(hashlib.sha256(f"{seed}\x1fpilot of the matching".encode()).digest()[:6], "little")


def _append(whole: dict[Any, Array], part: Mapping[Any, Array]) -> None:
    for name, x in part.items():
        whole[name] = np.concatenate([whole[name], x]) if name in whole else x
