"""The folder of a design, as the report reads it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukinetics.cohort.design import DesignProtocol, read_design
from leukinetics.cohort.design.protocol import Area, Detection, LevelQuestion, Prognosis, Rate
from leukinetics.errors import DataError, LeukineticsError
from leukinetics.report.trial.names import plain
from leukinetics.trial.store import PROTOCOL, PROVENANCE, SUMMARY, read_json

Row = Mapping[str, Any]
Question = Detection | LevelQuestion | Area | Prognosis | Rate


@dataclass(frozen=True)
class FinishedDesign:
    """What the folder of a design holds; ``questions``: each as it was asked, with its answer."""

    folder: Path
    protocol: DesignProtocol
    summary: dict[str, Any]
    provenance: dict[str, Any]
    questions: list[tuple[Question, Row]]

    @property
    def levels(self) -> list[tuple[LevelQuestion, Row]]:
        """Those about levels."""
        return [(q, r) for q, r in self.questions if isinstance(q, LevelQuestion)]


def open_design(folder: str | Path) -> FinishedDesign:
    """Open a finished design. DataError where there is none, or a file is damaged."""
    path = Path(folder)
    try:
        protocol = read_design(tomllib.loads((path / PROTOCOL).read_text(encoding="utf-8")))
        summary, made = read_json(path / SUMMARY), read_json(path / PROVENANCE)
        by = {q["id"]: q for q in summary["questions"]}
        questions = [(q, by[q.id]) for q in protocol.questions]
    except FileNotFoundError as error:
        name = Path(error.filename or SUMMARY).name
        raise DataError(f"'{path}' holds no finished design: '{name}' is missing.") from None
    except (OSError, ValueError, KeyError, TypeError, LeukineticsError) as error:
        raise DataError(f"The design in '{path}' cannot be read: {plain(error)}.") from error
    return FinishedDesign(path, protocol, summary, made, questions)
