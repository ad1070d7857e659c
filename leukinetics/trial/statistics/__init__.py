"""The statistics of a trial: pure functions of tables of endpoints."""

from leukinetics.trial.statistics.describe import NAMES, Estimate, contrast, estimate, statistic

__all__ = ["NAMES", "Estimate", "contrast", "estimate", "statistic"]
