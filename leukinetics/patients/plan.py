"""How the patients of one assembled model and population are made, worked out once for many draws.

A patient is a set of standard normals, one per name. :class:`Plan` turns them into covariates, genotypes and
parameters, for one set of typical values or for many at once: with the same normals the patients of two
candidates differ by the candidates alone (common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from leukinetics.errors import DataError, suggest
from leukinetics.patients.convert import convert
from leukinetics.patients.genotypes import Variant
from leukinetics.patients.latent import Pair, latent_normals
from leukinetics.patients.parameters import Parameter
from leukinetics.patients.population import Distribution, impossible
from leukinetics.patients.spread import check_typical

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.float64]]


@dataclass
class Plan:
    """Names, distributions and effects, made by :func:`leukinetics.patients.build.make_plan`.

    :meth:`normals` and :meth:`columns` do the work.
    """

    condition: str
    parameters: dict[str, Parameter]
    covariates: dict[str, Distribution]
    covariate_units: dict[str, str]
    derived: str  # "weight" or "bmi" where it follows from the other and height, else ""
    varying: tuple[str, ...]  # parameters with a spread that no covariate replaces
    fixed: dict[str, float]
    variants: list[Variant]
    pairs: list[Pair]
    history: str = ""  # the covariate that says how long ago the disease began, "" where it has no beginning
    onset_age: float = -math.inf  # nobody falls ill younger, in the unit of that covariate
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        drawn = [name for name, d in self.covariates.items() if d.kind != "constant"]
        self.names = (*drawn, *self.varying, *(v.id for v in self.variants if v.fixed is None))

    def normals(self, seed: int, n: int, *, first: int = 0, design: str = "random") -> NDArray[np.float64]:
        """Standard normals (n, names) of patients ``first .. first + n - 1``, see :func:`latent_normals`."""
        return latent_normals(self.names, self.pairs, seed, n, first=first, design=design)

    def columns(self, z: NDArray[np.float64], typical: Sequence[Mapping[str, float]] = ()) -> Columns:
        """Every column of the patients' table, each (candidates, patients).

        ``z`` (patients, names); ``typical``: one mapping per candidate of parameter to typical value in the unit
        used inside (see :meth:`split`); none is a single candidate with the table's values.
        """
        candidates = list(typical) or [{}]
        shape = (len(candidates), len(z))
        place = {name: j for j, name in enumerate(self.names)}

        def normal(name: str) -> NDArray[np.float64]:
            return z[:, place[name]] if name in place else np.zeros(len(z))

        found: Columns = {n: self.covariates[n].at(normal(n)) for n in self.covariates}
        if self.derived:
            height = found["height"] * convert(1.0, self.covariate_units["height"], "m")
            found[self.derived] = found["bmi"] * height**2 if self.derived == "weight" else found["weight"] / height**2
        given = {self.parameter_of(key): key for c in candidates for key in c if not key.startswith("effect:")}
        for name in (*self.varying, *(n for n in given if n not in self.varying and n not in self.covariates)):
            row = self.parameters[name]
            centers = np.array([c.get(given.get(name, name), row.value) for c in candidates])[:, None]
            if row.spread is not None and name in self.varying:
                check_typical(row.spread, centers, f"The parameter '{name}'")
                centers = row.spread.around(centers, normal(name))
            found[name] = centers
        found |= {name: np.array(value) for name, value in self.fixed.items()}
        for variant in self.variants:
            alleles = variant.alleles(normal(variant.id))
            found[variant.id] = alleles
            for name, effect in variant.effects.items():
                effects = np.array([c.get(variant.key(name), effect) for c in candidates])[:, None]
                found[name] = found.get(name, np.array(self.parameters[name].value)) * np.exp(effects * alleles)
        return {name: np.broadcast_to(values, shape) for name, values in found.items()}

    def plausible(self, columns: Columns) -> NDArray[np.bool_]:
        """Which patients could exist, (candidates, patients): numbers finite, covariates and age at onset possible."""
        good = np.ones(next(iter(columns.values())).shape if columns else (1, 1), dtype=bool)
        for name, values in columns.items():
            unit = self.covariate_units.get(name) or (self.parameters[name].unit if name in self.parameters else "")
            good &= np.isfinite(values)
            if name in self.covariate_units:
                good &= ~impossible(name, values, unit)
        if {"age", self.history} <= columns.keys():
            age = columns["age"] * convert(1.0, self.unit_of("age") or "day", self.unit_of(self.history) or "day")
            good &= age - columns[self.history] >= self.onset_age
        return good

    def unit_of(self, name: str) -> str | None:
        """The unit of a covariate, or of a parameter that is a patient's own; None for anything else."""
        row = self.parameters.get(name)
        return self.covariate_units.get(name) or (row.unit if row and "patient" in row.set_by else None)

    def parameter_of(self, key: str) -> str:
        """The parameter that a key of ``typical`` means ("caps.drive_nlrp3" where the condition caps sets it)."""
        return key if key in self.parameters or key.startswith("effect:") else key.rpartition(".")[2]

    def typical_keys(self) -> list[str]:
        """All keys that ``typical`` may have for this model."""
        rows = [f"{p.condition}.{n}" if p.condition else n for n, p in self.parameters.items()]
        return [*rows, *(v.key(name) for v in self.variants for name in v.effects)]

    def split(self, typical: Mapping[str, float]) -> tuple[dict[str, float], list[str]]:
        """(entries that concern this model, names of the others). DataError for a value that is no finite number."""
        known = set(self.typical_keys())
        mine = {}
        for key in typical:
            if key in known:
                mine[key] = _finite(typical[key], key)
        return mine, [key for key in typical if key not in known]

    def check_typical(self, typical: Mapping[str, float] | None) -> dict[str, float]:
        """``typical``, or DataError where it names what this model does not have."""
        mine, others = self.split(typical or {})
        if others:
            row = self.parameters.get(others[0])
            if row and row.condition:
                qualified = f"{row.condition}.{others[0]}"
                raise DataError(f"'{others[0]}' is set by the condition; name its typical value '{qualified}'.")
            raise DataError(
                f"There is no parameter '{others[0]}' to give a typical value.{suggest(others[0], self.typical_keys())}"
            )
        return mine


def _finite(value: Any, key: str) -> float:
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(f"The typical value of '{key}' is {value!r:.40}; it must be a finite number.")
    return number
