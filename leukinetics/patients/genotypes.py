"""Genotypes: counts of the effect allele in Hardy-Weinberg equilibrium, and what they do.

A variant acts on parameters of production or binding only: ``parameter * exp(alleles * effect)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr

from leukinetics.errors import DataError, suggest
from leukinetics.patients.parameters import Parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANCESTRIES = ("EUR", "EAS", "AFR")


@dataclass(frozen=True)
class Variant:
    """A variant: frequency of its effect allele, effect (ln, per allele) by parameter, or a fixed allele count."""

    id: str
    frequency: float
    effects: Mapping[str, float]
    fixed: int | None = None

    def alleles(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Allele counts 0, 1, 2 at standard normals ``z``: probabilities (1-p)^2, 2p(1-p), p^2."""
        if self.fixed is not None:
            return np.full(z.shape, float(self.fixed))
        u, p = ndtr(z), self.frequency
        return np.asarray((u >= (1 - p) ** 2).astype(float) + (u >= 1 - p**2))

    def key(self, parameter: str) -> str:
        """The name of the effect on ``parameter`` among typical values."""
        return f"effect:{self.id}:{parameter}"


def read_variants(table: Any, rows: Mapping[str, Parameter], ancestry: str, fixed: Mapping[str, Any]) -> list[Variant]:
    """The variants of ``assembly.genotypes`` that act on parameters ``rows``.

    Raises DataError for an unknown ancestry or variant, an allele count other than 0, 1, 2, and a frequency
    that the table lacks for this ancestry.
    """
    if ancestry not in ANCESTRIES:
        raise DataError(f"The ancestry '{ancestry}' is unknown; it must be one of {', '.join(ANCESTRIES)}.")
    known = list(dict.fromkeys(map(str, table["variant"])))
    for name, count in fixed.items():
        if name not in known:
            raise DataError(f"The population fixes the genotype '{name}', which is unknown.{suggest(name, known)}")
        if isinstance(count, bool) or count not in (0, 1, 2):
            raise DataError(f"The population fixes '{name}' at {count!r}; a person has 0, 1 or 2 effect alleles.")
    found = []
    for name in known:
        part = table[table["variant"] == name]
        effects = {
            str(p): float(e) for p, e in zip(part["parameter"], part["effect_per_allele"], strict=True) if p in rows
        }
        frequency = float(part[f"frequency_{ancestry}"].iloc[0])
        if not effects:
            continue
        if name not in fixed and not 0 <= frequency <= 1:
            raise DataError(
                f"genotypes.tsv has no frequency of '{name}' for the ancestry {ancestry}; fix its genotype."
            )
        found.append(Variant(name, frequency, effects, None if name not in fixed else int(fixed[name])))
    return found
