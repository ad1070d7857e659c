"""The report of a finished cohort: one self-contained HTML page, its tables and its figures."""

from leukinetics.report.cohort.write import write_cohort_report

__all__ = ["write_cohort_report"]
