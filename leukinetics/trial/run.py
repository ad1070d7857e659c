"""Running a trial from its protocol to its summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from leukinetics.trial.enrol import require_all
from leukinetics.trial.outcome import run_candidates
from leukinetics.trial.prepare import Prepared, patients_per_arm, prepare
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.result import TrialResult, make_result
from leukinetics.trial.store import check_folder, write_trial


def run(
    protocol: str | Path | Mapping[str, Any] | Protocol | Prepared,
    out: str | Path | None = None,
    typical: Mapping[str, float] | None = None,
    patients: int | None = None,
    threads: int | None = None,
) -> TrialResult:
    """Run a trial.

    Parameters
    ----------
    protocol : a TOML file, its content as a mapping, a Protocol, or a trial prepared before.
    out : folder to write the trial's files to, see :func:`leukinetics.trial.store.write_trial`.
    typical : typical values of parameters that replace the table's, in the units used inside (a row of
        :func:`leukinetics.patients.draws`).
    patients : patients per arm, instead of the protocol's.
    threads : threads of the simulation; results do not depend on it.

    A patient that cannot be solved is counted in the summary and left out of the statistics.

    Raises
    ------
    ProtocolError
        If the protocol is malformed, asks for what the model has not, or enrols too few patients.
    DataError
        If ``typical`` names what the model has not, or ``out`` cannot be written to.
    """
    if out is not None:
        check_folder(out)
    prepared = protocol if isinstance(protocol, Prepared) else prepare(protocol)
    if patients is not None:
        prepared = replace(prepared, n=patients_per_arm(patients))
    given = prepared.plan.check_typical(typical)
    outcome = run_candidates(prepared, [given], threads)
    require_all(prepared, outcome.enrolled)
    result = make_result(outcome, given)
    if out is not None:
        write_trial(result, out)
    return result
