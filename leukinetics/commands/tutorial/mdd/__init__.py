"""The tutorial of inflammatory depression: clocks, patients, a published trial, open questions, three diseases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leukinetics.commands.tutorial.mdd.courses import clocks, patients
from leukinetics.commands.tutorial.mdd.figures import figures
from leukinetics.commands.tutorial.mdd.predicted import predicted
from leukinetics.commands.tutorial.told import example
from leukinetics.commands.tutorial.tutorial import Tutorial


def _clocks(examples: Path) -> dict[str, Any]:
    return clocks()


def _patients(examples: Path) -> dict[str, Any]:
    return patients()


def _predicted(examples: Path) -> list[dict[str, Any]]:
    return predicted()


TUTORIAL = Tutorial(
    name="mdd",
    parts={
        "clocks": _clocks,
        "patients": _patients,
        "predicted": _predicted,
        "mdd_infliximab": example("mdd_infliximab"),
        "mdd_il6_enriched": example("mdd_il6_enriched"),
        "mdd_addon": example("mdd_addon"),
        "mdd_one_drug_three_diseases": example("mdd_one_drug_three_diseases"),
    },
    derived={},
    figures=figures,
    template=Path(__file__).with_name("page.md.j2"),
)
