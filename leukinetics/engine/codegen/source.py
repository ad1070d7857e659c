"""The complete C source of a model's kernel, and of the small function that computes observables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from leukinetics.engine.breakpoints import Breakpoint
from leukinetics.engine.codegen.emit import Emitter
from leukinetics.engine.codegen.events import EventCode
from leukinetics.engine.codegen.linear import Storage, factor_function, solve_function
from leukinetics.engine.codegen.schedule import Store
from leukinetics.engine.codegen.stepper import dense_function, step_function
from leukinetics.engine.elimination import plan
from leukinetics.engine.expr import Expr, Graph
from leukinetics.engine.prepare import Prepared, lower
from leukinetics.engine.tableau import METHODS


@cache
def _runtime(name: str) -> str:
    return (files("leukinetics.engine") / "runtime" / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class KernelSource:
    """C text and what the host must know to call the kernel."""

    text: str
    state_index: dict[str, int]  # state name -> row (states are renumbered in elimination order)
    slot_index: dict[str, int]  # constants and discretes by name
    factor_slots: dict[str, int]  # dose target species -> slot of its factor, -1 for 1
    input_names: tuple[str, ...]
    n_slots: int


class _Hoisting:
    """Collects expressions of constants alone and gives each a slot behind the named ones."""

    def __init__(self, g: Graph, names: dict[str, int]) -> None:
        self.g = g
        self.leaves: dict[Expr, str] = {g.sym(n): f"c[{k}]" for n, k in names.items()}
        self.fixed: set[Expr] = set(self.leaves)
        self.slots: dict[Expr, int] = {}
        self.first = len(names)

    def scan(self, roots: Iterable[Expr]) -> None:
        """Find what is constant under ``roots`` and hoist the largest such expressions."""
        g = self.g
        nodes = g.reachable(roots)
        constant: dict[Expr, bool] = {}
        for e in nodes:
            args = g.args[e]
            constant[e] = e in self.fixed or g.ops[e] == "const" or (bool(args) and all(constant[a] for a in args))
        outermost = set(roots)
        for e in nodes:
            if not constant[e]:
                outermost.update(g.args[e])
        pending = sorted(e for e in outermost if constant[e])
        while pending:
            e = pending.pop()
            if e in self.fixed or g.ops[e] == "const" or e in self.slots:
                continue
            if g.ops[e] == "neg" or g.is_boolean(e):  # cheap to repeat: hoist what is below
                pending.extend(g.args[e])
                continue
            self.take(e)

    def take(self, e: Expr) -> int:
        """The slot of ``e``."""
        if e not in self.slots:
            self.slots[e] = self.first + len(self.slots)
            self.leaves[e] = f"c[{self.slots[e]}]"
        return self.slots[e]


def kernel_source(p: Prepared, breakpoints: Sequence[Breakpoint] = ()) -> KernelSource:
    """C text of the ensemble integrator for ``p``; ``breakpoints`` are times to hit exactly."""
    g, system = p.graph, p.system
    n = len(system.states)
    order_plan = plan([set(row) for row in p.jacobian])
    position = {state: k for k, state in enumerate(order_plan.order)}
    storage = Storage(order_plan)
    names = dict(p.layout.slots)
    hoist = _Hoisting(g, names)

    rates = [p.rates[i] for i in order_plan.order]
    entries = {(position[i], position[j]): d for i, row in enumerate(p.jacobian) for j, d in row.items()}
    events = EventCode(g, system.events)
    hoist.scan([*rates, *entries.values(), *p.time_derivative, *events.roots])
    factor_exprs = dict(
        zip(system.dose_targets, lower(g, [d.factor for d in system.dose_targets.values()]), strict=True)
    )
    factor_slots = {
        s: -1 if e == g.one else names[str(g.values[e])] if g.ops[e] == "sym" else hoist.take(e)
        for s, e in factor_exprs.items()
    }
    single = [b.offset for b in breakpoints if b.period is None]
    periodic = [x for b in breakpoints if b.period is not None for x in (b.offset, b.period)]
    lowered_breaks = lower(g, [*single, *periodic])
    n_slots_before_breaks = hoist.first + len(hoist.slots)
    break_stores = [Store(f"c[{n_slots_before_breaks + k}] = {{}};", e) for k, e in enumerate(lowered_breaks)]
    n_slots = n_slots_before_breaks + len(lowered_breaks)

    state_leaves = {g.sym(s.name): f"y[{position[i]}]" for i, s in enumerate(system.states)}
    named_leaves = {g.sym(s): f"c[{k}]" for s, k in names.items()}
    input_leaves = {g.input(s): f"u[{k}]" for s, k in p.layout.inputs.items()}
    running = {**state_leaves, **hoist.leaves, g.time: "t"}

    start = [Store(f"c[{k}] = {{}};", e) for k, e in enumerate(p.initial_slots)]
    start += [Store(f"y[{position[i]}] = {{}};", e) for i, e in enumerate(p.initial_states)]
    hoisted = [Store(f"c[{k}] = {{}};", e) for e, k in hoist.slots.items()] + break_stores
    w_stores = []
    for (i, j), k in storage.index.items():
        entry = entries.get((i, j), g.zero)
        text = f"W[{k}] = ihg - {{}};" if i == j else f"W[{k}] = -{{}};"
        if entry == g.zero:
            text = f"W[{k}] = ihg;" if i == j else f"W[{k}] = V(0.0);"
        w_stores.append(Store(text, entry))
    if not p.autonomous:
        w_stores += [Store(f"ft[{position[i]}] = {{}};", e) for i, e in enumerate(p.time_derivative)]

    run = Emitter(g, running)
    at_start = Emitter(g, input_leaves)
    slots_only = Emitter(g, named_leaves)
    rhs_parameters = "vd t, const vd *RESTRICT y, const vd *RESTRICT c"
    methods = list(METHODS.values())
    parts = [
        _runtime("vector.h"),
        _runtime("job.h"),
        _constants(
            AUTONOMOUS=int(p.autonomous),
            NS=n,
            NC=max(1, n_slots),
            NU=max(1, len(p.layout.inputs)),
            NW=max(1, len(storage)),
            MAX_TARGETS=max(1, len(system.dose_targets)),
            N_BREAK=len(single),
            FIRST_BREAK=n_slots_before_breaks,
            N_PERIODIC=len(periodic) // 2,
            FIRST_PERIODIC=n_slots_before_breaks + len(single),
        ),
        _runtime("work.h"),
        at_start.function("start_values", "const vd *RESTRICT u, vd *RESTRICT c, vd *RESTRICT y", "u, c, y", start),
        slots_only.function("hoist", "vd *c", "c", hoisted),
        "static void initialise(const vd *u, vd *c, vd *y) {\n  start_values(u, c, y);\n  hoist(c);\n}\n",
        run.function(
            "rhs",
            f"{rhs_parameters}, vd *RESTRICT f",
            "t, y, c, f",
            [Store(f"f[{k}] += {{}};", e) for k, e in enumerate(rates) if e != g.zero],
        ),
        run.function(
            "fill",
            f"{rhs_parameters}, vd ihg, vd *RESTRICT W, vd *RESTRICT ft",
            "t, y, c, ihg, W, ft",
            w_stores,
        ),
        factor_function(storage),
        solve_function(storage),
        "static void factorise(vd t, const vd *y, const vd *c, vd ihg, vd *W, vd *ft) {\n"
        "  fill(t, y, c, ihg, W, ft);\n  lu(W);\n}\n",
        *(step_function(m, p.autonomous) for m in methods),
        *(dense_function(m) for m in methods),
        _dispatch(),
        events.text(running, {s.name: position[i] for i, s in enumerate(system.states)}, names),
        _runtime("events.h") if system.events else "",
        *(_runtime(name) for name in ("lanes.h", "outputs.h", "segments.h", "patients.h", "loop.h")),
        _runtime("exports.h"),
        _runtime("library.h"),
    ]
    return KernelSource(
        text="".join(parts),
        state_index={s.name: position[i] for i, s in enumerate(system.states)},
        slot_index=names,
        factor_slots=factor_slots,
        input_names=tuple(p.layout.inputs),
        n_slots=max(1, n_slots),
    )


def _constants(**numbers: int) -> str:
    return "".join(f"#define {name} {number}\n" for name, number in numbers.items())


def _dispatch() -> str:
    """C that picks the method by the job's code, and its step-size control constants."""
    text = "INLINE vd step(const job_t *j, work *w, vd t, vd h) {\n"
    first, second = METHODS.values()
    text += (
        f"  return j->method == {first.code} ? step_{first.name}(j, w, t, h) : step_{second.name}(j, w, t, h);\n}}\n"
    )
    text += "INLINE void dense_coefficients(int64_t m, const work *w, int64_t i, vd (*d)[NS], int64_t k) {\n"
    text += f"  if (m == {first.code}) dense_{first.name}(w, i, d, k);\n  else dense_{second.name}(w, i, d, k);\n}}\n"
    text += f"#define CONTROL_ORDER (j->method == {first.code} ? {first.order}.0 : {second.order}.0)\n"
    return text + "#define PREDICT 0.08\n#define GROW 8.0\n"


def observe_source(p: Prepared, source: KernelSource, outputs: Sequence[Expr]) -> str:
    """C text of ``lk_observe(t, y, c, o)`` for expressions of states, constants, discretes and time."""
    g = p.graph
    leaves = {g.sym(s): f"y[{k}]" for s, k in source.state_index.items()}
    leaves |= {g.sym(s): f"c[{k}]" for s, k in source.slot_index.items()}
    leaves[g.time] = "t"
    body = Emitter(g, leaves).function(
        "observe",
        "vd t, const vd *RESTRICT y, const vd *RESTRICT c, vd *RESTRICT o",
        "t, y, c, o",
        [Store(f"o[{k}] = {{}};", e) for k, e in enumerate(lower(g, outputs))],
    )
    wrapper = (
        '__attribute__((visibility("default"))) void lk_observe(vd t, const vd *y, const vd *c, vd *o) {\n'
        "  observe(t, y, c, o);\n}\n"
    )
    return _runtime("vector.h") + body + wrapper + _runtime("library.h")
