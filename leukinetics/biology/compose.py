"""One model out of modules, drugs and readouts: a table of symbols, each defined once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from leukinetics.biology.drug_records import Emitted
from leukinetics.biology.drugs import ports
from leukinetics.biology.folder import Biology
from leukinetics.biology.formula import Node
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.records import Readout
from leukinetics.biology.statements import Module, Statement
from leukinetics.biology.symbols import Composition, Symbol, find_circle
from leukinetics.errors import suggest

#: Names that formulas use for something else.
_RESERVED = ("time", "pi", "avogadro", "true", "false", "inf", "infinity", "nan", "notanumber", "exponentiale")


def compose(
    biology: Biology,
    modules: Iterable[Module],
    emitted: Iterable[Emitted],
    parameters: Mapping[str, Parameter],
    problems: Problems,
    *,
    left_out: Collection[str] = (),
) -> Composition:
    """Put everything together; readouts that need a name of ``left_out`` are dropped silently."""
    return _Composer(biology, list(modules), list(emitted), parameters, problems, left_out).compose()


class _Composer:
    def __init__(
        self, biology: Biology, modules: list[Module], emitted: list[Emitted], parameters: Mapping[str, Parameter],
        problems: Problems, left_out: Collection[str],
    ) -> None:  # fmt: skip
        self.biology, self.modules, self.emitted = biology, modules, emitted
        self.parameters, self.problems, self.left_out = parameters, problems, left_out
        self.made = Composition()
        self._owner: dict[str, str] = {}  # file -> owner
        self._unknown: dict[str, list[tuple[Place, str]]] = {}  # name -> where it is used

    def compose(self) -> Composition:
        for module in self.modules:
            self._owner[module.file] = module.name
            self.made.statements += module.statements
            self.made.garbled |= module.garbled
        for drug in self.emitted:
            self._owner[drug.drug.place.file] = drug.drug.id
            self.made.statements += drug.statements
        self._functions()
        mentioned = {name for s in self.made.statements for name in s.reads}
        mentioned |= {name for r in self.biology.readouts.values() for name in r.formula.names}
        self.made.statements += ports(self.emitted, self.biology, mentioned)
        self._owner["targets.tsv"] = "targets"
        self._set_by_events = {a.name for s in self.made.statements for a in s.assignments}
        self._declare()
        self._define()
        self._readouts()
        for statement in self.made.statements:
            for item in (statement, *statement.parts):
                if item.formula is not None:
                    self._expand(item, item.formula, f"'{item.text}'")
            self._participants(statement)
            if statement.kind == "event":
                self._settable(statement)
        self._complete()
        return self.made

    # ---- functions -----------------------------------------------------------------------------------

    def _functions(self) -> None:
        places: dict[str, Place] = {}
        for function, place in (pair for module in self.modules for pair in module.functions):
            if function.name in places:
                self.problems.add(place, f"the function '{function.name}' is also in {places[function.name]}.")
                continue
            self.made.functions[function.name] = function
            places[function.name] = place
        functions = self.made.functions
        calls = {f.name: [n for n in f.body.walk() if n.op == "call"] for f in functions.values()}
        while bad := [
            name
            for name in functions
            if False in [self._call_is_sound(n, places[name], f"function '{name}'") for n in calls[name]]
        ]:
            self._drop(bad)
        while circle := find_circle({name: [n.value for n in calls[name]] for name in functions}):
            self.problems.add(places[circle[0]], f"the functions call each other in a circle: {' -> '.join(circle)}.")
            self._drop(circle[:-1])

    def _drop(self, names: list[str]) -> None:
        """Forget functions that cannot be expanded; who calls them is not to blame."""
        for name in names:
            del self.made.functions[name]
        self.biology.unreadable.update(names)

    # ---- symbols -------------------------------------------------------------------------------------

    def _declare(self) -> None:
        """Names with a kind of their own: parameters, compartments, species, reactions, rules, rates."""
        for p in self.parameters.values():
            self._new(Symbol(p.id, "parameter", p.place, p.owner, p.entity, p.note, parameter=p))
        for s in self.made.statements:
            if s.kind == "initial" or (s.kind == "rate" and s.name in self.made.symbols):
                continue
            symbol = self._symbol(s, "state" if s.kind == "rate" else s.kind)
            symbol.compartment, symbol.substance_only = s.compartment, s.substance_only
            symbol.reaction = s if s.kind == "reaction" else None
            symbol.event = s if s.kind == "event" else None
            symbol.rule = s if s.kind == "rule" else None
            self._new(symbol)

    def _symbol(self, s: Statement, kind: str) -> Symbol:
        owner = self._owner.get(s.place.file, "")
        return Symbol(s.name, kind, s.place, owner, s.entity, s.description, unit=s.unit)

    def _new(self, symbol: Symbol) -> None:
        name = symbol.name
        twin = self.made.symbols.get(name)
        if name in _RESERVED or name in self.made.functions:
            self.problems.add(symbol.place, f"'{name}' already means something else in formulas; rename it.")
        elif twin is not None:
            what = twin.kind if twin.kind != symbol.kind else "one"
            self.problems.add(symbol.place, f"the {symbol.kind} '{name}' has the id of the {what} in {twin.place}.")
        else:
            self.made.symbols[name] = symbol

    def _define(self) -> None:
        """Rates and start values; a start value of what is nothing else defines a constant, or what events change."""
        open_ = self._set_by_events | self.made.garbled
        for s in self.made.statements:
            if s.kind not in ("rate", "initial"):
                continue
            if s.name in self.made.symbols:
                self._add_statement(self.made.symbols[s.name], s)
                continue
            if s.formula is not None and not s.formula.names and s.name not in open_:
                self.problems.add(
                    s.place,
                    f"'{s.text}' is a number in a module; numbers are rows of parameters.tsv, with unit and source.",
                )
            symbol = self._symbol(s, "discrete" if s.name in self._set_by_events else "constant")
            symbol.initial = s
            self._new(symbol)

    def _add_statement(self, symbol: Symbol, s: Statement) -> None:
        first = symbol.initial if s.kind == "initial" else symbol.rate
        if symbol.kind == "parameter":
            self.problems.add(s.place, f"'{s.text}' sets a parameter, whose value stands in {symbol.place}.")
        elif symbol.kind in ("rule", "reaction", "event") or (symbol.kind == "compartment" and s.kind == "rate"):
            what = f"'{s.text}' defines the {symbol.kind} '{s.name}' again, which is in {symbol.place}."
            self.problems.add(s.place, what)
        elif first is not None:
            self.problems.add(s.place, f"'{s.text}' defines '{s.name}' again, which is in {first.place}.")
        else:
            symbol.initial = s if s.kind == "initial" else symbol.initial
            symbol.rate = s if s.kind == "rate" else symbol.rate
            symbol.entity = symbol.entity or s.entity
            symbol.description = symbol.description or s.description
            symbol.unit = symbol.unit or s.unit

    def _readouts(self) -> None:
        for r in self.biology.readouts.values():
            if any(name in self.left_out and name not in self.made.symbols for name in r.formula.names):
                continue
            self._expand(r, r.formula, f"readout '{r.id}'")
            twin = self.made.symbols.get(r.id)
            if twin is not None and r.formula.op == "name" and r.formula.value == r.id:
                twin.readout = r  # the symbol itself, if it is in the readout's unit
            else:
                self._new(Symbol(r.id, "readout", r.place, "readouts", r.entity, r.label, readout=r))

    # ---- formulas ------------------------------------------------------------------------------------

    def _expand(self, item: Statement | Readout, formula: Node, what: str) -> None:
        sound = [
            self._call_is_sound(node, item.place, what) if node.op == "call" else self._is_known(node, item.place, what)
            for node in formula.walk()
            if node.op in ("call", "name")
        ]
        if all(sound):
            self.made.formulas[id(item)] = formula.expanded(self.made.functions)

    def _call_is_sound(self, node: Node, place: Place, what: str) -> bool:
        function = self.made.functions.get(node.value)
        if function is None:
            if node.value not in self.biology.unreadable:
                near = suggest(node.value, self.made.functions)
                self.problems.add(place, f"{what} calls the unknown function '{node.value}'.", near)
            return False
        given, needed = len(node.args), len(function.parameters)
        if given != needed:
            self.problems.add(place, f"{what} calls '{node.value}' with {given} arguments; it has {needed}.")
        return given == needed

    def _is_known(self, node: Node, place: Place, what: str) -> bool:
        name = str(node.value)
        self.made.used.add(name)
        symbol = self.made.symbols.get(name)
        if symbol is not None and symbol.kind == "event":
            self.problems.add(place, f"{what} uses '{name}', which is an event and has no value.")
            return False
        if symbol is not None:
            return True
        if name not in self.biology.unreadable:  # else its definition is a problem already
            self._unknown.setdefault(name, []).append((place, what))
        return False

    def _participants(self, s: Statement) -> None:
        """A species is in a compartment; reactions change species."""
        if s.kind == "species":
            known = [c.name for c in self.made.of_kind("compartment")]
            if s.compartment not in known and s.compartment not in self.biology.unreadable:
                what = f"the species '{s.name}' is in '{s.compartment}', which is no compartment."
                self.problems.add(s.place, what, suggest(s.compartment, known))
        for _, name in (*s.reactants, *s.products):
            symbol = self.made.symbols.get(name)
            if symbol is None or symbol.kind != "species":
                if name not in self.biology.unreadable:
                    near = suggest(name, [x.name for x in self.made.of_kind("species")])
                    self.problems.add(s.place, f"reaction '{s.name}' names '{name}', which is no species.", near)
                    self.made.unknown.add(name)
            elif symbol.rate is not None:
                what = f"reaction '{s.name}' changes '{name}', which has a rate rule in {symbol.rate.place}."
                self.problems.add(s.place, what)

    def _settable(self, event: Statement) -> None:
        """Events set states and what nothing else defines, each once."""
        names = [a.name for a in event.assignments]
        for name in dict.fromkeys(names):
            symbol = self.made.symbols.get(name)
            if symbol is None and name not in self.biology.unreadable:
                known = [x.name for x in self.made.of_kind("species", "state", "discrete")]
                what = f"event '{event.name}' sets '{name}', which has no start value; write '{name} = ...;'."
                self.problems.add(event.place, what, suggest(name, known))
                self.made.unknown.add(name)
            elif symbol is not None and symbol.kind not in ("species", "state", "discrete"):
                what = f"event '{event.name}' sets the {symbol.kind} '{name}', which is in {symbol.place}"
                self.problems.add(event.place, f"{what}; events set states and variables with a start value only.")
            if names.count(name) > 1:
                self.problems.add(event.place, f"event '{event.name}' sets '{name}' {names.count(name)} times.")

    def _complete(self) -> None:
        """Nothing unknown, nothing without a start, nothing defined through itself."""
        self.made.unknown.update(self._unknown)
        with_values = [s.name for s in self.made.symbols.values() if s.kind != "event"]
        for name, uses in self._unknown.items():
            place, what = min(uses)
            more = f" (and in {len(uses) - 1} more places)" if len(uses) > 1 else ""
            message = f"{what} uses '{name}'{more}, which is neither defined in a module nor a row of parameters.tsv."
            self.problems.add(place, message, suggest(name, with_values))
        for symbol in self.made.of_kind("species", "state", "compartment"):
            if symbol.initial is None and symbol.name not in self.biology.unreadable:
                what = "size" if symbol.kind == "compartment" else "start value"
                self.problems.add(symbol.place, f"'{symbol.name}' has no {what}; write '{symbol.name} = ...;'.")
        reads: dict[str, list[str]] = {}
        for symbol in self.made.of_kind("rule", "reaction", "readout"):
            item = symbol.rule or symbol.reaction or symbol.readout
            if item is not None and self.made.has_formula(item):
                reads[symbol.name] = self.made.formula(item).names
        self._refuse_circles(reads, "the rules define each other in a circle")
        for symbol in self.made.symbols.values():
            if symbol.initial is not None and self.made.has_formula(symbol.initial):
                reads[symbol.name] = self.made.formula(symbol.initial).names
        self._refuse_circles(reads, "the start values define each other in a circle")

    def _refuse_circles(self, reads: dict[str, list[str]], what: str) -> None:
        while circle := find_circle(reads):
            first = min(circle[:-1], key=lambda name: self.made.symbols[name].place)
            self.problems.add(self.made.symbols[first].place, f"{what}: {' -> '.join(circle)}.")
            for name in circle:
                reads.pop(name, None)
