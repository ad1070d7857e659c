"""Formulas as small trees: read by libSBML's parser, written with a unit at every number.

A tree is what unit inference walks and what SBML is written from; user functions are expanded in it, so that every
number stands in one context and has one unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from leukinetics.engine.sbml.mathml import parse as parse_ast
from leukinetics.errors import ModelError, UnsupportedModelError

_INFIX = {"plus": ("+", 4), "minus": ("-", 4), "times": ("*", 5), "divide": ("/", 5), "power": ("^", 7),
          "lt": ("<", 3), "gt": (">", 3), "le": ("<=", 3), "ge": (">=", 3), "eq": ("==", 3), "ne": ("!=", 3),
          "and": ("&&", 2), "or": ("||", 2)}  # fmt: skip
_NAMES = {"ceiling": "ceil"}
_ATOMIC, _UNARY = 9, 6


class Node:
    """``op`` is "const", "name", "time", "call" (of a user function) or an operation of SBML.

    ``value`` is the number or the name; ``unit`` is the name of a constant's unit, set by unit inference.
    """

    __slots__ = ("args", "op", "unit", "value")

    def __init__(self, op: str, args: tuple[Node, ...] = (), value: Any = None, unit: str = "") -> None:
        self.op, self.args, self.value, self.unit = op, args, value, unit

    def __str__(self) -> str:
        return _write(self, False)[0]

    @property
    def names(self) -> list[str]:
        """The symbols that the formula reads, in order, each once."""
        return list(dict.fromkeys(node.value for node in self.walk() if node.op == "name"))

    def walk(self) -> Iterator[Node]:
        """All nodes, this one first."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.args))

    def with_units(self) -> str:
        """The formula for libSBML's parser, each number followed by the identifier of its unit."""
        return _write(self, True)[0]

    def expanded(self, functions: Mapping[str, Function], arguments: Mapping[str, Node] | None = None) -> Node:
        """A copy in which calls of ``functions`` are replaced by their bodies."""
        if self.op == "name" and arguments is not None and self.value in arguments:
            return arguments[self.value].expanded({})
        args = tuple(a.expanded(functions, arguments) for a in self.args)
        if self.op == "call" and self.value in functions:
            function = functions[self.value]
            return function.body.expanded(functions, dict(zip(function.parameters, args, strict=True)))
        return Node(self.op, args, self.value, self.unit)


class Function:
    """A user function: its parameters and its body."""

    def __init__(self, name: str, parameters: tuple[str, ...], body: Node) -> None:
        self.name, self.parameters, self.body = name, parameters, body


def number(value: float, unit: str = "dimensionless") -> Node:
    """A constant."""
    return Node("const", value=float(value), unit=unit)


def name(symbol: str) -> Node:
    """A reference to a symbol."""
    return Node("name", value=symbol)


def parse_formula(text: str) -> Node:
    """The tree of a formula. Raises ModelError that says what is wrong and at which character."""
    import libsbml

    ast = libsbml.parseL3FormulaWithSettings(text, _settings())
    if ast is None:
        detail = libsbml.getLastParseL3Error().partition("at position ")[2]
        position, _, reason = detail.partition(":")
        reason = reason.strip().removeprefix("syntax error,").strip().rstrip(".")
        where = f" at character {position}" if position.strip().isdigit() else ""
        raise ModelError(f"'{text}' is no formula: {reason or 'syntax error'}{where}.")
    try:
        program = parse_ast(ast, "").program
    except UnsupportedModelError as error:
        raise ModelError(f"'{text}' is no formula of a module: {str(error).lstrip(': ')}") from error
    stack: list[Node] = []
    for op, count, value in program:
        args = tuple(stack[len(stack) - count :]) if count else ()
        del stack[len(stack) - count :]
        stack.append(Node(op, args, value))
    return stack[0]


@cache
def _settings() -> Any:
    import libsbml

    settings = libsbml.L3ParserSettings()
    settings.setParseUnits(False)  # "2 x" is a slip, not the number 2 in the unit x
    settings.setParseLog(libsbml.L3P_PARSE_LOG_AS_ERROR)
    return settings


def _write(node: Node, units: bool) -> tuple[str, int]:
    """(text, binding strength of its outermost operation)."""
    op = node.op
    if op == "const":
        text = f"{int(node.value)}" if node.value == int(node.value) and abs(node.value) < 1e15 else repr(node.value)
        return (f"{text} {node.unit}" if units and node.unit else text), _ATOMIC
    if op == "name":
        return node.value, _ATOMIC
    if op == "time":
        return "time", _ATOMIC
    parts = [_write(a, units) for a in node.args]
    if op == "minus" and len(parts) == 1:
        return f"-{_wrapped(parts[0], _UNARY)}", _UNARY
    if op == "not":
        return f"!{_wrapped(parts[0], _UNARY)}", _UNARY
    if op in _INFIX and len(parts) > 1:
        sign, strength = _INFIX[op]
        first = _wrapped(parts[0], strength + (op == "power"))
        rest = [_wrapped(part, strength + 1) for part in parts[1:]]
        gap = "" if op in ("times", "divide", "power") else " "
        return f"{gap}{sign}{gap}".join([first, *rest]), strength
    if op == "log" and len(parts) == 2 and node.args[0].op == "const" and node.args[0].value == 10:
        return f"log10({parts[1][0]})", _ATOMIC
    if op == "root" and len(parts) == 2 and node.args[0].op == "const" and node.args[0].value == 2:
        return f"sqrt({parts[1][0]})", _ATOMIC
    label = node.value if op == "call" else _NAMES.get(op, op)
    return f"{label}({', '.join(text for text, _ in parts)})", _ATOMIC


def _wrapped(part: tuple[str, int], needed: int) -> str:
    return part[0] if part[1] >= needed else f"({part[0]})"
