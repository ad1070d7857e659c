"""The report of a design: one self-contained HTML page, its tables and its figures."""

from leukinetics.report.design.write import write_design_report

__all__ = ["write_design_report"]
