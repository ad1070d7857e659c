"""What every identifier of a model means, as expressions of states, constants, discretes and time.

Each species is kept either as its amount or as its concentration, whichever makes the equations exact:

- as the quantity that its id means in SBML, named by the id, if its compartment keeps its size;
- as its amount, named ``amount(ID)``, if the compartment's size changes (or has no size), because the amount
  is what such a change leaves alone, in events too.

A species with a rate rule for its concentration is kept as concentration, which is what the rule speaks of,
unless an event changes the size of its compartment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from leukinetics.engine.expr import Expr, Graph
from leukinetics.engine.sbml.expand import Expander
from leukinetics.engine.sbml.mathml import Formula
from leukinetics.engine.sbml.symbols import Facts, Reaction, Species
from leukinetics.errors import ModelError, UnsupportedModelError, suggest


class Resolver:
    """Values and derivatives of identifiers. Everything is memoised."""

    def __init__(self, facts: Facts, graph: Graph) -> None:
        self.facts = facts
        self.graph = graph
        self.expander = Expander(graph, facts.functions, self.value, self.rate_of)
        self._values: dict[str, Expr] = {}
        self._rates: dict[str, Expr | None] = {}
        for s in facts.species.values():
            if s.compartment not in facts.compartments:
                near = suggest(s.compartment, facts.compartments)
                raise ModelError(f"Species '{s.id}' is in the unknown compartment '{s.compartment}'.{near}")
        targets = facts.event_targets
        #: Compartments whose size can change during a simulation.
        self.varying = {c for c in facts.compartments if c in facts.assigned | facts.rates or c in targets}
        self._jumping = targets & facts.compartments.keys()
        self._fluxes: dict[str, list[tuple[Reaction, int]]] = {}
        for reaction in facts.reactions.values():
            for index, participant in enumerate(reaction.participants):
                species = facts.species.get(participant.species)
                if species is None:
                    raise ModelError(
                        f"{participant.line}: reaction '{reaction.id}' names the unknown species "
                        f"'{participant.species}'.{suggest(participant.species, facts.species)}".lstrip(": ")
                    )
                if not species.fixed and species.id not in facts.assigned and species.id not in facts.rates:
                    self._fluxes.setdefault(species.id, []).append((reaction, index))
        self._resolve_in_order([*facts.assigned, *facts.reactions])

    # ---- how a species is kept --------------------------------------------------------------------

    def means_amount(self, s: Species) -> bool:
        """Whether the id stands for the amount in mathematics."""
        return s.substance_only or self.without_size(s)

    def without_size(self, s: Species) -> bool:
        """Whether the compartment is a point."""
        return self.facts.compartments[s.compartment].dimensions == 0

    def kept_as_amount(self, s: Species) -> bool:
        """Whether the state, constant or discrete of the species is its amount."""
        if self.means_amount(s):
            return True
        if s.id in self.facts.rates and s.compartment not in self._jumping:
            return False
        c = self.facts.compartments[s.compartment]
        return s.compartment in self.varying or (math.isnan(c.size) and c.id not in self.facts.initial)

    def slot(self, name: str) -> str:
        """The name of the state, constant or discrete that holds ``name``."""
        s = self.facts.species.get(name)
        return f"amount({name})" if s and self.kept_as_amount(s) and not self.means_amount(s) else name

    def has_rate(self, name: str) -> bool:
        """Whether a differential equation governs ``name``."""
        return name in self.facts.rates or name in self._fluxes

    # ---- values ------------------------------------------------------------------------------------

    def value(self, name: str, where: str = "") -> Expr:
        """The current value of an identifier in the sense that it has in formulas.

        Raises ModelError if the model has no such identifier.
        """
        found = self._values.get(name)
        if found is None:
            found = self._values[name] = self._value(name, where)
        return found

    def _value(self, name: str, where: str) -> Expr:
        facts = self.facts
        if name in facts.assigned:
            return self.expander.number(self.expander.expand(facts.assigned[name]))
        if name in facts.reactions:
            return self._reaction_rate(facts.reactions[name])
        species = facts.species.get(name)
        if species is not None:
            return self.quantity(species, self.means_amount(species))
        if name in facts.parameters or name in facts.compartments or name in facts.references:
            return self.graph.sym(name)
        known = [*facts.parameters, *facts.species, *facts.compartments, *facts.reactions, *facts.references]
        raise ModelError(f"{where}: '{name}' is not defined.{suggest(name, known)}")

    def quantity(self, s: Species, as_amount: bool) -> Expr:
        """The amount or the concentration of a species."""
        if s.id in self.facts.assigned:
            base, is_amount = self.value(s.id), self.means_amount(s)
        else:
            base, is_amount = self.graph.sym(self.slot(s.id)), self.kept_as_amount(s)
        if is_amount == as_amount:
            return base
        volume = self.value(s.compartment)
        return self.graph.mul(base, volume) if as_amount else self.graph.div(base, volume)

    def _reaction_rate(self, reaction: Reaction) -> Expr:
        if reaction.law is None:
            return self.graph.zero
        local = {p: self.graph.sym(f"{reaction.id}.{p}") for p in reaction.local}
        return self.expander.number(self.expander.expand(reaction.law, local))

    def formula(self, formula: Formula) -> Expr:
        """A formula as a number."""
        return self.expander.number(self.expander.expand(formula))

    # ---- derivatives ---------------------------------------------------------------------------------

    def rate(self, name: str) -> Expr:
        """The time derivative of the slot of ``name``, which has a differential equation."""
        if name in self._rates:
            known = self._rates[name]
            if known is None:
                raise ModelError(f"The rate of change of '{name}' is defined through itself (by 'rateOf').")
            return known
        self._rates[name] = None
        result = self._rates[name] = self._rate(name)
        return result

    def _rate(self, name: str) -> Expr:
        g = self.graph
        s = self.facts.species.get(name)
        if name in self.facts.rates:
            rule = self.formula(self.facts.rates[name])
            if s is None or self.kept_as_amount(s) == self.means_amount(s) or not self.kept_as_amount(s):
                return rule
            # d(c V)/dt = dc/dt V + c dV/dt
            growth = g.mul(self.quantity(s, False), self.rate_of(s.compartment))
            return g.add(g.mul(rule, self.value(s.compartment)), growth)
        assert s is not None
        total = g.zero
        for reaction, index in self._fluxes[name]:
            participant = reaction.participants[index]
            flux = g.mul(self._stoichiometry(reaction, index), self.value(reaction.id))
            total = g.add(total, flux) if participant.sign > 0 else g.sub(total, flux)
        factor = s.conversion_factor or self.facts.conversion_factor
        if factor:
            total = g.mul(total, self.value(factor))
        return total if self.kept_as_amount(s) else g.div(total, self.value(s.compartment))

    def _stoichiometry(self, reaction: Reaction, index: int) -> Expr:
        participant = reaction.participants[index]
        if participant.formula is not None:
            return self.formula(participant.formula)
        if participant.id in self.facts.references:
            return self.value(participant.id)
        if math.isnan(participant.stoichiometry):
            raise ModelError(
                f"{participant.line}: the stoichiometry of '{participant.species}' in reaction "
                f"'{reaction.id}' has no value.".lstrip(": ")
            )
        return self.graph.const(participant.stoichiometry)

    def rate_of(self, name: str, where: str = "") -> Expr:
        """The time derivative of what ``name`` means (the SBML csymbol ``rateOf``)."""
        g = self.graph
        if name in self.facts.assigned or name in self.facts.reactions:
            raise UnsupportedModelError(f"{where}: 'rateOf' of '{name}', which a formula determines.")
        self.value(name, where)  # an undefined name is an error
        s = self.facts.species.get(name)
        rate = self.rate(name) if self.has_rate(name) else g.zero
        if s is None or self.kept_as_amount(s) == self.means_amount(s):
            return rate
        if s.compartment in self.facts.assigned:
            raise UnsupportedModelError(
                f"{where}: 'rateOf' of '{name}', whose compartment's size follows an assignment rule."
            )
        # d(n/V)/dt = (dn/dt - c dV/dt) / V
        dilution = g.mul(self.quantity(s, False), self.rate_of(s.compartment))
        return g.div(g.sub(rate, dilution), self.value(s.compartment))

    # ---- order ---------------------------------------------------------------------------------------

    def _resolve_in_order(self, names: Iterable[str]) -> None:
        """Resolve assignment rules and reaction rates, dependencies first.

        The order keeps recursion shallow however long a chain of rules is, and finds circles.
        """
        done: set[str] = set()
        for root in names:
            path: list[tuple[str, list[str]]] = [] if root in done else [(root, self._dependencies(root))]
            on_path = [name for name, _ in path]
            while path:
                name, remaining = path[-1]
                if not remaining:
                    path.pop()
                    on_path.pop()
                    done.add(name)
                    self.value(name)
                    continue
                following = remaining.pop()
                if following in on_path:
                    circle = [*on_path[on_path.index(following) :], following]
                    raise ModelError(f"The rules define each other in a circle: {' -> '.join(circle)}.")
                if following not in done:
                    path.append((following, self._dependencies(following)))
                    on_path.append(following)

    def _dependencies(self, name: str) -> list[str]:
        facts = self.facts
        if name in facts.assigned:
            names = facts.assigned[name].names
        elif name in facts.reactions:
            reaction = facts.reactions[name]
            names = [] if reaction.law is None else [n for n in reaction.law.names if n not in reaction.local]
        elif name in facts.species:
            s = facts.species[name]
            return [s.compartment] if self.kept_as_amount(s) != self.means_amount(s) else []
        else:
            names = []
        return [n for n in dict.fromkeys(names) if n != name or name in facts.assigned]
