"""Virtual patients: covariates, genotypes, parameters, and the draws of what is uncertain about all of them."""

from leukinetics.patients.build import make_plan
from leukinetics.patients.draws import draws
from leukinetics.patients.labels import Label, covariate_table
from leukinetics.patients.plan import Plan
from leukinetics.patients.population_table import describe_population, load_population, save_population
from leukinetics.patients.sampling import sample, typical
from leukinetics.patients.table_plan import TablePlan

__all__ = [
    "Label",
    "Plan",
    "TablePlan",
    "covariate_table",
    "describe_population",
    "draws",
    "load_population",
    "make_plan",
    "sample",
    "save_population",
    "typical",
]
