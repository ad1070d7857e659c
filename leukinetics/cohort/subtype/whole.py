"""All that is said about the subtypes of a cohort: rules, classes of each marker, their stability and agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.agreement import agreements
from leukinetics.cohort.subtype.classes import MOST, candidates, chosen, classes, named
from leukinetics.cohort.subtype.mixture import posterior
from leukinetics.cohort.subtype.stability import stability
from leukinetics.cohort.subtype.thresholds import Rule, apply, shares
from leukinetics.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.values import Censored

    Array = NDArray[np.float64]

#: Mixtures of more people are fitted to so many of them, picked by the seed: more would tell nothing else.
MOST_FITTED = 20_000
#: Resamples of the test and of the stability.
RESAMPLES = 49


def subtypes(
    markers: Mapping[str, Censored],
    *,
    rules: Sequence[Rule] = (),
    groups: NDArray[Any] | None = None,
    most: int = MOST,
    resamples: int = RESAMPLES,
    seed: int = 1,
    alpha: float = 0.05,
) -> dict[str, Any]:
    """The subtypes of people (rows of all ``markers``).

    ``rules``: the rows of :func:`.thresholds.shares`; ``classes``: of each marker, by ``marker``, what
    :func:`.classes.classes` tells, without everybody's probabilities, and ``stability`` where there are two classes or
    more; a marker that cannot be fitted has a ``note`` and nothing else; ``definitions``: each rule, and the highest
    class of each marker that has several, with how many people are in it; ``agreement`` of these, where there are two.
    """
    definitions = {rule.name: apply(rule, markers) for rule in rules}
    rows = []
    for name, x in markers.items():
        row: dict[str, Any] = {"marker": name, "unit": x.unit}
        use, said = _some(x, seed)
        try:
            fits = candidates([use], most, seed)
            found = classes([use], most=most, seed=seed, resamples=resamples, fits=fits)
        except DataError as error:
            rows.append(row | {"note": f"not estimated: {error}"})
            continue
        best = chosen(fits)
        del found["probability"]
        found["stability"] = None
        if best.classes > 1:
            kept = stability([use], best, resamples=resamples, alpha=alpha, seed=seed)
            del kept["kept"]
            found["stability"] = kept
            p = posterior([x], best)
            top = named(best.classes)[-1]
            definitions[f"{name}, class {top}"] = np.where(
                np.isnan(p[:, -1]), np.nan, (p.argmax(axis=1) == best.classes - 1).astype(float)
            )
        found["note"] = "; ".join(v for v in (found["note"], said) if v) or None
        rows.append(row | found)
    return {
        "rules": shares(rules, markers, groups, alpha) if rules else [],
        "classes": rows,
        "definitions": [
            {"name": name, "n": int(np.isfinite(v).sum()), "in": int(np.nansum(v))} for name, v in definitions.items()
        ],
        "agreement": agreements(definitions, alpha=alpha, seed=seed) if len(definitions) > 1 else None,
    }


def _some(x: Censored, seed: int) -> tuple[Censored, str]:
    """The measured rows, at most as many as are fitted; and what was done, in words."""
    rows = np.flatnonzero(x.measured)
    if len(rows) <= MOST_FITTED:
        return x.take(rows), ""
    pick = np.sort(np.random.default_rng([seed, 20]).choice(rows, MOST_FITTED, replace=False))
    return x.take(pick), f"classes are fitted to {MOST_FITTED:,} of {len(rows):,} people, picked at random"
