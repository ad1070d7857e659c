"""Cohorts of people in whom a biomarker with a limit of detection is measured: virtual ones, and their analysis."""

from leukinetics.cohort.analyse import analyse_cohort
from leukinetics.cohort.plan import Plan
from leukinetics.cohort.protocol import CohortProtocol
from leukinetics.cohort.read import read_cohort
from leukinetics.cohort.run import CohortResult, run_cohort

__all__ = ["CohortProtocol", "CohortResult", "Plan", "analyse_cohort", "read_cohort", "run_cohort"]
