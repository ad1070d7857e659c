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
    _refuse_jumps(facts, resolver, graph)
    targets = {q.name for q in system.states} | {q.name for q in system.discretes}
    for event in facts.events:
        for target, _ in event.assignments:
            if resolver.slot(target) not in targets:
                raise ModelError(f"{event.line}: the event sets '{target}', which nothing may set.")
        trigger = graph.condition(resolver.expander.expand(event.trigger))
        assignments, trigger_time_values = _assignments(event, facts, resolver, system)
        system.events.append(
            Event(
                event.id,
                trigger,
                tuple(assignments),
                None if event.delay is None else resolver.formula(event.delay),
                None if event.priority is None else resolver.formula(event.priority),
                event.persistent,
                event.initial_value,
                trigger_time_values,
            )
        )


def _refuse_jumps(facts: Facts, resolver: Resolver, graph: Graph) -> None:
    """Refuse what SBML leaves open: a concentration with a rate rule in a compartment that a formula resizes.

    Where an event makes that formula jump, one reading keeps the amount and another the concentration.
    """
    jumping = {resolver.slot(target) for target in facts.event_targets}
    for s in facts.species.values():
        if s.id not in facts.rates or resolver.kept_as_amount(s) or s.compartment not in facts.assigned:
            continue
        if graph.symbols([resolver.value(s.compartment)]) & jumping:
            raise UnsupportedModelError(
                f"{facts.rates[s.id].where}: the species is in '{s.compartment}', whose assignment rule jumps "
                "in an event; whether that keeps its amount or its concentration is undefined."
            )


def _assignments(
    event: EventFacts, facts: Facts, resolver: Resolver, system: OdeSystem
) -> tuple[list[tuple[str, Expr]], bool]:
    """The assignments, and whether their values are those of the time of the trigger."""
    graph = system.graph
    values = {target: resolver.formula(formula) for target, formula in event.assignments}
    direct = {t: value for t, value in values.items() if resolver.slot(t) == t}
    by_amount = [t for t in values if t not in direct]
    replace = {graph.sym(t): value for t, value in direct.items()}
    result = list(direct.items())
    drifting = []
    for target in by_amount:
        compartment = facts.species[target].compartment
        volume = resolver.value(compartment)
        (new_volume,) = graph.substitute([volume], replace)
        result.append((resolver.slot(target), graph.mul(values[target], new_volume)))
        if compartment in direct:
            continue
        if graph.symbols([volume]) & {resolver.slot(t) for t in by_amount}:
            raise UnsupportedModelError(
                f"{event.line}: the event sets '{target}' and the size of its compartment depends on it."
            )
        if _may_drift(event, facts, resolver, system, volume, set(direct)):
            drifting.append((target, compartment))
    if not drifting or not event.trigger_time_values:
        return result, event.trigger_time_values
    # The values belong to the time of the trigger, but the volume to that of the execution. That makes no
    # difference if all values are constant: then everything may be evaluated at the execution.
    if graph.symbols(values.values()) <= {q.name for q in system.constants} and graph.time not in (
        graph.reachable(values.values())
    ):
        return result, False
    for target, compartment in drifting:
        system.compiled_refusals.append(
            f"event '{event.id}' sets the concentration '{target}' with values from the time of its "
            f"trigger, and '{compartment}' may change before it is carried out"
        )
    return result, True


def _may_drift(
    event: EventFacts, facts: Facts, resolver: Resolver, system: OdeSystem, volume: Expr, own: set[str]
) -> bool:
    """Whether ``volume`` can change between the trigger of ``event`` and its execution."""
    graph = system.graph
    reads = graph.symbols([volume]) - own
    if event.delay is not None:
        constants = {q.name for q in system.constants}
        return not reads <= constants or graph.time in graph.reachable([volume])
    others = {resolver.slot(t) for e in facts.events if e is not event for t, _ in e.assignments}
    return bool(reads & others)
