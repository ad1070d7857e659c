"""Which symbol acts on which, and in which direction: the network that the modules' equations span.

An influence ``source -> target`` exists where the target's rule, or the rate of a reaction that makes or takes the
target, reads the source; or where an event that sets the target waits for the source or reads it. Its sign is that of
the change of the right-hand side with the source, at the numbers given (health).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from leukinetics.biology.catalogue import Catalogue, participants
from leukinetics.biology.formula import Node
from leukinetics.biology.statements import Statement

#: Relative and absolute change of the source with which signs are judged.
_STEP = 0.01


@dataclass(frozen=True)
class Influence:
    """``sign``: 1 raises, -1 lowers, 0 unclear. ``flow``: matter goes from source to target."""

    source: str
    target: str
    sign: int
    flow: bool = False


def influences(catalogue: Catalogue, values: Mapping[str, float]) -> list[Influence]:
    """All influences between species, variables, ports, drugs and supplied species.

    ``values`` are those of symbols at rest; what rests at 0 is taken as small, since its absence would hide others.
    """
    values = {name: number or _STEP for name, number in values.items()}
    ports = {row["port"] for row in catalogue.tables["targets"]}
    nodes = {s.name for s in catalogue.statements if s.kind in ("species", "rate", "rule")} | ports
    nodes |= {a.name for s in catalogue.statements for a in s.assignments}
    found: dict[tuple[str, str], Influence] = {}
    for statement in catalogue.statements:
        for influence in _of(statement, catalogue, nodes, values):
            key = influence.source, influence.target
            known = found.get(key)
            if known is not None:
                sign = known.sign + influence.sign  # 0 if they oppose each other
                influence = Influence(*key, (sign > 0) - (sign < 0), known.flow or influence.flow)
            found[key] = influence
    for drug, document in catalogue.drugs.items():
        for binding in document.content.get("binding", ()):
            by_site = catalogue.ports(str(binding.get("target", "")))
            for port in (by_site[s] for s in binding.get("sites", ()) if s in by_site):
                found[drug, port] = Influence(drug, port, 1)
        for supplied in document.content.get("supplies", ()):
            found[drug, supplied["species"]] = Influence(drug, str(supplied["species"]), 1, True)
    return list(found.values())


def around(edges: list[Influence], centre: tuple[str, ...], steps: int, most: int) -> dict[str, int]:
    """Node -> signed distance from the centre, negative upstream; at most ``most`` nodes, the nearest first."""
    down: dict[str, list[str]] = {}
    up: dict[str, list[str]] = {}
    for edge in edges:
        down.setdefault(edge.source, []).append(edge.target)
        up.setdefault(edge.target, []).append(edge.source)
    found = dict.fromkeys(centre, 0)
    for step in range(1, steps + 1):  # of nodes on both sides, the side of the effects
        for sign, neighbours in ((1, down), (-1, up)):
            edge_of_found = [name for name, distance in found.items() if distance == sign * (step - 1)]
            for name in (n for e in edge_of_found for n in neighbours.get(e, ())):
                if name not in found and len(found) < most:
                    found[name] = sign * step
    return found


def _of(
    statement: Statement, catalogue: Catalogue, nodes: set[str], values: Mapping[str, float]
) -> Iterator[Influence]:
    formula = statement.formula
    if statement.kind == "event":
        yield from _of_event(statement, catalogue, nodes, values)
    if formula is None or statement.kind not in ("rule", "rate", "reaction"):
        return
    plain = formula.expanded(catalogue.functions)
    sources = [n for n in plain.names if n in nodes]
    if statement.kind != "reaction":
        for source in sources:
            if source != statement.name:
                yield Influence(source, statement.name, _sign(plain, source, values))
        return
    taken, made = {n for _, n in statement.reactants}, {n for _, n in statement.products}
    for target in participants(statement):
        direction = (target in made) - (target in taken)
        for source in sources:
            if source != target:
                flow = source in taken and target in made
                yield Influence(source, target, direction * _sign(plain, source, values), flow)


def _of_event(
    event: Statement, catalogue: Catalogue, nodes: set[str], values: Mapping[str, float]
) -> Iterator[Influence]:
    """What brings the event on acts in the direction of the jump; what the new value is made of, by its own sign."""
    assert event.formula is not None
    trigger = event.formula.expanded(catalogue.functions)
    margin = None  # grows towards the event
    if trigger.op in ("gt", "ge", "lt", "le"):
        margin = Node("minus", trigger.args if trigger.op in ("gt", "ge") else trigger.args[::-1])
    for assignment in event.assignments:
        assert assignment.formula is not None
        new = assignment.formula.expanded(catalogue.functions)
        jump = value(new, values) - values.get(assignment.name, math.nan)
        direction = (jump > 0) - (jump < 0)
        for source in (n for n in trigger.names if n in nodes and n != assignment.name):
            yield Influence(source, assignment.name, 0 if margin is None else direction * _sign(margin, source, values))
        for source in (n for n in new.names if n in nodes and n != assignment.name):
            yield Influence(source, assignment.name, _sign(new, source, values))


def _sign(node: Node, source: str, values: Mapping[str, float]) -> int:
    here = values.get(source, math.nan)
    step = _STEP * abs(here) or _STEP
    low, high = (value(node, {**values, source: x}) for x in (here, here + step))
    change = high - low
    if not math.isfinite(change) or abs(change) <= 1e-12 * max(abs(low), abs(high)):
        return 0
    return 1 if change > 0 else -1


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "plus": lambda *a: math.fsum(a), "times": lambda *a: math.prod(a), "divide": lambda a, b: a / b,
    "minus": lambda a, b=None: -a if b is None else a - b, "power": lambda a, b: a**b, "min": min, "max": max,
    "root": lambda n, a=None: math.sqrt(n) if a is None else a ** (1 / n), "abs": abs,
    "exp": math.exp, "ln": math.log, "cos": math.cos, "sin": math.sin, "tanh": math.tanh,
    "lt": operator.lt, "gt": operator.gt, "le": operator.le, "ge": operator.ge,
}  # fmt: skip


def value(node: Node, values: Mapping[str, float]) -> float:
    """The number of a formula without user functions, at time 0; NaN where it has none."""
    if node.op == "const":
        return float(node.value)
    if node.op == "name":
        return float(values.get(node.value, math.nan))
    if node.op == "time":
        return 0.0
    operation = _ARITHMETIC.get(node.op)
    if operation is None:
        return math.nan
    try:
        result = operation(*(value(a, values) for a in node.args))
        return float(result) if not isinstance(result, complex) else math.nan
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan
