"""Tables of virtual patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.patients.build import make_plan
from leukinetics.patients.counters import check_count
from leukinetics.patients.population import Distribution

if TYPE_CHECKING:
    import pandas as pd


def sample(
    assembly: Any,
    n: int,
    seed: int,
    *,
    population: Mapping[str, Any] | None = None,
    typical: Mapping[str, float] | None = None,
    design: str = "random",
    first: int = 0,
) -> pd.DataFrame:
    """Draw ``n`` patients, numbered ``first .. first + n - 1`` (the index, named "patient").

    Columns: covariates, genotypes (0, 1, 2 effect alleles) and model parameters in the units used inside. A
    parameter without spread is no column unless ``typical`` or the population sets it.

    population : covariates over those of the condition, see :mod:`leukinetics.patients.population`.
    typical : typical values that replace the table's, in the units used inside (a row of
        :func:`leukinetics.patients.draws`).
    design : "random": patient i's numbers depend on (seed, i, name of the column) only; "sobol": see
        :func:`leukinetics.patients.latent.latent_normals`.

    Raises DataError for names or numbers that cannot be used.
    """
    import pandas as pd

    plan = make_plan(assembly, population)
    n, first = check_count("The number of patients", n), check_count("The first patient's number", first)
    z = plan.normals(seed, n, first=first, design=design)
    columns = plan.columns(z, [plan.check_typical(typical)])
    index = pd.RangeIndex(first, first + n, name="patient")
    return pd.DataFrame({name: values[0] for name, values in columns.items()}, index=index)


def typical(assembly: Any, population: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The typical patient, one row: every covariate and parameter in its middle, no effect alleles."""
    import pandas as pd

    plan = make_plan(assembly, population)
    middle = replace(
        plan,
        covariates={name: Distribution("constant", d.typical) for name, d in plan.covariates.items()},
        variants=[v if v.fixed is not None else replace(v, fixed=0) for v in plan.variants],
    )
    columns = middle.columns(np.zeros((1, len(middle.names))))
    return pd.DataFrame({n: v[0] for n, v in columns.items()}, index=pd.RangeIndex(1, name="patient"))
