"""Events of SBML, with their targets translated to states and discretes."""

from __future__ import annotations

from leukinetics.engine.expr import Expr, Graph
from leukinetics.engine.sbml.resolve import Resolver
from leukinetics.engine.sbml.symbols import EventFacts, Facts
from leukinetics.engine.system import Event, OdeSystem
from leukinetics.errors import ModelError, UnsupportedModelError


def build_events(facts: Facts, resolver: Resolver, system: OdeSystem) -> None:
    """Append the model's events to ``system.events``.

    An assignment to a concentration that is kept as an amount becomes ``value * V``, where ``V`` is the size
    of the compartment just after the event.
    """
    graph = system.graph
    targets = {q.name for q in (*system.states, *system.discretes)}
    for event in facts.events:
        for target, _ in event.assignments:
            if resolver.slot(target) not in targets:
                raise ModelError(f"{event.line}: the event sets '{target}', which nothing may set.")
        trigger = graph.condition(resolver.expander.expand(event.trigger))
        system.events.append(
            Event(
                event.id,
                trigger,
                tuple(_assignments(event, facts, resolver, graph, system)),
                None if event.delay is None else resolver.formula(event.delay),
                None if event.priority is None else resolver.formula(event.priority),
                event.persistent,
                event.initial_value,
                event.trigger_time_values,
            )
        )


def _assignments(
    event: EventFacts, facts: Facts, resolver: Resolver, graph: Graph, system: OdeSystem
) -> list[tuple[str, Expr]]:
    values = {target: resolver.formula(formula) for target, formula in event.assignments}
    by_amount = [t for t in values if resolver.slot(t) != t]
    direct = {t: value for t, value in values.items() if t not in by_amount}
    replace = {graph.sym(t): value for t, value in direct.items()}
    result = list(direct.items())
    for target in by_amount:
        compartment = facts.species[target].compartment
        volume = resolver.value(compartment)
        (new_volume,) = graph.substitute([volume], replace)
        reads = graph.symbols([new_volume]) if new_volume == volume else set()
        if reads & {resolver.slot(t) for t in by_amount}:
            raise UnsupportedModelError(
                f"{event.line}: the event sets '{target}' and the size of its compartment depends on it."
            )
        if new_volume == volume and _may_drift(event, facts, compartment):
            system.compiled_refusals.append(
                f"event '{event.id}' sets the concentration '{target}' with values from the time of its "
                f"trigger, and '{compartment}' may change before it is carried out"
            )
        result.append((resolver.slot(target), graph.mul(values[target], new_volume)))
    return result


def _may_drift(event: EventFacts, facts: Facts, compartment: str) -> bool:
    """Whether the compartment can change between the trigger of ``event`` and its execution."""
    if not event.trigger_time_values:
        return False
    others = {t for e in facts.events if e is not event for t, _ in e.assignments}
    return event.delay is not None or compartment in others or (compartment in facts.assigned and bool(others))
