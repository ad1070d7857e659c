"""A drug file, read and checked: pharmacokinetics, binding, distribution, supplies and regimens, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leukinetics.biology.dimensions import DAY, KCAL, KG, LITRE, MG, NONE, PMOL, Dimension, parse_unit
from leukinetics.biology.drug_records import (
    ACTIVITY,
    AFFINITIES,
    ELIMINATION,
    FORMS,
    KINETICS,
    MODALITIES,
    MODES,
    RATE,
    ROUTES,
    STRUCTURES,
    Binding,
    Covariate,
    DrugFile,
    Enzyme,
    Regimen,
)
from leukinetics.biology.entities import Entity
from leukinetics.biology.folder import Biology
from leukinetics.biology.parameters import FIELDS, Parameter, make_parameter
from leukinetics.biology.problems import Problems
from leukinetics.biology.records import SITES
from leukinetics.biology.tables import Toml
from leukinetics.biology.toml_checks import Key, TomlChecks, dotted
from leukinetics.errors import DataError

_TOP = ("id", "name", "entity", "modality", "note", "pk", "binding", "distribution", "supplies", "regimen")
_PK = ("structure", "input", "elimination", "note", "parameters", "covariate", "enzyme", "correlation")
_BINDING = ("target", "mode", "sites", "tissue_source", "note", *AFFINITIES)
_ENZYME = ("activity", "fraction", "note")
_COVARIATE = ("parameter", "covariate", "form", "reference", "coefficient", "note")
_DISTRIBUTION = ("csf_ratio", "csf_rate", "note")
_REGIMEN = ("name", "amount", "route", "every", "duration", "count", "cap", "source", "note")
_OUTCOMES = ("effect", "effects", "endpoint", "endpoints", "outcome", "disease", "efficacy")


def read_drug(document: Toml, biology: Biology, problems: Problems) -> DrugFile:
    """The drug of a file, checked against the tables of its folder; whatever is wrong becomes a problem."""
    return _Reader(document, biology, problems).read()


class _Reader:
    def __init__(self, document: Toml, biology: Biology, problems: Problems) -> None:
        self.checks, self.biology, self.problems = TomlChecks(document, problems), biology, problems
        self.document, self.content = document, document.content
        self.pk = self.checks.table("pk")
        parameters = self.pk.get("parameters", {})
        self.named: Mapping[str, Any] = parameters if isinstance(parameters, dict) else {}

    def read(self) -> DrugFile:
        self._top()
        content, checks, pk = self.content, self.checks, self.pk
        checks.known(pk, _PK, "pk")
        self.entity = self.biology.entities.get(str(content.get("entity")))
        if self.entity is None:
            name = str(content.get("entity", ""))
            what = f"the entity '{name}' is not in entities.tsv." if name else "the drug names no entity."
            checks.add(what, "entity", near=name, known=self.biology.entities)
        stem = self.document.file.rpartition("/")[2].rpartition(".")[0]
        self.drug = DrugFile(
            str(content.get("id", stem)),
            str(content.get("name", "")),
            str(content.get("entity", "")),
            checks.choice(content.get("modality"), MODALITIES, "modality"),
            None if self.entity is None else self.entity.molar_mass,
            str(content.get("note") or pk.get("note", "")),
            checks.choice(pk.get("structure"), STRUCTURES, "pk", "structure"),
            checks.choices(pk.get("input"), ROUTES, "pk", "input"),
            checks.choices(pk.get("elimination", []), ELIMINATION, "pk", "elimination"),
            self.document.place("id"),
        )
        if not re.fullmatch(r"[a-z]\w*", self.drug.id):
            checks.add(f"the id '{self.drug.id:.40}' must be lower-case letters, digits and '_'.", "id")
            self.drug.structure = ""
        if pk.get("structure") not in STRUCTURES:
            self.drug.structure = ""
        self._parameters()
        for i, table in enumerate(checks.tables("pk", "covariate")):
            self._covariate(table, "pk", "covariate", i)
        for i, table in enumerate(checks.tables("pk", "enzyme")):
            self._enzyme(table, "pk", "enzyme", i)
        for i, table in enumerate(checks.tables("pk", "correlation")):
            self._correlation(table, "pk", "correlation", i)
        bindings = checks.tables("binding")
        for i, table in enumerate(bindings):
            self._binding(table, [t.get("target") for t in bindings].count(table.get("target")), i)
        self._distribution()
        self._supplies()
        self.drug.regimens = tuple(self._regimen(t, "regimen", i) for i, t in enumerate(checks.tables("regimen")))
        return self.drug

    def _top(self) -> None:
        """No drug may name what it should bring about; every effect goes through a molecular target."""
        why = "a drug file describes pharmacokinetics, binding, distribution and doses only"
        outcomes = {*self.biology.readouts, *self.biology.conditions, *_OUTCOMES}
        for key in self.content:
            if key in outcomes and key not in _TOP:
                self.checks.add(f"a drug file must not name '{key}', an outcome of the model; {why}.", key)
            elif key not in _TOP:
                self.checks.add(f"'{key}' is unknown in a drug file; {why}.", key, near=key, known=_TOP)

    def _parameter(self, name: str, table: Any, dimension: Dimension, *path: Key) -> Parameter | None:
        """A number in its own table; None (and a problem) if it is unusable or in another dimension."""
        if not isinstance(table, dict):
            self.checks.add(f"'{dotted(path)}' must be a table with value, unit, kind and source.", *path)
            return None
        self.checks.known(table, FIELDS, *path)
        drug = self.drug
        made = make_parameter(
            f"{drug.id}_{name}",
            table,
            lambda key: self.document.place(*path, key),
            self.problems,
            self.entity,
            owner=drug.id,
            mass_of=self.entity or Entity(drug.entity, "", "drug", None, (), (), "", "", drug.place),
        )
        if made is None or made.dimension == dimension:
            return made
        self.checks.add(
            f"'{made.id}' is in {made.published_unit} ({made.dimension}); it must be in a unit like {dimension}.",
            *path,
            "unit",
        )
        return None

    # ---- kinetics ------------------------------------------------------------------------------------

    def _parameters(self) -> None:
        known = {*KINETICS, *(f"{p}_{route}" for p in ("ka", "F") for route in self.drug.routes)}
        for name, table in self.named.items():
            path = ("pk", "parameters", name)
            if name not in known:
                self.checks.add(f"'{name}' is no parameter of the kinetics.", *path, near=name, known=known)
                continue
            self.drug.named.add(name)
            dimension = KINETICS[name if name in KINETICS else name.partition("_")[0]]
            made = self._parameter(name, table, dimension, *path)
            if made is not None:
                self.drug.parameters[name] = made

    def _covariate(self, table: Mapping[str, Any], *path: Key) -> None:
        self.checks.known(table, _COVARIATE, *path)
        form = self.checks.choice(table.get("form"), FORMS, *path, "form")
        parameter, covariate = str(table.get("parameter")), str(table.get("covariate"))
        open_ = [p.id for p in self.biology.parameters.values() if "patient" in p.set_by]
        if parameter not in self.named:
            what = f"a covariate acts on '{parameter}', which the drug does not have."
            self.checks.add(what, *path, "parameter", near=parameter, known=self.named)
        elif covariate not in open_:
            what = f"'{covariate}' is no covariate (a parameter that patients set)."
            self.checks.add(what, *path, "covariate", near=covariate, known=open_)
        elif not isinstance(table.get("reference"), dict):
            self.checks.add("the covariate has no reference = {value = ..., unit = ...}.", *path)
        else:
            x, name = self.biology.parameters[covariate].dimension, f"{parameter}_{covariate}"
            unit = NONE if form == "power" else NONE / x
            coefficient = self._parameter(name, table.get("coefficient"), unit, *path, "coefficient")
            if coefficient is None:
                return
            kind = "derived" if coefficient.kind == "calibrated" else coefficient.kind
            like = {"kind": kind, "source": coefficient.source, "note": f"reference of {coefficient.id}"}
            reference = self._parameter(f"{name}_ref", like | table["reference"], x, *path, "reference")
            if reference is not None:
                self.drug.covariates.append(Covariate(parameter, covariate, form, reference, coefficient))

    def _enzyme(self, table: Mapping[str, Any], *path: Key) -> None:
        self.checks.known(table, _ENZYME, *path)
        activity = str(table.get("activity"))
        open_ = [p.id for p in self.biology.parameters.values() if p.id.endswith(ACTIVITY) and "condition" in p.set_by]
        if "CL" not in self.named:
            self.checks.add("an enzyme carries a share of the parameter 'CL', which the drug does not have.", *path)
        elif activity not in open_:
            what = f"'{activity:.40}' is no activity of an enzyme (a parameter '..._activity' that conditions set)."
            self.checks.add(what, *path, "activity", near=activity, known=open_)
        else:
            name = f"CL_{activity.removesuffix(ACTIVITY)}"
            fraction = self._parameter(name, table.get("fraction"), NONE, *path, "fraction")
            if fraction is not None:
                self.drug.enzymes.append(Enzyme(activity, fraction))

    def _correlation(self, table: Mapping[str, Any], *path: Key) -> None:
        self.checks.known(table, ("a", "b", "rho", "source", "note"), *path)
        rho = table.get("rho")
        if not isinstance(rho, (int, float)) or not -1 <= rho <= 1:
            self.checks.add(f"rho is '{rho}'; it lies between -1 and 1.", *path, "rho")
            return
        if not table.get("source"):
            self.checks.add("the correlation has no source.", *path)
        ends = [str(table.get("a")), str(table.get("b"))]
        for end in ends:
            if end not in self.named:
                what = f"a correlation names '{end}', which the drug does not have."
                self.checks.add(what, *path, near=end, known=self.named)
        if all(end in self.drug.parameters for end in ends):
            a, b = (f"{self.drug.id}_{end}" for end in ends)
            self.drug.correlations.append({"a": a, "b": b, "rho": float(rho), "source": str(table.get("source"))})

    # ---- where it goes and what it binds -------------------------------------------------------------

    def _binding(self, table: Mapping[str, Any], times: int, i: int) -> None:
        path: tuple[Key, ...] = ("binding", i)
        self.checks.known(table, _BINDING, *path)
        target = str(table.get("target"))
        sites_of = [site for name, site in self.biology.targets if name == target]
        if not sites_of:
            self._no_target(target, *path, "target")
            return
        mode = self.checks.choice(table.get("mode"), MODES, *path, "mode")
        sites = self.checks.choices(table.get("sites"), SITES, *path, "sites")
        for site in sites:
            if site not in sites_of:
                self.checks.add(f"{target} has no site '{site}'; it has {', '.join(sites_of)}.", *path, "sites")
        source = self.checks.choice(
            table.get("tissue_source", "peripheral"), ("peripheral", "central"), *path, "tissue_source"
        )
        given = [key for key in AFFINITIES if key in table]
        if len(given) != 1:
            self.checks.add(f"the binding to {target} needs one of {', '.join(AFFINITIES)}.", *path)
            return
        where = f"_{'_'.join(sites)}" if times > 1 else ""  # a target bound twice, with two affinities
        name = f"{given[0]}_{target.lower()}{where}"
        affinity = self._parameter(name, table[given[0]], MG / LITRE, *path, given[0])
        if affinity is not None:
            usable = tuple(site for site in sites if site in sites_of)
            self.drug.bindings.append(Binding(target, mode, usable, source, affinity, self.document.place(*path)))

    def _no_target(self, target: str, *path: Key) -> None:
        kinds = {"a readout": list(self.biology.readouts), "a condition": list(self.biology.conditions)}
        kind = next((kind for kind, names in kinds.items() if target.lower() in names), "")
        known = {name for name, _ in self.biology.targets}
        what = f"'{target}' is {kind}, no molecular target" if kind else f"the target '{target}' is unknown"
        self.checks.add(f"{what}; targets.tsv lists what a drug may bind.", *path, near=target, known=known)

    def _distribution(self) -> None:
        table = self.checks.table("distribution")
        self.checks.known(table, _DISTRIBUTION, "distribution")
        for name, dimension in (("csf_ratio", NONE), ("csf_rate", RATE)):
            if name in table:
                self.drug.named.add(name)
                made = self._parameter(name, table[name], dimension, "distribution", name)
                if made is not None:
                    self.drug.parameters[name] = made

    def _supplies(self) -> None:
        species = {s.name for m in self.biology.modules.values() for s in m.statements if s.kind == "species"}
        tables = self.checks.tables("supplies")
        self.drug.is_supply = bool(tables)
        for i, table in enumerate(tables):
            self.checks.known(table, ("species", "counts", "note"), "supplies", i)
            name = str(table.get("species"))
            self._counts(table, i)
            if name not in species:
                what = f"the drug supplies '{name}', which is no species of the model."
                self.checks.add(what, "supplies", i, "species", near=name, known=species)
            else:
                self.drug.supplies = (*self.drug.supplies, name)[:1]
        if len(tables) > 1:
            self.checks.add("a drug supplies one species only.", "supplies", 1)

    def _counts(self, table: Mapping[str, Any], i: int) -> None:
        """The unit that one of the species stands for, where it is a count: a time or an energy."""
        unit = table.get("counts")
        if unit is None:
            return
        try:
            sound = parse_unit(str(unit)).dimension in (DAY, KCAL)
        except DataError:
            sound = False
        if sound:
            self.drug.counts = str(unit)
        else:
            what = (
                f"'counts' is '{unit!s:.40}'; it is the time or energy that one of the species stands for, such as 'h'."
            )
            self.checks.add(what, "supplies", i, "counts")

    # ---- doses ---------------------------------------------------------------------------------------

    def _regimen(self, table: Mapping[str, Any], *path: Key) -> Regimen:
        self.checks.known(table, _REGIMEN, *path)
        texts = {key: self._quantity(table, key, *path) for key in ("amount", "every", "duration", "cap")}
        for key in ("amount", "source"):
            if not table.get(key):
                self.checks.add(f"the regimen has no {key}.", *path)
        route, routes = str(table.get("route")), self.drug.routes
        if route not in routes:
            what = f"the route '{route}' is not among the drug's inputs ({', '.join(routes)})."
            self.checks.add(what, *path, "route", near=route, known=routes)
        return Regimen(
            str(table.get("name", "")), texts["amount"], route, texts["every"], texts["duration"], texts["cap"],
            table.get("count"), str(table.get("source", "")), str(table.get("note", "")),
        )  # fmt: skip

    def _quantity(self, table: Mapping[str, Any], key: str, *path: Key) -> str:
        entry = table.get(key)
        if entry is None:
            return ""
        wanted = (MG, MG / KG, NONE, PMOL, DAY, KCAL) if key in ("amount", "cap") else (DAY,)
        try:
            value, unit = float(entry["value"]), str(entry["unit"])
            if parse_unit(unit).dimension in wanted:
                return f"{value:g} {unit}"
        except (TypeError, KeyError, ValueError, OverflowError, DataError):
            pass
        example = '{value = 150, unit = "mg"}' if key in ("amount", "cap") else '{value = 4, unit = "week"}'
        self.checks.add(f"'{key}' of the regimen must be a quantity, written like {key} = {example}.", *path, key)
        return ""
