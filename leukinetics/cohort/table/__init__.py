"""Tables of biomarkers as laboratories and clinics keep them: reading them, and a dictionary of what they hold."""

from leukinetics.cohort.table.cohort_table import CohortTable
from leukinetics.cohort.table.dictionary import Dictionary
from leukinetics.cohort.table.dictionary_file import dictionary_toml, read_dictionary
from leukinetics.cohort.table.files import is_table
from leukinetics.cohort.table.note import Note
from leukinetics.cohort.table.read import guess, guess_toml, read_table

__all__ = [
    "CohortTable",
    "Dictionary",
    "Note",
    "dictionary_toml",
    "guess",
    "guess_toml",
    "is_table",
    "read_dictionary",
    "read_table",
]
