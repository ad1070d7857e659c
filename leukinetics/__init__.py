"""Leukinetics: the interleukin system of disease, executable.

import leukinetics as lk
model = lk.load_model("model.xml")
result = model.simulate(times, parameters=patients)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from leukinetics.cohort import analyse_cohort, run_cohort
    from leukinetics.patients import describe_population, load_population, save_population
    from leukinetics.trial import Protocol, TrialResult
    from leukinetics.trial.virtual import virtual_patients

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
    "analyse_cohort",
    "condition",
    "describe_population",
    "failures",
    "load_model",
    "load_population",
    "open_trial",
    "read_protocol",
    "run_cohort",
    "run_trial",
    "save_population",
    "to_frame",
    "virtual_patients",
]

#: Where what is not needed at once is imported from.
_LATER = {
    "analyse_cohort": "leukinetics.cohort",
    "describe_population": "leukinetics.patients",
    "load_population": "leukinetics.patients",
    "run_cohort": "leukinetics.cohort",
    "save_population": "leukinetics.patients",
    "virtual_patients": "leukinetics.trial.virtual",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'leukinetics' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_LATER[name]), name)


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


def read_protocol(protocol: str | Path | Mapping[str, Any]) -> Protocol:
    """Read and check a trial's protocol: a TOML file, or its content as a mapping.

    Raises
    ------
    ProtocolError
        With one line per problem, each naming the key.
    """
    from leukinetics.trial import read_protocol as read

    return read(protocol)


def run_trial(
    protocol: str | Path | Mapping[str, Any] | Protocol,
    out: str | Path | None = None,
    typical: Mapping[str, float] | None = None,
    patients: int | None = None,
    threads: int | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    chunk: int | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    report: bool = True,
) -> TrialResult:
    """Run a trial; see :func:`leukinetics.trial.run`. With ``out``, ``report`` also writes its report.html.

    Raises
    ------
    ProtocolError
        If the protocol is malformed, asks for what the model has not, or enrols too few patients.
    DataError
        If ``out`` cannot be written to, or holds something else.
    """
    from leukinetics.trial import run

    options: dict[str, Any] = {} if progress is None else {"progress": progress}
    options |= {"resume": resume, "overwrite": overwrite, "chunk": chunk}
    result = run(protocol, out, typical, patients, threads, **options)
    if report and result.folder is not None and not (result.folder / "report.html").is_file():
        from leukinetics.report.trial import write_report

        write_report(result.folder)
    return result


def open_trial(folder: str | Path) -> TrialResult:
    """Open the folder of a finished trial: its tables, its summary and, with ``.database()``, its files in SQL.

    Raises
    ------
    DataError
        If there is no finished trial, or a file of it cannot be read.
    """
    from leukinetics.trial import open_trial as opened

    return opened(folder)


def condition(name: str, drugs: Sequence[str] = ()) -> Model:
    """The interleukin model of a condition, with drugs: ``condition("healthy", drugs=["canakinumab"])``.

    Raises
    ------
    ModelError
        If there is no such condition or drug, or the model's data cannot be assembled (all problems at once).
    """
    from leukinetics.biology import assemble

    return assemble(name, drugs=drugs).model
