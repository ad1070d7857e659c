"""Who is inflammatory, how sure that is, and what a therapy would do for whom.

Rules (:mod:`.thresholds`), classes of a mixture on censored values (:mod:`.classes`), agreement of definitions
(:mod:`.agreement`), their stability (:mod:`.stability`), and the benefit of a therapy that the model predicts for a
patient's markers (:mod:`.benefit`).
"""

from leukinetics.cohort.subtype.agreement import agreement, agreements
from leukinetics.cohort.subtype.benefit import predict, predict_rows
from leukinetics.cohort.subtype.benefit_protocol import BenefitProtocol, is_benefit, read_benefit
from leukinetics.cohort.subtype.classes import candidates, classes
from leukinetics.cohort.subtype.mixture import Mixture, fit, posterior
from leukinetics.cohort.subtype.run import BenefitResult, is_benefit_folder, predicted_benefit
from leukinetics.cohort.subtype.stability import another_sample, stability
from leukinetics.cohort.subtype.thresholds import Rule, apply, shares
from leukinetics.cohort.subtype.virtual import VirtualPatients, virtual_patients
from leukinetics.cohort.subtype.whole import subtypes

__all__ = [
    "BenefitProtocol",
    "BenefitResult",
    "Mixture",
    "Rule",
    "VirtualPatients",
    "agreement",
    "agreements",
    "another_sample",
    "apply",
    "candidates",
    "classes",
    "fit",
    "is_benefit",
    "is_benefit_folder",
    "posterior",
    "predict",
    "predict_rows",
    "predicted_benefit",
    "read_benefit",
    "shares",
    "stability",
    "subtypes",
    "virtual_patients",
]
