"""The order in which a generated function computes its nodes.

Elementary functions are collected: all arguments of one level of nesting are computed first and stored side by
side, one loop then applies the function to them. That keeps the long code of exp and log out of the straight
line, where it would be fetched again for every use, and gives the processor independent work.

Powers of a base that is not positive need mending (see engine/prepare.py). That is rare, so it is done behind one
question for the whole batch instead of in every power.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from leukinetics.engine.expr import Expr, Graph

#: Operations that are applied in loops.
BATCHED = ("plog", "log", "exp")
#: Operations that mend an exponential: arguments base, exponential, and what the mending needs.
MENDING = ("powfix", "powpos")


@dataclass(frozen=True)
class Store:
    """One result: C code that takes the value, with ``{}`` where the value goes (``"out[3] = {};"``)."""

    template: str
    expr: Expr


@dataclass(frozen=True)
class Batch:
    """``op`` applied to the arguments of all ``nodes``."""

    op: str
    nodes: tuple[Expr, ...]
    mended: tuple[Expr, ...] = ()  # nodes that take the place of their exponential in this batch


Item = Expr | Store | Batch


def schedule(g: Graph, leaves: Collection[Expr], stores: Sequence[Store]) -> list[Item]:
    """Nodes, batches and stores in an order in which everything precedes its uses."""
    order: list[Item] = []
    done: set[Expr] = set()

    def ready(e: Expr) -> bool:
        return e in done or e in leaves or g.ops[e] == "const"

    def emit(root: Expr) -> None:
        stack = [root]
        while stack:
            e = stack[-1]
            if ready(e):
                stack.pop()
                continue
            missing = [a for a in g.args[e] if not ready(a)]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            done.add(e)
            order.append(e)

    levels, mending = _levels(g, leaves, [s.expr for s in stores])
    for (_, op), nodes in sorted(levels.items()):
        mended = tuple(mending[e] for e in nodes if e in mending)
        for e in nodes:
            emit(g.args[e][0])
        for m in mended:
            for a in (g.args[m][0], *g.args[m][2:]):
                emit(a)
        order.append(Batch(op, tuple(nodes), mended))
        done.update(nodes, mended)
    for store in stores:
        emit(store.expr)
        order.append(store)
    return order


def _levels(
    g: Graph, leaves: Collection[Expr], roots: Sequence[Expr]
) -> tuple[dict[tuple[int, str], list[Expr]], dict[Expr, Expr]]:
    """Batched nodes under ``roots`` by (how many batched operations deep, operation), and who mends which.

    An exponential is mended in its batch if nothing but the mending uses it and the mending needs nothing that
    is computed later.
    """
    needed: set[Expr] = set()
    stack = list(roots)
    while stack:
        e = stack.pop()
        if e not in needed and e not in leaves:
            needed.add(e)
            stack.extend(g.args[e])
    users: dict[Expr, set[Expr]] = {}
    for e in needed:
        for a in g.args[e]:
            users.setdefault(a, set()).add(e)
    depth: dict[Expr, int] = {}
    groups: dict[tuple[int, str], list[Expr]] = {}
    mending: dict[Expr, Expr] = {}
    for e in sorted(needed):
        below = max((depth.get(a, 0) for a in g.args[e]), default=0)
        batched = g.ops[e] in BATCHED
        depth[e] = below + batched
        if batched:
            groups.setdefault((depth[e], g.ops[e]), []).append(e)
        elif g.ops[e] in MENDING:
            power = g.args[e][1]
            early = all(depth.get(a, 0) < depth.get(power, 0) for a in g.args[e] if a != power)
            if g.ops[power] == "exp" and power not in leaves and users[power] == {e} and power not in roots and early:
                mending[power] = e
    return groups, mending
