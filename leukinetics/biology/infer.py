"""Units of everything, inferred from the parameters, and checked in every formula.

A symbol has the unit of the formula that gives its rule or start value. A number in a formula is dimensionless; 0
fits any unit. Exponents are numbers or dimensionless (then so is the base); exp, ln and their like take and give
pure numbers. The rate of a reaction is an amount per day.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from leukinetics.biology.dimensions import DAY, LITRE, NONE, Dimension, parse_unit
from leukinetics.biology.formula import Node
from leukinetics.biology.problems import Place, Problems
from leukinetics.biology.records import Readout
from leukinetics.biology.statements import Statement
from leukinetics.biology.symbols import Composition, Symbol

#: A symbol's unit may be given as that of the amount of a species.
AMOUNT_OF = "amount of "

_SAME = ("plus", "minus", "min", "max", "lt", "gt", "le", "ge", "eq", "ne", "rem", "quotient")
_SIGNS = {"plus": "+", "minus": "-", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "eq": "==", "ne": "!="}


class Zero:
    """The unit of the number 0: any."""


ZERO = Zero()
#: A unit; ZERO; or None where it is unknown (and the reason reported, or still being worked out).
Found = Dimension | Zero | None


class Inference:
    """Units of a composition: :meth:`dimension` of a symbol, :meth:`of_formula` of a statement."""

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
        if symbol.parameter is not None:
            return symbol.parameter.dimension
        if symbol.kind == "compartment":
            return LITRE
        if symbol.unit.startswith(AMOUNT_OF):
            return self.amount(self.composition.symbols[symbol.unit.removeprefix(AMOUNT_OF)])
        if symbol.unit:
            return parse_unit(symbol.unit).dimension
        if symbol.kind == "readout" and symbol.readout is not None:
            return symbol.readout.unit.dimension
        if symbol.kind == "event":
            return NONE
        statement = symbol.rule or symbol.reaction or symbol.initial
        if statement is None:
            return None
        found = self.of_formula(statement)
        if isinstance(found, Dimension) or found is None:
            return found
        return self._from_changes(symbol)

    def _from_changes(self, symbol: Symbol) -> Dimension | None:
        """The dimension of what starts at 0, from its rate rule or the reactions or events that change it."""
        self._quiet += 1
        try:
            if symbol.rate is not None and self.composition.has_formula(symbol.rate):
                rate = self._evaluate(self.composition.formula(symbol.rate), symbol.rate.place, "")
                if isinstance(rate, Dimension):
                    return rate * DAY
            for reaction in self.composition.of_kind("reaction"):
                s = reaction.reaction
                if s is None or not self.composition.has_formula(s):
                    continue
                if symbol.name in [name for _, name in (*s.reactants, *s.products)]:
                    rate = self._evaluate(self.composition.formula(s), s.place, "")
                    if isinstance(rate, Dimension):
                        amount = rate * DAY
                        return amount if symbol.substance_only else amount / LITRE
            for _, assignment in self.composition.events_on(symbol.name):
                if self.composition.has_formula(assignment):
                    value = self._evaluate(self.composition.formula(assignment), assignment.place, "")
                    if isinstance(value, Dimension):
                        return value
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
        if not self.composition.has_formula(item):
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
                self.add(place, f"{what} takes {node.op} of '{arg}', which is in {found}; it must be dimensionless.")
        return NONE

    def _product(self, node: Node, args: list[Found]) -> Found:
        total = NONE
        for arg, found in zip(node.args, args, strict=True):
            if found is None:
                return None
            if isinstance(found, Zero):
                arg.unit = "dimensionless"
            else:
                total *= found
        return total

    def _quotient(self, node: Node, args: list[Found]) -> Found:
        for arg, found in zip(node.args, args, strict=True):
            if found is ZERO:
                arg.unit = "dimensionless"
        above, below = (NONE if isinstance(found, Zero) else found for found in args)
        return None if above is None or below is None else above / below

    def _power(self, node: Node, args: list[Found], place: Place, what: str) -> Found:
        if node.op == "power":
            base, exponent, (base_unit, exponent_unit) = node.args[0], node.args[1], args
        else:
            base, exponent, (exponent_unit, base_unit) = node.args[1], node.args[0], args
        if isinstance(exponent_unit, Dimension) and exponent_unit != NONE:
            self.add(
                place, f"{what} has the exponent '{exponent}', which is in {exponent_unit}; it must be dimensionless."
            )
        for side in (base, exponent):
            if side.op == "const":
                side.unit = "dimensionless"
        if not isinstance(base_unit, Dimension) or base_unit == NONE:
            return NONE if isinstance(base_unit, Zero) else base_unit
        number = _number(exponent)
        if number is None:
            self.add(
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
                self.add(
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
                if isinstance(dimension, Zero):
                    settle(part, first[1])
        return first[1] if self._quiet or None not in found else None

    def add(self, place: Place, message: str) -> None:
        if not self._quiet:
            self.problems.add(place, message)


def settle(node: Node, dimension: Dimension) -> None:
    """Give a formula of nothing but zeros the unit that it must have."""
    if node.op == "const":
        node.unit = str(dimension)
    elif node.op in ("plus", "minus", "min", "max", "abs", "piecewise", "floor", "ceiling"):
        for i, arg in enumerate(node.args):
            if node.op != "piecewise" or i % 2 == 0:
                settle(arg, dimension)


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
