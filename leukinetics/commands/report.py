"""``leukinetics report``: the report of a finished trial, cohort, study, predicted benefit or design, written again."""

from __future__ import annotations

from pathlib import Path

from leukinetics.cohort.design import is_design_folder
from leukinetics.cohort.study import is_study_folder
from leukinetics.cohort.subtype import is_benefit_folder
from leukinetics.commands.progress import status_line
from leukinetics.report.benefit import write_benefit_report
from leukinetics.report.biomarkers import write_biomarker_report
from leukinetics.report.cohort import write_cohort_report
from leukinetics.report.cohort.folder import is_cohort_folder
from leukinetics.report.design import write_design_report
from leukinetics.report.trial import write_report


def run(folder: Path) -> Path:
    """Write the report of what is in ``folder``; its path. DataError where there is none that is finished."""
    with status_line("report") as say:
        say("writing the report")
        if is_study_folder(folder):
            return write_biomarker_report(folder)
        if is_benefit_folder(folder):
            return write_benefit_report(folder)
        if is_design_folder(folder):
            return write_design_report(folder)
        return write_cohort_report(folder) if is_cohort_folder(folder) else write_report(folder)
