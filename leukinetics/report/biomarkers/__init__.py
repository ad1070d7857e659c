"""The report of a study of a table of biomarkers: one self-contained HTML page, and its figures."""

from leukinetics.report.biomarkers.write import write_biomarker_report

__all__ = ["write_biomarker_report"]
