"""C for SBML events: the tables and functions that runtime/events.h works with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leukinetics.engine.codegen.emit import Emitter
from leukinetics.engine.codegen.schedule import Store
from leukinetics.engine.expr import RELATIONS, Expr, Graph
from leukinetics.engine.prepare import lower
from leukinetics.engine.system import Event


class EventCode:
    """Lowered expressions of a model's events, and the C that evaluates them."""

    def __init__(self, g: Graph, events: Sequence[Event]) -> None:
        self.g = g
        self.events = events
        triggers = [g.condition(e) for e in lower(g, [event.trigger for event in events])]
        comparisons = [e for e in g.reachable(triggers) if g.ops[e] in RELATIONS and e not in triggers]
        self.triggers = [*triggers, *comparisons]
        values = [expr for event in events for _, expr in event.assignments]
        delays = [g.zero if event.delay is None else event.delay for event in events]
        lowest = g.const(float("-inf"))  # an event without priority comes after those that have one
        priorities = [lowest if event.priority is None else event.priority for event in events]
        self.values = lower(g, [*values, *delays, *priorities])

    @property
    def roots(self) -> list[Expr]:
        """All expressions, to hoist what is constant in them."""
        return [*self.triggers, *self.values]

    def text(self, leaves: Mapping[Expr, str], states: Mapping[str, int], slots: Mapping[str, int]) -> str:
        """The C text; ``states`` and ``slots`` say where assignment targets live."""
        events = self.events
        if not events:
            return "#define NE 0\n"
        starts = [0]
        targets = []
        for event in events:
            targets += [states[name] if name in states else -1 - slots[name] for name, _ in event.assignments]
            starts.append(len(targets))
        emitter = Emitter(self.g, leaves)
        parameters = "vd t, const vd *RESTRICT y, const vd *RESTRICT c, "
        return "".join(
            (
                f"#define NE {len(events)}\n#define NR {len(self.triggers) - len(events)}\n"
                f"#define NA {max(1, len(targets))}\n",
                _table("event_start", starts),
                _table("target", targets or [0]),
                _table("persistent", [int(e.persistent) for e in events]),
                _table("initially", [int(e.initial_value) for e in events]),
                _table("early_values", [int(e.trigger_time_values) for e in events]),
                emitter.function(
                    "triggers",
                    parameters + "vd *RESTRICT g",
                    "t, y, c, g",
                    [Store(f"g[{k}] = {{}};", e) for k, e in enumerate(self.triggers)],
                ),
                emitter.function(
                    "event_values",
                    parameters + "vd *RESTRICT v",
                    "t, y, c, v",
                    [Store(f"v[{self._place(k, len(targets))}] = {{}};", e) for k, e in enumerate(self.values)],
                ),
            )
        )

    @staticmethod
    def _place(k: int, assignments: int) -> int:
        """Delays and priorities stand behind at least one place for assignments (NA is never 0)."""
        return k if assignments else k + 1


def _table(name: str, numbers: Sequence[int]) -> str:
    return f"static const int64_t {name}[] = {{{', '.join(map(str, numbers))}}};\n"
