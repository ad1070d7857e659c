"""The tutorial of cancer cachexia: one body, published trials, a trial never done and how it is carried out, targets,
what else an arm gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leukinetics.commands.tutorial.cachexia.conduct import conduct, earlier
from leukinetics.commands.tutorial.cachexia.courses import courses
from leukinetics.commands.tutorial.cachexia.figures import figures
from leukinetics.commands.tutorial.cachexia.predicted import predicted
from leukinetics.commands.tutorial.told import example
from leukinetics.commands.tutorial.tutorial import Tutorial


def _courses(examples: Path) -> dict[str, Any]:
    return courses()


def _predicted(examples: Path) -> list[dict[str, Any]]:
    return predicted()


TUTORIAL = Tutorial(
    name="cachexia",
    parts={
        "courses": _courses,
        "predicted": _predicted,
        "cachexia_canakinumab": example("cachexia_canakinumab"),
        "conduct": conduct,
        "earlier": earlier,
        "cachexia_ponsegromab": example("cachexia_ponsegromab"),
        "cachexia_targets": example("cachexia_targets"),
        "cachexia_nutrition": example("cachexia_nutrition"),
    },
    derived={},
    figures=figures,
    template=Path(__file__).with_name("page.md.j2"),
)
