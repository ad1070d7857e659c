"""Trials: a protocol, virtual patients under its arms, endpoints and their statistics."""

from leukinetics.trial.database import database
from leukinetics.trial.outcome import Outcome, run_candidates
from leukinetics.trial.prepare import Prepared, prepare
from leukinetics.trial.protocol import Protocol
from leukinetics.trial.read import read_protocol
from leukinetics.trial.result import TrialResult, open_trial
from leukinetics.trial.run import run

__all__ = [
    "Outcome",
    "Prepared",
    "Protocol",
    "TrialResult",
    "database",
    "open_trial",
    "prepare",
    "read_protocol",
    "run",
    "run_candidates",
]
