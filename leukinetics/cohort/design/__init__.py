"""How many people a study of a biomarker needs, and what a better assay would save."""

from leukinetics.cohort.design.protocol import DesignProtocol, is_design, read_design
from leukinetics.cohort.design.run import DesignResult, is_design_folder, run_design

__all__ = ["DesignProtocol", "DesignResult", "is_design", "is_design_folder", "read_design", "run_design"]
