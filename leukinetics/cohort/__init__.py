"""Cohorts of people in whom a biomarker with a limit of detection is measured: virtual ones, tables of real ones, and
their analysis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from leukinetics.cohort.plan import Plan
from leukinetics.cohort.protocol import CohortProtocol
from leukinetics.cohort.read import read_cohort
from leukinetics.cohort.run import CohortResult, run_cohort

if TYPE_CHECKING:
    import pandas as pd

    from leukinetics.cohort.table import CohortTable, Dictionary

__all__ = ["CohortProtocol", "CohortResult", "Plan", "analyse_cohort", "read_cohort", "run_cohort"]


@overload
def analyse_cohort(table: pd.DataFrame, plan: Plan, /) -> dict[str, Any]: ...


@overload
def analyse_cohort(table: pd.DataFrame, *, plan: Plan) -> dict[str, Any]: ...


@overload
def analyse_cohort(
    table: str | Path | pd.DataFrame | CohortTable,
    dictionary: Dictionary | str | Path | Mapping[str, Any] | None = None,
    *,
    out: str | Path | None = None,
    blind: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]: ...


def analyse_cohort(
    table: str | Path | pd.DataFrame | CohortTable,
    dictionary: Dictionary | Plan | str | Path | Mapping[str, Any] | None = None,
    *,
    plan: Plan | None = None,
    out: str | Path | None = None,
    blind: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Analyse a table of biomarkers of which some are below a limit of detection.

    With a :class:`Plan`, a virtual cohort's people: see :func:`leukinetics.cohort.analyse.analyse_cohort`. Otherwise a
    table of samples, the path of a CSV, TSV, Excel or Parquet file, a DataFrame, or one that was read
    (:func:`leukinetics.cohort.table.read_table`), with the ``dictionary`` of its columns (a TOML file, its content;
    guessed where there is none and that is unambiguous): its summary, see :func:`leukinetics.cohort.study.analyse`.
    ``out``: a folder for its files and ``overwrite``, to replace a study in it; ``blind``: without outcomes.

    DataError tells what is wrong with a table, its dictionary or the folder.
    """
    from leukinetics.cohort.analyse import analyse_cohort as of_plan
    from leukinetics.errors import DataError

    asked = dictionary if isinstance(dictionary, Plan) else plan
    if asked is not None:
        if out is not None or blind:
            raise DataError("A plan is of a virtual cohort's people; 'out' and 'blind' go with a table of samples.")
        return of_plan(table, asked)  # type: ignore[arg-type]
    from leukinetics.cohort.study import run_study

    return run_study(table, dictionary, out, blind=blind, overwrite=overwrite).summary  # type: ignore[arg-type]
