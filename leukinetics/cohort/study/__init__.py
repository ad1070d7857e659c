"""The study of a table of biomarkers: all its analyses in one summary, and the files of one."""

from leukinetics.cohort.study.analyse import analyse
from leukinetics.cohort.study.read import read_study
from leukinetics.cohort.study.run import Study, StudyResult, is_study_folder, open_study, run_study
from leukinetics.cohort.study.virtual import study_virtual

__all__ = [
    "Study",
    "StudyResult",
    "analyse",
    "is_study_folder",
    "open_study",
    "read_study",
    "run_study",
    "study_virtual",
]
