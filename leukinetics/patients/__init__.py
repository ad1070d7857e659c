"""Virtual patients: covariates, genotypes, parameters, and the draws of what is uncertain about all of them."""

from leukinetics.patients.build import make_plan
from leukinetics.patients.draws import draws
from leukinetics.patients.plan import Plan
from leukinetics.patients.sampling import sample, typical

__all__ = ["Plan", "draws", "make_plan", "sample", "typical"]
