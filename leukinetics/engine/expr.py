"""A hash-consed expression graph: every distinct subexpression exists once.

An expression is an ``int``, the index of a node in its :class:`Graph`. Building through the methods of
``Graph`` interns nodes and folds the obvious (constants, neutral elements), so that equality of
expressions is equality of integers and common subexpressions cost nothing.

Booleans are nodes too. Whether a node is boolean follows from its operation (:data:`BOOLEAN`); a number
used as a condition means ``!= 0`` and a condition used as a number means 1.0 or 0.0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

#: Unary functions of one real argument.
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "asinh": math.asinh,
    "acosh": math.acosh,
    "atanh": math.atanh,
    "abs": abs,
    "floor": lambda x: float(math.floor(x)),
    "ceil": lambda x: float(math.ceil(x)),
    "gamma": math.gamma,
}

ARITHMETIC = frozenset({"add", "sub", "mul", "div", "pow", "min", "max", "rem"})
RELATIONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
LOGIC = frozenset({"and", "or", "xor", "not", "isnan"})
BOOLEAN = RELATIONS | LOGIC | {"true", "false"}

Expr = int


class Graph:
    """An arena of interned expression nodes.

    Leaves: :meth:`const`, :meth:`sym` (a quantity of the model, at the current time), :meth:`input` (a
    number that the user may set per patient, NaN where none is set) and :attr:`time`.
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[tuple[int, ...]] = []
        self.values: list[float | str | None] = []
        self._index: dict[tuple[object, ...], int] = {}
        self.time: Expr = self._node("time", (), None)
        self.true: Expr = self._node("true", (), None)
        self.false: Expr = self._node("false", (), None)
        self.zero: Expr = self.const(0.0)
        self.one: Expr = self.const(1.0)

    @classmethod
    def restored(cls, ops: list[str], args: list[tuple[int, ...]], values: list[float | str | None]) -> Graph:
        """A graph with exactly these nodes (another graph's ``ops``, ``args`` and ``values``)."""
        g = cls()
        for op, a, value in zip(ops, args, values, strict=True):
            g._node(op, a, value)
        if len(g.ops) != len(ops):
            raise ValueError("the nodes are not those of one graph")
        return g

    # ---- construction -------------------------------------------------------------------------

    def _node(self, op: str, args: tuple[int, ...], value: float | str | None) -> Expr:
        key = (op, args, value) if not isinstance(value, float) else (op, args, value.hex())
        found = self._index.get(key)
        if found is None:
            found = len(self.ops)
            self._index[key] = found
            self.ops.append(op)
            self.args.append(args)
            self.values.append(value)
        return found

    def const(self, value: float) -> Expr:
        """A number."""
        return self._node("const", (), float(value))

    def sym(self, name: str) -> Expr:
        """The current value of the model quantity ``name``."""
        return self._node("sym", (), name)

    def input(self, name: str) -> Expr:
        """The number that the user supplies under ``name`` (NaN if none)."""
        return self._node("input", (), name)

    def value(self, e: Expr) -> float | None:
        """The number of a constant node, else None."""
        v = self.values[e]
        return v if isinstance(v, float) else None

    def is_boolean(self, e: Expr) -> bool:
        """Whether the node is a truth value (a selection between truth values is one)."""
        op = self.ops[e]
        if op == "select":
            return self.is_boolean(self.args[e][1]) and self.is_boolean(self.args[e][2])
        return op in BOOLEAN

    def add(self, a: Expr, b: Expr) -> Expr:
        """``a + b``."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(va + vb)
        if va == 0.0:
            return b
        if vb == 0.0:
            return a
        if self.ops[b] == "neg":
            return self.sub(a, self.args[b][0])
        if self.ops[a] == "neg":
            return self.sub(b, self.args[a][0])
        return self._node("add", (a, b) if a <= b else (b, a), None)

    def sub(self, a: Expr, b: Expr) -> Expr:
        """``a - b``."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(va - vb)
        if vb == 0.0:
            return a
        if va == 0.0:
            return self.neg(b)
        if a == b:
            return self.zero
        if self.ops[b] == "neg":
            return self.add(a, self.args[b][0])
        return self._node("sub", (a, b), None)

    def neg(self, a: Expr) -> Expr:
        """``-a``."""
        va = self.value(a)
        if va is not None:
            return self.const(-va)
        if self.ops[a] == "neg":
            return self.args[a][0]
        if self.ops[a] == "sub":
            return self.sub(self.args[a][1], self.args[a][0])
        return self._node("neg", (a,), None)

    def mul(self, a: Expr, b: Expr) -> Expr:
        """``a * b`` (``0 * x`` folds to 0: models are defined where they are finite)."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return self.const(va * vb)
        if va == 0.0 or vb == 0.0:
            return self.zero
        if va == 1.0:
            return b
        if vb == 1.0:
            return a
        if va == -1.0:
            return self.neg(b)
        if vb == -1.0:
            return self.neg(a)
        if self.ops[a] == "neg":
            return self.neg(self.mul(self.args[a][0], b))
        if self.ops[b] == "neg":
            return self.neg(self.mul(a, self.args[b][0]))
        return self._node("mul", (a, b) if a <= b else (b, a), None)

    def div(self, a: Expr, b: Expr) -> Expr:
        """``a / b``."""
        va, vb = self.value(a), self.value(b)
        if vb is not None and vb != 0.0:
            if va is not None:
                return self.const(va / vb)
            if vb == 1.0:
                return a
            if vb == -1.0:
                return self.neg(a)
        if va == 0.0 and vb is None:
            return self.zero
        if self.ops[a] == "neg":
            return self.neg(self.div(self.args[a][0], b))
        return self._node("div", (a, b), None)

    def pow(self, a: Expr, b: Expr) -> Expr:
        """``a ** b``; integer exponents up to 16 become products when code is written."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            try:
                result = va**vb
            except (OverflowError, ZeroDivisionError):
                result = math.nan
            if isinstance(result, float) and math.isfinite(result):
                return self.const(result)
        if vb == 1.0:
            return a
        if vb == 0.0:
            return self.one
        return self._node("pow", (a, b), None)

    def call(self, function: str, a: Expr) -> Expr:
        """One of :data:`FUNCTIONS` applied to ``a``."""
        if function not in FUNCTIONS:
            raise ValueError(f"unknown function {function!r}")
        va = self.value(a)
        if va is not None:
            try:
                result = float(FUNCTIONS[function](va))
            except (ValueError, OverflowError):
                result = math.nan
            if math.isfinite(result):
                return self.const(result)
        return self._node(function, (a,), None)

    def minimum(self, a: Expr, b: Expr) -> Expr:
        """The smaller of two."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return a if va <= vb else b
        return a if a == b else self._node("min", (a, b), None)

    def maximum(self, a: Expr, b: Expr) -> Expr:
        """The larger of two."""
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            return a if va >= vb else b
        return a if a == b else self._node("max", (a, b), None)

    def rem(self, a: Expr, b: Expr) -> Expr:
        """Remainder of ``a / b`` with the sign of the dividend (as C ``fmod`` and SBML ``rem``)."""
        return self._node("rem", (a, b), None)

    def relation(self, op: str, a: Expr, b: Expr) -> Expr:
        """``lt le gt ge eq ne`` between two numbers."""
        if op not in RELATIONS:
            raise ValueError(f"unknown relation {op!r}")
        va, vb = self.value(a), self.value(b)
        if va is not None and vb is not None:
            holds = {
                "lt": va < vb, "le": va <= vb, "gt": va > vb, "ge": va >= vb, "eq": va == vb, "ne": va != vb,
            }[op]  # fmt: skip
            return self.true if holds else self.false
        return self._node(op, (a, b), None)

    def logical(self, op: str, args: Sequence[Expr]) -> Expr:
        """``and or xor`` over any number of conditions (none: their neutral element), ``not`` of one."""
        conditions = [self.condition(a) for a in args]
        if op == "not":
            (a,) = conditions
            if a == self.true:
                return self.false
            if a == self.false:
                return self.true
            return self.args[a][0] if self.ops[a] == "not" else self._node("not", (a,), None)
        if op not in ("and", "or", "xor"):
            raise ValueError(f"unknown logical operation {op!r}")
        result = self.true if op == "and" else self.false
        for c in conditions:
            result = self._logical2(op, result, c)
        return result

    def _logical2(self, op: str, a: Expr, b: Expr) -> Expr:
        neutral, absorbing = (self.true, self.false) if op == "and" else (self.false, self.true)
        if a == neutral:
            return b
        if b == neutral:
            return a
        if op != "xor":
            if absorbing in (a, b):
                return absorbing
            if a == b:
                return a
        elif a in (self.true, self.false) and b in (self.true, self.false):
            return self.true if a != b else self.false
        return self._node(op, (a, b), None)

    def isnan(self, a: Expr) -> Expr:
        """Whether ``a`` is not a number."""
        return self._node("isnan", (a,), None)

    def condition(self, a: Expr) -> Expr:
        """``a`` as a truth value: itself if it is one, else ``a != 0``."""
        return a if self.is_boolean(a) else self.relation("ne", a, self.zero)

    def select(self, condition: Expr, a: Expr, b: Expr) -> Expr:
        """``a`` where ``condition`` holds, else ``b``."""
        condition = self.condition(condition)
        if condition == self.true:
            return a
        if condition == self.false:
            return b
        if self.ops[condition] == "not":
            condition, a, b = self.args[condition][0], b, a
        return a if a == b else self._node("select", (condition, a, b), None)

    # ---- inspection and rewriting ---------------------------------------------------------------

    def reachable(self, roots: Iterable[Expr]) -> list[Expr]:
        """All nodes under ``roots``, arguments before their users."""
        seen: set[int] = set()
        stack = list(roots)
        while stack:
            e = stack.pop()
            if e not in seen:
                seen.add(e)
                stack.extend(self.args[e])
        return sorted(seen)  # a node is always created after its arguments

    def symbols(self, roots: Iterable[Expr]) -> set[str]:
        """Names of the ``sym`` leaves under ``roots``."""
        return {str(self.values[e]) for e in self.reachable(roots) if self.ops[e] == "sym"}

    def rebuild(self, op: str, args: Sequence[Expr], value: float | str | None = None) -> Expr:
        """A node by operation name, through the folding constructors."""
        match op:
            case "add" | "sub" | "mul" | "div" | "pow" | "neg" | "rem" | "isnan" | "select":
                result: Expr = getattr(self, op)(*args)
                return result
            case "min":
                return self.minimum(*args)
            case "max":
                return self.maximum(*args)
            case "and" | "or" | "xor" | "not":
                return self.logical(op, args)
        if op in RELATIONS:
            return self.relation(op, *args)
        if op in FUNCTIONS:
            return self.call(op, *args)
        return self._node(op, tuple(args), value)

    def substitute(self, roots: Sequence[Expr], replace: Mapping[Expr, Expr]) -> list[Expr]:
        """``roots`` with every node in ``replace`` exchanged for its replacement (not recursively)."""
        new: dict[int, int] = {}
        for e in self.reachable(roots):
            if e in replace:
                new[e] = replace[e]
                continue
            args = self.args[e]
            moved = tuple(new[a] for a in args)
            new[e] = e if moved == args else self.rebuild(self.ops[e], moved, self.values[e])
        return [new[r] for r in roots]
