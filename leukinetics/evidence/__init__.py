"""Published results as data, and the virtual trials that are held against them.

A target (``targets/*.toml``) is the protocol of a study, as of a trial file, with its published readouts. Readouts
of role ``calibrate`` may be fitted, those of role ``validate`` never are, those of role ``input`` check what the
tables took from the same source.
"""

from leukinetics.evidence.comparison import Comparison
from leukinetics.evidence.load import TargetError, load_targets, readouts
from leukinetics.evidence.readout import Readout
from leukinetics.evidence.run import PreparedTarget, prepare_target, run_target
from leukinetics.evidence.target import Target
from leukinetics.evidence.validate import Validation, validate

__all__ = [
    "Comparison",
    "PreparedTarget",
    "Readout",
    "Target",
    "TargetError",
    "Validation",
    "load_targets",
    "prepare_target",
    "readouts",
    "run_target",
    "validate",
]
