"""What a drug file may say, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from leukinetics.biology.dimensions import DAY, LITRE, MG, NONE, Dimension
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.problems import Place

ROUTES = ("iv", "sc", "im", "po", "inhaled", "intranasal", "intrathecal")
STRUCTURES = ("none", "one_compartment", "two_compartment")
ELIMINATION = ("linear", "michaelis_menten", "time_dependent")
MODES = ("neutralises", "blocks", "inhibits", "agonist")
MODALITIES = ("antibody", "fusion_protein", "protein", "small_molecule")
FORMS = ("power", "exponential", "linear")
AFFINITIES = ("KD", "EC50", "IC50")
RATE = NONE / DAY
#: Parameters of the kinetics and the dimension of each; ka and F may also be given by route (``ka_po``, ``F_sc``).
KINETICS: dict[str, Dimension] = {
    "CL": LITRE / DAY, "V": LITRE, "V1": LITRE, "V2": LITRE, "Q": LITRE / DAY, "ka": RATE, "F": NONE,
    "Vm": MG / DAY, "Km": MG / LITRE, "CL_t": LITRE / DAY, "halflife_CL_t": DAY,
}  # fmt: skip


@dataclass(frozen=True)
class Covariate:
    """How a parameter p depends on a covariate x.

    ``form``: power p (x/ref)^c, exponential p exp(c (x - ref)), linear p (1 + c (x - ref)).
    """

    parameter: str
    covariate: str
    form: str
    reference: Parameter
    coefficient: Parameter


@dataclass(frozen=True)
class Binding:
    """One molecular target with its affinity (KD, EC50 or IC50) and the sites where the drug meets it."""

    target: str
    mode: str
    sites: tuple[str, ...]
    tissue_source: str
    affinity: Parameter
    place: Place


@dataclass(frozen=True)
class Regimen:
    """A usual dosing: texts of quantities ("150 mg", "8 week"), empty where not given."""

    name: str
    amount: str
    route: str
    every: str
    duration: str
    cap: str
    count: int | None
    source: str
    note: str


@dataclass
class DrugFile:
    """Everything that a drug file says; ``parameters`` and ``named`` (those that the file names) by short name."""

    id: str
    name: str
    entity: str
    modality: str
    molar_mass: float | None
    note: str
    structure: str
    routes: tuple[str, ...]
    elimination: tuple[str, ...]
    place: Place
    named: set[str] = field(default_factory=set)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    covariates: list[Covariate] = field(default_factory=list)
    correlations: list[dict[str, Any]] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    supplies: tuple[str, ...] = ()
    is_supply: bool = False  # whether the file has [[supplies]], readable or not
    regimens: tuple[Regimen, ...] = ()
