"""From a drug file to the statements that carry the drug through the body.

Amounts are in mg (in the unit of the supplied species for a drug that supplies one). With C the central
concentration, P the peripheral one and D the depot:

    D'      = -ka D                                    absorbed ka F D, lost ka (1 - F) D
    V1 C'   = ka F D - CL C - Vm C/(Km + C) - CL_t 2^(-time/halflife) C - Q (C - P)
    V2 P'   = Q (C - P)
    csf'    = k (csf_ratio C - csf)                    k is the turnover of CSF unless the drug has its own

A dose into the CSF (intrathecal at once; intranasal out of a depot, along the olfactory nerves) leaves it for plasma:

    V_csf csf' = ka F D - V_csf k (csf - csf_ratio C),   V1 C' = ... + V_csf k (csf - csf_ratio C)

Where enzymes of the model carry shares f of the clearance, CL is CL (1 + sum of f (activity - 1)). At a target's site
the drug adds concentration/KD to the port that the modules use.
"""

from __future__ import annotations

from collections.abc import Iterable

from leukinetics.biology.drug_file import read_drug
from leukinetics.biology.drug_records import CSF_ROUTES, STRAIGHT, Covariate, DrugFile, Emitted
from leukinetics.biology.folder import Biology
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.reader import parse_statement
from leukinetics.biology.statements import Statement
from leukinetics.biology.tables import Toml

#: The core's parameter for the turnover of CSF (1/day), which drugs without a rate of their own follow.
CSF_TURNOVER = "csf_flow"


def emit(document: Toml, biology: Biology, problems: Problems) -> Emitted:
    """Read a drug file and write its part of the model; what is wrong becomes a problem."""
    return _Emitter(read_drug(document, biology, problems), biology, problems).emit()


class _Emitter:
    def __init__(self, drug: DrugFile, biology: Biology, problems: Problems) -> None:
        self.drug, self.biology, self.problems = drug, biology, problems
        self.made = Emitted(drug)
        self._entity = drug.entity
        self._covariates: dict[str, list[Covariate]] = {}
        for covariate in drug.covariates:
            self._covariates.setdefault(covariate.parameter, []).append(covariate)

    def emit(self) -> Emitted:
        drug = self.drug
        if not drug.structure:
            return self.made
        self.made.parameters += drug.parameters.values()
        for covariate in drug.covariates:
            self.made.parameters += [covariate.coefficient, covariate.reference]
        self.made.parameters += [enzyme.fraction for enzyme in drug.enzymes]
        self.made.parameters += [binding.affinity for binding in drug.bindings]
        if drug.supplies:
            self._supplied(drug.supplies[0])
            return self.made
        if drug.structure == "none" and not drug.is_supply:
            self._add("a drug without [[supplies]] needs structure = 'one_compartment' or 'two_compartment'.")
        elif not drug.is_supply and self._complete():
            self._individual()
            self._disposition()
            for route in drug.routes:
                into = "csf" if route in CSF_ROUTES else "central"
                self._input(route, f"{drug.id}_{into}", "mg", f"{drug.id}_central_volume")
            self._bindings()
        return self.made

    # ---- what the kinetics need ----------------------------------------------------------------------

    def _add(self, message: str, place: Place | None = None) -> None:
        self.problems.add(place or self.drug.place, f"{self.drug.id}: {message}")

    def _complete(self) -> bool:
        """Whether all parameters of the structure are there and none is idle."""
        drug, given = self.drug, self.drug.named
        volume = "V1" if drug.structure == "two_compartment" or "V1" in given else "V"
        needed = [volume] + (["Q", "V2"] if drug.structure == "two_compartment" else [])
        needed += ["CL"] if "linear" in drug.elimination else []
        needed += ["Vm", "Km"] if "michaelis_menten" in drug.elimination else []
        needed += ["CL_t", "halflife_CL_t"] if "time_dependent" in drug.elimination else []
        used = {*needed, "csf_ratio", *(["csf_rate"] if "csf_ratio" in given else [])}
        for route in drug.routes:
            if route not in STRAIGHT:
                ka = self._route("ka", route)
                used |= {ka, self._route("F", route)}
                needed += [ka]
            if route in CSF_ROUTES and "csf_ratio" not in given:
                self._add(f"a dose by the route '{route}' goes into the CSF, so it needs [distribution.csf_ratio].")
                return False
        kinetics = f"{drug.structure} with {', '.join(drug.elimination) or 'no'} elimination"
        for name in needed:
            if name not in given:
                self._add(f"the parameter '{name}' is missing, which {kinetics} needs.")
        for name, parameter in drug.parameters.items():
            if name not in used:
                self._add(f"the parameter '{name}' is not used by {kinetics}.", parameter.place)
        if not drug.elimination:
            self._add("no elimination is given.")
        self._volume = volume
        return bool(drug.elimination) and all(name in drug.parameters for name in needed)

    def _route(self, name: str, route: str) -> str:
        own = f"{name}_{route}"
        return own if own in self.drug.named else name

    def _symbol(self, name: str) -> str:
        """The symbol of a parameter, each patient's own where covariates act on it."""
        return f"{self.drug.id}_{name}_i" if name in self._covariates else f"{self.drug.id}_{name}"

    # ---- statements ----------------------------------------------------------------------------------

    def _write(self, text: str, place: Place | None = None, unit: str = "", description: str = "") -> None:
        self.made.statements += parse_statement(text, place or self.drug.place, unit, self._entity, description)

    def _individual(self) -> None:
        for name, covariates in self._covariates.items():
            if name not in self.drug.parameters:
                continue
            typical = f"{self.drug.id}_{name}"
            factors = [_factor(c) for c in covariates]
            place = self.drug.parameters[name].place
            self._write(f"{typical}_i = {'*'.join([typical, *factors])}", place, "", f"{name} of the patient")

    def _disposition(self) -> None:
        d, drug = self.drug.id, self.drug
        central, peripheral = f"{d}_central", f"{d}_peripheral"
        self._space(f"{central}_volume", self._volume)
        self._write(f"species {central} in {central}_volume", unit="mg/L", description=f"{drug.name} in plasma")
        self._write(f"{central} = 0")
        terms = {
            "linear": f"{self._clearance()}*{central}",
            "michaelis_menten": f"{self._symbol('Vm')}*{central}/({self._symbol('Km')} + {central})",
            "time_dependent": f"{self._symbol('CL_t')}*2^(-time/{self._symbol('halflife_CL_t')})*{central}",
        }
        self._write(f"J_{d}_elimination: {central} -> ; {' + '.join(terms[e] for e in drug.elimination)}")
        if drug.structure == "two_compartment":
            self._space(f"{peripheral}_volume", "V2")
            self._write(
                f"species {peripheral} in {peripheral}_volume", unit="mg/L", description=f"{drug.name} in tissue"
            )
            self._write(f"{peripheral} = 0")
            self._write(
                f"J_{d}_distribution: {central} -> {peripheral}; {self._symbol('Q')}*({central} - {peripheral})"
            )
        if "csf_ratio" in drug.parameters:
            place = drug.parameters["csf_ratio"].place
            rate = f"{d}_csf_rate" if "csf_rate" in drug.parameters else CSF_TURNOVER
            what = f"{drug.name} in cerebrospinal fluid"
            if set(drug.routes) & set(CSF_ROUTES):  # what is given there is enough to be found in plasma
                self._write(f"species {d}_csf in csf", place, "mg/L", what)
                self._write(f"{d}_csf = 0", place)
                self._write(f"J_{d}_csf: {d}_csf -> {central}; csf*{rate}*({d}_csf - {d}_csf_ratio*{central})", place)
            else:
                self._write(f"{d}_csf = 0", place, "mg/L", what)
                self._write(f"{d}_csf' = {rate}*({d}_csf_ratio*{central} - {d}_csf)", place)
        self._write(f"{d} := {central}", description=f"{drug.name}, plasma concentration")

    def _clearance(self) -> str:
        """Linear clearance, with the shares of it that enzymes of the model carry."""
        terms = [f"{e.fraction.id}*({e.activity} - 1)" for e in self.drug.enzymes]
        return f"{self._symbol('CL')}*(1 + {' + '.join(terms)})" if terms else self._symbol("CL")

    def _space(self, compartment: str, volume: str) -> None:
        place = self.drug.parameters[volume].place
        self._write(f"compartment {compartment}", place, "L", f"distribution volume of {self.drug.name}")
        self._write(f"{compartment} = {self._symbol(volume)}", place)

    def _input(self, route: str, into: str, unit: str, compartment: str) -> None:
        """A dose goes straight into the body (iv, intrathecal), or into a depot."""
        if route in STRAIGHT:
            self.made.route_target[route] = into
            return
        d = self.drug.id
        depots = [r for r in self.drug.routes if r not in STRAIGHT]
        depot = f"{d}_depot" if len(depots) == 1 else f"{d}_depot_{route}"
        suffix = depot.removeprefix(f"{d}_depot")
        self.made.route_target[route] = depot
        self._write(
            f"substanceOnly species {depot} in {compartment}",
            unit=unit,
            description=f"{self.drug.name} not yet absorbed",
        )
        self._write(f"{depot} = 0")
        ka, bioavailability = self._symbol(self._route("ka", route)), self._route("F", route)
        if bioavailability not in self.drug.parameters:
            self._write(f"J_{d}_absorption{suffix}: {depot} -> {into}; {ka}*{depot}")
            return
        f = self._symbol(bioavailability)
        self._write(f"J_{d}_absorption{suffix}: {depot} -> {into}; {f}*{ka}*{depot}")
        self._write(f"J_{d}_lost{suffix}: {depot} -> ; (1 - {f})*{ka}*{depot}")

    def _supplied(self, species: str) -> None:
        drug = self.drug
        if drug.bindings or drug.elimination or drug.structure != "none":
            self._add(
                "a drug that supplies a species of the model has structure = 'none', no binding and no elimination."
            )
            return
        self._individual()
        home = next(
            s for m in self.biology.modules.values() for s in m.statements if s.kind == "species" and s.name == species
        )
        self._entity = home.entity  # the depot holds what the species is made of
        for route in drug.routes:
            if route not in STRAIGHT and self._route("ka", route) not in drug.parameters:
                self._add(f"the parameter 'ka' is missing, which the route {route} needs.")
                continue
            self._input(route, species, f"amount of {species}", home.compartment)

    def _bindings(self) -> None:
        d = self.drug
        for binding in d.bindings:
            for site in binding.sites:
                if site == "csf" and "csf_ratio" not in d.parameters:
                    self._add("it binds in the CSF but has no [distribution.csf_ratio].", binding.place)
                    continue
                spread_out = d.structure == "two_compartment" and binding.tissue_source == "peripheral"
                where = {"plasma": "central", "csf": "csf", "tissue": "peripheral" if spread_out else "central"}[site]
                port = self.biology.targets[binding.target, site].port
                term = f"{d.id}_{where}/{binding.affinity.id}"
                held = self.made.ports.get(port)
                self.made.ports[port] = term if held is None else f"{held} + {term}"


def _factor(c: Covariate) -> str:
    x, ref, k = c.covariate, c.reference.id, c.coefficient.id
    return {
        "power": f"({x}/{ref})^{k}",
        "exponential": f"exp({k}*({x} - {ref}))",
        "linear": f"(1 + {k}*({x} - {ref}))",
    }[c.form]


def ports(emitted: Iterable[Emitted], biology: Biology, used: set[str]) -> list[Statement]:
    """An assignment rule for each port that a drug adds to, or that ``used`` names (0 without drugs)."""
    terms: dict[str, list[str]] = {}
    for made in emitted:
        for port, term in made.ports.items():
            terms.setdefault(port, []).append(term)
    statements = []
    for target in biology.targets.values():
        if target.port in terms or target.port in used:
            text = f"{target.port} := {' + '.join(terms.get(target.port, ['0']))}"
            statements += parse_statement(
                text, target.place, "dimensionless", "", f"drug at {target.target} in {target.site}"
            )
    return statements
