"""Units of everything, inferred from the parameters, and checked in every formula.

A symbol has the unit of the formula that gives its rule or start value. A number in a formula is dimensionless; 0
fits any unit. Exponents are numbers or dimensionless (then so is the base); exp, ln and their like take and give
pure numbers. The rate of a reaction is an amount per day.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from leukinetics.biology.compose import Composition, Symbol, declared_dimension
from leukinetics.biology.dimensions import DAY, KG, LITRE, MG, NONE, PMOL, Dimension
from leukinetics.biology.formula import Node
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.reader import Statement
from leukinetics.biology.records import Readout

#: What an amount may be measured in.
AMOUNTS = (PMOL, MG, NONE, MG / KG)

_SAME = ("plus", "minus", "min", "max", "lt", "gt", "le", "ge", "eq", "ne", "rem", "quotient")
_LOGIC = ("and", "or", "xor", "not", "implies", "true", "false")
_SIGNS = {"plus": "+", "minus": "-", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "eq": "==", "ne": "!="}


class _Zero:
    """The unit of the number 0: any."""


ZERO = _Zero()
#: A unit; ZERO; or None where it is unknown (and the reason reported, or still being worked out).
Found = Dimension | _Zero | None


class Inference:
    """Units of a composition: :meth:`dimension` of a symbol, :meth:`check` of every statement."""

    def __init__(self, composition: Composition, problems: Problems) -> None:
        self.composition, self.problems = composition, problems
        self._known: dict[str, Dimension | None] = {}
        self._busy: set[str] = set()
        self._quiet = 0
        self._formulas: dict[int, Found] = {}

    # ---- symbols -------------------------------------------------------------------------------------

    def dimension(self, name: str) -> Dimension | None:
        """The dimension of a symbol; None where it cannot be told."""
        if name in self._known:
            return self._known[name]
        if name in self._busy:
            return None
        self._busy.add(name)
        found = self._infer(self.composition.symbols[name])
        self._busy.discard(name)
        if not self._quiet or found is not None:
            self._known[name] = found
        return found

    def _infer(self, symbol: Symbol) -> Dimension | None:
        declared = declared_dimension(symbol)
        if declared is not None:
            return declared
        if symbol.unit.startswith("amount of "):
            return self.amount(self.composition.symbols[symbol.unit.removeprefix("amount of ")])
        if symbol.readout is not None and symbol.kind == "readout":
            return symbol.readout.unit.dimension
        statement = symbol.rule or symbol.reaction or symbol.initial
        if statement is None:
            return None
        found = self.of_formula(statement)
        if isinstance(found, Dimension) or found is None:
            return found
        return self._from_changes(symbol)

    def _from_changes(self, symbol: Symbol) -> Dimension | None:
        """The dimension of what starts at 0, from its rate rule or the reactions that change it."""
        self._quiet += 1
        try:
            if symbol.rate is not None and id(symbol.rate) in self.composition.formulas:
                rate = self._evaluate(self.composition.formula(symbol.rate), symbol.rate.place, "")
                if isinstance(rate, Dimension):
                    return rate * DAY
            for reaction in self.composition.of_kind("reaction"):
                s = reaction.reaction
                if s is None or id(s) not in self.composition.formulas:
                    continue
                if symbol.name in [name for _, name in (*s.reactants, *s.products)]:
                    rate = self._evaluate(self.composition.formula(s), s.place, "")
                    if isinstance(rate, Dimension):
                        amount = rate * DAY
                        return amount if symbol.substance_only else amount / LITRE
        finally:
            self._quiet -= 1
        return NONE if symbol.kind == "rule" else None

    def amount(self, species: Symbol) -> Dimension | None:
        """The dimension of a species' amount."""
        found = self.dimension(species.name)
        return found if found is None or species.substance_only else found * LITRE

    # ---- formulas ------------------------------------------------------------------------------------

    def of_formula(self, item: Statement | Readout) -> Found:
        """The dimension of a statement's formula; problems in it are reported once."""
        if id(item) not in self.composition.formulas:
            return None
        if id(item) in self._formulas:
            return self._formulas[id(item)]
        what = f"'{item.text}'" if isinstance(item, Statement) else f"readout '{item.id}'"
        found = self._evaluate(self.composition.formula(item), item.place, what)
        if not self._quiet:
            self._formulas[id(item)] = found
        return found

    def _evaluate(self, node: Node, place: Place, what: str) -> Found:
        if node.op == "const":
            return ZERO if node.value == 0 else NONE
        if node.op == "name":
            return self.dimension(str(node.value))
        if node.op == "time":
            return DAY
        args = [self._evaluate(a, place, what) for a in node.args]
        if node.op == "times":
            return self._product(node, args)
        if node.op == "divide":
            return self._quotient(node, args)
        if node.op in ("power", "root"):
            return self._power(node, args, place, what)
        if node.op in _SAME:
            found = self._same(node, list(node.args), args, place, what)
            return NONE if node.op in ("lt", "gt", "le", "ge", "eq", "ne") else found
        if node.op == "piecewise":
            values = [i for i in range(len(args)) if i % 2 == 0]
            return self._same(node, [node.args[i] for i in values], [args[i] for i in values], place, what)
        if node.op in ("abs", "floor", "ceiling"):
            return args[0]
        for arg, found in zip(node.args, args, strict=True):
            if found is ZERO:
                arg.unit = "dimensionless"
            elif isinstance(found, Dimension) and found != NONE:
                self._add(place, f"{what} takes {node.op} of '{arg}', which is in {found}; it must be dimensionless.")
        return NONE

    def _product(self, node: Node, args: list[Found]) -> Found:
        total = NONE
        for arg, found in zip(node.args, args, strict=True):
            if found is None:
                return None
            if isinstance(found, _Zero):
                arg.unit = "dimensionless"
            else:
                total *= found
        return total

    def _quotient(self, node: Node, args: list[Found]) -> Found:
        for arg, found in zip(node.args, args, strict=True):
            if found is ZERO:
                arg.unit = "dimensionless"
        above, below = (NONE if isinstance(found, _Zero) else found for found in args)
        return None if above is None or below is None else above / below

    def _power(self, node: Node, args: list[Found], place: Place, what: str) -> Found:
        if node.op == "power":
            base, exponent, (base_unit, exponent_unit) = node.args[0], node.args[1], args
        else:
            base, exponent, (exponent_unit, base_unit) = node.args[1], node.args[0], args
        if isinstance(exponent_unit, Dimension) and exponent_unit != NONE:
            self._add(
                place, f"{what} has the exponent '{exponent}', which is in {exponent_unit}; it must be dimensionless."
            )
        for side in (base, exponent):
            if side.op == "const":
                side.unit = "dimensionless"
        if not isinstance(base_unit, Dimension) or base_unit == NONE:
            return NONE if isinstance(base_unit, _Zero) else base_unit
        number = _number(exponent)
        if number is None:
            self._add(
                place,
                f"{what} raises '{base}', which is in {base_unit}, to the power '{exponent}'; divide it by a reference "
                "in the same unit first.",
            )
            return None
        return base_unit ** (number if node.op == "power" else 1 / number)

    def _same(self, node: Node, parts: list[Node], found: list[Found], place: Place, what: str) -> Found:
        """All parts in one unit: sums, comparisons, min, max, piecewise."""
        first: tuple[Node, Dimension] | None = None
        for part, dimension in zip(parts, found, strict=True):
            if not isinstance(dimension, Dimension):
                continue
            if first is None:
                first = (part, dimension)
            elif dimension != first[1]:
                sign = _SIGNS.get(node.op, node.op)
                self._add(
                    place,
                    f"unit mismatch in {what}: '{first[0]}' is in {first[1]}, but '{part}' is in {dimension}; "
                    f"'{sign}' needs one unit.",
                )
                return None
        if first is None:
            if any(f is None for f in found):
                return None
            return ZERO
        if not self._quiet:
            for part, dimension in zip(parts, found, strict=True):
                if isinstance(dimension, _Zero):
                    _settle(part, first[1])
        return first[1] if self._quiet or None not in found else None

    def _add(self, place: Place, message: str) -> None:
        if not self._quiet:
            self.problems.add(place, message)

    # ---- statements ----------------------------------------------------------------------------------

    def check(self) -> None:
        """Check every statement; a unit that cannot be told is a problem too."""
        for symbol in self.composition.symbols.values():
            dimension = self.dimension(symbol.name)
            if symbol.initial is not None:
                self._fits(symbol.initial, dimension, f"'{symbol.name}' is in {{}}")
            if symbol.rule is not None:
                self._fits(symbol.rule, dimension, f"'{symbol.name}' is in {{}}")
            if symbol.rate is not None and dimension is not None:
                self._fits(symbol.rate, dimension / DAY, f"'{symbol.name}' changes in {{}}")
            if symbol.reaction is not None:
                self._reaction(symbol.reaction)
            if symbol.readout is not None:
                self._readout(symbol)
            self._kind(symbol, dimension)

    def _fits(self, statement: Statement, wanted: Dimension | None, what: str) -> None:
        found = self.of_formula(statement)
        if isinstance(found, Dimension) and wanted is not None and found != wanted:
            self._add(
                statement.place,
                f"unit mismatch in '{statement.text}': {what.format(wanted)}, but the right side is in {found}.",
            )
        if isinstance(found, _Zero) and wanted is not None:
            _settle(self.composition.formula(statement), wanted)

    def _reaction(self, s: Statement) -> None:
        rate = self.of_formula(s)
        for _, name in (*s.reactants, *s.products):
            symbol = self.composition.symbols.get(name)
            amount = self.amount(symbol) if symbol is not None and symbol.kind == "species" else None
            if amount is None:
                continue
            if isinstance(rate, Dimension) and rate != amount / DAY:
                self._add(
                    s.place,
                    f"unit mismatch in '{s.text}': the rate is in {rate}, but '{name}' changes in {amount / DAY} "
                    "(an amount per day).",
                )
                return
            if isinstance(rate, _Zero):
                _settle(self.composition.formula(s), amount / DAY)

    def _readout(self, symbol: Symbol) -> None:
        readout = symbol.readout
        assert readout is not None
        found = self.of_formula(readout)
        unit = readout.unit.dimension
        if symbol.kind != "readout" and isinstance(found, Dimension) and (found != unit or readout.unit.factor != 1.0):
            self._add(
                readout.place,
                f"the readout '{readout.id}' is the {symbol.kind} of that name, which is in {found}; to report it in "
                f"{readout.unit.text}, rename one of them.",
            )
        elif isinstance(found, Dimension) and _without_amounts(found) != _without_amounts(unit):
            self._add(
                readout.place,
                f"the readout '{readout.id}' is in {readout.unit.text}, but '{readout.text}' is in {found}.",
            )

    def _kind(self, symbol: Symbol, dimension: Dimension | None) -> None:
        if dimension is None:
            clean = symbol.kind in ("species", "state", "constant") and symbol.statements
            if clean and all(isinstance(self.of_formula(s), _Zero) for s in symbol.statements if s is symbol.initial):
                self._add(
                    symbol.place,
                    f"the unit of '{symbol.name}' cannot be told from a start at 0; multiply the 0 by something in its unit.",
                )
            return
        if symbol.kind == "compartment" and dimension != LITRE:
            self._add(symbol.place, f"the size of the compartment '{symbol.name}' is in {dimension}; it must be in L.")
        if symbol.kind == "species":
            amount = dimension if symbol.substance_only else dimension * LITRE
            if amount not in AMOUNTS:
                expected = "an amount (pmol, mg)" if symbol.substance_only else "a concentration (pmol/L, mg/L)"
                self._add(
                    symbol.place,
                    f"the species '{symbol.name}' is in {dimension}; it must be {expected}. For anything else write a "
                    f"variable with a rate rule (without 'species').",
                )


def _without_amounts(dimension: Dimension) -> Dimension:
    """pmol and mg taken for one, as the molar mass turns one into the other."""
    power = dimension.power("pmol")
    return dimension / PMOL**power * MG**power


def _settle(node: Node, dimension: Dimension) -> None:
    """Give every 0 that decides the unit of ``node`` its unit."""
    if node.op == "const":
        node.unit = str(dimension)
    elif node.op in ("plus", "minus", "min", "max", "abs", "piecewise", "floor", "ceiling"):
        for i, arg in enumerate(node.args):
            if node.op != "piecewise" or i % 2 == 0:
                _settle(arg, dimension)


_FOLD: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "plus": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}


def _number(node: Node) -> Fraction | None:
    """The value of a formula of plain numbers."""
    if node.op == "const":
        return Fraction(node.value).limit_denominator(1000)
    values = [_number(a) for a in node.args]
    if node.op == "minus" and len(values) == 1 and values[0] is not None:
        return -values[0]
    if node.op in _FOLD and len(values) == 2 and values[0] is not None and values[1]:
        return _FOLD[node.op](values[0], values[1])
    return None
