"""Tables of biomarkers as laboratories and clinics keep them: reading them, and a dictionary of what they hold."""

from leukinetics.cohort.table.cohort_table import CohortTable
from leukinetics.cohort.table.dictionary import Dictionary
from leukinetics.cohort.table.note import Note

__all__ = ["CohortTable", "Dictionary", "Note"]
