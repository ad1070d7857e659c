"""What a laboratory would report of a true value: noise, limits of quantification, and marks where they bite.

A readout without a row in assays.tsv, such as the concentration of most drugs, is reported exactly.
"""

from leukinetics.assays.measure import exact, measure
from leukinetics.assays.measured import Measured
from leukinetics.assays.table import Assay, assay_for, assays

__all__ = ["Assay", "Measured", "assay_for", "assays", "exact", "measure"]
