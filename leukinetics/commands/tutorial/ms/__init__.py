"""The tutorial of multiple sclerosis: a patient, a published trial, open questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leukinetics.commands.tutorial.ms.course import course
from leukinetics.commands.tutorial.ms.figures import figures
from leukinetics.commands.tutorial.published import Row, published
from leukinetics.commands.tutorial.told import example, leans_on
from leukinetics.commands.tutorial.tutorial import Tutorial

IL1 = "ms_anti_il1"
ROWS = (
    Row("AFFIRM", "relapses", "ms_affirm", ("relapses",), "ms_natalizumab", "relapses"),
    Row("AFFIRM", "progression, 12 weeks", "ms_affirm", ("progression",), "ms_natalizumab", "progression"),
    Row("AFFIRM", "new T2 lesions", "ms_affirm", ("t2_natalizumab", "t2_placebo"), "ms_natalizumab", "new_t2_lesions"),
    Row("AFFIRM", "enhancing lesions", "ms_affirm", ("gd_natalizumab", "gd_placebo"), "ms_natalizumab",
        "enhancing_lesions"),
    Row("OPERA", "relapses", "ms_opera", ("arr_ratio",), "ms_ocrelizumab", "relapses"),
    Row("OPERA", "progression, 12 weeks", "ms_opera", ("cdp12_ratio",), "ms_ocrelizumab", "progression_12_weeks"),
    Row("OPERA", "progression, 24 weeks", "ms_opera", ("cdp24_ratio",), "ms_ocrelizumab", "progression_24_weeks"),
    Row("OPERA", "new T2 lesions", "ms_opera", ("t2_opera_1",), "ms_ocrelizumab", "new_t2_lesions"),
    Row("OPERA", "enhancing lesions", "ms_opera", ("gd_ratio",), "ms_ocrelizumab", "enhancing_lesions"),
)  # fmt: skip


def _course(examples: Path) -> dict[str, Any]:
    return course()


TUTORIAL = Tutorial(
    name="ms",
    parts={
        "course": _course,
        "ms_natalizumab": example("ms_natalizumab"),
        "ms_ocrelizumab": example("ms_ocrelizumab", "uncertainty", "subgroup"),
        IL1: example(IL1),
        "ms_neurotrophic": example("ms_neurotrophic"),
        "axons_lean_on": leans_on(IL1, "axons"),
    },
    derived={"published": lambda found: published(found, ROWS)},
    figures=figures,
    template=Path(__file__).with_name("page.md.j2"),
)
