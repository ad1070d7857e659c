"""Why too few virtual patients are like a patient: what of the patient is rare, by itself or together with the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.cohort.subtype.weights import weights
from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from leukinetics.cohort.subtype.rows import Rows

    Array = NDArray[np.float64]

#: More virtual patients than this are not proposed.
MOST = 1_000_000


def rare(
    rows: Rows, parts: Mapping[str, Array], measured: Mapping[str, object], known: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Each marker and covariate (``name``) with the effective number of virtual patients that it leaves ``alone``, and
    the number there would be ``without`` it, the most to blame first; of a covariate the share of virtual patients who
    are as far ``out``. ``parts``: log-likelihoods of the rows, by name."""
    zero = np.zeros(len(rows))
    found = []
    for name, own in parts.items():
        others = np.asarray(sum((v for n, v in parts.items() if n != name), start=zero))
        row = {
            "name": name,
            "alone": number(weights(own, rows.prior).effective),
            "without": number(weights(others, rows.prior).effective),
            "out": None,
        }
        if name in known and name not in measured:
            x = rows.column(f"known.{name}")
            row["out"] = number(float(min((x >= known[name]).mean(), (x <= known[name]).mean())))
        found.append(row)
    return sorted(found, key=lambda r: (-(r["without"] or 0.0), r["alone"] or 0.0))


def refusal(effective: float, n: int, least: float, why: Sequence[Mapping[str, Any]]) -> str:
    """What to say of a patient of whom nothing is told."""
    said = (
        f"not estimated: of {n:,} virtual patients only {effective:.2g} effective ones are like this patient, and "
        f"{least:g} are needed"
    )
    check = "Ask"
    if why:
        name, alone, without = str(why[0]["name"]), float(why[0]["alone"] or 0.0), float(why[0]["without"] or 0.0)
        if len(why) > 1:
            said += f"; by {name} alone there would be {_about(alone)}, without it {_about(without)}"
        else:
            said += f": so few have such a value of {name}"
        check = f"Check {name} and its units, or ask"
    if effective < least * n / MOST:
        return f"{said}. {check.removesuffix(', or ask')}: no number of people that can be simulated is enough."
    return f"{said}. {check} for {math.ceil(least / effective)} times as many people."


def _about(n: float) -> str:
    return f"{n:,.0f}" if n >= 10 else f"{n:.2g}"
