"""The model as data, and what turns it into one system of equations.

``modules/*.ant`` hold the mechanisms, the tables and ``conditions/*.toml``, ``drugs/*.toml`` everything else; people
who do not program read and change them. :func:`assemble` composes them, :func:`check` says all that is wrong.
"""

from __future__ import annotations

from leukinetics.biology.assemble import assemble
from leukinetics.biology.assembly import Assembly
from leukinetics.biology.check import check
from leukinetics.biology.conditions import ConditionSet
from leukinetics.biology.drug_records import DrugSpec, Regimen
from leukinetics.biology.problems import BiologyError, Problem

__all__ = [
    "Assembly",
    "BiologyError",
    "ConditionSet",
    "DrugSpec",
    "Problem",
    "Regimen",
    "assemble",
    "check",
]
