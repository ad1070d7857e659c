"""The report of a predicted benefit: one self-contained HTML page, its tables and its figures."""

from leukinetics.report.benefit.write import write_benefit_report

__all__ = ["write_benefit_report"]
