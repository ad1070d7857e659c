"""One model out of modules, drugs and readouts: a table of symbols, each defined once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from leukinetics.biology.dimensions import Dimension, parse_unit
from leukinetics.biology.drugs import Emitted, ports
from leukinetics.biology.folder import Biology
from leukinetics.biology.formula import Function, Node
from leukinetics.biology.parameters import Parameter
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.reader import Module, Statement
from leukinetics.biology.records import Readout
from leukinetics.errors import suggest

#: Names that formulas use for something else.
RESERVED = ("time", "pi", "avogadro", "true", "false", "inf", "infinity", "nan", "notanumber", "exponentiale")


@dataclass
class Symbol:
    """One name of the model.

    ``kind``: parameter, compartment, species, state (a variable with a rate rule), rule, constant (derived from
    parameters at the start), reaction or readout. ``initial``, ``rule`` and ``rate`` are statements; their formulas
    in :attr:`Composition.formulas` have user functions expanded. ``owner``: module, drug id, or table.
    """

    name: str
    kind: str
    place: Place
    owner: str
    entity: str = ""
    description: str = ""
    compartment: str = ""
    substance_only: bool = False
    parameter: Parameter | None = None
    readout: Readout | None = None
    reaction: Statement | None = None
    initial: Statement | None = None
    rule: Statement | None = None
    rate: Statement | None = None
    unit: str = ""  # where no formula shows it

    @property
    def statements(self) -> list[Statement]:
        """All that define it."""
        return [s for s in (self.reaction, self.initial, self.rule, self.rate) if s is not None]


@dataclass
class Composition:
    """A model that is complete but for its units. ``symbols`` in order of definition."""

    symbols: dict[str, Symbol] = field(default_factory=dict)
    formulas: dict[int, Node] = field(default_factory=dict)  # id of statement or readout -> expanded formula
    statements: list[Statement] = field(default_factory=list)
    functions: dict[str, Function] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def formula(self, item: Statement | Readout) -> Node:
        """The formula of a statement or readout, with user functions expanded."""
        return self.formulas[id(item)]

    def of_kind(self, *kinds: str) -> list[Symbol]:
        """Symbols of some kinds, in order."""
        return [s for s in self.symbols.values() if s.kind in kinds]


def compose(
    biology: Biology,
    modules: Iterable[Module],
    emitted: Iterable[Emitted],
    parameters: Mapping[str, Parameter],
    problems: Problems,
    *,
    partial: bool = False,
) -> Composition:
    """Put everything together; ``partial``: readouts of modules that are left out are dropped silently."""
    return _Composer(biology, list(modules), list(emitted), parameters, problems, partial).compose()


class _Composer:
    def __init__(
        self, biology: Biology, modules: list[Module], emitted: list[Emitted], parameters: Mapping[str, Parameter],
        problems: Problems, partial: bool,
    ) -> None:  # fmt: skip
        self.biology, self.modules, self.emitted = biology, modules, emitted
        self.parameters, self.problems, self.partial = parameters, problems, partial
        self.made = Composition()
        self._owner: dict[str, str] = {}  # file -> owner

    def compose(self) -> Composition:
        for module in self.modules:
            self._owner[module.file] = module.name
            self._functions(module)
            self.made.statements += module.statements
        for drug in self.emitted:
            self._owner[drug.drug.place.file] = drug.drug.id
            self.made.statements += drug.statements
        mentioned = self._mentioned()
        self.made.statements += ports(self.emitted, self.biology, mentioned)
        self._owner["targets.tsv"] = "targets"
        self._declare()
        self._define()
        self._readouts()
        for statement in self.made.statements:
            if statement.formula is not None:
                self._expand(statement, statement.formula, statement.place, f"'{statement.text}'")
            self._participants(statement)
        self._complete()
        return self.made

    # ---- functions -----------------------------------------------------------------------------------

    def _functions(self, module: Module) -> None:
        for function, place in module.functions:
            if function.name in self.made.functions:
                self.problems.add(place, f"the function '{function.name}' is defined twice.")
            self.made.functions[function.name] = function

    def _mentioned(self) -> set[str]:
        formulas = [s.formula for s in self.made.statements if s.formula is not None]
        formulas += [r.formula for r in self.biology.readouts.values()]
        return {name for formula in formulas for name in formula.names}

    # ---- symbols -------------------------------------------------------------------------------------

    def _declare(self) -> None:
        """Names with a kind of their own: parameters, compartments, species, reactions, rules."""
        for parameter in self.parameters.values():
            self._new(Symbol(parameter.id, "parameter", parameter.place, parameter.owner, parameter.entity,
                             parameter.note, parameter=parameter))  # fmt: skip
        for s in self.made.statements:
            owner = self._owner.get(s.place.file, "")
            symbol = Symbol(
                s.name, s.kind, s.place, owner, s.entity, s.description, s.compartment, s.substance_only, unit=s.unit
            )
            if s.kind in ("compartment", "species"):
                self._new(symbol)
            elif s.kind == "reaction":
                symbol.reaction = s
                self._new(symbol)
            elif s.kind == "rule":
                symbol.rule = s
                self._new(symbol)
            elif s.kind == "rate" and s.name not in self.made.symbols:
                symbol.kind = "state"
                self._new(symbol)

    def _new(self, symbol: Symbol) -> None:
        name = symbol.name
        twin = self.made.symbols.get(name)
        if name in RESERVED or name in self.made.functions:
            self.problems.add(symbol.place, f"'{name}' already means something else in formulas; rename it.")
        elif twin is not None:
            what = twin.kind if twin.kind != symbol.kind else "one"
            self.problems.add(symbol.place, f"the {symbol.kind} '{name}' has the id of the {what} in {twin.place}.")
        else:
            self.made.symbols[name] = symbol

    def _define(self) -> None:
        """Rates and start values; a start value of nothing else defines a constant."""
        for s in self.made.statements:
            if s.kind not in ("rate", "initial"):
                continue
            symbol = self.made.symbols.get(s.name)
            if symbol is None:
                if s.formula is not None and not s.formula.names:
                    self.problems.add(
                        s.place,
                        f"'{s.text}' gives a number in a module; numbers belong into parameters.tsv, with unit and source.",
                    )
                owner = self._owner.get(s.place.file, "")
                self._new(Symbol(s.name, "constant", s.place, owner, s.entity, s.description, initial=s, unit=s.unit))
                continue
            self._add_statement(symbol, s)

    def _add_statement(self, symbol: Symbol, s: Statement) -> None:
        if symbol.kind == "parameter":
            self.problems.add(s.place, f"'{s.text}' sets a parameter; its value stands in {symbol.place}.")
        elif symbol.kind in ("rule", "reaction") or (symbol.kind == "compartment" and s.kind == "rate"):
            self.problems.add(
                s.place, f"'{s.text}' defines the {symbol.kind} '{s.name}' again; it is defined in {symbol.place}."
            )
        elif (symbol.initial if s.kind == "initial" else symbol.rate) is not None:
            first = symbol.initial if s.kind == "initial" else symbol.rate
            assert first is not None
            self.problems.add(s.place, f"'{s.text}' defines '{s.name}' again; it is defined in {first.place}.")
        else:
            if s.kind == "initial":
                symbol.initial = s
            else:
                symbol.rate = s
            symbol.entity = symbol.entity or s.entity
            symbol.description = symbol.description or s.description
            symbol.unit = symbol.unit or s.unit

    def _readouts(self) -> None:
        for readout in self.biology.readouts.values():
            if self.partial and not set(readout.formula.names) <= self.made.symbols.keys():
                continue
            self._expand(readout, readout.formula, readout.place, f"readout '{readout.id}'")
            twin = self.made.symbols.get(readout.id)
            if twin is not None and readout.formula.op == "name" and readout.formula.value == readout.id:
                twin.readout = readout  # the symbol itself, checked to be in the same unit
            else:
                self._new(
                    Symbol(
                        readout.id, "readout", readout.place, "readouts", readout.entity, readout.label, readout=readout
                    )
                )

    # ---- formulas ------------------------------------------------------------------------------------

    def _expand(self, item: Statement | Readout, formula: Node, place: Place, what: str) -> None:
        sound = True
        for node in formula.walk():
            if node.op == "call":
                sound &= self._call_is_sound(node, place, what)
            elif node.op == "name":
                sound &= self._name_is_known(str(node.value), place, what)
        if sound:
            self.made.formulas[id(item)] = formula.expanded(self.made.functions)

    def _call_is_sound(self, node: Node, place: Place, what: str) -> bool:
        function = self.made.functions.get(node.value)
        if function is None:
            self.problems.add(
                place, f"{what} calls the unknown function '{node.value}'.", suggest(node.value, self.made.functions)
            )
            return False
        if len(function.parameters) != len(node.args):
            self.problems.add(
                place,
                f"{what} calls '{node.value}' with {len(node.args)} arguments; it has {len(function.parameters)}.",
            )
            return False
        return True

    def _name_is_known(self, name: str, place: Place, what: str) -> bool:
        self.made.used.add(name)
        if name in self.made.symbols:
            return True
        self.made.unknown.add(name)
        self.problems.add(
            place,
            f"{what} uses '{name}', which is neither a symbol of a module nor a row of parameters.tsv.",
            suggest(name, self.made.symbols),
        )
        return False

    def _participants(self, s: Statement) -> None:
        """Reactions may only name species; a species' compartment must exist."""
        if s.kind == "species":
            home = self.made.symbols.get(s.compartment)
            if home is None or home.kind != "compartment":
                names = [c.name for c in self.made.of_kind("compartment")]
                self.problems.add(
                    s.place,
                    f"the species '{s.name}' is in '{s.compartment}', which is no compartment.",
                    suggest(s.compartment, names),
                )
        for _, name in (*s.reactants, *s.products):
            symbol = self.made.symbols.get(name)
            if symbol is None or symbol.kind != "species":
                known = [x.name for x in self.made.of_kind("species")]
                self.problems.add(
                    s.place, f"reaction '{s.name}' names '{name}', which is no species.", suggest(name, known)
                )
            elif symbol.rate is not None:
                self.problems.add(
                    s.place, f"reaction '{s.name}' changes '{name}', which has a rate rule in {symbol.rate.place}."
                )

    def _complete(self) -> None:
        for symbol in self.made.of_kind("species", "state", "compartment"):
            if symbol.initial is None:
                what = "size" if symbol.kind == "compartment" else "initial value"
                self.problems.add(symbol.place, f"'{symbol.name}' has no {what}; write '{symbol.name} = ...;'.")
        self._circles()

    def _circles(self) -> None:
        """Rules that define each other, and start values that do."""
        reads: dict[str, list[str]] = {}
        for symbol in self.made.symbols.values():
            statement = symbol.rule or symbol.reaction
            item: Statement | Readout | None = statement if statement is not None else symbol.readout
            if symbol.kind in ("rule", "reaction", "readout") and item is not None and id(item) in self.made.formulas:
                reads[symbol.name] = self.made.formula(item).names
        self._find_circle(reads, "the rules define each other in a circle")
        for symbol in self.made.symbols.values():
            if symbol.initial is not None and id(symbol.initial) in self.made.formulas:
                reads[symbol.name] = self.made.formula(symbol.initial).names
        self._find_circle(reads, "the start values define each other in a circle")

    def _find_circle(self, reads: Mapping[str, list[str]], message: str) -> None:
        done: set[str] = set()
        for root in reads:
            path: list[tuple[str, list[str]]] = [] if root in done else [(root, list(reads[root]))]
            while path:
                name, rest = path[-1]
                if not rest:
                    path.pop()
                    done.add(name)
                    continue
                following = rest.pop()
                names = [n for n, _ in path]
                if following in names:
                    circle = [*names[names.index(following) :], following]
                    first = min(circle[:-1], key=lambda n: self.made.symbols[n].place)
                    self.problems.add(self.made.symbols[first].place, f"{message}: {' -> '.join(circle)}.")
                    done.update(circle)
                    return
                if following in reads and following not in done:
                    path.append((following, list(reads[following])))


def declared_dimension(symbol: Symbol) -> Dimension | None:
    """The dimension that stands with the symbol itself rather than in a formula."""
    if symbol.parameter is not None:
        return symbol.parameter.dimension
    if symbol.unit and not symbol.unit.startswith("amount of "):
        return parse_unit(symbol.unit).dimension
    return None
