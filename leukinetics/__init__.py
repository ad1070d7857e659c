"""Leukinetics: the interleukin system of disease, executable.

import leukinetics as lk
model = lk.load_model("model.xml")
result = model.simulate(times, parameters=patients)
"""

from __future__ import annotations

from pathlib import Path

from leukinetics.engine.model import Model
from leukinetics.engine.result import failures, to_frame
from leukinetics.engine.run_in import RunIn
from leukinetics.errors import (
    DataError,
    EngineError,
    LeukineticsError,
    ModelError,
    ProtocolError,
    UnsupportedModelError,
)

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "EngineError",
    "LeukineticsError",
    "Model",
    "ModelError",
    "ProtocolError",
    "RunIn",
    "UnsupportedModelError",
    "failures",
    "load_model",
    "to_frame",
]


def load_model(path_or_text: str | Path) -> Model:
    """Read a model from an SBML (Level 1 to 3) or Antimony file, or from the text of one.

    Raises
    ------
    ModelError
        If there is no such file, or it is malformed or inconsistent.
    UnsupportedModelError
        If the model uses a construct that cannot be simulated; names the construct and the line.
    """
    from leukinetics.engine.sbml import read_model

    return Model(read_model(path_or_text))
