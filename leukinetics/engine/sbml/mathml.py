"""From libSBML's syntax trees to flat programs.

A :class:`Formula` is the mathematics of one SBML element as a list of instructions in postfix order,
``(operation, number of arguments, value)``, so that later stages need neither libSBML nor recursion.
Operations that no stage can handle are refused here, by name and place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from leukinetics.errors import UnsupportedModelError

Instruction = tuple[str, int, Any]

AVOGADRO = 6.02214179e23  # the value that the SBML Level 3 specification fixes


@dataclass(frozen=True)
class Formula:
    """A postfix program and ``where`` it stands (for messages, e.g. "line 12, rate rule of 'x'")."""

    program: tuple[Instruction, ...]
    where: str

    @property
    def names(self) -> list[str]:
        """The identifiers that the formula reads."""
        return [value for op, _, value in self.program if op == "name"]


@dataclass(frozen=True)
class Function:
    """A function definition: its parameters and its body."""

    name: str
    parameters: tuple[str, ...]
    body: Formula


#: libSBML node type -> operation, where the children become arguments unchanged.
_OPERATIONS = {
    "PLUS": "plus", "MINUS": "minus", "TIMES": "times", "DIVIDE": "divide", "POWER": "power",
    "FUNCTION_POWER": "power", "FUNCTION_ROOT": "root", "FUNCTION_LOG": "log", "FUNCTION_LN": "ln",
    "FUNCTION_EXP": "exp", "FUNCTION_ABS": "abs", "FUNCTION_FLOOR": "floor", "FUNCTION_CEILING": "ceiling",
    "FUNCTION_FACTORIAL": "factorial", "FUNCTION_MIN": "min", "FUNCTION_MAX": "max",
    "FUNCTION_REM": "rem", "FUNCTION_QUOTIENT": "quotient", "FUNCTION_PIECEWISE": "piecewise",
    "LOGICAL_AND": "and", "LOGICAL_OR": "or", "LOGICAL_XOR": "xor", "LOGICAL_NOT": "not",
    "LOGICAL_IMPLIES": "implies", "RELATIONAL_EQ": "eq", "RELATIONAL_NEQ": "ne", "RELATIONAL_GT": "gt",
    "RELATIONAL_LT": "lt", "RELATIONAL_GEQ": "ge", "RELATIONAL_LEQ": "le", "CONSTANT_TRUE": "true",
    "CONSTANT_FALSE": "false",
} | {
    f"FUNCTION_{arc}{f}{h}".upper(): f"{arc}{f}{h}"
    for arc in ("", "arc") for f in ("sin", "cos", "tan", "sec", "csc", "cot") for h in ("", "h")
}  # fmt: skip

#: operation -> (fewest, most) arguments; absent: any number.
_ARITY = {
    "minus": (1, 2), "divide": (2, 2), "power": (2, 2), "root": (1, 2), "log": (1, 2), "rem": (2, 2),
    "quotient": (2, 2), "implies": (2, 2), "ne": (2, 2), "not": (1, 1), "min": (1, None), "max": (1, None),
    "ln": (1, 1), "exp": (1, 1), "abs": (1, 1), "floor": (1, 1), "ceiling": (1, 1), "factorial": (1, 1),
} | {
    op: (1, 1) for name, op in _OPERATIONS.items() if name.startswith("FUNCTION_") and op[-1] in "nstch"
    and op[:3] in ("sin", "cos", "tan", "sec", "csc", "cot", "arc")
}  # fmt: skip


@cache
def _tables() -> tuple[dict[int, str], dict[int, Callable[[Any], float]], dict[int, str], int]:
    import libsbml

    def types(names: list[str]) -> list[int]:
        return [getattr(libsbml, f"AST_{name}") for name in names]

    operations = {getattr(libsbml, f"AST_{name}"): op for name, op in _OPERATIONS.items()}
    numbers: dict[int, Callable[[Any], float]] = {
        kind: lambda node: float(node.getValue()) for kind in types(["INTEGER", "REAL", "REAL_E", "RATIONAL"])
    }
    numbers[libsbml.AST_CONSTANT_E] = lambda node: 2.718281828459045
    numbers[libsbml.AST_CONSTANT_PI] = lambda node: 3.141592653589793
    numbers[libsbml.AST_NAME_AVOGADRO] = lambda node: AVOGADRO
    special = {
        libsbml.AST_NAME: "name",
        libsbml.AST_NAME_TIME: "time",
        libsbml.AST_FUNCTION: "call",
        libsbml.AST_FUNCTION_RATE_OF: "rateOf",
    }
    return operations, numbers, special, libsbml.AST_FUNCTION_DELAY


def parse(node: Any, where: str) -> Formula:
    """The formula of an ``ASTNode``.

    Raises UnsupportedModelError for mathematics that the engine does not know.
    """
    operations, numbers, special, delay = _tables()
    reversed_program: list[Instruction] = []
    stack = [node]
    while stack:
        n = stack.pop()
        kind = n.getType()
        if kind in numbers:
            reversed_program.append(("const", 0, numbers[kind](n)))
            continue
        op = operations.get(kind)
        name = special.get(kind)
        if op is None and name is None:
            what = "the 'delay' function" if kind == delay else _describe(n)
            raise UnsupportedModelError(f"{where}: {what} is not supported.")
        if name == "name":
            reversed_program.append(("name", 0, n.getName()))
            continue
        if name == "time":
            reversed_program.append(("time", 0, None))
            continue
        count = n.getNumChildren()
        if name == "rateOf":
            target = n.getChild(0) if count == 1 else None
            if target is None or special.get(target.getType()) != "name":
                raise UnsupportedModelError(f"{where}: 'rateOf' of something that is not one identifier.")
            reversed_program.append(("rateOf", 0, target.getName()))
            continue
        if op is not None:
            fewest, most = _ARITY.get(op, (0, None))
            if count < fewest or (most is not None and count > most):
                raise UnsupportedModelError(f"{where}: '{op}' with {count} arguments.")
        reversed_program.append((op or "call", count, n.getName() if op is None else None))
        stack.extend(n.getChild(i) for i in range(count))
    return Formula(tuple(reversed(reversed_program)), where)


def _describe(node: Any) -> str:
    name = node.getName() or node.getOperatorName() or node.getClass()
    return f"the mathematical construct '{name}'" if name else f"a mathematical construct ({node.getType()})"


def parse_function(definition: Any, where: str) -> Function | None:
    """A ``FunctionDefinition``; None if it has no body (allowed from L3V2 if nobody calls it)."""
    body = definition.getBody()
    if body is None:
        return None
    parameters = tuple(definition.getArgument(i).getName() for i in range(definition.getNumArguments()))
    return Function(definition.getId(), parameters, parse(body, where))
