"""Write expressions as straight-line C over the vector types ``vd`` (numbers) and ``vm`` (masks).

One statement per node, in the order in which the results need them. A long function is cut into chunks, so
that compile time stays linear; values that cross a cut travel through a scratch array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leukinetics.engine.expr import FUNCTIONS, RELATIONS, Expr, Graph

#: Statements per C function; above this clang's time grows faster than the code.
CHUNK = 1200

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
#: Functions with a vector implementation in vector.h; the others go lane by lane through the C library.
_VECTOR = {"exp", "log", "sqrt", "abs", "floor", "ceil"}
_HELPERS = {"plog", "precip", "powpos", "powfix", "dpowfix"}
#: The order of the table of C library functions that is handed to a kernel.
LIBRARY = tuple(f for f in FUNCTIONS if f not in _VECTOR)


def literal(value: float) -> str:
    """A C constant that reads back as exactly ``value``."""
    if value != value:
        return 'V(__builtin_nan(""))'
    if value in (float("inf"), float("-inf")):
        return f"V({'-' if value < 0 else ''}__builtin_inf())"
    return f"V({value!r})"


@dataclass(frozen=True)
class Store:
    """One result: C code that takes the value, with ``{}`` where the value goes (``"out[3] = {};"``)."""

    template: str
    expr: Expr


class Emitter:
    """Writes one C function ``void NAME(ARGS)`` that computes ``stores`` from ``leaves``.

    ``leaves`` maps nodes to the C text that reads them; nothing below a leaf is visited.
    """

    def __init__(self, g: Graph, leaves: Mapping[Expr, str]) -> None:
        self.g = g
        self.leaves = leaves

    def schedule(self, stores: Sequence[Store]) -> list[Expr | Store]:
        """Nodes and stores in an order in which every node precedes its uses."""
        order: list[Expr | Store] = []
        done: set[Expr] = set()
        for store in stores:
            stack = [store.expr]
            while stack:
                e = stack[-1]
                if e in done or e in self.leaves or self.g.ops[e] == "const":
                    stack.pop()
                    continue
                missing = [a for a in self.g.args[e] if not (a in done or a in self.leaves)]
                missing = [a for a in missing if self.g.ops[a] != "const"]
                if missing:
                    stack.extend(reversed(missing))
                    continue
                stack.pop()
                done.add(e)
                order.append(e)
            order.append(store)
        return order

    def function(self, name: str, parameters: str, arguments: str, stores: Sequence[Store]) -> str:
        """The C text. ``parameters`` declares what ``leaves`` and templates use; ``arguments`` passes it on."""
        order = self.schedule(stores)
        chunks = [order[i : i + CHUNK] for i in range(0, len(order), CHUNK)] or [[]]
        if len(chunks) == 1:
            return f"static NOINLINE void {name}({parameters}) {{\n{self._body(order, {}, set())}}}\n"
        home = {e: k for k, chunk in enumerate(chunks) for e in chunk if not isinstance(e, Store)}
        crossing: dict[Expr, int] = {}
        for k, chunk in enumerate(chunks):
            for item in chunk:
                used = (item.expr,) if isinstance(item, Store) else self.g.args[item]
                for a in used:
                    if a in home and home[a] != k and a not in crossing:
                        crossing[a] = len(crossing)
        text = []
        for k, chunk in enumerate(chunks):
            local = {e for e in home if home[e] == k}
            body = self._body(chunk, crossing, local)
            text.append(f"static NOINLINE void {name}_{k}({parameters}, vd *RESTRICT s) {{\n{body}}}\n")
        calls = "".join(f"  {name}_{k}({arguments}, s);\n" for k in range(len(chunks)))
        size = max(1, len(crossing))
        text.append(f"static NOINLINE void {name}({parameters}) {{\n  vd s[{size}];\n{calls}}}\n")
        return "".join(text)

    def _body(self, items: Sequence[Expr | Store], crossing: Mapping[Expr, int], local: set[Expr]) -> str:
        lines = []
        for item in items:
            if isinstance(item, Store):
                value = self._number(item.expr, crossing, local)
                lines.append("  " + item.template.replace("{}", value) + "\n")
                continue
            kind = "vm" if self.g.is_boolean(item) else "vd"
            lines.append(f"  const {kind} x{item} = {self._node(item, crossing, local)};\n")
            if item in crossing:
                lines.append(f"  s[{crossing[item]}] = (vd)x{item};\n")
        return "".join(lines)

    def _read(self, e: Expr, crossing: Mapping[Expr, int], local: set[Expr]) -> str:
        if e in self.leaves:
            return self.leaves[e]
        value = self.g.value(e)
        if value is not None:
            return literal(value)
        if e in crossing and e not in local:
            return f"(({'vm' if self.g.is_boolean(e) else 'vd'})s[{crossing[e]}])"
        return f"x{e}"

    def _number(self, e: Expr, crossing: Mapping[Expr, int], local: set[Expr]) -> str:
        text = self._read(e, crossing, local)
        return f"NUM({text})" if self.g.is_boolean(e) and e not in self.leaves else text

    def _mask(self, e: Expr, crossing: Mapping[Expr, int], local: set[Expr]) -> str:
        text = self._read(e, crossing, local)
        return text if self.g.is_boolean(e) and e not in self.leaves else f"({text} != V(0.0))"

    def _node(self, e: Expr, crossing: Mapping[Expr, int], local: set[Expr]) -> str:
        op, args = self.g.ops[e], self.g.args[e]

        def number(i: int) -> str:
            return self._number(args[i], crossing, local)

        def mask(i: int) -> str:
            return self._mask(args[i], crossing, local)

        if op in _INFIX:
            return f"{number(0)} {_INFIX[op]} {number(1)}"
        if op == "neg":
            return f"-{number(0)}"
        if op in RELATIONS:
            return f"(vm)({number(0)} {_COMPARE[op]} {number(1)})"
        if op in ("true", "false"):
            return "~(vm){0}" if op == "true" else "(vm){0}"
        if op == "not":
            return f"~{mask(0)}"
        if op in ("and", "or", "xor"):
            return f"{mask(0)} { {'and': '&', 'or': '|', 'xor': '^'}[op] } {mask(1)}"
        if op == "isnan":
            return f"(vm)({number(0)} != {number(0)})"
        if op == "select":
            if self.g.is_boolean(e):
                return f"({mask(0)} & {mask(1)}) | (~{mask(0)} & {mask(2)})"
            return f"SEL({mask(0)}, {number(1)}, {number(2)})"
        values = ", ".join(number(i) for i in range(len(args)))
        if op in ("min", "max", "rem") or op in _VECTOR or op in _HELPERS:
            return f"v{op}({values})"
        if op in FUNCTIONS:
            return f"vlibrary({LIBRARY.index(op)}, {values})"
        raise AssertionError(f"no C for node '{op}'")
