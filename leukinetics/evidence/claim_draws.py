"""What a check of a claim owes to what is not known: the check again for draws of all that is uncertain.

The number of a check is that of the tables' values; nothing informs many of them. Draws of the typical values
(:func:`leukinetics.patients.draws`) give its interval, the share of draws in which the claim holds, and what would
narrow it: the parameters whose knowledge would take most of its variance away
(:mod:`leukinetics.trial.studies.narrowing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError
from leukinetics.evidence.claim_files import Check, Threshold
from leukinetics.evidence.claim_markers import rank_correlations
from leukinetics.evidence.claim_runs import Laboratory
from leukinetics.evidence.load import load_targets
from leukinetics.evidence.run import prepare_target
from leukinetics.patients import draws
from leukinetics.trial.studies.narrowing import narrowing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SEED = 1
#: Virtual patients in an arm for each draw, and where their ranks are compared.
PATIENTS, RANKED = 60, 200


@dataclass(frozen=True)
class Spread:
    """Of ``draws`` with a number: ``low``, ``median`` and ``high`` (2.5 and 97.5 %), ``holds``, the share that meets
    the threshold, and ``leans``, the parameters that go with it (rho, share of the variance, p_adjusted), most first.
    """

    draws: int
    low: float
    median: float
    high: float
    holds: float
    leans: tuple[dict[str, Any], ...]

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def spread(check: Check, n: int, laboratory: Laboratory) -> Spread | None:
    """The check for ``n`` draws; None for checks that look at equations and not at numbers, or where none is finite."""
    threshold = Threshold.parse(check.threshold)
    if check.kind == "simulation":
        seen = laboratory.see_often(check, n, SEED)
        numbers = np.array([threshold.worst([float(x) for x in step]) for step in seen.compared.T])
        drawn: Mapping[str, Array] = seen.drawn
    elif check.kind in ("target", "markers"):
        numbers, drawn = _of_many(check, n)
    else:
        return None
    found = numbers[np.isfinite(numbers)]
    if len(found) == 0:
        return None
    low, median, high = (float(q) for q in np.quantile(found, [0.025, 0.5, 0.975]))
    holds = float(np.mean([threshold.met(float(x)) for x in found]))
    told = narrowing([float(x) for x in numbers], drawn, (), None, SEED)
    return Spread(len(found), low, median, high, holds, tuple(told["parameters"][:5]) if told else ())


def _of_many(check: Check, n: int) -> tuple[Array, dict[str, Array]]:
    from leukinetics import biology

    if check.kind == "markers":
        drugs = list(dict.fromkeys(d.drug for run in check.run for d in run.doses))
        rows, drawn = _drawn([biology.assemble(check.condition, drugs=drugs)], n)
        found = rank_correlations(check, rows, RANKED)
        return (found[:, 0] - found[:, 1] if found.shape[1] == 2 else found[:, 0]), drawn
    study, _, name = check.readout.partition(".")
    target = load_targets(ids=[study])[0]
    only = [r for r in target.readout if r.id == name]
    if not only:
        raise DataError(f"The target '{study}' has no readout '{name}'.")
    made = prepare_target(target.model_copy(update={"readout": only}), patients=PATIENTS)
    rows, drawn = _drawn([trial.assembly for trial in made.trials.values()], n)
    return made.predict(rows)[:, 0], drawn


def _drawn(assemblies: Sequence[Any], n: int) -> tuple[list[dict[str, float]], dict[str, Array]]:
    """Draws of all that is uncertain in any of the models, as rows and as columns."""
    columns: dict[str, Array] = {}
    for assembly in assemblies:
        table = draws(assembly, n, SEED)
        columns |= {str(key): table[key].to_numpy(dtype=float) for key in table}
    return [{key: float(column[i]) for key, column in columns.items()} for i in range(n)], columns
