"""``leukinetics report``: the report of a finished trial, written again."""

from __future__ import annotations

from pathlib import Path

from leukinetics.commands.progress import status_line
from leukinetics.report.trial import write_report


def run(folder: Path) -> Path:
    """Write the report of the trial in ``folder``; its path. DataError where there is no finished trial."""
    with status_line("report") as say:
        say("writing the report")
        return write_report(folder)
