"""The baseline table: who took part, arm by arm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.trial.statistics.compare import number

if TYPE_CHECKING:
    import pandas as pd

ALLELES = "effect alleles"
_VISITS = {"screening.": " at screening", "baseline.": " at baseline"}


def baseline_table(
    population: pd.DataFrame, described: Sequence[str], units: Mapping[str, str], arms: Sequence[str]
) -> list[dict[str, Any]]:
    """One row for each of the columns ``described`` and of the measurements at screening and baseline.

    ``kind``: "genotype" (unit "effect alleles": ``mean`` is the number of them, ``share`` those who have one),
    "binary" (0 and 1 of no unit: ``share``), else "continuous". ``arms``: of a parallel trial; none: all patients in
    one column. What is 0 in everybody is left out, and a measurement that is the same in all, such as that of a drug
    before treatment, which an assay reports as below its limit.
    """
    measured = [c for c in population.columns if c.startswith(tuple(_VISITS))]
    rows = []
    for name in dict.fromkeys([*(c for c in described if c in population.columns), *measured]):
        values = population[name].to_numpy(dtype=float)
        known = values[np.isfinite(values)]
        if not len(known) or not known.any() or (name in measured and len(known) > 1 and np.ptp(known) == 0):
            continue
        genotype = units.get(name) == ALLELES
        yes_or_no = bool(np.isin(known, (0.0, 1.0)).all()) and units.get(name, "") in ("", "dimensionless")
        kind = "genotype" if genotype else "binary" if yes_or_no else "continuous"
        parts = [("all", values)] if not arms else [(a, values[(population["arm"] == a).to_numpy()]) for a in arms]
        rows.append(
            {
                "name": name,
                "label": _label(name),
                "unit": units.get(name, ""),
                "kind": kind,
                "arms": [{"name": arm, **_described(x, kind)} for arm, x in parts],
            }
        )
    return rows


def _described(values: np.ndarray, kind: str) -> dict[str, Any]:
    x = values[np.isfinite(values)]
    numbers = [math.nan] * 5  # such as a baseline where nobody could be simulated
    if len(x):
        numbers = [x.mean(), x.std(ddof=1) if len(x) > 1 else math.nan, *np.quantile(x, [0.5, 0.25, 0.75])]
    found = dict(zip(("mean", "sd", "median", "q1", "q3"), numbers, strict=True))
    share = float((x > 0).mean()) if len(x) and kind != "continuous" else math.nan
    return {"n": len(x), **{k: number(float(v)) for k, v in found.items()}, "share": number(share)}


def _label(name: str) -> str:
    for prefix, tail in _VISITS.items():
        if name.startswith(prefix):
            return name.removeprefix(prefix).replace("_", " ") + tail
    return name.removesuffix("_covariate").replace("_", " ")
