"""Write expressions as straight-line C over the vector types ``vd`` (numbers) and ``vm`` (masks).

One statement per node, in the order of :mod:`schedule`. A long function is cut into chunks, so that compile time
stays linear; values that cross a cut travel through a scratch array.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leukinetics.engine.codegen.schedule import BATCHED, Batch, Item, Store, schedule
from leukinetics.engine.expr import FUNCTIONS, RELATIONS, Expr, Graph

#: Statements per C function; above this clang's time grows faster than the code.
CHUNK = 1200

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
#: Functions with a vector implementation in vector.h; the others go lane by lane through the C library.
_VECTOR = {"sqrt", "abs", "floor", "ceil"}
_HELPERS = {"precip", "powpos", "powfix", "dpowfix"}
#: The order of the table of C library functions that is handed to a kernel.
LIBRARY = tuple(f for f in FUNCTIONS if f not in _VECTOR and f not in BATCHED)


def literal(value: float) -> str:
    """A C constant that reads back as exactly ``value``."""
    if value != value:
        return 'V(__builtin_nan(""))'
    if value in (float("inf"), float("-inf")):
        return f"V({'-' if value < 0 else ''}__builtin_inf())"
    return f"V({value!r})"


class Emitter:
    """Writes one C function ``void NAME(ARGS)`` that computes ``stores`` from ``leaves``.

    ``leaves`` maps nodes to the C text that reads them; nothing below a leaf is visited.
    """

    def __init__(self, g: Graph, leaves: Mapping[Expr, str]) -> None:
        self.g = g
        self.leaves = leaves

    def function(self, name: str, parameters: str, arguments: str, stores: Sequence[Store]) -> str:
        """The C text. ``parameters`` declares what ``leaves`` and templates use; ``arguments`` passes it on."""
        order = schedule(self.g, self.leaves, stores)
        chunks = [order[i : i + CHUNK] for i in range(0, len(order), CHUNK)] or [[]]
        scratch = self._scratch(chunks)
        frame = f"  vd s[{max(scratch.values()) + 1}];\n" if scratch else ""
        if len(chunks) == 1:
            body = self._body(order, scratch, {e for e in order if isinstance(e, int)})
            return f"static NOINLINE void {name}({parameters}) {{\n{frame}{body}}}\n"
        text = []
        for k, chunk in enumerate(chunks):
            body = self._body(chunk, scratch, {e for e in chunk if isinstance(e, int)})
            text.append(f"static NOINLINE void {name}_{k}({parameters}, vd *RESTRICT s) {{\n{body}}}\n")
        calls = "".join(f"  {name}_{k}({arguments}, s);\n" for k in range(len(chunks)))
        frame = frame or "  vd *s = 0;\n"
        return "".join(text) + f"static NOINLINE void {name}({parameters}) {{\n{frame}{calls}}}\n"

    def _scratch(self, chunks: Sequence[Sequence[Item]]) -> dict[Expr, int]:
        """Places in the scratch array: of batches, side by side, and of values used in a later chunk."""
        places: dict[Expr, int] = {}
        size = 0
        home: dict[Expr, int] = {}
        for k, chunk in enumerate(chunks):
            for item in chunk:
                if isinstance(item, Batch):
                    start = size
                    places.update((e, start + i) for i, e in enumerate(item.nodes))
                    places.update((m, places[self.g.args[m][1]]) for m in item.mended)
                    size += len(item.nodes)
                elif isinstance(item, int):
                    home[item] = k
        for k, chunk in enumerate(chunks):
            for item in chunk:
                for a in self._uses(item):
                    if home.get(a, k) != k and a not in places:
                        places[a] = size
                        size += 1
        return places

    def _uses(self, item: Item) -> tuple[Expr, ...]:
        if isinstance(item, Store):
            return (item.expr,)
        if isinstance(item, Batch):
            mending = (a for m in item.mended for a in (self.g.args[m][0], *self.g.args[m][2:]))
            return (*(self.g.args[e][0] for e in item.nodes), *mending)
        return self.g.args[item]

    def _body(self, items: Sequence[Item], scratch: Mapping[Expr, int], local: set[Expr]) -> str:
        lines = []
        for item in items:
            if isinstance(item, Store):
                value = self._number(item.expr, scratch, local)
                lines.append("  " + item.template.replace("{}", value) + "\n")
            elif isinstance(item, Batch):
                for e in item.nodes:
                    argument = self._number(self.g.args[e][0], scratch, local)
                    lines.append(f"  s[{scratch[e]}] = {argument};\n")
                lines.append(f"  {item.op}_all(s + {scratch[item.nodes[0]]}, {len(item.nodes)});\n")
                lines += self._mending(item, scratch, local)
            else:
                kind = "vm" if self.g.is_boolean(item) else "vd"
                lines.append(f"  const {kind} x{item} = {self._node(item, scratch, local)};\n")
                if item in scratch:
                    lines.append(f"  s[{scratch[item]}] = (vd)x{item};\n")
        return "".join(lines)

    def _mending(self, batch: Batch, scratch: Mapping[Expr, int], local: set[Expr]) -> list[str]:
        """Powers of bases below zero, mended where any lane has one."""
        bases: dict[str, None] = {}
        lines = []
        for m in batch.mended:
            base, _, *rest = (self._number(a, scratch, local) for a in self.g.args[m])
            bases[base] = None
            place = f"s[{scratch[m]}]"
            lines.append(f"    {place} = v{self.g.ops[m]}({', '.join((base, place, *rest))});\n")
        if not lines:
            return []
        negative = " | ".join(f"(vm)({base} < V(0.0))" for base in bases)
        return [f"  if (any_lane({negative})) {{\n", *lines, "  }\n"]

    def _read(self, e: Expr, scratch: Mapping[Expr, int], local: set[Expr]) -> str:
        if e in self.leaves:
            return self.leaves[e]
        value = self.g.value(e)
        if value is not None:
            return literal(value)
        if e in scratch and e not in local:
            return f"(({'vm' if self.g.is_boolean(e) else 'vd'})s[{scratch[e]}])"
        return f"x{e}"

    def _number(self, e: Expr, scratch: Mapping[Expr, int], local: set[Expr]) -> str:
        text = self._read(e, scratch, local)
        return f"NUM({text})" if self.g.is_boolean(e) and e not in self.leaves else text

    def _mask(self, e: Expr, scratch: Mapping[Expr, int], local: set[Expr]) -> str:
        text = self._read(e, scratch, local)
        return text if self.g.is_boolean(e) and e not in self.leaves else f"({text} != V(0.0))"

    def _node(self, e: Expr, scratch: Mapping[Expr, int], local: set[Expr]) -> str:
        op, args = self.g.ops[e], self.g.args[e]

        def number(i: int) -> str:
            return self._number(args[i], scratch, local)

        def mask(i: int) -> str:
            return self._mask(args[i], scratch, local)

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
