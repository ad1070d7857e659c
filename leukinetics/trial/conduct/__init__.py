"""The conduct of a trial: what patients are given and when they leave, and what comes of it."""

from leukinetics.trial.conduct.treat import Treated, treat

__all__ = ["Treated", "treat"]
