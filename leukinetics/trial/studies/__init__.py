"""Studies of a trial: what its answer owes to what is not known, how large it has to be, what it leans on."""

from leukinetics.trial.studies.power import power
from leukinetics.trial.studies.run import studies
from leukinetics.trial.studies.sensitivity import sensitivity
from leukinetics.trial.studies.uncertainty import uncertainty

__all__ = ["power", "sensitivity", "studies", "uncertainty"]
