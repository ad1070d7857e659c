"""``leukinetics report``: the report of a finished trial or cohort, written again."""

from __future__ import annotations

from pathlib import Path

from leukinetics.commands.progress import status_line
from leukinetics.report.cohort import write_cohort_report
from leukinetics.report.cohort.folder import is_cohort_folder
from leukinetics.report.trial import write_report


def run(folder: Path) -> Path:
    """Write the report of the trial or cohort in ``folder``; its path. DataError where there is no finished one."""
    with status_line("report") as say:
        say("writing the report")
        return write_cohort_report(folder) if is_cohort_folder(folder) else write_report(folder)
