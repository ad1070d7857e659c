"""The statistics of a trial: pure functions of tables of endpoints."""

from leukinetics.trial.statistics.describe import NAMES, contrast, estimate, statistic
from leukinetics.trial.statistics.estimates import Estimate

__all__ = ["NAMES", "Estimate", "contrast", "estimate", "statistic"]
