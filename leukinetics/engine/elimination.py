"""Sparse LU without pivoting, planned once per model.

The iteration matrix W = I/(h gamma) - J of a Rosenbrock step has a fixed pattern and, as h falls, a dominant
diagonal, so pivots are taken from the diagonal in an order chosen once to keep fill-in low (Markowitz 1957,
doi 10.1287/mnsc.3.3.255). The plan lists, row by row, which products to subtract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Elimination:
    """The plan. ``order[k]`` is the state eliminated k-th; ``lower[i]``/``upper[i]`` are pattern rows.

    Rows and columns in ``lower`` and ``upper`` are positions in the elimination order; ``lower[i]`` holds
    the columns left of the diagonal, ``upper[i]`` those right of it, both ascending.
    """

    order: tuple[int, ...]
    lower: tuple[tuple[int, ...], ...]
    upper: tuple[tuple[int, ...], ...]


def plan(pattern: Sequence[set[int]]) -> Elimination:
    """Choose an elimination order for the square ``pattern`` (row i: columns of its non-zeros).

    Greedy: of the remaining diagonal pivots, the one with the least (rows - 1) * (columns - 1); ties go to
    the lower index, so the plan is the same on every run.
    """
    n = len(pattern)
    rows = [set(r) | {i} for i, r in enumerate(pattern)]
    columns: list[set[int]] = [set() for _ in range(n)]
    for i, row in enumerate(rows):
        for j in row:
            columns[j].add(i)
    left = set(range(n))
    order: list[int] = []
    cost = {i: (len(rows[i]) - 1) * (len(columns[i]) - 1) for i in left}
    pivot_rows: list[set[int]] = []
    pivot_columns: list[set[int]] = []
    while left:
        p = min(left, key=lambda i: (cost[i], i))
        left.discard(p)
        row, column = rows[p] - {p}, columns[p] - {p}
        order.append(p)
        pivot_rows.append(row)
        pivot_columns.append(column)
        for i in column:
            rows[i].discard(p)
            rows[i] |= row
        for j in row:
            columns[j].discard(p)
            columns[j] |= column
        for i in row | column:
            cost[i] = (len(rows[i]) - 1) * (len(columns[i]) - 1)
    position = {state: k for k, state in enumerate(order)}
    lower: list[list[int]] = [[] for _ in range(n)]
    for k, column in enumerate(pivot_columns):
        for i in column:
            lower[position[i]].append(k)
    return Elimination(
        order=tuple(order),
        lower=tuple(tuple(sorted(r)) for r in lower),
        upper=tuple(tuple(sorted(position[j] for j in row)) for row in pivot_rows),
    )
