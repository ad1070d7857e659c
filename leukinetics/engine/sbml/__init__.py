"""Reading SBML (Level 1 to 3) and Antimony into an :class:`~leukinetics.engine.system.OdeSystem`."""

from leukinetics.engine.sbml.read import read_model

__all__ = ["read_model"]
