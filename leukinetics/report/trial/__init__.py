"""The report of a finished trial."""

from leukinetics.report.trial.write import write_report

__all__ = ["write_report"]
