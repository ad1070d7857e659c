"""What a drug file may say, what it adds to a model, and a drug as users of the model see it: plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from leukinetics.biology.dimensions import DAY, LITRE, MG, NONE, Dimension
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.problems import Place
from leukinetics.biology.statements import Statement

ROUTES = ("iv", "sc", "im", "po", "inhaled", "intranasal", "intrathecal", "session", "diet")
#: Routes into the CSF, and those without a depot; a session of exercise and a diet go into what they supply.
CSF_ROUTES, STRAIGHT = ("intrathecal", "intranasal"), ("iv", "intrathecal", "session", "diet")
STRUCTURES = ("none", "one_compartment", "two_compartment")
ELIMINATION = ("linear", "michaelis_menten", "time_dependent")
MODES = ("neutralises", "blocks", "inhibits", "agonist")
MODALITIES = ("antibody", "fusion_protein", "protein", "small_molecule", "behaviour")
FORMS = ("power", "exponential", "linear")
#: How the symbols of enzymes' activities end.
ACTIVITY = "_activity"
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
class Enzyme:
    """An enzyme that carries the share ``fraction`` of CL, which is multiplied by 1 + fraction (activity - 1).

    ``activity``: the symbol of the model, 1 in health.
    """

    activity: str
    fraction: Parameter


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
    """Everything that a drug file says; ``parameters`` and ``named`` (those that the file names) by short name.

    ``structure`` is empty where the file gives none that can be built.
    """

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
    enzymes: list[Enzyme] = field(default_factory=list)
    correlations: list[dict[str, Any]] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    supplies: tuple[str, ...] = ()
    counts: str = ""  # what one of the species that it supplies stands for ("h", "kcal"), if that is a plain number
    is_supply: bool = False  # whether the file has [[supplies]], readable or not
    regimens: tuple[Regimen, ...] = ()


@dataclass(frozen=True)
class DrugSpec:
    """A drug of an assembled model.

    ``route_target``: route -> species that a dose goes into, in ``amount_unit`` ("mg", "pmol" or "mg/kg").
    ``molar_mass`` in g/mol or None. ``binds``: port of the model -> target. ``plasma`` is the symbol of the plasma
    concentration ("" for a drug that supplies a species of the model).
    """

    id: str
    name: str
    entity: str
    modality: str
    molar_mass: float | None
    amount_unit: str
    route_target: dict[str, str]
    regimens: tuple[Regimen, ...]
    plasma: str
    binds: dict[str, str]
    note: str
    file: str


@dataclass
class Emitted:
    """What a drug adds to a model: statements, parameters, and a term for each port."""

    drug: DrugFile
    statements: list[Statement] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    ports: dict[str, str] = field(default_factory=dict)  # port -> term
    route_target: dict[str, str] = field(default_factory=dict)

    def spec(self, amount_unit: str, targets: dict[str, str]) -> DrugSpec:
        """The drug as users of the model see it; ``targets``: port -> target."""
        d = self.drug
        return DrugSpec(
            d.id, d.name, d.entity, d.modality, d.molar_mass, amount_unit, dict(self.route_target), d.regimens,
            "" if d.supplies else f"{d.id}_central", {port: targets[port] for port in self.ports}, d.note, d.place.file,
        )  # fmt: skip
