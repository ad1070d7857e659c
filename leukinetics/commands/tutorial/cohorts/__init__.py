"""The tutorial of biomarker cohorts: from a laboratory's file to the answer, and to the next study.

``python -m leukinetics.commands.tutorial.cohorts FOLDER`` makes its table again, for the repository in that folder.
"""

from __future__ import annotations

from pathlib import Path

from leukinetics.commands.tutorial.cohorts.figures import figures
from leukinetics.commands.tutorial.cohorts.parts import benefit, design, reading, study, truth, virtual
from leukinetics.commands.tutorial.tutorial import Tutorial

TUTORIAL = Tutorial(
    name="cohorts",
    parts={
        "reading": reading, "study": study, "truth": truth, "virtual": virtual, "benefit": benefit, "design": design,
    },
    derived={},
    figures=figures,
    template=Path(__file__).with_name("page.md.j2"),
)  # fmt: skip
