"""A drug file, read and checked: pharmacokinetics, binding, distribution, supplies and regimens, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leukinetics.biology.dimensions import DAY, KG, LITRE, MG, NONE, Dimension, parse_unit
from leukinetics.biology.entities import Entity
from leukinetics.biology.folder import Biology
from leukinetics.biology.parameters import FIELDS, Parameter, make_parameter
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.records import SITES
from leukinetics.biology.tables import Toml
from leukinetics.errors import DataError, suggest

ROUTES = ("iv", "sc", "im", "po", "inhaled", "intranasal", "intrathecal")
STRUCTURES = ("none", "one_compartment", "two_compartment")
ELIMINATION = ("linear", "michaelis_menten", "time_dependent")
MODES = ("neutralises", "blocks", "inhibits", "agonist")
MODALITIES = ("antibody", "fusion_protein", "protein", "small_molecule")
FORMS = ("power", "exponential", "linear")
AFFINITIES = ("KD", "EC50", "IC50")
_RATE = NONE / DAY
#: Parameters of the kinetics and the dimension of each.
KINETICS: dict[str, Dimension] = {
    "CL": LITRE / DAY, "V": LITRE, "V1": LITRE, "V2": LITRE, "Q": LITRE / DAY, "ka": _RATE, "F": NONE,
    "Vm": MG / DAY, "Km": MG / LITRE, "CL_t": LITRE / DAY, "halflife_CL_t": DAY,
}  # fmt: skip
_TOP = ("id", "name", "entity", "modality", "note", "pk", "binding", "distribution", "supplies", "regimen")
_PK = ("structure", "input", "elimination", "note", "parameters", "covariate", "correlation")
_BINDING = ("target", "mode", "sites", "tissue_source", "note", *AFFINITIES)
_DISTRIBUTION = ("csf_ratio", "csf_rate", "note")
_REGIMEN = ("name", "amount", "route", "every", "duration", "count", "cap", "source", "note")


@dataclass(frozen=True)
class Covariate:
    """``parameter`` depends on ``covariate``: power p (x/ref)^c, exponential p exp(c (x-ref)), linear p (1+c (x-ref))."""

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
    """Everything that a drug file says, with parameters named ``<drug>_<name>``."""

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
    parameters: dict[str, Parameter] = field(default_factory=dict)  # by short name
    covariates: list[Covariate] = field(default_factory=list)
    correlations: list[dict[str, Any]] = field(default_factory=list)
    bindings: list[Binding] = field(default_factory=list)
    supplies: tuple[str, ...] = ()
    regimens: tuple[Regimen, ...] = ()


class DrugReader:
    """Reads one drug file against the tables of its folder."""

    def __init__(self, document: Toml, biology: Biology, problems: Problems) -> None:
        self.document, self.biology, self.problems = document, biology, problems
        self.content = document.content
        self.stem = document.file.rpartition("/")[2].rpartition(".")[0]

    def read(self) -> DrugFile:
        """The drug; whatever is wrong has become a problem."""
        content = self.content
        self._known(content, _TOP, "a drug file describes pharmacokinetics, binding, distribution and doses only")
        entity = self._entity()
        pk = self._table("pk")
        self._known(pk, _PK, "", "pk")
        drug = DrugFile(
            str(content.get("id", self.stem)),
            str(content.get("name", "")),
            str(content.get("entity", "")),
            self._choice(content.get("modality"), MODALITIES, "modality"),
            None if entity is None else entity.molar_mass,
            str(content.get("note", "")),
            self._choice(pk.get("structure"), STRUCTURES, "pk", "structure"),
            self._choices(pk.get("input"), ROUTES, "pk", "input"),
            self._choices(pk.get("elimination", []), ELIMINATION, "pk", "elimination"),
            self.document.place("id"),
        )
        if not re.fullmatch(r"[a-z]\w*", drug.id):
            self._add(f"the id '{drug.id}' must be lower-case letters, digits and '_'.", "", "id")
        self.drug, self.entity = drug, entity
        self._parameters(pk)
        self._covariates(pk)
        self._correlations(pk)
        self._bindings()
        self._distribution()
        self._supplies()
        self._regimens()
        return drug

    # ---- small checks --------------------------------------------------------------------------------

    def _add(self, message: str, suggestion: str, *path: str | int) -> None:
        self.problems.add(self.document.place(*path), message, suggestion)

    def _known(self, table: Mapping[str, Any], known: tuple[str, ...], why: str, *path: str | int) -> None:
        for key in table:
            if key in known:
                continue
            message = f"'{key}' is unknown in {'a drug file' if not path else f'[{_dotted(path)}]'}"
            if why and key in self._outcomes():
                message = f"a drug file must not name '{key}', an outcome of the model: {why}"
            elif why:
                message += f": {why}"
            self._add(f"{message}.", suggest(key, known), *path, key)

    def _outcomes(self) -> set[str]:
        return {
            *self.biology.readouts,
            *self.biology.conditions,
            "effect",
            "effects",
            "endpoint",
            "endpoints",
            "disease",
        }

    def _table(self, *path: str | int) -> dict[str, Any]:
        value: Any = self.content
        for key in path:
            value = value.get(key, {}) if isinstance(value, dict) else value[key]
        if isinstance(value, dict):
            return value
        self._add(f"'{_dotted(path)}' must be a table.", "", *path)
        return {}

    def _tables(self, *path: str) -> list[dict[str, Any]]:
        value: Any = self.content
        for key in path:
            value = value.get(key, []) if isinstance(value, dict) else []
        if isinstance(value, list) and all(isinstance(v, dict) for v in value):
            return value
        self._add(f"'{_dotted(path)}' must be written as [[{_dotted(path)}]].", "", *path)
        return []

    def _choice(self, value: Any, known: tuple[str, ...], *path: str | int) -> str:
        if value in known:
            return str(value)
        what = "is missing" if value is None else f"is '{value}'"
        self._add(f"'{_dotted(path)}' {what}; it is one of {', '.join(known)}.", suggest(str(value), known), *path)
        return known[0]

    def _choices(self, value: Any, known: tuple[str, ...], *path: str | int) -> tuple[str, ...]:
        if not isinstance(value, list):
            self._add(f"'{_dotted(path)}' must be a list out of {', '.join(known)}.", "", *path)
            return ()
        return tuple(self._choice(v, known, *path) for v in value)

    def _entity(self) -> Entity | None:
        name = self.content.get("entity")
        entity = self.biology.entities.get(str(name))
        if entity is None:
            self._add(
                f"the entity '{name}' is not in entities.tsv." if name else "the drug names no entity.",
                suggest(str(name), self.biology.entities),
                "entity",
            )
        return entity

    def _parameter(self, name: str, table: Any, dimension: Dimension | None, *path: str | int) -> Parameter | None:
        if not isinstance(table, dict):
            self._add(f"'{_dotted(path)}' must be a table with value, unit, kind and source.", "", *path)
            return None
        self._known(table, FIELDS, "", *path)
        made = make_parameter(
            f"{self.drug.id}_{name}", table, lambda key: self.document.place(*path, key), self.problems,
            self.entity, owner=self.drug.id, mass_of=self.entity or _unknown(self.drug),
        )  # fmt: skip
        if made is not None and dimension is not None and made.dimension != dimension:
            self._add(
                f"'{made.id}' is in {made.published_unit}, which is {made.dimension}; expected a unit like {dimension}.",
                "", *path, "unit",
            )  # fmt: skip
            return None
        return made

    # ---- parts ---------------------------------------------------------------------------------------

    def _parameters(self, pk: Mapping[str, Any]) -> None:
        names = {*KINETICS, *(f"{p}_{route}" for p in ("ka", "F") for route in self.drug.routes)}
        for name in pk.get("parameters", {}):
            path = ("pk", "parameters", name)
            if name not in names:
                self._add(f"'{name}' is no parameter of the kinetics.", suggest(name, names), *path)
                continue
            dimension = KINETICS[name if name in KINETICS else name.partition("_")[0]]
            made = self._parameter(name, pk["parameters"][name], dimension, *path)
            if made is not None:
                self.drug.parameters[name] = made

    def _covariates(self, pk: Mapping[str, Any]) -> None:
        known = [p.id for p in self.biology.parameters.values() if "patient" in p.set_by]
        for i, table in enumerate(self._tables("pk", "covariate")):
            path = ("pk", "covariate", i)
            self._known(table, ("parameter", "covariate", "form", "reference", "coefficient", "note"), "", *path)
            form = self._choice(table.get("form"), FORMS, *path, "form")
            parameter, covariate = str(table.get("parameter")), str(table.get("covariate"))
            if parameter not in pk.get("parameters", {}):
                self._add(f"a covariate acts on '{parameter}', which the drug does not have.",
                          suggest(parameter, pk.get("parameters", {})), *path, "parameter")  # fmt: skip
                continue
            if covariate not in known:
                self._add(f"'{covariate}' is no covariate (a parameter that patients set).",
                          suggest(covariate, known), *path, "covariate")  # fmt: skip
                continue
            x = self.biology.parameters[covariate].dimension
            name = f"{parameter}_{covariate}"
            coefficient = self._parameter(
                name, table.get("coefficient"), NONE if form == "power" else NONE / x, *path, "coefficient"
            )
            reference = table.get("reference")
            if coefficient is None or not isinstance(reference, dict):
                if not isinstance(reference, dict):
                    self._add("the covariate has no reference = {value = ..., unit = ...}.", "", *path)
                continue
            provenance = {"kind": coefficient.kind, "source": coefficient.source,
                          "prior": reference.get("value") if coefficient.kind == "calibrated" else "",
                          "note": f"reference of {coefficient.id}"}  # fmt: skip
            if coefficient.kind == "calibrated":
                provenance |= {"kind": "derived", "prior": ""}
            fixed = self._parameter(f"{name}_ref", provenance | reference, x, *path, "reference")
            if fixed is not None:
                self.drug.covariates.append(Covariate(parameter, covariate, form, fixed, coefficient))

    def _correlations(self, pk: Mapping[str, Any]) -> None:
        for i, table in enumerate(self._tables("pk", "correlation")):
            path = ("pk", "correlation", i)
            self._known(table, ("a", "b", "rho", "source", "note"), "", *path)
            rho = table.get("rho")
            if not isinstance(rho, (int, float)) or not -1 <= rho <= 1:
                self._add(f"rho is '{rho}'; it lies between -1 and 1.", "", *path, "rho")
                continue
            ends = [str(table.get("a")), str(table.get("b"))]
            for end in ends:
                if end not in pk.get("parameters", {}):
                    self._add(f"a correlation names '{end}', which the drug does not have.",
                              suggest(end, pk.get("parameters", {})), *path)  # fmt: skip
            if all(end in self.drug.parameters for end in ends):
                a, b = (f"{self.drug.id}_{end}" for end in ends)
                self.drug.correlations.append(
                    {"a": a, "b": b, "rho": float(rho), "source": str(table.get("source", ""))}
                )

    def _bindings(self) -> None:
        targets: dict[str, list[str]] = {}
        for target, site in self.biology.targets:
            targets.setdefault(target, []).append(site)
        tables = self._tables("binding")
        repeated = [t.get("target") for t in tables]
        for i, table in enumerate(tables):
            path = ("binding", i)
            self._known(table, _BINDING, "", *path)
            target = str(table.get("target"))
            if target not in targets:
                kind = "a readout" if target.lower() in self.biology.readouts else (
                    "a condition" if target.lower() in self.biology.conditions else "")  # fmt: skip
                message = (
                    f"'{target}' is {kind}, not a molecular target" if kind else f"the target '{target}' is unknown"
                )
                self._add(
                    f"{message}; targets.tsv lists the targets that a drug may bind.",
                    suggest(target, targets),
                    *path,
                    "target",
                )
                continue
            mode = self._choice(table.get("mode"), MODES, *path, "mode")
            sites = self._choices(table.get("sites"), SITES, *path, "sites")
            for site in sites:
                if site not in targets[target]:
                    self._add(
                        f"{target} has no site '{site}'; it has {', '.join(targets[target])}.", "", *path, "sites"
                    )
            source = str(table.get("tissue_source", "peripheral"))
            if source not in ("peripheral", "central"):
                self._add(f"tissue_source is '{source}'; it is 'peripheral' or 'central'.", "", *path, "tissue_source")
            given = [key for key in AFFINITIES if key in table]
            if len(given) != 1:
                self._add(f"the binding to {target} needs one of {', '.join(AFFINITIES)}.", "", *path)
                continue
            where = f"_{'_'.join(sites)}" if repeated.count(target) > 1 else ""
            name = f"{given[0]}_{target.lower()}{where}"
            affinity = self._parameter(name, table[given[0]], MG / LITRE, *path, given[0])
            if affinity is not None:
                usable = tuple(s for s in sites if s in targets[target])
                self.drug.bindings.append(Binding(target, mode, usable, source, affinity, self.document.place(*path)))

    def _distribution(self) -> None:
        table = self._table("distribution")
        self._known(table, _DISTRIBUTION, "", "distribution")
        for name, dimension in (("csf_ratio", NONE), ("csf_rate", _RATE)):
            if name in table:
                made = self._parameter(name, table[name], dimension, "distribution", name)
                if made is not None:
                    self.drug.parameters[name] = made

    def _supplies(self) -> None:
        species = {s.name for m in self.biology.modules.values() for s in m.statements if s.kind == "species"}
        found = []
        for i, table in enumerate(self._tables("supplies")):
            self._known(table, ("species", "note"), "", "supplies", i)
            name = str(table.get("species"))
            if name not in species:
                self._add(
                    f"the drug supplies '{name}', which is no species of the model.",
                    suggest(name, species),
                    "supplies",
                    i,
                    "species",
                )
            else:
                found.append(name)
        if len(found) > 1:
            self._add("a drug supplies one species.", "", "supplies", 1)
        self.drug.supplies = tuple(found[:1])

    def _regimens(self) -> None:
        made = []
        for i, table in enumerate(self._tables("regimen")):
            path = ("regimen", i)
            self._known(table, _REGIMEN, "", *path)
            texts = {key: self._quantity(table, key, *path) for key in ("amount", "every", "duration", "cap")}
            if not table.get("amount"):
                self._add("the regimen has no amount.", "", *path)
            route = str(table.get("route"))
            if route not in self.drug.routes:
                self._add(
                    f"the route '{route}' is not among the drug's inputs ({', '.join(self.drug.routes)}).",
                    suggest(route, self.drug.routes),
                    *path,
                    "route",
                )
            if not table.get("source"):
                self._add("the regimen has no source.", "", *path)
            made.append(
                Regimen(
                    str(table.get("name", "")), texts["amount"], route, texts["every"], texts["duration"], texts["cap"],
                    table.get("count"), str(table.get("source", "")), str(table.get("note", "")),
                )
            )  # fmt: skip
        self.drug.regimens = tuple(made)

    def _quantity(self, table: Mapping[str, Any], key: str, *path: str | int) -> str:
        entry = table.get(key)
        if entry is None:
            return ""
        wanted = (MG, MG / KG, NONE, parse_unit("pmol").dimension) if key in ("amount", "cap") else (DAY,)
        try:
            value, unit = float(entry["value"]), str(entry["unit"])
            if parse_unit(unit).dimension not in wanted:
                raise DataError(f"{key} is in {unit}.")
        except (TypeError, KeyError, ValueError, DataError) as error:
            self._add(
                f'{key} must be written {{value = 150, unit = "mg"}}: {error}.'.replace("..", "."), "", *path, key
            )
            return ""
        return f"{value:g} {unit}"


def _unknown(drug: DrugFile) -> Entity:
    """Stands in for an entity that is not in the table (which is a problem of its own)."""
    return Entity(drug.entity, "", "drug", None, (), (), "", "", drug.place)


def _dotted(path: tuple[str | int, ...]) -> str:
    return ".".join(str(key) for key in path if isinstance(key, str))
