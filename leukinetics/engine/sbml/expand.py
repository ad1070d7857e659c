"""From postfix programs to nodes of a :class:`~leukinetics.engine.expr.Graph`.

SBML Level 3 Version 2 allows truth values where numbers stand and the reverse: a truth value counts as 1
or 0, a number is true where it is not 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from leukinetics.engine.expr import Expr, Graph
from leukinetics.engine.sbml.mathml import Formula, Function
from leukinetics.errors import ModelError, UnsupportedModelError, suggest

_SAME = {
    "exp": "exp", "ln": "log", "abs": "abs", "floor": "floor", "ceiling": "ceil", "sin": "sin", "cos": "cos",
    "tan": "tan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
}  # fmt: skip
_RECIPROCAL = {"sec": "cos", "csc": "sin", "cot": "tan", "sech": "cosh", "csch": "sinh", "coth": "tanh"}
_OF_RECIPROCAL = {
    "arcsec": "acos", "arccsc": "asin", "arccot": "atan",
    "arcsech": "acosh", "arccsch": "asinh", "arccoth": "atanh",
}  # fmt: skip


class Expander:
    """Expands formulas; ``value`` and ``rate_of`` give the meaning of the model's identifiers."""

    def __init__(
        self,
        graph: Graph,
        functions: Mapping[str, Function],
        value: Callable[[str, str], Expr],
        rate_of: Callable[[str, str], Expr],
    ) -> None:
        self.graph = graph
        self.functions = functions
        self._value = value
        self._rate_of = rate_of
        self._calling: list[str] = []

    def expand(self, formula: Formula, local: Mapping[str, Expr] | None = None) -> Expr:
        """The node of ``formula``; names in ``local`` hide the model's.

        Raises ModelError for undefined functions and wrong numbers of arguments.
        """
        stack: list[Expr] = []
        for op, count, value in formula.program:
            args = stack[len(stack) - count :] if count else []
            del stack[len(stack) - count :]
            if op == "name":
                known = local.get(value) if local else None
                stack.append(self._value(value, formula.where) if known is None else known)
            elif op == "const":
                stack.append(self.graph.const(value))
            elif op == "call":
                stack.append(self._call(value, args, formula.where))
            elif op == "rateOf":
                if self._calling or (local and value in local):
                    raise UnsupportedModelError(
                        f"{formula.where}: 'rateOf' of '{value}', which is local to a reaction or function."
                    )
                stack.append(self._rate_of(value, formula.where))
            else:
                stack.append(self._apply(op, args))
        (result,) = stack
        return result

    def _call(self, name: str, args: Sequence[Expr], where: str) -> Expr:
        function = self.functions.get(name)
        if function is None:
            raise ModelError(f"{where}: the function '{name}' is not defined.{suggest(name, self.functions)}")
        if len(args) != len(function.parameters):
            raise ModelError(f"{where}: '{name}' takes {len(function.parameters)} arguments, {len(args)} are given.")
        if name in self._calling:
            raise ModelError(f"{where}: the function '{name}' calls itself.")
        self._calling.append(name)
        try:
            return self.expand(function.body, dict(zip(function.parameters, args, strict=True)))
        finally:
            self._calling.pop()

    def number(self, e: Expr) -> Expr:
        """``e`` as a number: a truth value becomes 1 or 0."""
        g = self.graph
        return g.select(e, g.one, g.zero) if g.is_boolean(e) else e

    def _apply(self, op: str, args: Sequence[Expr]) -> Expr:
        g = self.graph
        match op:
            case "time":
                return g.time
            case "true":
                return g.true
            case "false":
                return g.false
            case "piecewise":
                return self._piecewise(args)
            case "and" | "or" | "xor" | "not":
                return g.logical(op, args)
            case "implies":
                return g.logical("or", [g.logical("not", args[:1]), args[1]])
        return self._arithmetic(op, [self.number(a) for a in args])

    def _piecewise(self, args: Sequence[Expr]) -> Expr:
        g = self.graph
        pairs, rest = len(args) // 2, len(args) % 2
        values = [args[2 * i] for i in range(pairs)] + ([args[-1]] if rest else [])
        if not all(g.is_boolean(v) for v in values):
            values = [self.number(v) for v in values]
        # Without "otherwise" the value is undefined where no piece holds.
        result = values[-1] if rest else g.const(math.nan)
        for i in reversed(range(pairs)):
            result = g.select(args[2 * i + 1], values[i], result)
        return result

    def _arithmetic(self, op: str, args: Sequence[Expr]) -> Expr:
        g = self.graph
        if op in _SAME:
            return g.call(_SAME[op], args[0])
        if op in _RECIPROCAL:
            return g.div(g.one, g.call(_RECIPROCAL[op], args[0]))
        if op in _OF_RECIPROCAL:
            return g.call(_OF_RECIPROCAL[op], g.div(g.one, args[0]))
        match op, args:
            case "plus", _:
                return _fold(g.add, args, g.zero)
            case "times", _:
                return _fold(g.mul, args, g.one)
            case "minus", [a]:
                return g.neg(a)
            case "minus", [a, b]:
                return g.sub(a, b)
            case "divide", [a, b]:
                return g.div(a, b)
            case "power", [a, b]:
                return g.call("exp", b) if g.value(a) == math.e else g.pow(a, b)
            case "root", [a]:
                return g.call("sqrt", a)
            case "root", [degree, a]:
                if g.value(degree) == 2.0:
                    return g.call("sqrt", a)
                return g.pow(a, g.div(g.one, degree))
            case "log", [a]:
                return g.div(g.call("log", a), g.const(math.log(10.0)))
            case "log", [base, a]:
                return g.div(g.call("log", a), g.call("log", base))
            case "factorial", [a]:
                return g.call("gamma", g.add(a, g.one))
            case "min", _:
                return _fold(g.minimum, args, g.zero)
            case "max", _:
                return _fold(g.maximum, args, g.zero)
            case "rem", [a, b]:
                return g.rem(a, b)
            case "quotient", [a, b]:
                ratio = g.div(a, b)
                positive = g.relation("ge", ratio, g.zero)
                return g.select(positive, g.call("floor", ratio), g.call("ceil", ratio))
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge", _:
                return g.logical("and", [g.relation(op, a, b) for a, b in pairwise(args)])
        raise UnsupportedModelError(f"The mathematical operation '{op}' is not supported.")


def _fold(combine: Callable[[Expr, Expr], Expr], args: Sequence[Expr], empty: Expr) -> Expr:
    if not args:
        return empty
    result = args[0]
    for a in args[1:]:
        result = combine(result, a)
    return result
